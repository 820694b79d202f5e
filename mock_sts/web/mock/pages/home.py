"""The first page: what this is, and where to go from here."""

from flask import Blueprint, Response, request

from mock_sts.helseid.hosts import impersonated_by
from mock_sts.helseid.ready import READY_CLIENT, READY_PEOPLE
from mock_sts.protocol.addresses import host_name
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
    "ready_people": ("Klare personer", "Ready people"),
    "about_people": (
        "Logg inn som dem på siden, eller send nummeret som",
        "Log in as them on the page, or send the number as",
    ),
    "any_number": ("Et annet gyldig nummer virker også.", "Any other well-formed number does too."),
    "ready_client": ("En klar klient", "A ready client"),
    "machine_token": ("Et token for en maskin, gjennom hele flyten:", "A token for a machine, through the whole flow:"),
    "where_name_is_here": (
        "for et program der det navnet er denne serveren.",
        "for a program for which that name is this server.",
    ),
}


@ROUTES.get("/")
def page() -> Response:
    """The page."""
    urls = current().urls
    return browser.page(
        "home.html",
        section="home",
        words=WORDS,
        issuer=urls.issuer.base,
        here=urls.back_channel.base,
        taken=impersonated_by(urls.issuer.base),
        # A name of NHN's is this server's where the page was asked by it; from elsewhere that is unknown.
        leads_here=impersonated_by(urls.back_channel.base) in ("", host_name(request.host)),
        ready=READY_PEOPLE,
        client_id=READY_CLIENT,
        invents=current().environment.policy.invent_people,
    )
