"""The token endpoint: phases that every grant shares, in the order of the real one.

So a grant cannot forget a shared step, and a request with two faults gets the same first error as at HelseID.
"""

from collections.abc import Mapping

from mock_sts.helseid.claims import ORGNR_CHILD, ORGNR_PARENT, SECURITY_LEVEL
from mock_sts.helseid.endpoints import Endpoint
from mock_sts.helseid.profile import api, ignored, token_request
from mock_sts.helseid.terms import MULTI_TENANT
from mock_sts.helseid.token_response import TokenResponse
from mock_sts.protocol.json_text import text_or_none
from mock_sts.protocol.terms import GrantType
from mock_sts.services.back_channel.client_authentication import authenticate_client
from mock_sts.services.back_channel.details import gather_details
from mock_sts.services.back_channel.dpop import check_proof
from mock_sts.services.back_channel.form import BackChannelCall, read_form
from mock_sts.services.back_channel.received_proof import receive_proof
from mock_sts.services.handles import flow_of
from mock_sts.services.request_context import RequestContext
from mock_sts.services.tokens.grants import Grant, authorization_code, client_credentials, refresh_token, token_exchange
from mock_sts.services.tokens.issuing import prepare_tokens

#: Grant to its decision. What is not here is answered with unsupported_grant_type.
GRANTS: Mapping[str, Grant] = {
    GrantType.AUTHORIZATION_CODE: authorization_code.authorize,
    GrantType.CLIENT_CREDENTIALS: client_credentials.authorize,
    GrantType.REFRESH_TOKEN: refresh_token.authorize,
    GrantType.TOKEN_EXCHANGE: token_exchange.authorize,
}


def issue_token(context: RequestContext, call: BackChannelCall) -> TokenResponse:
    """Answer a token request. Raises OAuthError; ``context`` is open and journals it."""
    params = call.params
    # 1. A form that can be read. What it redeems says which flow it belongs to, also where the request is refused.
    read_form(context, call)
    if handle := params.one("code") or params.one("refresh_token"):
        context.flow = flow_of(handle)
    # 2. The client.
    proof = receive_proof(context, call.proofs)
    caller = authenticate_client(context, params, call.authorization, proof)
    # 3. One proof at most; a grant_type; one well-formed resource at most; a proof where the client must send one.
    grant_type = params.one("grant_type")
    context.judge(token_request.PROOFS_CHAPTER, len(call.proofs))
    context.judge(
        token_request.CHAPTER,
        token_request.TokenRequestEvidence(
            proofs=len(call.proofs),
            grant_type=grant_type,
            resources=params.many("resource"),
            client=caller.client,
            client_id_sent="client_id" in params,
            origin=call.origin,
        ),
    )
    context.judge(ignored.CHAPTER, ignored.IgnoredEvidence(params, ignored.TOKEN_PARAMETERS))
    # 4. The proof and its nonce; only then is the assertion used up.
    confirmation = check_proof(context, caller, proof, Endpoint.TOKEN, call.method)
    # 5. The grant: known, allowed, and what it comes to.
    grant_type = grant_type or ""
    context.judge(
        token_request.GRANT_CHAPTER,
        token_request.GrantEvidence(grant_type, frozenset(GRANTS), caller.client),
    )
    authorization = GRANTS[grant_type](context, caller, params, confirmation)
    # 6. The organization and context that the client acts in, and what the APIs ask of the token.
    subject = authorization.subject
    acting_for = gather_details(
        context,
        caller,
        grant_type,
        authorization.login_details,
        authorization.scopes,
        authorization.apis,
        subject,
    )
    # A token that is exchanged goes on telling of its caller.
    exchanged = authorization.exchanged
    level = subject.login.security_level if subject is not None else None
    context.judge(
        api.CHAPTER,
        api.ApiEvidence(
            apis=authorization.apis,
            begins=grant_type == GrantType.AUTHORIZATION_CODE and caller.client.tenancy == MULTI_TENANT,
            parent=acting_for.parent if exchanged is None else text_or_none(exchanged.get(ORGNR_PARENT)),
            child=acting_for.child if exchanged is None else text_or_none(exchanged.get(ORGNR_CHILD)),
            child_may_follow=grant_type == GrantType.AUTHORIZATION_CODE and authorization.refresh_token is not None,
            bound=confirmation is not None,
            security_level=level if exchanged is None else text_or_none(exchanged.get(SECURITY_LEVEL)),
        ),
    )
    # 7. One write, which decides every race. 8. Signatures.
    tokens = prepare_tokens(context, authorization, acting_for)
    context.finish(authorization.commit)
    return tokens.signed(context)
