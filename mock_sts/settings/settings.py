"""Settings: one table, read by the command line, the validation, the documentation and the start screen.

A wrong value raises SettingError with a sentence that names the setting, the value and the remedy.
"""

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mock_sts.helseid.hosts import COMPANIONS, PRODUCTION_HOSTS
from mock_sts.helseid.requirement import Enforcement
from mock_sts.helseid.terms import (
    ANY_KEY,
    EXPLAIN_OFF,
    EXPLANATIONS,
    LOGIN_AUTO,
    LOGIN_AUTO_IF_HINTED,
    LOGIN_MODES,
    ONE_TIME_USE_ONLY,
    REUSABLE,
    SIGNING_ALGORITHMS,
    TOKEN_SERVICE_KEYS,
)
from mock_sts.protocol.addresses import Addresses, TrustedProxies, UrlMode, is_loopback
from mock_sts.protocol.near_names import did_you_mean
from mock_sts.settings import readers
from mock_sts.settings.certificate_files import CertificateFiles, names_of
from mock_sts.store.location import checked_url, file_of, shown, without_password
from mock_sts.store.private_files import Places

PREFIX = "MOCK_STS_"


class SettingError(ValueError):
    """A setting that cannot be used; the message says which, what it holds, and what would be right."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: name, default as it would be written, what it is for, and how its text is read.

    ``parse`` returns the value or raises ValueError with what would be right. What ``is_secret`` is never shown;
    ``shown`` gives what may be shown of another text.
    """

    name: str
    default: str
    help: str
    parse: Callable[[str], Any]
    is_secret: bool = False
    shown: Callable[[str], str] = str

    @property
    def variable(self) -> str:
        """The environment variable."""
        return PREFIX + self.name.upper()

    @property
    def option(self) -> str:
        """The command-line option."""
        return "--" + self.name.replace("_", "-")


def _kind_of(text: str) -> str:
    """What a text that may not be shown is like."""
    if not text.isascii():
        return "a text with letters outside ASCII"
    if not text.isprintable():
        return "a text with a line break or another control character"
    return "a text with a space at its beginning or end" if text != text.strip() else "a text"


def _is_service_link(name: str, value: str) -> bool:
    """Whether Kubernetes has set this variable for a Service called mock-sts; it is no setting of ours."""
    return name.startswith((f"{PREFIX}SERVICE_", f"{PREFIX}PORT_")) or value.startswith("tcp://")


_DEFAULT_PERSONA = "kvart-grevling"

