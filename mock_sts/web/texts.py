"""The words of the frame and of the login pages, in bokmål and in English. Other pages have words of their own."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TypeAlias

from mock_sts.helseid.terms import ENGLISH, NORWEGIAN, language_in

__all__ = ["ENGLISH", "NORWEGIAN", "NO_WORDS", "Words", "language_of", "texts"]

#: Text by name, each as (bokmål, English).
Words: TypeAlias = Mapping[str, tuple[str, str]]

NO_WORDS: Words = {}

WORDS: Words = {
    "emulator_badge": ("Emulator", "Emulator"),
    "emulator": (
        "For test, ikke HelseID. Alle her er oppdiktet; skriv ikke inn ekte opplysninger.",
        "For tests, not HelseID. All people here are made up; enter no real data.",
    ),
    "not_affiliated": (
        "Ikke laget eller godkjent av Norsk helsenett.",
        "Not affiliated with or endorsed by Norsk Helsenett.",
    ),
    "sections": ("Sider", "Pages"),
    "languages": ("Språk", "Language"),
    "home": ("Hjem", "Home"),
    "demo": ("Demo", "Demo"),
    "journal": ("Journal", "Journal"),
    "world": ("Verden", "World"),
    "control": ("Styring", "Control"),
    "control_api": ("Kontroll-API", "Control API"),
    "test_tokens": ("Testtoken", "Test tokens"),
    "conformance": ("Samsvar", "Conformance"),
    "doctor": ("Doktor", "Doctor"),
    "docs": ("Dokumentasjon", "Docs"),
    "copy_it": ("Kopier", "Copy"),
    "copied": ("Kopiert", "Copied"),
    "choose": ("Velg innlogging", "Choose how to log in"),
    "for_client": ("Innlogging til", "Logging in to"),
    "level": ("Sikkerhetsnivå", "Security level"),
    "pid": ("Fødselsnummer eller D-nummer", "National identity number or D-number"),
    "hpr": ("HPR-nummer (tomt: fra HPR-testregistry)", "HPR number (empty: from HPR-testregistry)"),
    "eid": ("eID", "eID"),
    "log_in": ("Logg inn", "Log in"),
    "logins_here": ("Innlogging i denne nettleseren", "Logins in this browser"),
    "rules": ("Regler", "Rules"),
    "persona_is": ("Innlogginger i denne nettleseren er som", "Logins in this browser are as"),
    "persona_change": ("Bytt, eller vis sidene igjen", "Change it, or show the pages again"),
    "log_in_as": ("Logg inn som", "Log in as"),
    "cancel": ("Avbryt", "Cancel"),
    "level_too_low": ("For lavt sikkerhetsnivå", "Security level too low"),
    "provider_error": ("Feil hos ID-leverandør", "Provider fails"),
    "timeout": ("ID-leverandør svarer ikke", "Provider does not answer"),
    "slow": ("Treg ID-leverandør", "Slow provider"),
    "other_ends": ("Andre utfall", "Other outcomes"),
    "search": ("Søk på navn, nummer eller rolle", "Search by name, number or role"),
    "find": ("Søk", "Search"),
    "people": ("Testpersoner", "Test people"),
    "nobody": ("Ingen passer til søket", "Nobody fits"),
    "search_hint": (
        "For eksempel sykepleier, fastlege, psykiater, et navn eller et nummer.",
        "For example nurse, GP, psychiatrist, a name or a number.",
    ),
    "more": ("flere; søk for å finne dem", "more; search to find them"),
    "cannot": ("Kan ikke logge inn her:", "Cannot log in here:"),
    "by_number": ("Eller med et nummer", "Or by a number"),
    "preview": ("Dette får klienten vite", "What the client will know"),
    "about": ("om", "about"),
    "profession": ("Yrke", "Profession"),
    "authorization": ("Autorisasjon", "Authorization"),
    "rights": ("Rekvisisjonsrett", "Right to prescribe"),
    "specialities": ("Spesialiteter", "Specialities"),
    "register": ("Fra Helsepersonellregisteret (HPR)", "From the register of health personnel (HPR)"),
    "over": (
        "Denne innloggingen er allerede fullført, eller den ble liggende for lenge. Den kan ikke brukes igjen.",
        "This login has been completed already, or was left for too long. It cannot be used again.",
    ),
    "start_again": ("Start på nytt i applikasjonen", "Start again in the application"),
    "preview_hint": (
        "Alt som kan stå i tokenet. Scope og API bestemmer hva som gjør det, innloggingen bestemmer nivået.",
        "All that may stand in the token. Scopes and APIs decide what does; the way of logging in decides the level.",
    ),
    "show": ("Vis", "Show"),
    "waiting": (
        "ID-leverandøren er treg. Innloggingen fortsetter av seg selv.",
        "The provider is slow. The login goes on.",
    ),
    "go_on": ("Fortsett", "Go on"),
    "forged": (
        "Skjemaet er ikke fra denne nettleseren, eller for gammelt. Prøv igjen.",
        "The form is not from this browser, or too old. Try again.",
    ),
    "wrong_pid": ("Fødselsnummeret må ha elleve siffer.", "The national identity number must have eleven digits."),
    "wrong_hpr": ("HPR-nummeret må ha sju til ni siffer.", "The HPR number must have seven to nine digits."),
    "wrong_level": ("Sikkerhetsnivået må være 3 eller 4.", "The security level must be 3 or 4."),
    "no_eid": ("Personen har ingen eID for {eid}.", "The person has no eID for {eid}."),
    "above_highest": (
        "Personen har ingen eID på nivå {level}; det høyeste er {highest}.",
        "The person has no eID of level {level}; the highest is {highest}.",
    ),
    "below_asked": (
        "Sikkerhetsnivået blir for lavt: {level}, og klienten ber om {asked}.",
        "The security level would be too low: {level}, and the client asks for {asked}.",
    ),
    "replaced": (
        "Nummeret er erstattet av {pid}, som er det å logge inn med.",
        "The number was replaced by {pid}, which is the one to log in with.",
    ),
    "unknown_person": (
        "Ingen testperson har dette nummeret, og MOCK_STS_INVENT_PEOPLE er false.",
        "No test person has this number, and MOCK_STS_INVENT_PEOPLE is false.",
    ),
    "not_synthetic": (
        "Nummeret er ikke syntetisk (måned + 80, + 65 eller + 40), og MOCK_STS_REQUIRE_SYNTHETIC er true.",
        "The number is not synthetic (month + 80, + 65 or + 40), and MOCK_STS_REQUIRE_SYNTHETIC is true.",
    ),
    "or_level": ("eller", "or"),
    "any_person": ("Hvem som helst, på ønsket nivå", "Any person, at the level you choose"),
    "barred": ("Kan ikke brukes nå", "Not for this login"),
    "barred_client": (
        "Klienten er ikke registrert for denne.",
        "The client is not registered for it.",
    ),
    "barred_level": (
        "Gir ikke sikkerhetsnivået som klienten ber om.",
        "Does not reach the security level that the client asks for.",
    ),
    "no_pid": ("Velg en person, eller skriv elleve siffer.", "Choose a person, or type eleven digits."),
    "log_out": ("Logg ut", "Log out"),
    "log_out_question": ("Vil du logge ut?", "Do you want to log out?"),
    "logged_out": ("Du er logget ut", "You are logged out"),
    "hint_missing": (
        "Applikasjonen sendte ikke id_token_hint, og nettleseren går derfor ikke tilbake til den.",
        "The application sent no id_token_hint, so the browser does not go back to it.",
    ),
    "hint_refused": (
        "Applikasjonens id_token_hint ble ikke godtatt: Det er ikke et ID-token fra denne serveren.",
        "The application's id_token_hint was not accepted: it is no ID token of this server.",
    ),
    "hint_of_another_login": (
        "Applikasjonens id_token_hint ble ikke godtatt: Det er fra en annen innlogging enn nettleserens.",
        "The application's id_token_hint was not accepted: it is of another login than the browser's.",
    ),
    "return_refused": (
        "Applikasjonens post_logout_redirect_uri ble ikke godtatt: Adressen er ikke registrert for den.",
        "The application's post_logout_redirect_uri was not accepted: the address is not registered for it.",
    ),
    "error_title": ("Innloggingen kan ikke gjennomføres", "The login cannot go on"),
    "error_code": ("Feilkode", "Error code"),
    "error_id": ("Feilens id", "Id of the error"),
    "error_rule": ("Regel som er brutt", "Rule that was broken"),
    "error_detail": ("Forklaring", "Explanation"),
    "error_client": ("Klient", "Client"),
    "error_now": ("Hva nå?", "What now?"),
    "error_journal": (
        "Klienten får ikke vite dette. Journalen har hele oppføringen.",
        "The client gets none of this. The journal has the whole entry.",
    ),
    "error_page": ("Uten feilen hadde nettleseren endt på", "Without the error the browser would have ended at"),
    "remedy": ("Slik rettes det", "How to mend it"),
    "expected": ("Forventet", "Expected"),
    "observed": ("Observert", "Observed"),
    "source": ("Kilde", "Source"),
    "error_look": ("Se den i journalen", "See it in the journal"),
}


def language_of(ui_locales: Iterable[str], default: str = NORWEGIAN) -> str:
    """The first language of ``ui_locales`` that the pages have; ``default`` when there is none."""
    return next(filter(None, map(language_in, ui_locales)), default)


def texts(language: str, words: Words = NO_WORDS) -> dict[str, str]:
    """The shared texts and ``words`` in ``language``."""
    index = 1 if language == ENGLISH else 0
    return _shared(index) | {name: both[index] for name, both in words.items()}


@lru_cache(maxsize=2)
def _shared(index: int) -> dict[str, str]:
    return {name: both[index] for name, both in WORDS.items()}
