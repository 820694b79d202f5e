"""What is asked: an authorization request is read once, judged, kept as it was judged, and loaded as the same.

PAR keeps it at once. On the front channel it is kept when a person has to see a page first.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from mock_sts.helseid import testidp
from mock_sts.helseid.profile import authorization_request as chapter
from mock_sts.helseid.profile import ignored, request_uri
from mock_sts.helseid.profile.authorization_request import AuthorizationEvidence
from mock_sts.helseid.profile.ignored import IgnoredEvidence
from mock_sts.helseid.profile.request_uri import RequestUriEvidence
from mock_sts.helseid.registry.client import Client
from mock_sts.protocol.authorization_request import AuthorizationRequest
from mock_sts.protocol.errors import ErrorCode, OAuthError
from mock_sts.protocol.params import Params
from mock_sts.services.back_channel.form import note_fresh
from mock_sts.services.login.request_object import Opened, claimed_client, is_signed, open_request
from mock_sts.services.login.return_url import AUTHZ_ID, handle_of, return_url_of
from mock_sts.services.request_context import RequestContext
from mock_sts.store.database import Transaction
from mock_sts.store.records import PushedRequest, status_of
from mock_sts.values import value_type


@value_type
class Pending:
    """An authorization request on its way to an answer, and whose it is.

    ``handle`` finds it in the ledger; an empty one is not kept yet. ``hints`` are the TestIDP's parameters of the
    request and those beside its handle. ``return_url`` is where login pages come back to.
    """

    handle: str
    client: Client
    kept: PushedRequest
    hints: Mapping[str, str]
    return_url: str

    @property
    def request(self) -> AuthorizationRequest:
        """What is asked for."""
        return self.kept.request


def judge_request(
    context: RequestContext,
    request: AuthorizationRequest,
    client: Client,
    sent: Iterable[str],
    *,
    pushed: bool,
    signed: bool,
    proof_jkt: str | None = None,
) -> None:
    """Judge an authorization request, pushed or not, ``signed`` or not (that is: in a request object), which came in
    parameters of the names ``sent``. Raises OAuthError.
    """
    catalog = context.catalog
    note_fresh(context, state=request.state, nonce=request.nonce, code_challenge=request.code_challenge)
    apis = (catalog.api_of(scope) for scope in request.scopes)
    audiences = tuple(dict.fromkeys(api.audience for api in apis if api is not None))
    context.judge(chapter.CHAPTER, AuthorizationEvidence(request, client, pushed, audiences, signed, proof_jkt))
    schemes = tuple(provider.scheme for provider in context.environment.providers_for(client))
    context.judge(ignored.CHAPTER, IgnoredEvidence(sent, ignored.AUTHORIZATION_PARAMETERS, request, schemes))


def judged_request(
    context: RequestContext, opened: Opened, client: Client, *, pushed: bool, proof_jkt: str | None = None
) -> PushedRequest:
    """A request that has been judged, as it is kept from now on."""
    return PushedRequest(
        client_id=client.client_id,
        request=replace(opened.request, dpop_jkt=proof_jkt or opened.request.dpop_jkt),
        hints=opened.hints,
        details=opened.details,
        issuer=context.urls.issuer.base,
        pushed=pushed,
        expires_at=context.times.now + context.environment.policy.pushed_request_lifetime,
    )


def use_up_request(context: RequestContext, transaction: Transaction, pending: Pending) -> bool:
    """Use ``pending`` up; False when another request was faster. One that is not kept has no rival."""
    requests = context.environment.ledger.requests
    return not pending.handle or requests.consume(transaction, pending.handle, context.times.now)


def load_request(context: RequestContext, params: Params, *, posted: bool) -> Pending:
    """The request in ``params``: a kept one by its handle, or a new one of the front channel, judged.

    ``posted`` says that it came in a form. Raises OAuthError.
    """
    if params.one("request_uri") is not None or params.one(AUTHZ_ID) is not None:
        return load_kept_request(context, params)
    client = _client(context, claimed_client(params))
    try:
        opened = open_request(context, params, client, pushed=False, posted=posted)
        judge_request(context, opened.request, client, params, pushed=False, signed=is_signed(params))
    except OAuthError as error:
        error.detail = f"{error.detail} (request on the front channel)"
        raise
    kept = judged_request(context, opened, client, pushed=False)
    return Pending(handle="", client=client, kept=kept, hints=opened.hints, return_url="")


def load_kept_request(context: RequestContext, params: Params) -> Pending:
    """The request whose handle stands in ``params``, which still waits for its answer. Raises OAuthError."""
    uri, client_id, handle = params.one("request_uri"), params.one("client_id"), handle_of(params)
    pushed = uri is not None
    kept = context.environment.ledger.requests.find(handle)
    if kept is not None and kept.pushed is not pushed:
        kept = None
    context.client_id = client_id or (kept.client_id if kept else None)
    if client_id and context.catalog.client(client_id) is None:
        raise _unknown_client(client_id)
    # A request of the front channel comes back by its handle alone; only a pushed one names its client beside it.
    asking = client_id if pushed or kept is None else kept.client_id
    status = status_of(kept, asking, context.times.now)
    surplus = tuple(name for name in params if name not in _BESIDE_A_HANDLE)
    context.judge(
        request_uri.CHAPTER,
        RequestUriEvidence(
            known=status.known, used=status.used, expired=status.expired, own=status.own, surplus=surplus
        ),
    )
    if kept is None:
        raise AssertionError("the chapter let an unknown request_uri pass")
    beside = testidp.parameters_in(params)
    back = {"request_uri": uri, "client_id": kept.client_id} if uri is not None else {AUTHZ_ID: handle}
    return Pending(
        handle=handle,
        client=_client(context, kept.client_id),
        kept=kept,
        hints={**kept.hints, **beside},
        return_url=return_url_of({**back, **beside}),
    )


#: What may stand beside the handle of a kept request.
_BESIDE_A_HANDLE = ("client_id", "request_uri", AUTHZ_ID, *testidp.PARAMETERS)


def _client(context: RequestContext, client_id: str | None) -> Client:
    context.client_id = client_id
    client = context.catalog.client(client_id) if client_id else None
    if client is None:
        raise _unknown_client(client_id or "")
    context.follow(client)
    return client


def _unknown_client(client_id: str) -> OAuthError:
    return OAuthError(
        ErrorCode.UNAUTHORIZED_CLIENT,
        "Unknown client or client not enabled",
        detail=f"client_id is {client_id[:100]!r}, which is not registered; register it, or mend it",
    )
