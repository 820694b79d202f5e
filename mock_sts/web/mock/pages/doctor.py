"""The doctor's page: how this server is seen at the address that the browser came by."""

import json
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from flask import Blueprint, Response, request

from mock_sts.client.doctor import Observation, State, Surroundings, Trust, judge, look_at_certificate, resolve
from mock_sts.client.libraries import Sight
from mock_sts.protocol.urls import origin_of
from mock_sts.services import metadata
from mock_sts.services.server import Hosting
from mock_sts.web import browser
from mock_sts.web.reading import current, the_server
from mock_sts.web.texts import Words

#: Seconds that a look at the server's own certificate may take: a visitor holds a thread for as long.
_PATIENCE = 1.0


ROUTES = Blueprint("doctor", __name__)

WORDS: Words = {
    "how_seen": ("Slik ser klienter", "How clients see"),
    "issuer": ("Utsteder (issuer)", "Issuer"),
    "known_as": ("Kjent som", "Known as"),
    "from_elsewhere": ("Det samme fra et annet sted", "The same from elsewhere"),
    "state_note": ("Merk", "Note"),
    "state_refused": ("Avvises av", "Refused by"),
    "state_fault": ("Feil", "Fault"),
}


@ROUTES.get("/mock/doctor")
def page() -> Response:
    """What the doctor finds for the address that the browser came by."""
    reached = current()
    environment = reached.environment
    # Asked in the process: a request of the server to itself could wait for the very thread that makes it.
    document = json.loads(metadata.discovery(reached))
    authority = f"{request.scheme}://{request.host}{reached.root}"
    sight = Sight.of(authority, document, json.loads(metadata.jwks(environment)))
    registered = {one.client_id: one.redirect_uris for one in reached.catalog.clients()}
    around = Surroundings(redirect_uris=registered, resolve=_resolver(), explain=environment.policy.explain)
    report = judge(sight, around, _seen_here(authority))
    return browser.page("doctor.html", section="doctor", words=WORDS, report=report, known=reached.addresses.known())


def _resolver() -> Callable[[str], tuple[str, ...]]:
    """Finds the addresses of names that the settings have; others count as known, and no DNS is asked for them: they
    came with a request, or by the control API.
    """
    configured = {urlsplit(url).hostname for url in the_server().configured.named}
    return lambda host: resolve(host) if host in configured else (host,)


def _origins_of_certificate(hosting: Hosting) -> frozenset[str]:
    """The origins for which the server has a certificate."""
    served = hosting.certificate_names if hosting.tls_port is not None else ()
    hosts = (f"[{name}]" if ":" in name else name for name in served)
    return frozenset(origin_of(f"https://{host}:{hosting.tls_port}") for host in hosts)


def _seen_here(authority: str) -> list[Observation]:
    hosting, configured = the_server().hosting, the_server().configured
    now = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(current().environment.clock.times().now))
    seen = [Observation("clock", State.NOTE, f"{now} UTC on this server")]
    if not authority.startswith("https:"):
        return seen
    # The visitor has said which host this is, and an override is a request's word too: it
    # connects to none but the addresses of its settings.
    if origin_of(authority) in _origins_of_certificate(hosting) | {origin_of(url) for url in configured.named}:
        trusts = [Trust("the system's store", None)]
        if hosting.ca.is_file():
            trusts.append(Trust("the local CA", hosting.ca))
        found, _ = look_at_certificate(authority, trusts, _PATIENCE)
        if found.state is State.FAULT:
            # The server need not be able to reach itself by the address that a browser has.
            found = Observation(found.check, State.NOTE, f"as seen from the server: {found.says}", found.remedy)
        seen.append(found)
    else:
        says = "not looked at from the server: no setting names this address"
        seen.append(Observation("certificate", State.NOTE, says, f"mock-sts doctor --from {authority}"))
    return seen
