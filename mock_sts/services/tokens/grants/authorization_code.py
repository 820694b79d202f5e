"""The authorization_code grant (RFC 6749 section 4.1.3): what a login gave, redeemed once."""

from typing import Any

from mock_sts.helseid.profile import code_exchange as chapter
from mock_sts.helseid.profile.code_exchange import CodeEvidence
from mock_sts.protocol.params import Params
from mock_sts.protocol.token_request import read_authorization_code
from mock_sts.services.back_channel.client_authentication import AuthenticatedClient
from mock_sts.services.request_context import RequestContext
from mock_sts.services.tokens.grants.personal import family_of, is_known_resource, personal_authorization
from mock_sts.services.tokens.issuing import Authorization
from mock_sts.services.tokens.revocation import revoke_family
from mock_sts.store import ledger
from mock_sts.store.ledger import Shelf

_NOTHING: dict[str, Any] = {"redirect_uri": "", "code_challenge": "", "dpop_jkt": None}


def authorize(
    context: RequestContext, client: AuthenticatedClient, params: Params, confirmation: str | None
) -> Authorization:
    """The person and scopes behind the code. From here on a refusal burns the code, unless it is somebody else's."""
    request = read_authorization_code(params)
    code = request.code or ""
    record = ledger.find(context.environment.store, Shelf.AUTHORIZATION_CODE, code)
    stands = ledger.standing(record, client.client.client_id, context.times.now)
    if stands.own:
        context.burn_on_refusal(
            lambda transaction: ledger.consume(transaction, Shelf.AUTHORIZATION_CODE, code, context.times.now)
        )
        if stands.used:
            context.burn_on_refusal(lambda transaction: revoke_family(context, transaction, family_of(code)))
    document = record.document if record is not None and stands.own else _NOTHING
    context.judge(
        chapter.CHAPTER,
        CodeEvidence(
            known=stands.known,
            own=stands.own,
            used=stands.used,
            expired=stands.expired,
            redirect_uri=request.redirect_uri,
            asked_redirect_uri=document["redirect_uri"],
            code_verifier=request.code_verifier,
            code_challenge=document["code_challenge"],
            bound_jkt=document["dpop_jkt"],
            proof_jkt=confirmation,
            resource_known=not stands.own or is_known_resource(context, document, request.resource),
            resources_named=bool(document.get("resources")),
        ),
    )
    return personal_authorization(
        context,
        client.client,
        document,
        resource=request.resource,
        confirmation=confirmation,
        shelf=Shelf.AUTHORIZATION_CODE,
        handle=code,
        lost=chapter.known,
        first=True,
    )
