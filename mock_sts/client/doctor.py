"""``mock-sts doctor``: how a server is seen from here, and which client libraries will refuse it and why.

Like ``token_client`` it lives beside the floors and looks at a server from outside, as any client does. The page
``/mock/doctor`` shows the same for the address that a browser came by.
"""

import email.utils
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from mock_sts.client.http import NoAnswerError, ask, printable, proxy_of, within
from mock_sts.client.libraries import (
    NAME_THE_PROXY,
    LibraryRule,
    Sight,
    differs_by_scheme,
    refusals,
    remedy_of,
    strangers,
)
from mock_sts.helseid.endpoints import Endpoint
from mock_sts.helseid.terms import EXPLAIN_OFF
from mock_sts.protocol.urls import origin_of, port_of, split_url
from mock_sts.server.certificates import describe

#: How a report begins each line.
_WORDS = {"fine": "ok", "note": "note", "refused": "refuses", "fault": "FAULT"}

#: Seconds for the addresses of clients, which are asked all at once, and for the search for one name.
_SHORT, _NAMES_WITHIN = 1.0, 5.0

#: Seconds of difference between clocks from which assertions of careful clients are too old or too new.
_CLOCK = 5

#: Days before the end of a certificate that are worth a word.
_SOON = 14
_DAY = 86_400

#: Addresses of clients that are asked at most, and that are named at most.
_ASKED, _NAMED = 40, 2

_WHO_LISTENS = "look whether something listens there that speaks TLS (MOCK_STS_TLS_PORT)"

#: What OpenSSL says of a certificate for another name or address.
_OTHER_NAME = (62, 64)


class State(StrEnum):
    """What an observation means: fine, worth knowing, some clients refuse, no client can use the address."""

    FINE = "fine"
    NOTE = "note"
    REFUSED = "refused"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Observation:
    """One thing that was looked at; ``who`` is the libraries that refuse it, ``remedy`` is empty where all is well."""

    check: str
    state: State
    says: str
    remedy: str = ""
    who: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """What was seen of the server at ``authority``."""

    authority: str
    issuer: str
    observations: tuple[Observation, ...]

    @property
    def status(self) -> int:
        """For scripts: 0 when all is well, 1 when some client will refuse, 2 when none can use the address."""
        states = {observation.state for observation in self.observations}
        return 2 if State.FAULT in states else 1 if State.REFUSED in states else 0

    def document(self) -> dict[str, Any]:
        """The report as JSON has it; what servers said holds no control characters."""
        return {
            "authority": printable(self.authority),
            "issuer": printable(self.issuer),
            "status": self.status,
            "observations": [
                {**asdict(one), "says": printable(one.says), "remedy": printable(one.remedy)}
                for one in self.observations
            ],
        }


@dataclass(frozen=True, slots=True)
class Document:
    """A JSON document of a server: the address it came from in the end, and how far the server's clock is ahead
    (seconds), if the answer has the time.
    """

    members: Mapping[str, Any]
    url: str
    clock_ahead: float | None


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom programs on this machine trust: a name for a person, and the file, None for the system's own store."""

    name: str
    file: Path | None

    def context(self) -> ssl.SSLContext:
        """What a client has that trusts so. Raises OSError for a file that holds no certificates."""
        if self.file is None:
            return ssl.create_default_context()
        return ssl.create_default_context(cafile=str(self.file))


@dataclass(slots=True)
class Surroundings:
    """What the doctor knows beside the address: whom to trust, and the addresses of registered clients; and the seconds
    that each question to the server may take. ``explain`` is the setting of that name, empty where it is not known.
    """

    trusts: tuple[Trust, ...] = (Trust("the system's store", None),)
    redirect_uris: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    resolve: Callable[[str], tuple[str, ...]] = field(default_factory=lambda: resolve)
    patience: float = 5.0
    explain: str = ""


