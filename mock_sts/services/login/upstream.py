"""What the TestIDP, an OpenID provider itself, answers HelseID after a login: as it was recorded of the real one."""

from mock_sts.helseid import testidp
from mock_sts.helseid.testidp import UpstreamLogin
from mock_sts.protocol.authorization_response import session_state
from mock_sts.protocol.urls import origin_of
from mock_sts.services.chance import capitals, urlsafe
from mock_sts.services.request_context import RequestContext
from mock_sts.services.sessions import MadeSession


def upstream_answer(context: RequestContext, made: MadeSession, state: str) -> list[tuple[str, str]]:
    """The fields that a browser posts to HelseID after the login of ``made``; ``state`` is HelseID's own.

    The emulator needs none of them but the state; they are for test drivers, who look at them.
    """
    issuer, known = context.urls.issuer.base, made.session.login
    code, sid = capitals(context.chance, 32), urlsafe(context.chance, 16)
    login = UpstreamLogin(issuer, known.pid, known.security_level, known.auth_time, sid)
    id_token = context.environment.keyring.sign_as_testidp(testidp.id_token_claims(login, code, state))
    return [
        ("code", code),
        ("id_token", id_token),
        ("scope", testidp.SCOPE),
        ("state", state),
        ("session_state", session_state(testidp.AUDIENCE, origin_of(issuer), sid, capitals(context.chance, 16))),
    ]
