"""Pushed authorization requests: authenticate, judge, keep (RFC 9126)."""

from mock_sts.helseid.endpoints import Endpoint
from mock_sts.helseid.profile import token_request
from mock_sts.protocol.authorization_request import REQUEST_URI_PREFIX
from mock_sts.services.back_channel.client_authentication import authenticate_client
from mock_sts.services.back_channel.details import judge_pushed_assertion
from mock_sts.services.back_channel.dpop import check_proof
from mock_sts.services.back_channel.form import BackChannelCall, read_form
from mock_sts.services.back_channel.received_proof import receive_proof
from mock_sts.services.handles import flow_of, new_request_handle
from mock_sts.services.login.authorization_request import judge_request, judged_request
from mock_sts.services.login.request_object import is_signed, open_request
from mock_sts.services.request_context import RequestContext
from mock_sts.values import value_type


@value_type
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
    proof = receive_proof(context, call.proofs)
    authenticated = authenticate_client(context, params, call.authorization, proof)
    client = authenticated.client
    context.judge(token_request.PROOFS_CHAPTER, len(call.proofs))
    proof_jkt = check_proof(context, authenticated, proof, Endpoint.PAR, call.method)
    opened = open_request(context, params, client, pushed=True)
    judge_pushed_assertion(context, authenticated, opened.details)
    signed = is_signed(params)
    judge_request(context, opened.request, client, params, pushed=True, signed=signed, proof_jkt=proof_jkt)
    handle = new_request_handle(context.chance)
    context.flow = flow_of(handle)
    kept = judged_request(context, opened, client, pushed=True, proof_jkt=proof_jkt)
    context.finish(lambda transaction: context.environment.ledger.requests.keep(transaction, handle, kept))
    return PushedResponse(REQUEST_URI_PREFIX + handle, context.environment.policy.pushed_request_lifetime)
