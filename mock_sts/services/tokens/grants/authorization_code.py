"""The authorization_code grant (RFC 6749 section 4.1.3): what a login gave, redeemed once."""

from mock_sts.helseid.profile import code_exchange as chapter
from mock_sts.helseid.profile.code_exchange import CodeEvidence
from mock_sts.protocol.params import Params
from mock_sts.protocol.token_request import read_authorization_code
from mock_sts.services.back_channel.client_authentication import AuthenticatedClient
from mock_sts.services.handles import flow_of
from mock_sts.services.request_context import RequestContext
from mock_sts.services.tokens.grants.personal import is_known_resource, personal_authorization
from mock_sts.services.tokens.issuing import Authorization
from mock_sts.services.tokens.revocation import revoke_family
from mock_sts.store.records import status_of


def authorize(
    context: RequestContext, caller: AuthenticatedClient, params: Params, confirmation: str | None
) -> Authorization:
    """The person and scopes behind the code. From here on a refusal burns the code, unless it is another client's."""
    request = read_authorization_code(params)
    code = request.code or ""
    codes = context.environment.ledger.codes
    record = codes.find(code)
    status = status_of(record, caller.client.client_id, context.times.now)
    if status.own:
        context.burn_on_refusal(lambda transaction: codes.consume(transaction, code, context.times.now))
        if status.used:
            context.burn_on_refusal(lambda transaction: revoke_family(context, transaction, flow_of(code)))
    own = record if status.own else None
    context.judge(
        chapter.CHAPTER,
        CodeEvidence(
            known=status.known,
            own=status.own,
            used=status.used,
            expired=status.expired,
            redirect_uri=request.redirect_uri,
            asked_redirect_uri=own.redirect_uri or "" if own is not None else "",
            code_verifier=request.code_verifier,
            code_challenge=own.code_challenge or "" if own is not None else "",
            bound_jkt=own.dpop_jkt if own is not None else None,
            proof_jkt=confirmation,
            resource_known=own is None or is_known_resource(context, own, request.resource),
            resources_named=own is not None and bool(own.resources),
        ),
    )
    if own is None:
        raise AssertionError("the chapter let a code pass that is not the client's own")
    return personal_authorization(
        context,
        caller.client,
        own,
        resource=request.resource,
        confirmation=confirmation,
        handle=code,
        lost=chapter.known,
    )
