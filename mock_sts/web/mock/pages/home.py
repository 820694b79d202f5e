"""The first page: what this is, and where to go from here."""

import shutil
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path

from flask import Blueprint, Response, request

from mock_sts.helseid.hosts import impersonated_by
from mock_sts.helseid.ready import READY_CLIENT, READY_PEOPLE
from mock_sts.protocol.addresses import host_name
from mock_sts.services.registry.client_configuration import PLATFORMS, for_platform
from mock_sts.services.registry.new_client import MadeClient
from mock_sts.store.fixtures.files import shipped_key
from mock_sts.web import browser
from mock_sts.web.reading import current
from mock_sts.web.texts import Words

ROUTES = Blueprint("home", __name__)

WORDS: Words = {
    "what_it_is": (
        "En emulator av HelseID, innloggings- og token-tjenesten i norsk helsevesen, som virker uten nett. Bare for "
        "test, og bare med oppdiktede personer.",
        "An offline emulator of HelseID, the login and token service of Norwegian health care. For tests only; "
        "everything here is synthetic.",
    ),
    "taken_name": ("Den bruker navnet til en ekte HelseID,", "It goes by the name of a real HelseID,"),
    "taken_so": (
        "Der navnet fører til NHN, snakker klienten med NHN.",
        "Where that name leads to NHN, a client talks to NHN.",
    ),
    "authority": ("Adressen klienten din skal bruke (authority)", "The authority for your client"),
    "about_demo": (
        "Logg inn, og se hvert steg av en riktig klient.",
        "Log in, and see each step of a correct client.",
    ),
    "about_doctor": (
        "Hvordan klienter ser serveren, og hvilke som avviser den.",
        "How clients see this server, and which refuse it.",
    ),
    "about_journal": (
        "Hver forespørsel med svaret, og hva som var galt.",
        "Every request with its answer, and what was wrong.",
    ),
    "about_metadata": ("Adressene og mulighetene til serveren.", "What the server can do, and where."),
    "about_rules": ("Reglene som forespørsler dømmes etter.", "The rules that requests are judged by."),
    "about_people_page": ("Hvem som logger inn i denne nettleseren.", "Who logs in in this browser."),
    "people_here": ("Innlogging her", "Logins here"),
    "runs": ("Dette kjører", "What runs"),
    "version": ("Versjon", "Version"),
    "environment": ("Miljø", "Environment"),
    "enforcement": ("Håndheving", "Enforcement"),
    "first_command": ("Den første kommandoen", "The first command"),
    "ready_people": ("Klare personer", "Ready people"),
    "about_people": (
        "Velg hvem som logger inn i denne nettleseren, eller send nummeret som",
        "Choose who logs in in this browser, or send the number as",
    ),
    "any_number": ("Et annet gyldig nummer virker også.", "Any other well-formed number does too."),
    "machine_token": ("Et token for en maskin, gjennom hele flyten:", "A token for a machine, through the whole flow:"),
    "where_name_is_here": (
        "for et program der det navnet er denne serveren.",
        "for a program for which that name is this server.",
    ),
    "snippets": ("I din klient", "In your client"),
    "about_snippets": (
        "Ferdig oppsett av demo-machine for denne adressen. Den private nøkkelen er offentlig, og bare for test.",
        "Ready configuration of demo-machine for this address. Its private key is published, and for tests only.",
    ),
    "everything": ("Alt annet", "Everything else"),
}

#: How the platforms of ``client_configuration`` are called.
_PLATFORMS = {"dotnet": ".NET", "java": "Java", "node": "Node.js", "python": "Python"}


@ROUTES.get("/")
def page() -> Response:
    """The page."""
    reached = current()
    urls, environment = reached.urls, reached.environment
    here = urls.back_channel.base
    return browser.page(
        "home.html",
        section="home",
        words=WORDS,
        issuer=urls.issuer.base,
        here=here,
        taken=impersonated_by(urls.issuer.base),
        # A name of NHN's is this server's where the page was asked by it; from elsewhere that is unknown.
        leads_here=impersonated_by(here) in ("", host_name(request.host)),
        command=command(),
        snippets=_snippets(here),
        ready=READY_PEOPLE,
        client_id=READY_CLIENT,
        invents=environment.policy.invent_people,
        environment=environment.name,
        enforcement=environment.policy.enforcement.word,
        persona=browser.persona_cookie(),
    )


@cache
def command() -> str:
    """``mock-sts`` as a shell in the server's folder finds it: ``.venv/bin/mock-sts`` where it is on no path."""
    own = Path(sys.executable).parent / "mock-sts"
    found = shutil.which("mock-sts")
    with suppress(OSError, ValueError):
        if found is None and own.is_file():
            return str(own.relative_to(Path.cwd()))
    return "mock-sts"


def _snippets(url: str) -> list[tuple[str, str]]:
    """The name of each platform, and the configuration of the ready client for it; none where that has another key."""
    client, key = current().catalog.client(READY_CLIENT), shipped_key(READY_CLIENT)
    if client is None or key["kid"] not in {one.kid for one in client.keys}:
        return []
    made = MadeClient(client, key)
    return [(_PLATFORMS[one], for_platform(made, url, one)) for one in PLATFORMS]
