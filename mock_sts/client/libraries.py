"""What client libraries demand of a server's addresses and metadata before they speak to it, as data.

Each rule is one condition with the libraries that have it, found in their source or by running them. What it judges is
what such a client sees: the authority that it is configured with, the discovery document and the key set.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from mock_sts.helseid.terms import SIGNING_ALGORITHMS
from mock_sts.protocol.urls import origin_of, split_url

#: Members of the metadata that rules read as lists of words, and those of a key that they read as words.
_LISTS = ("id_token_signing_alg_values_supported", "subject_types_supported")
_WORDS = ("kty", "use", "alg", "kid")

#: Hosts on which some libraries take http.
_LOOPBACK = ("localhost", "127.0.0.1")

ASPNET = "ASP.NET Core (OpenIdConnect, JwtBearer)"
DUENDE = "Duende IdentityModel"
NIMBUS = "Nimbus"
SPRING = "Spring Security"
OPENID_CLIENT = "openid-client"
REQUESTS_OAUTH2CLIENT = "requests-oauth2client"
AUTHLIB = "Authlib"
GO_OIDC = "go-oidc"
PYTHON_JOSE = "python-jose"
NHN_PYTHON = "NHN's Python sample (2021)"
HELSEID_LIBRARY = "HelseID.Library"
SPRING_HELSEID = "HelseId-java-client"


@dataclass(frozen=True, slots=True)
class Sight:
    """What a client sees that is configured with ``authority``: the metadata there, and the keys behind its jwks_uri.

    ``keys`` is None when they could not be loaded.
    """

    authority: str
    metadata: Mapping[str, Any]
    keys: tuple[Mapping[str, Any], ...] | None

    @classmethod
    def of(cls, authority: str, metadata: Mapping[str, Any], key_set: object) -> "Sight":
        """What a client sees that got ``metadata`` and ``key_set``, JSON of the server that answered.

        A member of another type than rules read is left out, for no client can use it; so is a key set that is no list
        of objects. ``key_set`` is None when it could not be loaded.
        """
        readable = {name: value for name, value in metadata.items() if _is_readable(name, value)}
        keys = key_set.get("keys") if isinstance(key_set, dict) else None
        if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
            return cls(authority, readable, None)
        return cls(
            authority,
            readable,
            tuple({n: v for n, v in key.items() if n not in _WORDS or isinstance(v, str)} for key in keys),
        )

    @property
    def issuer(self) -> str:
        """The issuer that the metadata names."""
        return str(self.metadata.get("issuer", ""))

    @property
    def endpoints(self) -> dict[str, str]:
        """Name to address of every endpoint, and of the key set."""
        return {
            name: str(value)
            for name, value in self.metadata.items()
            if name == "jwks_uri" or (name.endswith("_endpoint") and isinstance(value, str))
        }

    @property
    def algorithms(self) -> frozenset[str]:
        """What tokens may be signed with, by the keys; those for encryption do not count."""
        signing = [key for key in self.keys or () if key.get("use", "sig") == "sig"]
        return frozenset(str(key.get("alg", SIGNING_ALGORITHMS[0])) for key in signing)

    @property
    def addresses(self) -> tuple[str, ...]:
        """The authority, the issuer and the endpoints."""
        return (self.authority, self.issuer, *self.endpoints.values())


@dataclass(frozen=True, slots=True)
class LibraryRule:
    """One demand: ``fault`` tells what does not meet it in a Sight, or is empty; ``says`` and ``remedy`` are for a
    person.
    """

    id: str
    libraries: tuple[str, ...]
    fault: Callable[[Sight], str]
    says: str
    remedy: str


def _is_readable(name: str, value: object) -> bool:
    if name in ("issuer", "jwks_uri") or name.endswith("_endpoint"):
        return isinstance(value, str)
    if name in _LISTS:
        return isinstance(value, list) and all(isinstance(word, str) for word in value)
    return True


def strangers(sight: Sight) -> dict[str, str]:
    """The endpoints that have another origin than the authority."""
    own = origin_of(sight.authority)
    return {name: url for name, url in sight.endpoints.items() if origin_of(url) != own}


def _differs(sight: Sight) -> str:
    return "" if sight.issuer == sight.authority else f"the issuer is {sight.issuer}"


def _differs_beyond_a_slash(sight: Sight) -> str:
    return "" if sight.issuer == sight.authority.removesuffix("/") else f"the issuer is {sight.issuer}"


def _is_another_url(sight: Sight) -> str:
    same = _as_url(sight.issuer) == _as_url(sight.authority)
    return "" if same else f"the issuer is {sight.issuer}"


def _as_url(url: str) -> str:
    """``url`` as a browser writes it."""
    parts = split_url(url)
    return f"{origin_of(url)}{parts.path or '/'}" if parts.scheme else url


def _elsewhere(sight: Sight) -> str:
    found = strangers(sight)
    if not found:
        return ""
    name, url = next(iter(found.items()))
    return f"{name} is on {origin_of(url)}" if origin_of(url) else f"{name} is {url!r}"


def _no_keys(sight: Sight) -> str:
    return "" if sight.keys else "no key could be loaded"


def _no_https(urls: Iterable[str]) -> str:
    """The first of ``urls`` that is not https."""
    other = next((url for url in urls if split_url(url).scheme != "https"), None)
    if other is None:
        return ""
    return f"{origin_of(other)} is http" if origin_of(other) else f"{other!r} is no URL"


def _http(sight: Sight) -> str:
    return _no_https(sight.addresses)


def _http_authority(sight: Sight) -> str:
    """http where metadata or keys are loaded from."""
    return _no_https([sight.authority, *filter(None, [sight.endpoints.get("jwks_uri")])])


def _http_elsewhere(sight: Sight) -> str:
    """http on another host than this machine."""
    return _no_https(url for url in sight.addresses if split_url(url).hostname not in _LOOPBACK)


def _lacks(*names: str) -> Callable[[Sight], str]:
    def fault(sight: Sight) -> str:
        missing = [name for name in names if not sight.metadata.get(name)]
        return f"the metadata has no {missing[0]}" if missing else ""

    return fault


def _unlisted_algorithm(sight: Sight) -> str:
    listed = sight.metadata.get("id_token_signing_alg_values_supported") or ["RS256"]
    strange = sorted(sight.algorithms.difference(listed))
    return f"the key is for {strange[0]}, which the metadata does not list" if strange else ""


def _not_rs256(sight: Sight) -> str:
    others = sorted(sight.algorithms - {"RS256"})
    return f"tokens are signed with {others[0]}" if others else ""


def _bare_key(sight: Sight) -> str:
    return next((f"a key has no {m}" for key in sight.keys or () for m in ("alg", "kid") if not key.get(m)), "")


_USE_THE_ISSUER = (
    "configure the client with the issuer, or make its authority MOCK_STS_PUBLIC_URL (others: MOCK_STS_ALIASES)"
)
_USE_HTTPS = "set MOCK_STS_TLS_PORT and use the https address"
_USE_THE_DOCUMENT = "use the discovery document of this server unchanged"

#: For a server that does not know that something in front of it ends TLS.
NAME_THE_PROXY = "let the server know of the proxy that ends TLS: set MOCK_STS_TRUSTED_PROXIES, or MOCK_STS_PUBLIC_URL"

#: What a client library needs to find: the order is that of the report.
LIBRARY_RULES: tuple[LibraryRule, ...] = (
    LibraryRule(
        "issuer-exact",
        (NIMBUS, SPRING, REQUESTS_OAUTH2CLIENT, GO_OIDC),
        _differs,
        "compares the issuer with the configured authority byte for byte",
        _USE_THE_ISSUER,
    ),
    LibraryRule(
        "issuer-but-for-a-slash",
        (DUENDE,),
        _differs_beyond_a_slash,
        "compares the issuer with the authority, a trailing slash of the latter cut off",
        _USE_THE_ISSUER,
    ),
    LibraryRule(
        "issuer-as-url",
        (OPENID_CLIENT,),
        _is_another_url,
        "compares the issuer with the authority as URLs: only the slash after a bare host makes no difference",
        _USE_THE_ISSUER,
    ),
    LibraryRule(
        "one-origin",
        (DUENDE,),
        _elsewhere,
        "wants one origin for authority and endpoints",
        "use one name for all, or MOCK_STS_URL_MODE=fixed with an authority that is the public URL",
    ),
    LibraryRule(
        "keys-load",
        (DUENDE, ASPNET),
        _no_keys,
        "loads the key set together with the metadata",
        "make the address in jwks_uri reachable from here",
    ),
    LibraryRule(
        "https-or-loopback",
        (DUENDE,),
        _http_elsewhere,
        "takes http on localhost and 127.0.0.1 only",
        _USE_HTTPS,
    ),
    LibraryRule(
        "https-authority",
        (ASPNET,),
        _http_authority,
        "wants https (RequireHttpsMetadata)",
        f"{_USE_HTTPS}, or set RequireHttpsMetadata to false in tests",
    ),
    LibraryRule(
        "https-everywhere",
        (REQUESTS_OAUTH2CLIENT,),
        _http,
        "wants https for every endpoint",
        f"{_USE_HTTPS}, or pass testing=True",
    ),
    LibraryRule(
        "https-unless-allowed",
        (OPENID_CLIENT,),
        _http,
        "takes http only by its option allowInsecureRequests",
        f"{_USE_HTTPS}, or give it the option",
    ),
    LibraryRule(
        "metadata-of-nimbus",
        (NIMBUS, SPRING),
        _lacks("jwks_uri", "subject_types_supported"),
        "needs jwks_uri and subject_types_supported",
        _USE_THE_DOCUMENT,
    ),
    LibraryRule(
        "metadata-of-spring",
        (SPRING,),
        _lacks("authorization_endpoint", "token_endpoint", "userinfo_endpoint"),
        "needs authorization_endpoint, token_endpoint and userinfo_endpoint",
        _USE_THE_DOCUMENT,
    ),
    LibraryRule(
        "metadata-of-helseid-library",
        (HELSEID_LIBRARY, REQUESTS_OAUTH2CLIENT),
        _lacks("token_endpoint"),
        "needs token_endpoint",
        _USE_THE_DOCUMENT,
    ),
    LibraryRule(
        "metadata-of-python-sample",
        (NHN_PYTHON,),
        _lacks("issuer", "token_endpoint", "end_session_endpoint", "jwks_uri"),
        "reads issuer, token_endpoint, end_session_endpoint and jwks_uri",
        _USE_THE_DOCUMENT,
    ),
    LibraryRule(
        "metadata-for-pushed-requests",
        (SPRING_HELSEID,),
        _lacks("pushed_authorization_request_endpoint", "authorization_endpoint"),
        "needs pushed_authorization_request_endpoint and authorization_endpoint",
        _USE_THE_DOCUMENT,
    ),
    LibraryRule(
        "listed-algorithm",
        (AUTHLIB, GO_OIDC),
        _unlisted_algorithm,
        "takes ID tokens of the algorithms in id_token_signing_alg_values_supported only, RS256 without any",
        "use discovery document and key set of the same server",
    ),
    LibraryRule(
        "rs256",
        (SPRING, PYTHON_JOSE),
        _not_rs256,
        "takes RS256 only, unless set otherwise",
        "set MOCK_STS_SIGNING_ALGORITHM=RS256, or name the algorithm in the client",
    ),
    LibraryRule(
        "named-keys",
        (PYTHON_JOSE,),
        _bare_key,
        "reads alg and kid of every key, in the samples of HelseID clients",
        "use the key set of this server unchanged",
    ),
)


def refusals(sight: Sight) -> list[tuple[LibraryRule, str]]:
    """The rules that ``sight`` does not meet, each with what is wrong."""
    return [(rule, fault) for rule in LIBRARY_RULES if (fault := rule.fault(sight))]


def remedy_of(rule: LibraryRule, sight: Sight) -> str:
    """What mends that ``sight`` does not meet ``rule``: another thing where the server takes https for http."""
    if not differs_by_scheme(sight):
        return rule.remedy
    secure, stated = split_url(sight.authority).netloc, dict(sight.metadata)
    for name, url in (("issuer", sight.issuer), *sight.endpoints.items()):
        parts = split_url(url)
        stated[name] = parts._replace(scheme="https").geturl() if parts.netloc == secure else url
    return rule.remedy if rule.fault(replace(sight, metadata=stated)) else NAME_THE_PROXY


def differs_by_scheme(sight: Sight) -> bool:
    """Whether the issuer is the authority but for http, as of a server behind a proxy that ends TLS."""
    issuer, authority = split_url(sight.issuer), split_url(sight.authority)
    return (issuer.scheme, authority.scheme) == ("http", "https") and issuer[1:] == authority[1:]
