"""The registry: clients, APIs, organizations and personas, as HelseID knows them.

All types are frozen, so that threads may share them, and compared by identity. Each has a format (``documents``) with
the member names that files use; clients use the registered names of RFC 7591 and OpenID Connect Dynamic Registration,
and HelseID's own facts as further members.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from mock_sts.helseid.documents import DocumentError, Format, Key, Kind, Member, Step
from mock_sts.helseid.identifiers import is_hpr_number, is_organization_number, is_pid
from mock_sts.helseid.providers import EIDS
from mock_sts.helseid.requirement import Enforcement
from mock_sts.helseid.terms import LOGIN_MODES, MULTI_TENANT, ONE_TIME_USE_ONLY, REUSABLE, SINGLE_TENANT
from mock_sts.protocol.jose import JoseError, PublicKey, import_public_key, private_members
from mock_sts.protocol.json_text import text_or_none
from mock_sts.protocol.redirect_uri import is_web_address, why_unreachable
from mock_sts.protocol.terms import AuthMethod, GrantType

_IGNORED = "Part of RFC 7591; kept, but HelseID has no use for it"

CLIENT_FORMAT = Format(
    "client",
    "client_id",
    (
        Member("client_id", Kind.TEXT, "The client's id; a GUID at HelseID, any text here", required=True),
        Member("client_name", Kind.TEXT, "The display name, also the claim client_name", default=""),
        Member("description", Kind.TEXT, "One line on what this client shows", default=""),
        Member(
            "sample",
            Kind.TEXT,
            "Where a registration was taken from, when it is somebody's public sample",
            default="",
        ),
        Member(
            "oddities",
            Kind.TEXTS,
            "Why this registration breaks a rule of the house, each in a sentence",
            default=(),
        ),
        Member(
            "jwks",
            Kind.OBJECT,
            "The public keys, as a JWK set; private members are refused",
            default={"keys": []},
        ),
        Member(
            "token_endpoint_auth_method",
            Kind.WORD,
            "How the client authenticates",
            default=AuthMethod.PRIVATE_KEY_JWT.value,
            choices=tuple(method.value for method in AuthMethod),
        ),
        Member(
            "grant_types",
            Kind.WORDS,
            "The grants the client may use",
            default=(GrantType.AUTHORIZATION_CODE.value,),
            choices=tuple(grant.value for grant in GrantType),
        ),
        Member("scope", Kind.SCOPE, "The scopes the client may ask for", default=()),
        Member("redirect_uris", Kind.TEXTS, "Where logins may return to, compared exactly", default=()),
        Member("post_logout_redirect_uris", Kind.TEXTS, "Where logouts may return to", default=()),
        Member("frontchannel_logout_uri", Kind.TEXT, "OpenID Connect Front-Channel Logout"),
        Member("backchannel_logout_uri", Kind.TEXT, "OpenID Connect Back-Channel Logout"),
        Member(
            "require_pushed_authorization_requests",
            Kind.FLAG,
            "Logins must begin with PAR (RFC 9126)",
            default=True,
        ),
        Member(
            "require_signed_request_object",
            Kind.FLAG,
            "Logins must come in a request object that the client signs (RFC 9101)",
            default=False,
        ),
        Member(
            "dpop_bound_access_tokens",
            Kind.FLAG,
            "Token requests must carry a DPoP proof (RFC 9449)",
            default=True,
        ),
        Member(
            "tenancy",
            Kind.WORD,
            "Whether the client serves one organization or several",
            default="none",
            choices=("none", SINGLE_TENANT, MULTI_TENANT),
        ),
        Member(
            "organization",
            Kind.TEXT,
            "The owner's organization number: the parent, or a multi-tenant's supplier",
        ),
        Member("children", Kind.TEXTS, "Child organizations that a single-tenant client may name", default=()),
        Member(
            "delegations",
            Kind.TEXTS,
            "Organizations that have delegated to a multi-tenant client",
            default=(),
        ),
        Member(
            "delegated_children",
            Kind.LISTS,
            "Children that a multi-tenant client may name, by parent; a parent that is not here: all",
            default={},
        ),
        Member(
            "has_shared_secret",
            Kind.FLAG,
            "Whether HelseID has a shared secret for it; such a client may send no organization numbers",
            default=False,
        ),
        Member(
            "token_exchange_actors",
            Kind.TEXTS,
            "Ids of the clients that may exchange its access tokens; empty: all that have the grant",
            default=(),
        ),
        Member("client_claims", Kind.MAPPING, "Fixed claims for APIs, by full claim name", default={}),
        Member(
            "identity_providers",
            Kind.TEXTS,
            "Schemes of the identity providers allowed; empty: all",
            default=(),
        ),
        Member(
            "login_mode",
            Kind.WORD,
            "When people log in without a page: never, always, when something tells of them; unset: the server's",
            choices=LOGIN_MODES,
        ),
        Member("default_persona", Kind.TEXT, "Who logs in by themselves in login_mode auto; unset: the server's"),
        Member(
            "on_behalf_of",
            Kind.TEXTS,
            "Organization numbers in whose name people may log in through ID-porten",
            default=(),
        ),
        Member(
            "access_token_lifetime",
            Kind.SECONDS,
            "Lifetime of access tokens; unset: the API's or the server's",
        ),
        Member("id_token_lifetime", Kind.SECONDS, "Lifetime of ID tokens; unset: the server's"),
        Member(
            "id_token_user_claims",
            Kind.FLAG,
            "Whether ID tokens tell what scopes bring of the person; false: only userinfo does",
            default=True,
        ),
        Member("refresh_token_lifetime", Kind.SECONDS, "Lifetime of refresh tokens; unset: the server's"),
        Member("single_sign_on_lifetime", Kind.SECONDS, "How long a login may be reused; unset: the server's"),
        Member(
            "refresh_token_usage",
            Kind.WORD,
            "Whether a refresh token is used once or many times",
            default=ONE_TIME_USE_ONLY,
            choices=(ONE_TIME_USE_ONLY, REUSABLE),
        ),
        Member(
            "enforcement",
            Kind.WORD,
            "What is refused for this client; unset: the server's setting",
            choices=tuple(e.word for e in Enforcement),
        ),
        *(
            Member(name, kind, _IGNORED)
            for name, kind in (
                ("application_type", Kind.TEXT),
                ("client_id_issued_at", Kind.SECONDS),
                ("client_uri", Kind.TEXT),
                ("contacts", Kind.TEXTS),
                ("id_token_signed_response_alg", Kind.TEXT),
                ("logo_uri", Kind.TEXT),
                ("policy_uri", Kind.TEXT),
                ("response_types", Kind.TEXTS),
                ("software_id", Kind.TEXT),
                ("software_version", Kind.TEXT),
                ("subject_type", Kind.TEXT),
                ("token_endpoint_auth_signing_alg", Kind.TEXT),
                ("tos_uri", Kind.TEXT),
            )
        ),
    ),
)

API_FORMAT = Format(
    "API",
    "audience",
    (
        Member("audience", Kind.TEXT, "The API's name, which becomes aud", required=True),
        Member("name", Kind.TEXT, "The display name", default=""),
        Member("description", Kind.TEXT, "One line on what this API shows", default=""),
        Member("sample", Kind.TEXT, "Where it was taken from, when it is somebody's public sample", default=""),
        Member("scopes", Kind.SCOPE, "The API's scopes, in full", default=()),
        Member("claims", Kind.TEXTS, "Claims that the API wants in its access tokens", default=()),
        Member("access_token_lifetime", Kind.SECONDS, "Lifetime of its access tokens; unset: the server's"),
        Member("require_dpop", Kind.FLAG, "Whether the API takes DPoP-bound tokens only", default=False),
        Member("security_level", Kind.WORD, "The security level that a login must have", choices=("3", "4")),
        Member(
            "require_organization",
            Kind.FLAG,
            "Whether its tokens must name a parent organization",
            default=False,
        ),
        Member("owner", Kind.TEXT, "Organization number of its owner, whose clients may exchange its tokens"),
        Member(
            "token_exchange_actors",
            Kind.TEXTS,
            "Ids of the clients that may exchange the access tokens that it received; empty: all that have the grant",
            default=(),
        ),
    ),
)

ORGANIZATION_FORMAT = Format(
    "organization",
    "number",
    (
        Member("number", Kind.TEXT, "The organization number, nine digits", required=True),
        Member("name", Kind.TEXT, "The organization's name", default=""),
        Member("description", Kind.TEXT, "One line on why it is here", default=""),
        Member("sample", Kind.TEXT, "Where it was taken from, when it is somebody's public sample", default=""),
        Member("parent", Kind.TEXT, "The number of the legal entity that it is a unit of"),
        Member("oddities", Kind.TEXTS, "What is odd about it, each in a sentence", default=()),
    ),
)

CODE_FORMAT = Format(
    "code",
    "value",
    (
        Member("value", Kind.TEXT, "The code", required=True),
        Member("description", Kind.TEXT, "What it means", default=""),
    ),
)

AUTHORIZATION_FORMAT = Format(
    "authorization",
    "profession",
    (
        Member("profession", Kind.TEXT, "Code of the HPR register (Volven 9060): LE doctor, SP nurse", default="XX"),
        Member("authorization", Kind.OBJECT, "The sort of authorization (Volven 7704)", default={}, format=CODE_FORMAT),
        Member("requisition_rights", Kind.OBJECTS, "Rights to prescribe (Volven 7701)", default=(), format=CODE_FORMAT),
        Member("specialities", Kind.OBJECTS, "Specialities (Volven 7426)", default=(), format=CODE_FORMAT),
    ),
)

PERSONA_FORMAT = Format(
    "persona",
    "pid",
    (
        Member("pid", Kind.TEXT, "Fødselsnummer or D-number, eleven digits of a synthetic series", required=True),
        Member(
            "persona", Kind.TEXT, "A short name, for `login_hint=persona:<name>`, `persona show` and the persona cookie"
        ),
        Member("given_name", Kind.TEXT, "Given name", required=True),
        Member("middle_name", Kind.TEXT, "Middle name; an empty text when there is none", default=""),
        Member("family_name", Kind.TEXT, "Family name", required=True),
        Member("description", Kind.TEXT, "One line on why this person exists", default=""),
        Member(
            "sample",
            Kind.TEXT,
            "Where the person was taken from, when from somebody's public sample",
            default="",
        ),
        Member("hpr_number", Kind.TEXT, "HPR number, seven to nine digits"),
        Member(
            "authorizations",
            Kind.OBJECTS,
            "Authorizations in the HPR register",
            default=(),
            format=AUTHORIZATION_FORMAT,
        ),
        Member(
            "security_level",
            Kind.WORD,
            "Highest level the person can log in with",
            default="4",
            choices=("3", "4"),
        ),
        Member(
            "eids", Kind.WORDS, "The electronic ids the person has; empty: all of their level", default=(), choices=EIDS
        ),
        Member("network", Kind.WORD, "The network the person sits on", choices=("internett", "helsenett")),
        Member("organizations", Kind.TEXTS, "Organizations the person works for", default=()),
        Member("superseded_by", Kind.TEXT, "The pid that replaced this one; this one can no longer log in"),
    ),
)

FORMATS = (ORGANIZATION_FORMAT, PERSONA_FORMAT, API_FORMAT, CLIENT_FORMAT)


#: Claims of a token that no registration may set.
RESERVED_CLAIMS = frozenset(
    [
        "act",
        "amr",
        "aud",
        "auth_time",
        "client_amr",
        "client_id",
        "cnf",
        "exp",
        "iat",
        "idp",
        "iss",
        "jti",
        "nbf",
        "scope",
        "sid",
        "sub",
    ]
)


@dataclass(frozen=True, slots=True)
class ClientKey:
    """A registered public key with what its JWK says of itself (``kid``, ``alg``)."""

    kid: str | None
    alg: str | None
    key: PublicKey


@dataclass(frozen=True, eq=False)
class Client:
    """A registered client. ``members`` holds every member of CLIENT_FORMAT; the names used often have properties."""

    client_id: str
    members: Mapping[str, Any] = field(repr=False)

    @classmethod
    def from_document(cls, document: object, where: str) -> "Client":
        """The client that ``document`` describes. Raises DocumentError; keys are looked at when first used."""
        members = CLIENT_FORMAT.read(document, where)
        client = cls(members["client_id"], members)
        place = f"{where}, client {client.client_id!r}"
        keys = members["jwks"].get("keys")
        if not isinstance(keys, list) or not all(isinstance(jwk, dict) for jwk in keys):
            raise DocumentError(f"{place}: 'jwks' must be a mapping with a list 'keys' of JWKs", ("jwks",))
        for number, jwk in enumerate(keys, 1):
            if found := private_members(jwk):
                raise DocumentError(
                    f"{place}: key {number} of 'jwks' is a private key; register its public part only, without "
                    f"{', '.join(found)}",
                    ("jwks", "keys", number - 1, found[0]),
                )
        for name in members["client_claims"]:
            if name in RESERVED_CLAIMS:
                raise DocumentError(
                    f"{place}: 'client_claims' has {name!r}, which the token itself decides",
                    ("client_claims", Key(name)),
                )
        names = ("children", "delegations", "delegated_children", "on_behalf_of", "organization")
        _check_numbers(members, names, place)
        return client

    @cached_property
    def keys(self) -> tuple[ClientKey, ...]:
        """The usable keys, imported once; ``key_faults`` tells of the others."""
        usable = []
        for jwk in self.members["jwks"]["keys"]:
            with suppress(JoseError):
                kid, alg = (text_or_none(jwk.get(name)) or None for name in ("kid", "alg"))
                usable.append(ClientKey(kid, alg, import_public_key(jwk)))
        return tuple(usable)

    @property
    def scopes(self) -> tuple[str, ...]:
        """The registered scopes in order."""
        return tuple(self.members["scope"])

    @cached_property
    def enforcement(self) -> Enforcement | None:
        """The client's own enforcement, None when the server's counts."""
        word = self.members["enforcement"]
        return Enforcement.from_word(word) if word else None

    @property
    def needs_dpop(self) -> bool:
        """Whether token requests without a proof are refused."""
        return bool(self.members["dpop_bound_access_tokens"])

    @property
    def address_faults(self) -> tuple[str, ...]:
        """A sentence for each registered address that no request can match, with what to register instead.

        Whoever has been registered with one before stays; it is refused when such a client is loaded or made.
        """
        faults = []
        for name in ("redirect_uris", "post_logout_redirect_uris"):
            for uri in self.members[name]:
                if why := why_unreachable(uri):
                    faults.append(f"{name!r} has {uri!r}, which no request can match: {why}")
                elif "#" in uri and name == "redirect_uris":
                    faults.append(
                        f"{name!r} has {uri!r}, but a redirect URI must have no fragment (RFC 6749 section 3.1.2); "
                        "leave out # and what follows"
                    )
        for name in ("frontchannel_logout_uri", "backchannel_logout_uri"):
            uri = self.members[name]
            if uri is None:
                continue
            if why := why_unreachable(uri) or ("" if is_web_address(uri) else "it is no http or https URL; write one"):
                faults.append(f"{name!r} is {uri!r}, which cannot be called: {why}")
        return tuple(faults)

    @cached_property
    def key_faults(self) -> tuple[str, ...]:
        """A sentence for each registered key that is no usable key."""
        faults = []
        for number, jwk in enumerate(self.members["jwks"]["keys"], 1):
            try:
                import_public_key(jwk)
            except JoseError as error:
                faults.append(f"key {number} cannot be used: {error}")
        return tuple(faults)


@dataclass(frozen=True, eq=False)
class ApiResource:
    """A registered API; ``implied`` when only a client's scope tells of it."""

    audience: str
    members: Mapping[str, Any] = field(repr=False)
    implied: bool = False

    @classmethod
    def from_document(cls, document: object, where: str) -> "ApiResource":
        """The API that ``document`` describes. Raises DocumentError."""
        members = API_FORMAT.read(document, where)
        _check_numbers(members, ("owner",), f"{where}, API {members['audience']!r}")
        return cls(members["audience"], members)

    @staticmethod
    @lru_cache(maxsize=1024)
    def implied_by(audience: str) -> "ApiResource":
        """An API that no document describes, with HelseID's defaults."""
        # A stranger's scope may be anything, also what no file may hold.
        members = API_FORMAT.read({"audience": "implied"}, "implied") | {"audience": audience}
        return ApiResource(audience, members, implied=True)


