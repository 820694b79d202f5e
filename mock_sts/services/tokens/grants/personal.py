"""What the grants for people share: from a login that was kept to an Authorization, for all its APIs or one."""

from typing import Any

from mock_sts.helseid.registry.api import ApiResource
from mock_sts.helseid.registry.client import Client
from mock_sts.helseid.requirement import Requirement, Verdict, refuse
from mock_sts.helseid.scopes import IDENTITY_SCOPES
from mock_sts.helseid.terms import REUSABLE
from mock_sts.protocol.errors import OAuthError
from mock_sts.protocol.terms import OFFLINE_ACCESS
from mock_sts.services.back_channel.form import digest_of
from mock_sts.services.handles import flow_of, new_grant_handle
from mock_sts.services.registry.people import UnknownPersonError
from mock_sts.services.request_context import RequestContext
from mock_sts.services.sessions import subject_of
from mock_sts.services.tokens.issuing import Authorization, GivenRefreshToken, id_token_plan, new_jti
from mock_sts.services.tokens.revocation import revoke_family
from mock_sts.store.database import Transaction
from mock_sts.store.records import AuthorizationCode, PersonGrant, RefreshToken
from mock_sts.values import value_type

#: Seconds; no access token lives longer.
_DAY = 86_400


@value_type
class Scoped:
    """Scopes and the APIs they belong to."""

    scopes: tuple[str, ...]
    apis: tuple[ApiResource, ...]


def scoped(context: RequestContext, scopes: tuple[str, ...], resource: str | None = None) -> Scoped:
    """All of ``scopes``, or for one ``resource`` that API's alone, offline_access beside it.

    Narrowing drops the identity scopes, as the product that HelseID is built on does, unless the settings keep them.
    """
    catalog = context.catalog
    kept = IDENTITY_SCOPES if context.environment.policy.keep_identity_scopes else {OFFLINE_ACCESS}
    owners = {scope: catalog.api_of(scope) for scope in scopes}
    if resource is not None:
        owners = {
            scope: api
            for scope, api in owners.items()
            if scope in kept or (api is not None and api.audience == resource)
        }
    apis = {api.audience: api for api in owners.values() if api is not None}
    return Scoped(tuple(owners), tuple(apis.values()))


def is_known_resource(context: RequestContext, grant: PersonGrant, resource: str | None) -> bool:
    """Whether ``resource`` is one that the login asked for; any API of its scopes where it named none."""
    if resource is None:
        return True
    if grant.resources:
        return resource in grant.resources
    return resource in {api.audience for api in scoped(context, grant.scopes).apis}


def personal_authorization(
    context: RequestContext,
    client: Client,
    grant: AuthorizationCode | RefreshToken,
    *,
    resource: str | None,
    narrowed: tuple[str, ...] = (),
    confirmation: str | None,
    handle: str,
    lost: Requirement[Any],
) -> Authorization:
    """The Authorization for the login behind ``grant``, kept under ``handle``, which the write of the request uses up.

    ``narrowed`` are the scopes to give where they are fewer than the login's; empty: all. The ID token for a code
    repeats nonce and state. ``lost`` is the requirement that is broken when another request used ``handle`` faster.
    Raises OAuthError when the person is gone.
    """
    try:
        subject = subject_of(context.environment, grant.sid, grant.login)
    except UnknownPersonError as error:
        raise refuse(lost, Verdict(False, str(error), "a person who can log in")) from None
    ledger, sessions = context.environment.ledger, context.environment.sessions
    code = grant if isinstance(grant, AuthorizationCode) else None
    used = grant if isinstance(grant, RefreshToken) else None
    wanted = scoped(context, narrowed or grant.scopes, resource)
    family = used.family if used is not None else flow_of(handle)
    refresh = _refresh_token(context, client, grant, handle)
    if refresh is not None:
        context.detail.setdefault("refresh_token", {})["given"] = digest_of(refresh.handle)

    def commit(transaction: Transaction) -> OAuthError | None:
        reused = refresh is not None and refresh.handle == handle
        shelf = ledger.codes if code is not None else ledger.refresh_tokens
        if not reused and not shelf.consume(transaction, handle, context.times.now):
            if code is not None:
                revoke_family(context, transaction, family)
            return refuse(lost, Verdict(False, "used before", "one use"))
        if refresh is not None and not reused:
            kept = RefreshToken(
                client_id=client.client_id,
                issuer=grant.issuer,
                scopes=grant.scopes,
                resources=grant.resources,
                details=grant.details,
                on_behalf_of=grant.on_behalf_of,
                sid=grant.sid,
                login=grant.login,
                expires_at=refresh.expires_at,
                family=family,
                has_proof=confirmation is not None,
            )
            ledger.refresh_tokens.keep(transaction, refresh.handle, kept)
            sessions.remember(transaction, grant.sid, refresh.expires_at + _DAY)
        return None

    return Authorization(
        client=client,
        issuer=grant.issuer,
        scopes=wanted.scopes,
        apis=wanted.apis,
        confirmation=confirmation,
        subject=subject,
        id_token=id_token_plan(
            grant.scopes, code.nonce if code is not None else None, code.state if code is not None else None
        ),
        refresh_token=refresh,
        commit=commit,
        login_details=grant.details,
        on_behalf_of=grant.on_behalf_of,
        jti=new_jti(family, context.chance),
    )


def _refresh_token(
    context: RequestContext, client: Client, grant: AuthorizationCode | RefreshToken, handle: str
) -> GivenRefreshToken | None:
    """A refresh token for the answer: the one that was used, by its ``handle``, where the client may reuse it, else a
    new one.

    Its end is counted from the login and does not move.
    """
    if OFFLINE_ACCESS not in grant.scopes:
        return None
    if isinstance(grant, RefreshToken):
        usage = context.environment.policy.refresh_token_usage or client.refresh_token_usage
        return GivenRefreshToken(
            handle if usage == REUSABLE else new_grant_handle(context.chance, handle), grant.expires_at
        )
    own: int | None = client.refresh_token_lifetime
    lifetime = context.environment.policy.refresh_token_lifetime if own is None else own
    return GivenRefreshToken(new_grant_handle(context.chance, handle), context.times.now + lifetime)