SETTINGS: tuple[Setting, ...] = (
    Setting("host", "127.0.0.1", "IP address to listen on, or localhost; 0.0.0.0 for all", readers.host),
    Setting("port", "8080", "Port to listen on; 0 takes a free one, for serve alone", readers.number(0, 65535)),
    Setting(
        "tls_port",
        "",
        "Port for https, beside http on the other, 0 for a free one; empty: no https",
        readers.optional_number(0, 65535),
    ),
    Setting(
        "tls_certificate",
        "",
        "PEM file with the certificate chain for https; empty: one of a local CA, made and kept with the data",
        readers.optional_file,
    ),
    Setting("tls_key", "", "PEM file with the private key of tls_certificate", readers.optional_file),
    Setting("tls_minimum", "1.2", "Lowest version of TLS that is spoken: 1.2 or 1.3", readers.choice("1.2", "1.3")),
    Setting(
        "trusted_proxies",
        "",
        "Proxies whose X-Forwarded-* headers count: how many stand in front, or their addresses and networks; "
        "empty: none",
        readers.proxies,
    ),
    Setting(
        "public_url", "", "The issuer, byte for byte; empty: the address that the client asked", readers.optional_url
    ),
    Setting("aliases", "", "Other addresses of the same server, separated by spaces", readers.urls),
    Setting(
        "url_mode",
        "",
        "Which URLs follow the host that asked: split (default with a public URL), fixed, request (default without)",
        readers.choice("", *UrlMode),
    ),
    Setting(
        "database_url",
        "sqlite:///mock-sts-data/mock-sts.sqlite",
        "Where everything is kept: sqlite:///PATH, or postgresql://USER@HOST:PORT/NAME with mock-sts[postgresql]",
        checked_url,
        shown=without_password,
    ),
    Setting(
        "data_folder",
        "",
        "Folder for the local CA, private keys of client new and the demo's logins; empty: that of an SQLite database, "
        "else mock-sts-data",
        readers.text,
    ),
    Setting(
        "fixtures",
        "",
        "Folders with own fixtures on top of the shipped world, separated as in PATH; later ones win",
        readers.folders,
    ),
    Setting(
        "enforcement",
        "helseid",
        "What is refused: observe (next to nothing), helseid (what HelseID refuses), strict (the security profile), "
        "fapi2 (the FAPI 2.0 Security Profile)",
        readers.choice(*(mode.word for mode in Enforcement)),
    ),
    Setting(
        "explain",
        EXPLAIN_OFF,
        "Whether error_description says why: off (what HelseID says), description (rule and remedy behind it); clients "
        "may have their own",
        readers.choice(*EXPLANATIONS),
    ),
    Setting(
        "preset",
        "helseid",
        "A named bundle of settings: helseid, or fapi2, which is the FAPI 2.0 Security Profile instead of HelseID's",
        readers.choice("helseid", "fapi2"),
    ),
    Setting(
        "workers",
        "",
        "Processes that answer requests; empty: one, and a moment later a second one where the machine has two cores",
        readers.optional_number(1, 64),
    ),
    Setting(
        "threads",
        "2",
        "Requests per process that are worked on at the same time; many more may wait",
        readers.number(1, 64),
    ),
    Setting(
        "admin_token",
        "",
        "Bearer token that the control API asks for; empty: none",
        readers.header_text,
        is_secret=True,
    ),
    Setting(
        "signing_keys",
        "shipped",
        "shipped: the published development key, the same everywhere; fresh: made at first start",
        readers.choice("shipped", "fresh"),
    ),
    Setting(
        "signing_algorithm",
        SIGNING_ALGORITHMS[0],
        "What tokens are signed with: RS256 as at HelseID, or PS256",
        readers.choice(*SIGNING_ALGORITHMS),
    ),
    Setting("access_token_lifetime", "600", "Seconds; APIs and clients may have their own", readers.number(1, 86_400)),
    Setting("id_token_lifetime", "300", "Seconds; clients may have their own", readers.number(1, 86_400)),
    Setting(
        "refresh_token_lifetime",
        "28800",
        "Seconds from the login; clients may have their own",
        readers.number(1, 31_536_000),
    ),
    Setting(
        "refresh_token_usage",
        "",
        "OneTimeUseOnly or Reusable for the refresh tokens of all clients; empty: as each client is registered",
        readers.choice("", ONE_TIME_USE_ONLY, REUSABLE),
    ),
    Setting(
        "revoke_on_code_reuse",
        "false",
        "Whether a code that is used twice takes back the tokens that it gave (RFC 6749 section 4.1.2)",
        readers.flag,
    ),
    Setting(
        "keep_identity_scopes",
        "false",
        "Whether a person's token that resource narrows to one API keeps openid and the other identity scopes; they "
        "are dropped by the product that HelseID is built on",
        readers.flag,
    ),
    Setting(
        "identity_providers",
        "",
        "Schemes of the identity providers on offer, separated by spaces; empty: all",
        readers.schemes,
    ),
    Setting(
        "login_mode",
        LOGIN_AUTO_IF_HINTED,
        "Whether people log in without a page: page (never), auto (always, as the default persona unless a test says "
        "otherwise), auto-if-hinted (when something tells who); clients may have their own",
        readers.choice(*LOGIN_MODES),
    ),
    Setting("default_persona", _DEFAULT_PERSONA, "Short name or pid of who logs in in login mode auto", readers.text),
    Setting("single_sign_on_lifetime", "28800", "Seconds; clients may have their own", readers.number(1, 31_536_000)),
    Setting("code_lifetime", "300", "Seconds that a code may wait to be redeemed", readers.number(1, 86_400)),
    Setting("pushed_request_lifetime", "600", "Seconds from PAR to the end of the login", readers.number(1, 86_400)),
    Setting(
        "require_synthetic",
        "false",
        "Whether a pid outside the synthetic series is refused; otherwise it is let in with a warning",
        readers.flag,
    ),
    Setting(
        "invent_people", "true", "Whether a pid of no persona is a person invented for it, or refused", readers.flag
    ),
    Setting("dpop_nonce_step", "60", "Seconds; a nonce is good for its step and the next", readers.number(1, 3_600)),
    Setting(
        "clock_skew",
        "",
        "Seconds that a client's clock may differ; empty: 300, and 10 in strict enforcement",
        readers.optional_number(0, 3_600),
    ),
    Setting("network", "internett", "The network that people come from", readers.choice("internett", "helsenett")),
    Setting(
        "seed",
        "",
        "For tests alone: from this text follow all ids, codes, handles and jti, the same again after a reset; empty: "
        "chance",
        readers.text,
    ),
    Setting(
        "environment_idle",
        "86400",
        "Seconds after which an environment that no request has used ends; 0: none does",
        readers.number(0, 31_536_000),
    ),
    Setting("max_body", "262144", "Longest request body in bytes", readers.number(1_024, 16_777_216)),
    Setting(
        "request_timeout",
        "30",
        "Seconds within which a request must have come, its body included",
        readers.number(1, 3_600),
    ),
    Setting(
        "journal_size",
        "10000",
        "Entries that the journal keeps; the oldest go first",
        readers.number(100, 1_000_000),
    ),
    Setting(
        "scripted_login_lifetime",
        "3600",
        "Seconds for which a scripted login (next-login) waits for the login that it is for; 0: for ever",
        readers.number(0, 31_536_000),
    ),
    Setting(
        "sqlite_synchronous",
        "normal",
        "normal, or off for a database that may be lost with the machine's power",
        readers.choice("normal", "off"),
    ),
    Setting(
        "test_token_issuer",
        "",
        "The issuer of tokens of the test-token service, one of the server's addresses; empty: that of the STS",
        readers.optional_url,
    ),
    Setting(
        "test_token_typ",
        "JWT",
        "The typ of tokens of the test-token service where a request does not say: JWT as recorded, or at+jwt",
        readers.choice("JWT", "at+jwt"),
    ),
    Setting(
        "test_token_keys",
        ANY_KEY,
        "Which keys the test-token service takes in X-Auth-Key: any, or kept (those of POST /api-key)",
        readers.choice(*TOKEN_SERVICE_KEYS),
    ),
    Setting("log_requests", "false", "Whether every request gets a line in the log, not only refusals", readers.flag),
)