@dataclass(frozen=True, eq=False)
class Organization:
    """A legal entity, or a unit of one when ``parent`` is set."""

    number: str
    members: Mapping[str, Any] = field(repr=False)

    @classmethod
    def from_document(cls, document: object, where: str) -> "Organization":
        """The organization that ``document`` describes. Raises DocumentError."""
        members = ORGANIZATION_FORMAT.read(document, where)
        place = f"{where}, organization {members['number']!r}"
        _check_numbers(members, ("number", "parent"), place)
        return cls(members["number"], members)


@dataclass(frozen=True, eq=False)
class Persona:
    """A synthetic person who can log in."""

    pid: str
    members: Mapping[str, Any] = field(repr=False)

    @classmethod
    def from_document(cls, document: object, where: str) -> "Persona":
        """The persona that ``document`` describes. Raises DocumentError."""
        members = PERSONA_FORMAT.read(document, where)
        place = f"{where}, persona {members['pid']!r}"
        for name in ("pid", "superseded_by"):
            if members[name] is not None and not is_pid(members[name]):
                raise DocumentError(f"{place}: {name!r} must be eleven digits, in quotes", (name,))
        if members["persona"] is not None and not is_short_name(members["persona"]):
            raise DocumentError(f"{place}: 'persona' must be letters, digits and hyphens, and no number", ("persona",))
        if members["hpr_number"] is not None and not is_hpr_number(members["hpr_number"]):
            raise DocumentError(f"{place}: 'hpr_number' must be seven to nine digits, in quotes", ("hpr_number",))
        _check_numbers(members, ("organizations",), place)
        return cls(members["pid"], members)


def is_short_name(text: str) -> bool:
    """Whether ``text`` can be somebody's short name: one word, which is no number."""
    return re.fullmatch(r"\w[\w.-]*", text) is not None and not text.isdigit()


def _check_numbers(members: Mapping[str, Any], names: Iterable[str], place: str) -> None:
    """Refuse what is no organization number in the members called ``names``. Raises DocumentError."""
    for name in names:
        for number, path in _numbers_in(members[name], (name,)):
            if not is_organization_number(number):
                raise DocumentError(
                    f"{place}: {number!r} is no organization number; that is nine digits, in quotes", path
                )


def _numbers_in(value: Any, path: tuple[Step, ...]) -> Iterator[tuple[str, tuple[Step, ...]]]:
    """The numbers in a member (one, several, or several by another one), each with where it stands."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield name, (*path, Key(name))
            yield from _numbers_in(inner, (*path, name))
    elif isinstance(value, tuple):
        for number, inner in enumerate(value):
            yield inner, (*path, number)
    elif value:
        yield value, path
