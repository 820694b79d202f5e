"""Registering a new client with a key pair made for it."""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mock_sts.helseid.profile import client as registration
from mock_sts.helseid.profile.algorithms import why_refused
from mock_sts.helseid.registry.client import Client
from mock_sts.helseid.registry.documents import DocumentError
from mock_sts.helseid.requirement import Enforcement
from mock_sts.helseid.scopes import comma_hint, implied_audience, is_api_scope
from mock_sts.helseid.terms import MULTI_TENANT, SINGLE_TENANT
from mock_sts.protocol.jose import ALGORITHMS, EDWARDS, JoseError, generate_private_jwk, without_private_members
from mock_sts.protocol.redirect_uri import why_unreachable
from mock_sts.protocol.terms import OFFLINE_ACCESS, OPENID, PROFILE, GrantType
from mock_sts.services.registry.checks import registration_breaches
from mock_sts.services.registry.lookup import hint, organization_names
from mock_sts.store.catalog import MADE, Catalog, load_catalog, put_entry
from mock_sts.store.database import Database
from mock_sts.store.fixtures.rows import Registry

#: The scope of a machine, and those of a login, when none is named.
_DEMO_SCOPE = "mock:demo-api/read"
_LOGIN_SCOPES = (
    OPENID,
    PROFILE,
    OFFLINE_ACCESS,
    "helseid://scopes/identity/pid",
    "helseid://scopes/identity/security_level",
    "helseid://scopes/hpr/hpr_number",
)


#: Algorithms in any letters to their names.
_ALGORITHM_NAMES = {name.casefold(): name for name in (*ALGORITHMS, *EDWARDS)}


@dataclass(frozen=True, slots=True)
class NewClient:
    """What is wanted: an id (or None for a new GUID), a name, scopes, the key's algorithm, DPoP or Bearer.

    Without ``grants`` the client logs people in when it has ``redirect_uris``, and is a machine when it has none;
    without ``scopes`` it gets those that suit its grants; without ``tenancy`` one with an organization is its own.
    ``signed_requests`` says that its logins must come in request objects, ``par`` that they must be pushed.
    ``oddities`` are reasons for a registration that a check would call an error.
    """

    client_id: str | None
    name: str
    scopes: tuple[str, ...]
    algorithm: str
    dpop: bool
    organization: str | None = None
    tenancy: str | None = None
    grants: tuple[str, ...] = ()
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    frontchannel_logout_uri: str | None = None
    backchannel_logout_uri: str | None = None
    signed_requests: bool = False
    par: bool = True
    oddities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MadeClient:
    """The registered client, its private key, which nothing keeps but the caller, and what is odd about it."""

    client: Client
    private_jwk: Mapping[str, str]
    warnings: tuple[str, ...] = ()

    @property
    def client_id(self) -> str:
        """The client's id."""
        return self.client.client_id

    @property
    def exchanges(self) -> bool:
        """Whether exchanging tokens is all it does."""
        return self.client.grant_types == (GrantType.TOKEN_EXCHANGE,)

    @property
    def logs_people_in(self) -> bool:
        """Whether it is for logins."""
        return GrantType.AUTHORIZATION_CODE in self.client.grant_types


def make_client(store: Database, wanted: NewClient, enforcement: Enforcement) -> MadeClient:
    """Make a key pair and register the client; ``enforcement`` is the server's, and tells what will be refused.

    Raises DocumentError for what cannot be registered.
    """
    grants = wanted.grants or _usual_grants(wanted)
    _check(wanted, grants)
    try:
        private_jwk = generate_private_jwk(_ALGORITHM_NAMES.get(wanted.algorithm.casefold(), wanted.algorithm))
    except JoseError as error:
        raise DocumentError(f"--alg: {error}") from None
    document = _document(wanted, grants, private_jwk)
    client = Client.from_document(document, "client new")
    for fault in client.address_faults:
        raise DocumentError(f"client new: {fault}")
    for finding in registration_breaches(client):
        rule = finding.requirement
        raise DocumentError(
            f"client new: {rule.title}; found {finding.verdict.observed}. To mend it: {rule.remedy}; or say with "
            "--oddity why it is meant so"
        )
    catalog = load_catalog(store)
    if catalog.client(client.client_id) is not None:
        raise DocumentError(f"client new: the client {client.client_id!r} is registered already; choose another id")
    numbers = organization_names(Registry(store))
    if wanted.organization and wanted.organization not in numbers:
        known = hint(wanted.organization, numbers) or "; describe it in an own organizations.yaml first"
        raise DocumentError(f"client new: no organization has the number {wanted.organization!r}{known}")
    with store.writing() as transaction:
        put_entry(transaction, client, document, MADE)
    return MadeClient(client, private_jwk, tuple(_oddities(client, catalog, wanted, enforcement)))


