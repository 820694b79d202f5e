"""``mock-sts doctor``: how a server is seen from here, and which client libraries will refuse it and why.

Like ``token_client`` it lives beside the floors and looks at a server from outside, as any client does. The page
``/mock/doctor`` shows the same for the address that a browser came by.
"""

import email.utils
import json
import os
import queue
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mock_sts.helseid.client_libraries import LibraryRule, Sight, origin_of, refusals, strangers
from mock_sts.protocol.terms import Endpoint
from mock_sts.services.certificates import describe
from mock_sts.settings import Settings

#: How a report begins each line.
_WORDS = {"fine": "ok", "note": "note", "refused": "refuses", "fault": "FAULT"}

#: Seconds for an answer of the server, and for the addresses of clients, which are asked all at once.
_PATIENCE, _SHORT = 5.0, 1.0

#: Seconds of difference between clocks from which assertions of careful clients are too old or too new.
_CLOCK = 5

#: Days before the end of a certificate that are worth a word.
_SOON = 14
_DAY = 86_400

#: Addresses of clients that are asked at most, and that are named at most.
_ASKED, _NAMED = 40, 3

#: Environment variables by which programs are told of further authorities.
_CA_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")

#: What OpenSSL says of a certificate for another name or address.
_OTHER_NAME = (62, 64)


