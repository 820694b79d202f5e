"""From the decision of a grant to tokens. Claims are made before the write, signatures after it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Any

from mock_sts.helseid.claims import (
    AccessTokenFacts,
    IdTokenFacts,
    Subject,
    access_token_claims,
    access_token_lifetime,
    exchanged_token_claims,
    id_token_claims,
)
from mock_sts.helseid.registry.api import ApiResource
from mock_sts.helseid.registry.client import Client
from mock_sts.helseid.token_response import TokenResponse
from mock_sts.protocol.errors import OAuthError
from mock_sts.protocol.terms import OPENID, TokenType
from mock_sts.protocol.token_request import ACCESS_TOKEN_TYPE
from mock_sts.services.back_channel.details import ActingFor
from mock_sts.services.chance import SYSTEM, Chance, capitals
from mock_sts.services.handles import FLOW_LENGTH
from mock_sts.services.request_context import RequestContext
from mock_sts.store.database import Transaction
from mock_sts.values import value_type

ACCESS_TOKEN_TYP = "at+jwt"
ID_TOKEN_TYP = "JWT"


@value_type
class IdTokenPlan:
    """What an ID token repeats of its login: issuer, nonce and state (None where there was none), its own lifetime.

    ``scopes`` are those of the login; they decide its claims, also when the access token is narrowed to one API.
    """

    nonce: str | None
    state: str | None
    scopes: tuple[str, ...]


@value_type
class GivenRefreshToken:
    """A refresh token for the answer, and when it is over (seconds)."""

    handle: str
    expires_at: int


#: Characters of a ``jti`` that tell what its token came from, which is its flow; the rest is its own.
FAMILY_LENGTH = FLOW_LENGTH


def new_jti(family: str = "", chance: Chance = SYSTEM) -> str:
    """A ``jti`` as HelseID writes it, 32 hexadecimal digits in capitals; those of one ``family`` begin with it."""
    return family + capitals(chance, 16)[len(family) :]


@value_type
class Authorization:
    """The result of any grant: for whom, to what, and bound to which key.

    ``issuer`` is that under which the flow began, ``login_details`` what its request had of details, ``exchanged`` the
    claims of a token that is exchanged. ``commit`` is what the grant does in the one write of the request; the error
    that it returns means that another request was faster.
    """

    client: Client
    issuer: str
    scopes: tuple[str, ...]
    apis: tuple[ApiResource, ...]
    confirmation: str | None
    subject: Subject | None = None
    id_token: IdTokenPlan | None = None
    refresh_token: GivenRefreshToken | None = None
    commit: Callable[[Transaction], OAuthError | None] | None = None
    login_details: Sequence[object] = ()
    exchanged: Mapping[str, Any] | None = None
    on_behalf_of: str | None = None
    jti: str = field(default_factory=new_jti)


@value_type
class Unsigned:
    """Tokens that are decided and journaled, but not signed yet."""

    claims: dict[str, Any]
    lifetime: int
    authorization: Authorization

    def signed(self, context: RequestContext) -> TokenResponse:
        """Sign: the one expensive step, taken when nothing can refuse any more."""
        authorization, keyring = self.authorization, context.environment.keyring
        access_token = keyring.sign(self.claims, ACCESS_TOKEN_TYP)
        id_token = None
        if authorization.id_token is not None and authorization.subject is not None:
            claims = _id_token_claims(
                context, authorization, authorization.id_token, authorization.subject, access_token
            )
            id_token = keyring.sign(claims, ID_TOKEN_TYP)
        refresh = authorization.refresh_token
        return TokenResponse(
            access_token=access_token,
            expires_in=self.lifetime,
            token_type=TokenType.DPOP if authorization.confirmation else TokenType.BEARER,
            scope=" ".join(authorization.scopes),
            id_token=id_token,
            refresh_token=refresh.handle if refresh else None,
            rt_expires_in=refresh.expires_at - context.times.now if refresh else None,
            issued_token_type=ACCESS_TOKEN_TYPE if authorization.exchanged is not None else None,
        )


def prepare_tokens(context: RequestContext, authorization: Authorization, acting_for: ActingFor) -> Unsigned:
    """The claims of the tokens for ``authorization`` in ``context``."""
    subject = authorization.subject
    lifetime = access_token_lifetime(
        authorization.client, authorization.apis, context.environment.policy.access_token_lifetime
    )
    facts = AccessTokenFacts(
        issuer=authorization.issuer,
        issued_at=context.times.wall,
        lifetime=lifetime,
        client=authorization.client,
        scopes=authorization.scopes,
        apis=authorization.apis,
        confirmation=authorization.confirmation,
        jti=authorization.jti,
        subject=subject,
        details=acting_for.details,
        trust_framework=acting_for.trust_framework,
        on_behalf_of=authorization.on_behalf_of,
    )
    subject_token = authorization.exchanged
    claims = (
        access_token_claims(facts)
        if subject_token is None
        else exchanged_token_claims(facts, subject_token, acting_for.parent)
    )
    context.detail["access_token"] = claims
    context.flow = authorization.jti[:FAMILY_LENGTH]
    if subject is not None:
        context.sid, context.pid = subject.login.sid, subject.persona.pid
    return Unsigned(claims, lifetime, authorization)


def _id_token_claims(
    context: RequestContext, authorization: Authorization, plan: IdTokenPlan, subject: Subject, access_token: str
) -> dict[str, Any]:
    own: int | None = authorization.client.id_token_lifetime
    facts = IdTokenFacts(
        issuer=authorization.issuer,
        issued_at=context.times.wall,
        lifetime=context.environment.policy.id_token_lifetime if own is None else own,
        client_id=authorization.client.client_id,
        scopes=plan.scopes,
        nonce=plan.nonce,
        access_token=access_token,
        state=plan.state,
        user_claims=authorization.client.id_token_user_claims,
        empty_claims=context.environment.policy.empty_claims,
    )
    return id_token_claims(facts, subject)


def id_token_plan(scopes: tuple[str, ...], nonce: str | None, state: str | None) -> IdTokenPlan | None:
    """The plan for a login with ``scopes``; None without openid."""
    return IdTokenPlan(nonce, state, scopes) if OPENID in scopes else None
