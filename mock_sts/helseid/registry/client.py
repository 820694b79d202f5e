"""A registered client."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mock_sts.helseid.registry.documents import DocumentError, Key, raise_together
from mock_sts.helseid.registry.records import Record, Scopes, Seconds, check_numbers, format_of, member, record
from mock_sts.helseid.requirement import Enforcement
from mock_sts.helseid.terms import EXPLANATIONS, LOGIN_MODES, MULTI_TENANT, ONE_TIME_USE_ONLY, REUSABLE, SINGLE_TENANT
from mock_sts.protocol.jose import JoseError, PublicKey, import_public_key, private_members
from mock_sts.protocol.json_text import text_or_none
from mock_sts.protocol.redirect_uri import is_web_address, why_unreachable
from mock_sts.protocol.terms import AuthMethod, GrantType

_IGNORED = "Part of RFC 7591; kept, but HelseID has no use for it"

#: The first second that no date of four digits has.
_LAST_SECOND = 253_402_300_800

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
    """A registered public key with what its JWK says of itself (``kid``, ``alg``), and when it ends, in
    seconds; None: never.
    """

    kid: str | None
    alg: str | None
    key: PublicKey
    ends_at: int | None = None


class _Client(Record):
    """Gives a client, whose fields are slots, a place for what is worked out once, and weak references to it."""


@record("client", key="client_id")
class Client(_Client):
    """A registered client: every member of its registration, and what follows from them."""

    client_id: str = member("The client's id; a GUID at HelseID, any text here")
    client_name: str = member("The display name, also the claim client_name", default="")
    description: str = member("One line on what this client shows", default="")
    sample: str = member("Where a registration was taken from, when it is a public sample", default="")
    oddities: tuple[str, ...] = member(
        "Why this registration breaks a rule of the house, each in a sentence", default=()
    )
    jwks: Mapping[str, Any] = member(
        "The public keys, as a JWK set; private members are refused", default_factory=lambda: {"keys": []}
    )
    token_endpoint_auth_method: AuthMethod = member("How the client authenticates", default=AuthMethod.PRIVATE_KEY_JWT)
    grant_types: tuple[GrantType, ...] = member(
        "The grants the client may use", default=(GrantType.AUTHORIZATION_CODE,)
    )
    scope: Scopes = member("The scopes the client may ask for", default=())
    redirect_uris: tuple[str, ...] = member("Where logins may return to, compared exactly", default=())
    post_logout_redirect_uris: tuple[str, ...] = member("Where logouts may return to", default=())
    frontchannel_logout_uri: str | None = member("OpenID Connect Front-Channel Logout", default=None)
    backchannel_logout_uri: str | None = member("OpenID Connect Back-Channel Logout", default=None)
    require_pushed_authorization_requests: bool = member("Logins must begin with PAR (RFC 9126)", default=True)
    require_signed_request_object: bool = member(
        "Logins must come in a request object that the client signs (RFC 9101)", default=False
    )
    dpop_bound_access_tokens: bool = member("Token requests must carry a DPoP proof (RFC 9449)", default=True)
    tenancy: str = member(
        "Whether the client serves one organization or several",
        default="none",
        choices=("none", SINGLE_TENANT, MULTI_TENANT),
    )
    organization: str | None = member(
        "The owner's organization number: the parent, or a multi-tenant's supplier", default=None
    )
    children: tuple[str, ...] = member("Child organizations that a single-tenant client may name", default=())
    delegations: tuple[str, ...] = member("Organizations that have delegated to a multi-tenant client", default=())
    delegated_children: Mapping[str, tuple[str, ...]] = member(
        "Children that a multi-tenant client may name, by parent; a parent that is not here: all", default_factory=dict
    )
    has_shared_secret: bool = member(
        "Whether HelseID has a shared secret for it; such a client may send no organization numbers", default=False
    )
    token_exchange_actors: tuple[str, ...] = member(
        "Ids of the clients that may exchange its access tokens; empty: all that have the grant", default=()
    )
    client_claims: Mapping[str, str] = member("Fixed claims for APIs, by full claim name", default_factory=dict)
    identity_providers: tuple[str, ...] = member("Schemes of the identity providers allowed; empty: all", default=())
    login_mode: str | None = member(
        "When people log in without a page: never, always, when something tells of them; unset: the server's",
        default=None,
        choices=LOGIN_MODES,
    )
    default_persona: str | None = member(
        "Who logs in by themselves in login_mode auto; unset: the server's", default=None
    )
    on_behalf_of: tuple[str, ...] = member(
        "Organization numbers in whose name people may log in through ID-porten", default=()
    )
    access_token_lifetime: Seconds | None = member(
        "Lifetime of access tokens; unset: the API's or the server's", default=None
    )
    id_token_lifetime: Seconds | None = member("Lifetime of ID tokens; unset: the server's", default=None)
    id_token_user_claims: bool = member(
        "Whether ID tokens tell what scopes bring of the person; false: only userinfo does", default=True
    )
    refresh_token_lifetime: Seconds | None = member("Lifetime of refresh tokens; unset: the server's", default=None)
    single_sign_on_lifetime: Seconds | None = member(
        "How long a login may be reused; unset: the server's", default=None
    )
    refresh_token_usage: str = member(
        "Whether a refresh token is used once or many times",
        default=ONE_TIME_USE_ONLY,
        choices=(ONE_TIME_USE_ONLY, REUSABLE),
    )
    enforcement: Enforcement | None = member(
        "What is refused for this client; unset: the server's setting", default=None
    )
    explain: str | None = member(
        "Whether error_description tells rule and remedy too; unset: the server's", default=None, choices=EXPLANATIONS
    )
    application_type: str | None = member(_IGNORED, default=None)
    client_id_issued_at: Seconds | None = member(_IGNORED, default=None)
    client_uri: str | None = member(_IGNORED, default=None)
    contacts: tuple[str, ...] | None = member(_IGNORED, default=None)
    id_token_signed_response_alg: str | None = member(_IGNORED, default=None)
    logo_uri: str | None = member(_IGNORED, default=None)
    policy_uri: str | None = member(_IGNORED, default=None)
    response_types: tuple[str, ...] | None = member(_IGNORED, default=None)
    software_id: str | None = member(_IGNORED, default=None)
    software_version: str | None = member(_IGNORED, default=None)
    subject_type: str | None = member(_IGNORED, default=None)
    token_endpoint_auth_signing_alg: str | None = member(_IGNORED, default=None)
    tos_uri: str | None = member(_IGNORED, default=None)

    @classmethod
    def from_document(cls, document: object, where: str) -> "Client":
        """The client that ``document`` describes. Raises DocumentError; keys are looked at when first used."""
        client = CLIENT_FORMAT.read(document, where)
        place = f"{where}, client {client.client_id!r}"
        keys = client.jwks.get("keys")
        if not isinstance(keys, list) or not all(isinstance(jwk, dict) for jwk in keys):
            raise DocumentError(f"{place}: 'jwks' must be a mapping with a list 'keys' of JWKs", ("jwks",))
        faults = [
            DocumentError(
                f"{place}: key {number} of 'jwks' is a private key; register its public part only, without "
                f"{', '.join(found)}",
                ("jwks", "keys", number - 1, found[0]),
            )
            for number, jwk in enumerate(keys, 1)
            if (found := private_members(jwk))
        ]
        faults += [
            DocumentError(
                f"{place}: 'client_claims' has {name!r}, which the token itself decides", ("client_claims", Key(name))
            )
            for name in client.client_claims
            if name in RESERVED_CLAIMS
        ]
        numbers = {
            "children": client.children,
            "delegations": client.delegations,
            "delegated_children": client.delegated_children,
            "on_behalf_of": client.on_behalf_of,
            "organization": client.organization,
        }
        try:
            check_numbers(numbers, place)
        except DocumentError as error:
            faults += error.all
        raise_together(faults)
        return client

    @property
    def public_jwks(self) -> tuple[Mapping[str, Any], ...]:
        """The registered keys as they are written, in order."""
        return tuple(self.jwks["keys"])

    @cached_property
    def keys(self) -> tuple[ClientKey, ...]:
        """The usable keys, imported once; ``key_faults`` tells of the others."""
        usable = []
        for jwk in self.public_jwks:
            with suppress(JoseError):
                kid, alg = (text_or_none(jwk.get(name)) or None for name in ("kid", "alg"))
                usable.append(ClientKey(kid, alg, import_public_key(jwk), _end_of(jwk)))
        return tuple(usable)

    @property
    def address_faults(self) -> tuple[str, ...]:
        """A sentence for each registered address that no request can match, with what to register instead.

        A client that was registered with one before stays; one that is loaded or made is refused.
        """
        faults = []
        returns = {"redirect_uris": self.redirect_uris, "post_logout_redirect_uris": self.post_logout_redirect_uris}
        for name, uris in returns.items():
            for uri in uris:
                if why := why_unreachable(uri):
                    faults.append(f"{name!r} has {uri!r}, which no request can match: {why}")
                elif "#" in uri and name == "redirect_uris":
                    faults.append(
                        f"{name!r} has {uri!r}, but a redirect URI must have no fragment (RFC 6749 section 3.1.2); "
                        "leave out # and what follows"
                    )
        called = {
            "frontchannel_logout_uri": self.frontchannel_logout_uri,
            "backchannel_logout_uri": self.backchannel_logout_uri,
        }
        for name, address in called.items():
            if address is None:
                continue
            if why := why_unreachable(address) or (
                "" if is_web_address(address) else "it is no http or https URL; write one"
            ):
                faults.append(f"{name!r} is {address!r}, which cannot be called: {why}")
        return tuple(faults)

    @cached_property
    def key_faults(self) -> tuple[str, ...]:
        """A sentence for each registered key that is no usable key."""
        if len(self.keys) == len(self.public_jwks):
            return ()
        faults = []
        for number, jwk in enumerate(self.public_jwks, 1):
            try:
                import_public_key(jwk)
            except JoseError as error:
                faults.append(f"key {number} cannot be used: {error}")
        return tuple(faults)


def _end_of(jwk: Mapping[str, Any]) -> int | None:
    """When ``jwk`` ends by its member ``exp``, in seconds since 1970; None where that says no time."""
    ends = jwk.get("exp")
    return ends if isinstance(ends, int) and not isinstance(ends, bool) and 0 <= ends < _LAST_SECOND else None


CLIENT_FORMAT = format_of(Client)