class State(StrEnum):
    """What an observation means: fine, worth knowing, some clients refuse, nobody can use the address."""

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
        """The report as JSON has it."""
        return {
            "authority": self.authority,
            "issuer": self.issuer,
            "status": self.status,
            "observations": [asdict(observation) for observation in self.observations],
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back from a server: a JSON document, and how far its clock is ahead (seconds), if it told the time."""

    document: Mapping[str, Any]
    clock_ahead: float | None


class NoAnswerError(Exception):
    """No JSON document; the message says why."""


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
    """What the doctor knows beside the address: whom to trust, and the addresses of registered clients."""

    trusts: tuple[Trust, ...] = (Trust("the system's store", None),)
    redirect_uris: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    resolve: Callable[[str], tuple[str, ...]] = field(default_factory=lambda: resolve)


def surroundings(settings: Settings) -> Surroundings:
    """Those of this machine: the local CA, those in environment variables, and the clients of the local registry."""
    files = [(name, Path(value)) for name in _CA_VARIABLES if (value := os.environ.get(name))]
    if settings.certificates.ca.is_file():
        files.append(("", settings.certificates.ca))
    named = {file: Trust(f"{file} ({name})" if name else str(file), file) for name, file in files if file.is_file()}
    return Surroundings((Trust("the system's store", None), *named.values()), _registered(settings))


def _registered(settings: Settings) -> dict[str, tuple[str, ...]]:
    """Client id to redirect URIs; empty without a registry on this machine."""
    if not settings.database_path.is_file():
        return {}
    from mock_sts.store.catalog import load_catalog  # noqa: PLC0415  only where there is one
    from mock_sts.store.engine import Store, StoreError  # noqa: PLC0415

    store = Store(settings.database_path, synchronous=settings.sqlite_synchronous)
    try:
        clients = load_catalog(store).clients()
    except StoreError:
        return {}
    finally:
        store.close()
    return {client.client_id: client.members["redirect_uris"] for client in clients}


def as_text(report: Report) -> str:
    """The report for a terminal: a line for each observation, and below it what mends it."""
    lines = [f"mock-sts doctor: {report.authority} as seen from here"]
    seen = report.observations
    for number, one in enumerate(seen):
        who = ", ".join(one.who) or one.check
        lines.append(f"{_WORDS[one.state]:8} {who}: {one.says}")
        if one.remedy and (number + 1 == len(seen) or seen[number + 1].remedy != one.remedy):
            lines.append(f"         -> {one.remedy}")
    return "\n".join(lines)


def examine(authority: str, around: Surroundings) -> Report:
    """Look at the server at ``authority`` from here, as a client does that is configured with it."""
    found = [_name(authority, around)]
    if found[0].state is State.FAULT:
        return Report(authority, "", tuple(found))
    context = None
    if authority.startswith("https:"):
        certificate, context = look_at_certificate(authority, around.trusts)
        found.append(certificate)
    try:
        answer = fetch_json(authority.rstrip("/") + Endpoint.DISCOVERY, context)
        if not isinstance(answer.document.get("issuer"), str):
            raise NoAnswerError(f"what {authority} answers is no discovery document: it names no issuer")
    except NoAnswerError as error:
        fault = Observation("discovery", State.FAULT, str(error), "start the server, or mend the address")
        return Report(authority, "", (*found, fault))
    keys: tuple[Mapping[str, Any], ...] | None
    try:
        keys = tuple(fetch_json(str(answer.document.get("jwks_uri", "")), context).document["keys"])
    except (NoAnswerError, KeyError, TypeError):
        keys = None
    found.append(clock(answer.clock_ahead))
    return judge(Sight(authority, answer.document, keys), around, found)


def judge(sight: Sight, around: Surroundings, found: Iterable[Observation]) -> Report:
    """The report on what was seen; ``found`` are observations that were made before."""
    seen = [_issuer(sight), *found, *_other_names(sight, around), _endpoints(sight)]
    if around.redirect_uris:
        seen.append(_redirects(around.redirect_uris))
    seen += _libraries(refusals(sight))
    return Report(sight.authority, sight.issuer, tuple(seen))


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
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


def fetch_json(url: str, context: ssl.SSLContext | None) -> Answer:
    """The JSON object at ``url``. Raises NoAnswerError."""
    if not url.startswith(("http://", "https://")):
        raise NoAnswerError(f"{url[:100]!r} is no http or https URL")
    begun = time.time()
    opener = urllib.request.build_opener(*([urllib.request.HTTPSHandler(context=context)] if context else []))
    try:
        with opener.open(url, timeout=_PATIENCE) as response:
            told, body = response.headers.get("Date"), response.read(1_000_000)
    except urllib.error.HTTPError as error:
        with error:
            raise NoAnswerError(f"status {error.code} from {url}: {_said(error.read(1_000_000))}") from None
    except (OSError, ValueError) as error:
        raise NoAnswerError(f"no answer from {url}: {getattr(error, 'reason', error)}") from None
    document = _object_in(body)
    if document is None:
        raise NoAnswerError(f"what {url} answers is no JSON object")
    return Answer(document, _ahead(told, begun, time.time()))


def _object_in(body: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(body)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _said(body: bytes) -> str:
    """The words of a refusal; ours name the host that was seen, the known ones, and the setting."""
    document = _object_in(body) or {}
    return str(document.get("error_description") or document.get("detail") or "no reason given")


def _ahead(told: str | None, begun: float, ended: float) -> float | None:
    """How far a server's clock is ahead that said ``told`` between ``begun`` and ``ended``; it tells whole seconds."""
    try:
        at = email.utils.parsedate_to_datetime(told or "").timestamp()
    except (TypeError, ValueError):
        return None
    if at > ended:
        return at - ended
    return min(0.0, at + 1 - begun)


def look_at_certificate(url: str, trusts: Iterable[Trust]) -> tuple[Observation, ssl.SSLContext | None]:
    """The certificate of the server at ``url``, and how a client trusts it that can."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 443
    anyone = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anyone.check_hostname, anyone.verify_mode = False, ssl.CERT_NONE
    try:
        names, ends = describe(_certificate(host, port, anyone))
    except (OSError, ValueError) as error:
        remedy = "look whether something listens there that speaks TLS (MOCK_STS_TLS_PORT)"
        return Observation("certificate", State.FAULT, f"no TLS with {host}:{port}: {error}", remedy), None
    told = f"for {', '.join(names)}; until {time.strftime('%Y-%m-%d', time.gmtime(ends))}"
    trusted: list[tuple[Trust, ssl.SSLContext]] = []
    wrong_name = False
    for trust in trusts:
        try:
            context = trust.context()
            _certificate(host, port, context)
        except ssl.SSLCertVerificationError as error:
            wrong_name = wrong_name or error.verify_code in _OTHER_NAME
        except OSError:
            continue
        else:
            trusted.append((trust, context))
    if trusted:
        by_system = trusted[0][0].file is None
        told = f"{told}; trusted by {', '.join(trust.name for trust, _ in trusted)}"
        soon = ends - time.time() < _SOON * _DAY
        state = State.NOTE if soon or not by_system else State.FINE
        remedy = "renew it" if soon else "" if by_system else "give clients that file: mock-sts ca, docs/tls.md"
        return Observation("certificate", state, told, remedy), trusted[0][1]
    if wrong_name:
        remedy = "add the address to MOCK_STS_ALIASES, and start again"
        return Observation("certificate", State.FAULT, f"none for {host}, but {told}", remedy), None
    if ends < time.time():
        return Observation("certificate", State.FAULT, f"over: {told}", "start the server again, or renew it"), None
    return Observation("certificate", State.FAULT, f"trusted by nobody here: {told}", "fetch mock-sts ca"), None


def _certificate(host: str, port: int, context: ssl.SSLContext) -> bytes:
    """The certificate of whoever listens there, as DER. Raises OSError, of which ssl's errors are."""
    with (
        socket.create_connection((host, port), timeout=_PATIENCE) as plain,
        context.wrap_socket(plain, server_hostname=host) as secure,
    ):
        return secure.getpeercert(binary_form=True) or b""


def _issuer(sight: Sight) -> Observation:
    if sight.issuer == sight.authority:
        return Observation("issuer", State.FINE, sight.issuer)
    return Observation("issuer", State.NOTE, f"{sight.issuer}, another than {sight.authority}")


def _name(authority: str, around: Surroundings) -> Observation:
    host = _host_of(authority)
    found = around.resolve(host) if host else ()
    if found:
        return Observation("name", State.FINE, f"{host} is {', '.join(found)}")
    said = f"{host} has no address on this machine" if host else f"{authority!r} is no http or https URL"
    remedy = (
        "give the server that network alias, or add a line to the hosts file" if host else "such as http://sts:8080"
    )
    return Observation("name", State.FAULT, said, remedy)


def _host_of(url: str) -> str:
    try:
        parts = urlsplit(url)
        return (parts.hostname or "") if parts.scheme in ("http", "https") and parts.port != 0 else ""
    except ValueError:
        return ""


def _other_names(sight: Sight, around: Surroundings) -> list[Observation]:
    """The hosts in the metadata that are not the authority's."""
    hosts = dict.fromkeys(_host_of(url) for url in (sight.issuer, *sight.endpoints.values()))
    unknown = [host for host in hosts if host and host != _host_of(sight.authority) and not around.resolve(host)]
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
    others = ", ".join(dict.fromkeys(origin_of(url) for url in found.values()))
    names = ", ".join([*list(found)[:_NAMED], *(["..."] if len(found) > _NAMED else [])])
    return Observation("endpoints", State.NOTE, f"{len(found)} of {len(sight.endpoints)} on {others}: {names}")


def _redirects(registered: Mapping[str, tuple[str, ...]]) -> Observation:
    """Whether something listens where browsers are sent after a login."""
    owners: dict[str, str] = {}
    for client_id, uris in registered.items():
        for uri in uris:
            if _host_of(uri):
                owners.setdefault(origin_of(uri), client_id)
    asked = dict(list(owners.items())[:_ASKED])
    if not asked:
        return Observation("redirect URIs", State.FINE, "no client has one in http or https")
    answers = _all_at_once(_listens, asked)
    silent = [f"{origin} ({owners[origin]})" for origin in asked if origin not in answers]
    more = [f"{len(silent) - _NAMED} more"] if len(silent) > _NAMED else []
    told = f"{len(asked) - len(silent)} of {len(asked)} hosts answer from here"
    if not silent:
        return Observation("redirect URIs", State.FINE, told)
    return Observation("redirect URIs", State.NOTE, f"{told}; silent: {', '.join([*silent[:_NAMED], *more])}")


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
    parts = urlsplit(origin)
    try:
        with socket.create_connection(
            (parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)), timeout=_SHORT
        ):
            return True
    except (OSError, UnicodeError):
        return False


def _libraries(refused: Iterable[tuple[LibraryRule, str]]) -> list[Observation]:
    found = [
        Observation("client library", State.REFUSED, f"{rule.says}; {fault}", rule.remedy, rule.libraries)
        for rule, fault in refused
    ]
    return found or [Observation("client libraries", State.FINE, "none that we know refuses this address")]