def as_text(report: Report) -> str:
    """The report for a terminal: a line for each observation, and below it what mends it."""
    lines = [printable(f"mock-sts doctor: {report.authority} as seen from here")]
    seen = report.observations
    for number, one in enumerate(seen):
        who = ", ".join(one.who) or one.check
        lines.append(printable(f"{_WORDS[one.state]:8} {who}: {one.says}"))
        if one.remedy and (number + 1 == len(seen) or seen[number + 1].remedy != one.remedy):
            lines.append(printable(f"         -> {one.remedy}"))
    return "\n".join(lines)


def examine(authority: str, around: Surroundings) -> Report:
    """Look at the server at ``authority`` from here, as a client does that is configured with it."""
    found = [_name(authority, around)]
    if found[0].state is State.FAULT:
        return Report(authority, "", tuple(found))
    context = None
    if split_url(authority).scheme == "https":
        certificate, context = look_at_certificate(authority, around.trusts, around.patience)
        found.append(certificate)
        if context is None:
            return Report(authority, "", tuple(found))
    url = authority.rstrip("/") + Endpoint.DISCOVERY
    if proxy := proxy_of(url):
        # Without its user and password.
        said = (
            f"asked through {origin_of(proxy) or 'a proxy'}, as {split_url(url).scheme}_proxy of the environment says"
        )
        found.append(Observation("proxy", State.NOTE, said, "name the host in no_proxy to go there directly"))
    try:
        discovery = fetch_json(url, context, around.patience)
        if not isinstance(discovery.members.get("issuer"), str):
            raise NoAnswerError(f"what {authority} answers is no discovery document: it names no issuer")
    except NoAnswerError as error:
        remedy = error.remedy or "start the server, or mend the address"
        return Report(authority, "", (*found, Observation("discovery", State.FAULT, str(error), remedy)))
    if discovery.url != url:
        said = f"{url} leads to {discovery.url}"
        found.append(Observation("discovery", State.NOTE, said, "name that address: not every client goes on"))
    key_set: object
    try:
        key_set = fetch_json(str(discovery.members.get("jwks_uri", "")), context, around.patience).members
    except NoAnswerError:
        key_set = None
    found.append(clock(discovery.clock_ahead))
    return judge(Sight.of(authority, discovery.members, key_set), around, found)


def judge(sight: Sight, around: Surroundings, found: Iterable[Observation]) -> Report:
    """The report on what was seen; ``found`` are observations that were made before."""
    seen = [_issuer(sight), *found, *_other_names(sight, around), _endpoints(sight)]
    if around.redirect_uris:
        seen.append(_redirects(around.redirect_uris))
    if around.explain:
        seen.append(_explanations(around.explain))
    seen += _libraries(sight, refusals(sight))
    return Report(sight.authority, sight.issuer, tuple(seen))


def _explanations(explain: str) -> Observation:
    """What callers hear of a refusal."""
    if explain == EXPLAIN_OFF:
        says = "error_description is what HelseID says; MOCK_STS_EXPLAIN=description adds rule and remedy"
    else:
        says = "error_description tells rule and remedy, which HelseID does not"
    return Observation("explain", State.FINE, says)


def clock(ahead: float | None) -> Observation:
    """What a difference of clocks means; ``ahead`` is how far the server's is, in seconds."""
    if ahead is None:
        return Observation("clock", State.NOTE, "the server does not tell the time")
    if abs(ahead) <= _CLOCK:
        return Observation("clock", State.FINE, f"within {_CLOCK} s of this machine's")
    return Observation(
        "clock",
        State.REFUSED,
        f"the server's is {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} this machine's",
        "set both by the same time server: assertions live for as little as 5 s",
        ("clients with short assertions",),
    )


def resolve(host: str) -> tuple[str, ...]:
    """The addresses of ``host`` as this machine finds them; none where the name is unknown."""
    try:
        found = within(_NAMES_WITHIN, lambda: socket.getaddrinfo(host, None, type=socket.SOCK_STREAM))
    except (OSError, UnicodeError):
        return ()
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


