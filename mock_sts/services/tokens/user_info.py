"""Userinfo: what a person's access token lets its client know (OpenID Connect Core section 5.3)."""

from typing import Any

from mock_sts.helseid.claims import Subject, user_info_claims
from mock_sts.helseid.endpoints import Endpoint
from mock_sts.protocol.access_token import AccessToken
from mock_sts.protocol.errors import ErrorCode, OAuthError
from mock_sts.protocol.terms import OPENID
from mock_sts.services.registry.people import UnknownPersonError
from mock_sts.services.request_context import RequestContext
from mock_sts.services.sessions import subject_of
from mock_sts.services.tokens.access_token import Presented, check_access_token, check_use


def user_info(context: RequestContext, presented: Presented) -> dict[str, Any]:
    """The members of the answer. Raises OAuthError ``invalid_token`` (401) or ``insufficient_scope`` (403).

    A DPoP-bound token is taken as Bearer too: every client seen sends it so, and HelseID lets it pass. With the DPoP
    scheme the proof is checked.
    """
    token = check_access_token(context, presented, Endpoint.USERINFO, personal=True)
    check_use(context, token, scope=OPENID)
    subject = _subject(context, token)
    context.finish()
    empty_claims = context.environment.policy.empty_claims
    return user_info_claims(token.scopes, subject, context.times.wall, empty_claims=empty_claims)


def _subject(context: RequestContext, token: AccessToken) -> Subject:
    """The person behind the token. The token itself may not tell the pid, so the login that it comes from does."""
    sid, auth_time = token.sid or "", token.auth_time or 0
    login = context.environment.sessions.find_login(sid, auth_time)
    if login is None:
        raise _invalid("the login behind the token is no longer known")
    try:
        return subject_of(context.environment, sid, login)
    except UnknownPersonError as error:
        raise _invalid(str(error)) from None


def _invalid(detail: str) -> OAuthError:
    return OAuthError(ErrorCode.INVALID_TOKEN, detail=detail, status=401)
