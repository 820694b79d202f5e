"""The refresh_token grant (RFC 6749 section 6): new tokens for a login of before."""

from mock_sts.helseid.profile import code_exchange as chapter
from mock_sts.helseid.profile.code_exchange import RefreshEvidence
from mock_sts.protocol.params import Params
from mock_sts.protocol.token_request import read_refresh_token
from mock_sts.services.back_channel.client_authentication import AuthenticatedClient
from mock_sts.services.request_context import RequestContext
from mock_sts.services.tokens.grants.personal import is_known_resource, personal_authorization, scoped
from mock_sts.services.tokens.issuing import Authorization
from mock_sts.services.tokens.revocation import is_revoked, is_withdrawn
from mock_sts.store import ledger
from mock_sts.store.ledger import Shelf


def authorize(
    context: RequestContext, client: AuthenticatedClient, params: Params, confirmation: str | None
) -> Authorization:
    """The person and scopes of the login. A refusal uses nothing up; success replaces the token, or keeps it."""
    request = read_refresh_token(params)
    handle = request.refresh_token or ""
    record = ledger.find(context.environment.store, Shelf.REFRESH_TOKEN, handle)
    stands = ledger.standing(record, client.client.client_id, context.times.now)
    document = record.document if record is not None and stands.own else {}
    granted = document.get("scopes", ())
    resource_known = not stands.own or is_known_resource(context, document, request.resource)
    within = all(scope in granted for scope in request.scopes)
    if within and request.scopes and request.resource is not None and resource_known:
        # Scopes that leave nothing of the resource would make a token for nobody.
        within = bool(scoped(context, request.scopes, request.resource).apis)
    withdrawn = stands.used and is_withdrawn(context, handle)
    taken_back = "family" in document and is_revoked(context, document["family"])
    context.judge(
        chapter.REFRESH_CHAPTER,
        RefreshEvidence(
            present=request.refresh_token is not None,
            known=stands.known,
            own=stands.own,
            used=stands.used and not withdrawn,
            revoked=withdrawn or taken_back,
            expired=stands.expired,
            began_with_proof=bool(document.get("has_proof")),
            has_proof=confirmation is not None,
            resource_known=resource_known,
            resources_named=bool(document.get("resources")),
            scopes=request.scopes,
            scopes_granted=within,
        ),
    )
    return personal_authorization(
        context,
        client.client,
        document,
        resource=request.resource,
        narrowed=request.scopes if within else (),
        confirmation=confirmation,
        shelf=Shelf.REFRESH_TOKEN,
        handle=handle,
        lost=chapter.refresh_single_use,
        first=False,
    )