def _document(wanted: NewClient, grants: tuple[str, ...], private_jwk: Mapping[str, str]) -> dict[str, object]:
    """The registration as a file would have it."""
    document: dict[str, object] = {
        "client_id": wanted.client_id or str(uuid.uuid4()),
        "client_name": wanted.name,
        "grant_types": list(grants),
        "scope": list(wanted.scopes or _usual_scopes(grants)),
        "dpop_bound_access_tokens": wanted.dpop,
        "jwks": {"keys": [without_private_members(private_jwk)]},
    }
    if wanted.redirect_uris:
        document["redirect_uris"] = list(wanted.redirect_uris)
    if wanted.post_logout_redirect_uris:
        document["post_logout_redirect_uris"] = list(wanted.post_logout_redirect_uris)
    if wanted.frontchannel_logout_uri is not None:
        document["frontchannel_logout_uri"] = wanted.frontchannel_logout_uri
    if wanted.backchannel_logout_uri is not None:
        document["backchannel_logout_uri"] = wanted.backchannel_logout_uri
    if not wanted.par:
        document["require_pushed_authorization_requests"] = False
    if wanted.signed_requests:
        document["require_signed_request_object"] = True
    if wanted.tenancy or wanted.organization:
        document["tenancy"] = wanted.tenancy or SINGLE_TENANT
    if wanted.organization:
        document["organization"] = wanted.organization
    if wanted.oddities:
        document["oddities"] = list(wanted.oddities)
    return document


def _usual_grants(wanted: NewClient) -> tuple[str, ...]:
    if wanted.redirect_uris:
        return (GrantType.AUTHORIZATION_CODE.value, GrantType.REFRESH_TOKEN.value)
    return (GrantType.CLIENT_CREDENTIALS.value,)


def _usual_scopes(grants: tuple[str, ...]) -> tuple[str, ...]:
    return (*(_LOGIN_SCOPES if GrantType.AUTHORIZATION_CODE in grants else ()), _DEMO_SCOPE)


def _check(wanted: NewClient, grants: tuple[str, ...]) -> None:
    """Refuse what could never work. Raises DocumentError."""
    logs_in = GrantType.AUTHORIZATION_CODE in grants
    if wanted.client_id is not None and not wanted.client_id.strip():
        raise DocumentError("client new: the id is empty; leave --client-id out for a new GUID")
    if GrantType.REFRESH_TOKEN in grants and not logs_in:
        raise DocumentError("client new: refresh tokens come from a login; add --grant authorization_code")
    for uri in (*wanted.redirect_uris, *wanted.post_logout_redirect_uris):
        if why := why_unreachable(uri):
            raise DocumentError(f"client new: {uri!r} is no address such as http://localhost:3000/callback: {why}")
    if why := comma_hint(wanted.scopes):
        raise DocumentError(f"client new: --scope is {' '.join(wanted.scopes)!r}, but {why}")
    if logs_in and not wanted.redirect_uris:
        raise DocumentError("client new: a login must return somewhere; give it with --redirect-uri")
    if not logs_in and (wanted.redirect_uris or wanted.post_logout_redirect_uris or OPENID in wanted.scopes):
        raise DocumentError(
            "client new: redirect URIs and the scope openid are for logins; add --grant authorization_code, "
            "or a --redirect-uri where there is none"
        )
    if not logs_in and (wanted.frontchannel_logout_uri or wanted.backchannel_logout_uri):
        raise DocumentError("client new: logout addresses are for logins; add a --redirect-uri")
    if not logs_in and (wanted.signed_requests or not wanted.par):
        what = "request objects are" if wanted.signed_requests else "--no-par is"
        raise DocumentError(f"client new: {what} for logins; add a --redirect-uri")
    if wanted.tenancy in (SINGLE_TENANT, MULTI_TENANT) and not wanted.organization:
        raise DocumentError(f"client new: --tenancy {wanted.tenancy} needs the owner; give it with --organization")


def _oddities(client: Client, catalog: Catalog, wanted: NewClient, enforcement: Enforcement) -> Iterator[str]:
    """Sentences about what would be refused or recorded of this registration, apart from what was asked for in so many
    words.
    """
    if why := why_refused(client.public_jwks[0]["alg"], enforcement):
        yield f"enforcement {enforcement.word} refuses every request that this key signs. {why}"
    if wanted.signed_requests:
        yield "the configurations send no request object, which this client must; put the parameters in one yourself"
    asked_for = {rule for rule, wish in (("client.dpop", wanted.dpop), ("client.par", wanted.par)) if not wish}
    for finding in registration.CHAPTER.judge(registration.Registration(client)):
        rule = finding.requirement
        if not finding.verdict.met and rule.id not in asked_for:
            yield f"{rule.title}; found {finding.verdict.observed}. To mend it: {rule.remedy}"
    owned = [scope for api in catalog.apis() for scope in api.scopes]
    for scope in client.scope:
        if is_api_scope(scope) and scope not in owned:
            yield f"no API describes the scope {scope}; {implied_audience(scope)} is implied{hint(scope, owned)}"
