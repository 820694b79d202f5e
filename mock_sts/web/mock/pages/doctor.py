"""The doctor's page: how this server is seen at the address that the browser came by."""

import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import urlsplit

from flask import Blueprint, Response, request

from mock_sts.client.doctor import Observation, State, Surroundings, Trust, judge, look_at_certificate, resolve
from mock_sts.client.libraries import Sight
from mock_sts.protocol.urls import origin_of
from mock_sts.services import metadata
from mock_sts.services.environment import Environment
from mock_sts.web import browser, reading
from mock_sts.web.texts import ENGLISH

#: Seconds that a look at the server's own certificate may take: a visitor holds a thread for as long.
_PATIENCE = 1.0


def blueprint(
    environment: Environment, ca_file: Path, tls_names: Iterable[str] = (), tls_port: int | None = None
) -> Blueprint:
    """The routes. ``ca_file`` is where the certificate of the local CA lies, if there is one; ``tls_names`` are the
    names and addresses for which the server has a certificate on ``tls_port``.
    """
    served = {f"[{name}]" if ":" in name else name for name in tls_names if tls_port is not None}
    own = frozenset(origin_of(f"https://{name}:{tls_port}") for name in served)
    routes = Blueprint("doctor", __name__)

    @routes.get("/mock/doctor")
    def page() -> Response:
        urls = reading.effective_urls(environment.addresses)
        # Asked in the process: a request of the server to itself could wait for the very thread that makes it.
        document = json.loads(metadata.discovery(environment, urls))
        authority = f"{request.scheme}://{request.host}{reading.root(environment.addresses)}"
        sight = Sight.of(authority, document, json.loads(metadata.jwks(environment)))
        registered = {one.client_id: one.members["redirect_uris"] for one in environment.catalog.current().clients()}
        around = Surroundings(redirect_uris=registered, resolve=_resolver(environment))
        report = judge(sight, around, _seen_here(environment, authority, ca_file, own))
        return browser.page("doctor.html", language=ENGLISH, report=report, known=environment.addresses.known())

    return routes


def _resolver(environment: Environment) -> Callable[[str], tuple[str, ...]]:
    """Finds the addresses of names that the settings have; others count as known, and no DNS is asked for them: they
    came with a request, or by the control API.
    """
    configured = {urlsplit(url).hostname for url in environment.configured.named}
    return lambda host: resolve(host) if host in configured else (host,)


def _seen_here(environment: Environment, authority: str, ca_file: Path, own: frozenset[str]) -> list[Observation]:
    now = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(environment.clock.times().now))
    seen = [Observation("clock", State.NOTE, f"{now} UTC on this server")]
    if not authority.startswith("https:"):
        return seen
    # The visitor has said which host this is, and what the server was told since its start is a request's word too: it
    # connects to none but the addresses of its settings.
    if origin_of(authority) in own | {origin_of(url) for url in environment.configured.named}:
        trusts = [Trust("the system's store", None)]
        if ca_file.is_file():
            trusts.append(Trust("the local CA", ca_file))
        found, _ = look_at_certificate(authority, trusts, _PATIENCE)
        if found.state is State.FAULT:
            # The server need not be able to reach itself by the address that a browser has.
            found = Observation(found.check, State.NOTE, f"as seen from the server: {found.says}", found.remedy)
        seen.append(found)
    else:
        says = "not looked at from the server: no setting names this address"
        seen.append(Observation("certificate", State.NOTE, says, f"mock-sts doctor --from {authority}"))
    return seen
