"""What the grants for people share: from a login that was kept to an Authorization, for all its APIs or one."""

import hashlib
from dataclasses import dataclass
from typing import Any

from mock_sts.helseid.registry.api import ApiResource
from mock_sts.helseid.registry.client import Client
from mock_sts.helseid.requirement import Requirement, Verdict, refuse
from mock_sts.helseid.scopes import IDENTITY_SCOPES
from mock_sts.helseid.terms import REUSABLE
from mock_sts.protocol.errors import OAuthError
from mock_sts.protocol.terms import OFFLINE_ACCESS
from mock_sts.services.handles import new_grant_handle
from mock_sts.services.registry.people import UnknownPersonError
from mock_sts.services.request_context import RequestContext
from mock_sts.services.sessions import subject_of
from mock_sts.services.tokens.issuing import FAMILY_LENGTH, Authorization, RefreshToken, id_token_plan, new_jti
from mock_sts.services.tokens.revocation import revoke_family
from mock_sts.store import ledger
from mock_sts.store.database import Transaction
from mock_sts.store.ledger import Shelf

#: Seconds; no access token lives longer.
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Scoped:
    """Scopes and the APIs they belong to."""

    scopes: tuple[str, ...]
    apis: tuple[ApiResource, ...]


def family_of(code: str) -> str:
    """What the tokens that come from ``code`` have in common: the beginning of each ``jti``."""
    return hashlib.sha256(code.encode()).hexdigest()[:FAMILY_LENGTH].upper()


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


def is_known_resource(context: RequestContext, document: dict[str, Any], resource: str | None) -> bool:
    """Whether ``resource`` is one that the login asked for; any API of its scopes where it named none."""
    if resource is None:
        return True
    if document["resources"]:
        return resource in document["resources"]
    return resource in {api.audience for api in scoped(context, tuple(document["scopes"])).apis}


def personal_authorization(
    context: RequestContext,
    client: Client,
    document: dict[str, Any],
    *,
    resource: str | None,
    narrowed: tuple[str, ...] = (),
    confirmation: str | None,
    shelf: Shelf,
    handle: str,
    lost: Requirement[Any],
    first: bool,
) -> Authorization:
    """The Authorization for a login that is kept under ``handle``, which the write of the request uses up.

    ``narrowed`` are the scopes to give where they are fewer than the login's; empty: all. ``first`` is True for a code,
    whose ID token repeats nonce and state. ``lost`` is the requirement that is broken when another request used
    ``handle`` faster. Raises OAuthError when the person is gone.
    """
    try:
        subject = subject_of(context.environment, document["sid"], document["login"])
    except UnknownPersonError as error:
        raise refuse(lost, Verdict(False, str(error), "a person who can log in")) from None
    scopes = tuple(document["scopes"])
    wanted = scoped(context, narrowed or scopes, resource)
    family = family_of(handle) if first else document["family"]
    refresh = _refresh_token(context, client, document, handle if shelf is Shelf.REFRESH_TOKEN else None)

    def act(transaction: Transaction) -> OAuthError | None:
        reused = refresh is not None and refresh.handle == handle
        if not reused and not ledger.consume(transaction, shelf, handle, context.times.now):
            if first:
                revoke_family(context, transaction, family)
            return refuse(lost, Verdict(False, "used before", "one use"))
        if refresh is not None and not reused:
            kept = {
                **document,
                "family": family,
                "has_proof": confirmation is not None,
                "refresh_expires_at": refresh.expires_at,
            }
            ledger.keep(transaction, Shelf.REFRESH_TOKEN, refresh.handle, client.client_id, kept, refresh.expires_at)
            ledger.remember_login(transaction, document["sid"], refresh.expires_at + _DAY)
        return None

    return Authorization(
        client=client,
        issuer=document["issuer"],
        scopes=wanted.scopes,
        apis=wanted.apis,
        confirmation=confirmation,
        subject=subject,
        id_token=id_token_plan(scopes, document["nonce"] if first else None, document["state"] if first else None),
        refresh_token=refresh,
        act=act,
        login_details=document["details"],
        on_behalf_of=document["on_behalf_of"],
        jti=new_jti(family),
    )


def _refresh_token(
    context: RequestContext, client: Client, document: dict[str, Any], used: str | None
) -> RefreshToken | None:
    """A refresh token for the answer: the one ``used`` where the client may reuse it, else a new one.

    Its end is counted from the login and does not move.
    """
    if OFFLINE_ACCESS not in document["scopes"]:
        return None
    own: int | None = client.refresh_token_lifetime
    lifetime = context.environment.policy.refresh_token_lifetime if own is None else own
    expires_at: int = document.get("refresh_expires_at") or context.times.now + lifetime
    usage = context.environment.policy.refresh_token_usage or client.refresh_token_usage
    if used is not None and usage == REUSABLE:
        return RefreshToken(used, expires_at)
    return RefreshToken(new_grant_handle(), expires_at)
