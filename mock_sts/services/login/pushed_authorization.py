"""Pushed authorization requests: authenticate, judge, keep (RFC 9126)."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace

from mock_sts.helseid.endpoints import Endpoint
from mock_sts.helseid.profile import authorization_request as chapter
from mock_sts.helseid.profile import ignored, token_request
from mock_sts.helseid.profile.authorization_request import AuthorizationEvidence
from mock_sts.helseid.profile.ignored import IgnoredEvidence
from mock_sts.helseid.registry.client import Client
from mock_sts.protocol.authorization_request import (
    REQUEST_URI_PREFIX,
    AuthorizationRequest,
    read_authorization_request,
)
from mock_sts.services.back_channel.client_authentication import authenticate_client
from mock_sts.services.back_channel.details import judge_pushed_assertion
from mock_sts.services.back_channel.dpop import check_proof
from mock_sts.services.back_channel.form import BackChannelCall, read_form
from mock_sts.services.login.request_object import KEPT, Opened, is_signed, open_request
from mock_sts.services.request_context import RequestContext
from mock_sts.store import ledger
from mock_sts.store.ledger import Shelf


@dataclass(frozen=True, slots=True)
class PushedResponse:
    """The answer: a handle for the authorize endpoint, and its life in seconds."""

    request_uri: str
    expires_in: int

    def body(self) -> dict[str, str | int]:
        """The JSON members in HelseID's order."""
        return {"request_uri": self.request_uri, "expires_in": self.expires_in}


def push_authorization_request(context: RequestContext, call: BackChannelCall) -> PushedResponse:
    """Answer a pushed authorization request. Raises OAuthError; ``context`` is open and journals it."""
    params = call.params
    read_form(context, call)
    client = authenticate_client(context, params, call.authorization)
    context.judge(token_request.PROOFS_CHAPTER, len(call.proofs))
    proof_jkt = check_proof(context, client, call.proofs, Endpoint.PAR, call.method)
    opened = open_request(context, params, client.client, pushed=True)
    judge_pushed_assertion(context, client, opened.details)
    request = read_authorization_request(opened.params)
    # What is not allowed beside a pushed request is so whether it stands in the request object or not.
    request = replace(request, request_uri=params.one("request_uri"))
    judge_request(context, request, client.client, params, pushed=True, signed=is_signed(params), proof_jkt=proof_jkt)
    handle = secrets.token_hex(32).upper()
    lifetime = context.environment.policy.pushed_request_lifetime
    document = kept_request(
        opened, client.client.client_id, proof_jkt or request.dpop_jkt, context.urls.issuer.base, pushed=True
    )
    context.finish(
        lambda transaction: ledger.keep(
            transaction,
            Shelf.AUTHORIZATION_REQUEST,
            handle,
            client.client.client_id,
            document,
            context.times.now + lifetime,
        )
    )
    return PushedResponse(REQUEST_URI_PREFIX + handle, lifetime)


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
    apis = (catalog.api_of(scope) for scope in request.scopes)
    audiences = tuple(dict.fromkeys(api.audience for api in apis if api is not None))
    context.judge(chapter.CHAPTER, AuthorizationEvidence(request, client, pushed, audiences, signed, proof_jkt))
    schemes = tuple(provider.scheme for provider in context.environment.providers_for(client))
    context.judge(ignored.CHAPTER, IgnoredEvidence(sent, ignored.AUTHORIZATION_PARAMETERS, request, schemes))


def kept_request(
    opened: Opened, client_id: str, dpop_jkt: str | None, issuer: str, *, pushed: bool
) -> dict[str, object]:
    """What the ledger keeps of a request: its parameters as pairs, its details, the key that its code will be bound
    to, the issuer under which the flow began, which it keeps, and whether it was pushed.
    """
    pairs = [[name, value] for name in KEPT if name != "client_id" for value in opened.params.many(name)]
    return {
        "parameters": [["client_id", client_id], *pairs],
        "details": list(opened.details),
        "dpop_jkt": dpop_jkt,
        "issuer": issuer,
        "pushed": pushed,
    }