#: Named bundles of settings; a setting that is given by itself wins.
PRESETS: Mapping[str, Mapping[str, str]] = {
    "helseid": {},
    "fapi2": {
        "enforcement": Enforcement.FAPI2.word,
        # With 1.2 a client could choose ChaCha20-Poly1305, which is not in RFC 9325.
        "tls_minimum": "1.3",
        "signing_algorithm": "PS256",
        "code_lifetime": "60",
        "pushed_request_lifetime": "300",
        "refresh_token_usage": REUSABLE,
        "revoke_on_code_reuse": "true",
        "identity_providers": "testidp-oidc",
        "clock_skew": "10",
    },
}


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one server, validated. Names and meanings are those of SETTINGS."""

    host: str
    port: int
    tls_port: int | None
    tls_certificate: Path | None
    tls_key: Path | None
    tls_minimum: str
    trusted_proxies: TrustedProxies
    public_url: str
    aliases: tuple[str, ...]
    url_mode: str
    database_url: str
    data_folder: str
    fixtures: tuple[Path, ...]
    enforcement: str
    explain: str
    preset: str
    workers: int | None
    threads: int
    admin_token: str = field(repr=False)
    signing_keys: str
    signing_algorithm: str
    access_token_lifetime: int
    id_token_lifetime: int
    refresh_token_lifetime: int
    refresh_token_usage: str
    revoke_on_code_reuse: bool
    keep_identity_scopes: bool
    identity_providers: tuple[str, ...]
    login_mode: str
    default_persona: str
    single_sign_on_lifetime: int
    code_lifetime: int
    pushed_request_lifetime: int
    require_synthetic: bool
    invent_people: bool
    dpop_nonce_step: int
    clock_skew: int | None
    network: str
    seed: str
    environment_idle: int
    max_body: int
    request_timeout: int
    journal_size: int
    scripted_login_lifetime: int
    test_token_issuer: str
    test_token_typ: str
    test_token_keys: str
    sqlite_synchronous: str
    log_requests: bool

    @property
    def addresses(self) -> Addresses:
        """The addresses that these settings give the server."""
        mode = UrlMode(self.url_mode) if self.url_mode else UrlMode.SPLIT if self.public_url else UrlMode.REQUEST
        own_host = self._host_in_url if is_loopback(self.host) else ""
        return Addresses(
            self.public_url,
            self.aliases,
            mode,
            is_loopback(self.host),
            PRODUCTION_HOSTS,
            own_host=own_host,
            companions=COMPANIONS,
        )

    @property
    def _host_in_url(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def host_here(self) -> str:
        """The host by which this machine reaches the server, as it stands in a URL."""
        usual = self.host in ("127.0.0.1", "::1", "0.0.0.0", "::")  # noqa: S104  nothing is bound here
        return "localhost" if usual else self._host_in_url

    @property
    def here(self) -> str:
        """The address by which this machine reaches the server, if its settings let it answer there."""
        return f"http://{self.host_here}:{self.port}"

    @property
    def issuer(self) -> str:
        """The public URL, or else the address by which this machine reaches the server."""
        return self.public_url or self.here

    @property
    def database_name(self) -> str:
        """What a person knows the database by: the path of its file, or its address without a password."""
        return shown(self.database_url)

    @property
    def shown(self) -> dict[str, str]:
        """All of them as texts that may be shown, by name; a secret that is set is so many dots."""
        texts = {}
        for setting in SETTINGS:
            value = getattr(self, setting.name)
            if isinstance(value, tuple):
                value = os.pathsep.join(map(str, value)) if setting.name == "fixtures" else ",".join(map(str, value))
            text = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
            texts[setting.name] = ("•••" if text else "") if setting.is_secret else setting.shown(text)
        return texts

    @property
    def required_persona(self) -> str | None:
        """Short name or pid of who must exist when the server starts; None where the default may never log in."""
        chosen = self.login_mode == LOGIN_AUTO or self.default_persona != _DEFAULT_PERSONA
        return self.default_persona if chosen else None

    @property
    def places(self) -> Places:
        """What lies beside the database."""
        folder = Path(self.data_folder) if self.data_folder else None
        return Places(file_of(self.database_url), folder)

    @property
    def certificates(self) -> CertificateFiles:
        """Where certificates of a local CA are kept."""
        return CertificateFiles(self.places.tls)

    @property
    def certificate_names(self) -> tuple[str, ...]:
        """The names and addresses that a certificate of this server must have, but for hosts of environments."""
        return names_of(self.addresses.named, self.host)

    def certificate_names_with(self, hosts: Sequence[str]) -> tuple[str, ...]:
        """The same with the ``hosts`` of environments."""
        return tuple(dict.fromkeys((*self.certificate_names, *hosts)))


def _named(environ: Mapping[str, str]) -> dict[str, str]:
    """Variables by name. The first one of a file that an editor wrote may begin with a byte order mark."""
    return {name.removeprefix("\ufeff"): value for name, value in environ.items() if name[:1] == "\ufeff"} | {
        name: value for name, value in environ.items() if name[:1] != "\ufeff"
    }


def texts_of(environ: Mapping[str, str], overrides: Mapping[str, str]) -> dict[str, str]:
    """The text of each setting: from ``overrides``, else ``environ``, else the preset, else the default."""
    environ = _named(environ)
    preset = overrides.get("preset", environ.get(f"{PREFIX}PRESET", ""))
    usual = {setting.name: setting.default for setting in SETTINGS} | dict(PRESETS.get(preset, {}))
    return {s.name: overrides.get(s.name, environ.get(s.variable, usual[s.name])) for s in SETTINGS}


def _unknown(variable: str, known: Collection[str]) -> str:
    meant = did_you_mean(variable, known, at_most=1, cutoff=0.8, quoted=False)
    listed = ", ".join(sorted(known))
    return f"{variable} is no setting; {meant or f'the settings are {listed}'}"


def from_environ(environ: Mapping[str, str], overrides: Mapping[str, str] | None = None) -> Settings:
    """Settings from environment variables, ``overrides`` (by setting name) on top.

    Raises SettingError for values that cannot be used and variables with our prefix that are no setting, with a line
    for each.
    """
    known = {setting.variable for setting in SETTINGS}
    environ = {name: value for name, value in _named(environ).items() if not _is_service_link(name, value)}
    unknown = (name for name in environ if name not in known)
    # Another program's variable may begin like ours in other letters; one of ours in other letters is a mistake.
    faults = [_unknown(name, known) for name in unknown if name.startswith(PREFIX) or name.upper() in known]
    texts = texts_of(environ, overrides or {})
    values = {}
    for setting in SETTINGS:
        text = texts[setting.name]
        try:
            values[setting.name] = setting.parse(text)
        except ValueError as error:
            shown = _kind_of(text) if setting.is_secret else repr(setting.shown(text))
            faults.append(f"{setting.variable} is {shown}, but must be {error}")
    if faults:
        raise SettingError("\n".join(faults))
    settings = Settings(**values)
    if settings.url_mode in (UrlMode.SPLIT, UrlMode.FIXED) and not settings.public_url:
        raise SettingError(
            f"MOCK_STS_URL_MODE is {settings.url_mode!r}, but that needs an address: set MOCK_STS_PUBLIC_URL, "
            "such as http://localhost:8080, or leave the mode out"
        )
    if (settings.tls_certificate is None) is not (settings.tls_key is None):
        given, missing = ("CERTIFICATE", "KEY") if settings.tls_certificate else ("KEY", "CERTIFICATE")
        raise SettingError(
            f"MOCK_STS_TLS_{given} is {texts[f'tls_{given.lower()}']!r}, but MOCK_STS_TLS_{missing} is empty; set "
            "both, or neither for certificates of a local CA"
        )
    if fault := _test_token_issuer_fault(settings):
        raise SettingError(fault)
    if settings.tls_port == settings.port != 0:
        raise SettingError(f"MOCK_STS_TLS_PORT is {settings.tls_port}, which is MOCK_STS_PORT too; http needs its own")
    if fault := _free_port_fault(settings):
        raise SettingError(fault)
    return settings


def _test_token_issuer_fault(settings: Settings) -> str:
    """Why tokens of the test-token service cannot have the issuer that is set: it is no address of this server."""
    issuer = settings.test_token_issuer
    url = urlsplit(issuer)
    ports = [port for port in (settings.port, settings.tls_port) if port is not None]
    at_home = is_loopback(url.hostname or "") and (url.port in ports or 0 in ports) and not url.path
    if not issuer or issuer in settings.addresses.named or at_home:
        return ""
    return (
        f"MOCK_STS_TEST_TOKEN_ISSUER is {issuer!r}, which is no address of this server; write one of "
        f"{', '.join((*settings.addresses.named, settings.here))}, or add it to MOCK_STS_ALIASES"
    )


def _free_port_fault(settings: Settings) -> str:
    """Why a port that is free at the start cannot be: the public URL of this machine names another."""
    url = urlsplit(settings.public_url)
    ports = {"MOCK_STS_PORT": settings.port, "MOCK_STS_TLS_PORT": settings.tls_port}
    free = [variable for variable, port in ports.items() if port == 0]
    if not free or not is_loopback(url.hostname or "") or url.port in (None, settings.port, settings.tls_port):
        return ""
    variable = "MOCK_STS_TLS_PORT" if url.scheme == "https" and "MOCK_STS_TLS_PORT" in free else free[0]
    return (
        f"{variable} is 0, which takes a free port, but MOCK_STS_PUBLIC_URL is {settings.public_url!r}, which names "
        f"one; leave MOCK_STS_PUBLIC_URL out, or set {variable} to {url.port}"
    )