def fetch_json(url: str, context: ssl.SSLContext | None, seconds: float) -> Document:
    """The JSON object at ``url``, for which there are so many ``seconds``. Raises NoAnswerError."""
    begun = time.time()
    answer = ask(url, seconds=seconds, context=context)
    if answer.status != 200:
        try:
            document = answer.document()
        except NoAnswerError:
            document = {}
        # Ours name the host that was seen, the known ones, and the setting.
        reason = document.get("error_description") or document.get("detail") or "no reason given"
        raise NoAnswerError(
            f"status {answer.status} from {url}: {reason}", "mend the address, or the server's settings"
        )
    return Document(answer.document(), answer.url, _ahead(answer.headers.get("Date"), begun, time.time()))


def _ahead(date: str | None, begun: float, ended: float) -> float | None:
    """How far a server's clock is ahead that said ``date`` between ``begun`` and ``ended``; it tells whole seconds."""
    try:
        at = email.utils.parsedate_to_datetime(date or "").timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
    if at > ended:
        return at - ended
    return min(0.0, at + 1 - begun)


def look_at_certificate(url: str, trusts: Iterable[Trust], seconds: float) -> tuple[Observation, ssl.SSLContext | None]:
    """The certificate of the server at ``url``, and how a client trusts it that can; None when none does.

    ``seconds`` are for all of it.
    """
    parts = split_url(url)
    host, port = parts.hostname or "", port_of(parts)
    try:
        return within(seconds, lambda: _look_at_certificate(host, port, trusts, seconds))
    except TimeoutError as error:
        return Observation("certificate", State.FAULT, f"no TLS with {host}:{port}: {error}", _WHO_LISTENS), None


def _look_at_certificate(
    host: str, port: int, trusts: Iterable[Trust], seconds: float
) -> tuple[Observation, ssl.SSLContext | None]:
    anyone = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anyone.check_hostname, anyone.verify_mode = False, ssl.CERT_NONE
    try:
        names, ends = describe(_certificate(host, port, anyone, seconds))
    except (OSError, ValueError) as error:
        return Observation("certificate", State.FAULT, f"no TLS with {host}:{port}: {error}", _WHO_LISTENS), None
    described = f"for {', '.join(names)}; until {time.strftime('%Y-%m-%d', time.gmtime(ends))}"
    trusted: list[tuple[Trust, ssl.SSLContext]] = []
    wrong_name = False
    for trust in trusts:
        try:
            context = trust.context()
            _certificate(host, port, context, seconds)
        except ssl.SSLCertVerificationError as error:
            wrong_name = wrong_name or error.verify_code in _OTHER_NAME
        except OSError:
            continue
        else:
            trusted.append((trust, context))
    if trusted:
        by_system = trusted[0][0].file is None
        described = f"{described}; trusted by {', '.join(trust.name for trust, _ in trusted)}"
        soon = ends - time.time() < _SOON * _DAY
        state = State.NOTE if soon or not by_system else State.FINE
        remedy = "renew it" if soon else "" if by_system else "give clients that file: mock-sts ca, docs/tls.md"
        return Observation("certificate", state, described, remedy), trusted[0][1]
    if wrong_name:
        remedy = "add the address to MOCK_STS_ALIASES, and start again"
        return Observation("certificate", State.FAULT, f"none for {host}, but {described}", remedy), None
    if ends < time.time():
        return Observation(
            "certificate", State.FAULT, f"over: {described}", "start the server again, or renew it"
        ), None
    return Observation("certificate", State.FAULT, f"trusted by no store here: {described}", "fetch mock-sts ca"), None


def _certificate(host: str, port: int, context: ssl.SSLContext, seconds: float) -> bytes:
    """The certificate of the server that listens there, as DER. Raises OSError, of which ssl's errors are."""
    with (
        socket.create_connection((host, port), timeout=seconds) as plain,
        context.wrap_socket(plain, server_hostname=host) as secure,
    ):
        return secure.getpeercert(binary_form=True) or b""


def _issuer(sight: Sight) -> Observation:
    if sight.issuer == sight.authority:
        return Observation("issuer", State.FINE, sight.issuer)
    remedy = NAME_THE_PROXY if differs_by_scheme(sight) else ""
    return Observation("issuer", State.NOTE, f"{sight.issuer}, another than {sight.authority}", remedy)


