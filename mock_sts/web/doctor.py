"""The doctor's page: how this server is seen at the address that the browser came by."""

import json
import time
from pathlib import Path

from flask import Blueprint, Response, request

from mock_sts.doctor import Observation, State, Surroundings, Trust, judge, look_at_certificate
from mock_sts.helseid.client_libraries import Sight
from mock_sts.services import metadata
from mock_sts.services.sts import Sts
from mock_sts.web import browser, reading
from mock_sts.web.texts import ENGLISH


def blueprint(sts: Sts, ca_file: Path) -> Blueprint:
    """The routes. ``ca_file`` is where the certificate of the local CA lies, if there is one."""
    routes = Blueprint("doctor", __name__)

    @routes.get("/mock/doctor")
    def page() -> Response:
        urls = reading.effective_urls(sts.addresses)
        # Asked in the process: a request of the server to itself could wait for the very thread that makes it.
        document = json.loads(metadata.discovery(sts, urls))
        keys = tuple(json.loads(metadata.jwks(sts))["keys"])
        sight = Sight(f"{request.scheme}://{request.host}{reading.root(sts.addresses)}", document, keys)
        registered = {one.client_id: one.members["redirect_uris"] for one in sts.catalog.current().clients()}
        report = judge(sight, Surroundings(redirect_uris=registered), _seen_here(sts, sight.authority, ca_file))
        return browser.page("doctor.html", language=ENGLISH, report=report, known=sts.addresses.known())

    return routes


def _seen_here(sts: Sts, authority: str, ca_file: Path) -> list[Observation]:
    now = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(sts.clock.times().now))
    seen = [Observation("clock", State.NOTE, f"{now} UTC on this server")]
    if authority.startswith("https:"):
        trusts = [Trust("the system's store", None)]
        if ca_file.is_file():
            trusts.append(Trust("the local CA", ca_file))
        found, _ = look_at_certificate(authority, trusts)
        if found.state is State.FAULT:
            # The server need not be able to reach itself by the address that a browser has.
            found = Observation(found.check, State.NOTE, f"as seen from the server: {found.says}", found.remedy)
        seen.append(found)
    return seen
