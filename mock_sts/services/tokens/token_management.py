"""What a client may ask about tokens, and undo: revocation (RFC 7009) and introspection (RFC 7662).

And the grants that HelseID advertises only because its product does, and gives to nobody.
"""

from typing import Any, Never

from mock_sts.helseid.profile import token_management as chapter
from mock_sts.helseid.profile import token_request
from mock_sts.helseid.profile.issuers import ONE_ISSUER
from mock_sts.helseid.profile.token_management import TokenManagementEvidence
from mock_sts.helseid.requirement import Verdict, refuse
from mock_sts.services.back_channel.client_authentication import AuthenticatedClient, authenticate_client
from mock_sts.services.back_channel.form import BackChannelCall, read_form
from mock_sts.services.request_context import Exchange
from mock_sts.services.tokens.access_token import receive
from mock_sts.services.tokens.revocation import is_revoked, note_withdrawal
from mock_sts.store import ledger
from mock_sts.store.database import Transaction
from mock_sts.store.ledger import Record, Shelf

_INACTIVE: dict[str, Any] = {"active": False}


def revoke_token(exchange: Exchange, call: BackChannelCall) -> None:
    """Take back a refresh token of the asking client. Tokens that are unknown, another's, or signed are let be.

    Raises OAuthError; ``exchange`` is open and journals it.
    """
    client = _asking_client(exchange, call)
    token = _token(exchange, call, call.params.one("token_type_hint"))
    record = ledger.find(exchange.sts.store, Shelf.REFRESH_TOKEN, token)
    own = record is not None and record.client_id == client.client.client_id
    exchange.detail["revoked"] = own
    if not own:
        exchange.warn(f"nothing was revoked: {_why_not_revoked(exchange, record, token)}")

    def act(transaction: Transaction) -> None:
        if own and ledger.consume(transaction, Shelf.REFRESH_TOKEN, token, exchange.times.now):
            note_withdrawal(exchange, transaction, token)

    exchange.finish(act)


def introspect_token(exchange: Exchange, call: BackChannelCall) -> dict[str, Any]:
    """What is known of a token: ``active`` alone, or with its claims. Raises OAuthError."""
    client = _asking_client(exchange, call)
    token = _token(exchange, call)
    told = _access_token(exchange, token) or _refresh_token(exchange, client, token) or _INACTIVE
    exchange.detail["active"] = told["active"]
    exchange.finish()
    return told


def refuse_grant(exchange: Exchange, call: BackChannelCall, grant: str) -> Never:
    """Refuse ``grant`` to the asking client, whoever it is. Raises OAuthError."""
    _asking_client(exchange, call)
    raise refuse(token_request.allowed, Verdict(False, grant, "a grant that HelseID gives"))


def _asking_client(exchange: Exchange, call: BackChannelCall) -> AuthenticatedClient:
    read_form(exchange, call)
    client = authenticate_client(exchange, call.params, call.authorization)
    exchange.use_up(client.use)
    return client


def _token(exchange: Exchange, call: BackChannelCall, hint: str | None = None) -> str:
    token = call.params.one("token")
    exchange.judge(chapter.CHAPTER, TokenManagementEvidence(token, hint))
    return token or ""


def _why_not_revoked(exchange: Exchange, record: Record | None, token: str) -> str:
    if record is not None:
        return "the refresh token is another client's"
    if receive(exchange, token).token is not None:
        return "an access token lives until it expires; send the refresh token"
    return "the token is unknown here; send the refresh_token of the newest token answer"


def _access_token(exchange: Exchange, token: str) -> dict[str, Any] | None:
    received = receive(exchange, token)
    if received.token is not None and not received.issuer_known:
        exchange.warn(f"active is false: the issuer of the token is {received.token.issuer!r}; {ONE_ISSUER}")
    if received.token is None or not received.issuer_known or received.expired or received.revoked:
        return None
    return {**received.token.claims, "active": True, "scope": " ".join(received.token.scopes)}


def _refresh_token(exchange: Exchange, client: AuthenticatedClient, token: str) -> dict[str, Any] | None:
    record = ledger.find(exchange.sts.store, Shelf.REFRESH_TOKEN, token)
    stands = ledger.standing(record, client.client.client_id, exchange.times.now)
    if record is None or not stands.own or stands.used or stands.expired:
        return None
    if is_revoked(exchange, record.document["family"]):
        return None
    return {
        "iss": record.document["issuer"],
        "client_id": record.client_id,
        "exp": record.expires_at,
        "active": True,
        "scope": " ".join(record.document["scopes"]),
    }