def _name(authority: str, around: Surroundings) -> Observation:
    host = split_url(authority).hostname
    found = around.resolve(host) if host else ()
    if found:
        return Observation("name", State.FINE, f"{host} is {', '.join(found)}")
    said = f"{host} has no address on this machine" if host else f"{authority!r} is no http or https URL"
    remedy = (
        "give the server that network alias, or add a line to the hosts file" if host else "such as http://sts:8080"
    )
    return Observation("name", State.FAULT, said, remedy)


def _other_names(sight: Sight, around: Surroundings) -> list[Observation]:
    """The hosts in the metadata that are not the authority's."""
    hosts = dict.fromkeys(split_url(url).hostname or "" for url in (sight.issuer, *sight.endpoints.values()))
    others = [host for host in hosts if host and host != split_url(sight.authority).hostname]
    known = _all_at_once(lambda host: bool(around.resolve(host)), others[:_ASKED])
    unknown = [host for host in others[:_ASKED] if host not in known]
    if not unknown:
        return []
    return [
        Observation(
            "name",
            State.NOTE,
            f"{', '.join(unknown)} in the metadata has no address on this machine",
            "fine if only a browser elsewhere needs it",
        )
    ]


def _endpoints(sight: Sight) -> Observation:
    found = strangers(sight)
    if not found:
        return Observation("endpoints", State.FINE, f"all on {origin_of(sight.authority)}")
    others = ", ".join(dict.fromkeys(origin_of(url) or "no URL" for url in found.values()))
    names = ", ".join([*list(found)[:_NAMED], *(["..."] if len(found) > _NAMED else [])])
    return Observation("endpoints", State.NOTE, f"{len(found)} of {len(sight.endpoints)} on {others}: {names}")


def _redirects(registered: Mapping[str, tuple[str, ...]]) -> Observation:
    """Whether something listens where browsers are sent after a login."""
    owners: dict[str, str] = {}
    for client_id, uris in registered.items():
        for uri in uris:
            if split_url(uri).scheme:
                owners.setdefault(origin_of(uri), client_id)
    asked = dict(list(owners.items())[:_ASKED])
    if not asked:
        return Observation("redirect URIs", State.FINE, "no client has one in http or https")
    answers = _all_at_once(_listens, asked)
    silent = [f"{origin} ({owners[origin]})" for origin in asked if origin not in answers]
    more = [f"{len(silent) - _NAMED} more"] if len(silent) > _NAMED else []
    answered = f"{len(asked) - len(silent)} of {len(asked)} hosts answer from here"
    if not silent:
        return Observation("redirect URIs", State.FINE, answered)
    return Observation("redirect URIs", State.NOTE, f"{answered}; silent: {', '.join([*silent[:_NAMED], *more])}")


def _all_at_once(succeeds: Callable[[str], bool], items: Iterable[str]) -> set[str]:
    """The items that ``succeeds`` holds for, of those that are done in a short time: a search for a name may hang."""
    found: queue.SimpleQueue[tuple[str, bool]] = queue.SimpleQueue()
    threads = [
        threading.Thread(target=lambda item=item: found.put((item, succeeds(item))), daemon=True) for item in items
    ]
    for thread in threads:
        thread.start()
    good, ends = set(), time.monotonic() + 1.5 * _SHORT
    for _ in threads:
        try:
            item, success = found.get(timeout=max(0.0, ends - time.monotonic()))
        except queue.Empty:
            break
        if success:
            good.add(item)
    return good


def _listens(origin: str) -> bool:
    """Whether something takes connections there. Nothing is sent: a request might set off something."""
    parts = split_url(origin)
    try:
        with socket.create_connection((parts.hostname or "", port_of(parts)), timeout=_SHORT):
            return True
    except (OSError, UnicodeError):
        return False


def _libraries(sight: Sight, refused: Iterable[tuple[LibraryRule, str]]) -> list[Observation]:
    found = [
        Observation("client library", State.REFUSED, f"{rule.says}; {fault}", remedy_of(rule, sight), rule.libraries)
        for rule, fault in refused
    ]
    return found or [Observation("client libraries", State.FINE, "none that we know refuses this address")]
