"""Userinfo: what a person's access token lets its client know (OpenID Connect Core section 5.3)."""

from typing import Any

from mock_sts.helseid.claims import Subject, user_info_claims
from mock_sts.protocol.errors import ErrorCode, OAuthError
from mock_sts.protocol.terms import OPENID, Endpoint
from mock_sts.services.access_token import Presented, check_access_token
from mock_sts.services.exchange import Exchange
from mock_sts.services.login import subject_of
from mock_sts.services.people import UnknownPersonError
from mock_sts.store import ledger


def user_info(exchange: Exchange, presented: Presented) -> dict[str, Any]:
    """The members of the answer. Raises OAuthError ``invalid_token`` (401) or ``insufficient_scope`` (403).

    A DPoP-bound token is taken as Bearer too: every client seen sends it so, and HelseID lets it pass. With the DPoP
    scheme the proof is checked.
    """
    claims = check_access_token(exchange, presented, Endpoint.USERINFO, personal=True)
    scopes = claims.get("scope")
    if not isinstance(scopes, list) or OPENID not in scopes:
        raise OAuthError(
            ErrorCode.INSUFFICIENT_SCOPE, detail="the token has no openid: it was narrowed to an API", status=403
        )
    subject = _subject(exchange, claims)
    exchange.finish()
    return user_info_claims(scopes, subject, exchange.times.wall)


def _subject(exchange: Exchange, claims: dict[str, Any]) -> Subject:
    """The person behind the token. The token itself may not tell the pid, so the login that it comes from does."""
    login = ledger.find_login(exchange.sts.store, claims["sid"], claims["auth_time"])
    if login is None:
        raise _invalid("the login behind the token is no longer known")
    try:
        return subject_of(exchange.sts, claims["sid"], login)
    except UnknownPersonError as error:
        raise _invalid(str(error)) from None


def _invalid(detail: str) -> OAuthError:
    return OAuthError(ErrorCode.INVALID_TOKEN, detail=detail, status=401)
