"""Access tokens that come back: to userinfo and clientinfo, for introspection, and as the subject of an exchange."""

from mock_sts.helseid.profile import access_token as chapter
from mock_sts.helseid.profile import dpop
from mock_sts.helseid.profile.access_token import PresentedEvidence, UseEvidence
from mock_sts.helseid.profile.dpop import TokenProofEvidence
from mock_sts.helseid.requirement import Enforcement
from mock_sts.protocol.access_token import AccessToken, AccessTokenError, read_access_token
from mock_sts.protocol.errors import ErrorCode, OAuthError
from mock_sts.protocol.jose import JoseError, Jws, read_jws, sha256_base64url
from mock_sts.protocol.json_text import text_or_none
from mock_sts.services.back_channel.dpop import gather
from mock_sts.services.back_channel.received_proof import receive_proof
from mock_sts.services.request_context import RequestContext
from mock_sts.services.tokens.issuing import ACCESS_TOKEN_TYP, FAMILY_LENGTH
from mock_sts.services.tokens.revocation import is_revoked
from mock_sts.values import value_type


@value_type
class Received:
    """A text that came as an access token, and what became of it.

    ``token`` is None where it is no access token that this server signed, and ``fault`` says why; of one that is, the
    last three say whether it still counts.
    """

    jws: Jws | None
    signed: bool
    token: AccessToken | None
    fault: str
    issuer_known: bool = False
    expired: bool = False
    revoked: bool = False


def receive(context: RequestContext, text: str | None) -> Received:
    """Read ``text``. What is not ours may hold anything; what is signed with our key, which is published, as well."""
    if text is None:
        return Received(None, False, None, "there is no access token")
    try:
        jws = read_jws(text)
    except JoseError as error:
        return Received(None, False, None, f"it cannot be read: {error}")
    if not context.environment.keyring.verify(jws):
        return Received(jws, False, None, "no key of this server verifies it")
    if jws.header.get("typ") != ACCESS_TOKEN_TYP:
        return Received(jws, True, None, f"its typ is not {ACCESS_TOKEN_TYP}")
    try:
        token = read_access_token(jws.claims)
    except AccessTokenError as error:
        return Received(jws, True, None, str(error))
    context.flow, context.sid = token.jti[:FAMILY_LENGTH], token.sid
    return Received(
        jws,
        True,
        token,
        "",
        issuer_known=token.issuer in context.urls.issuers,
        expired=token.expires_at <= context.times.wall,
        revoked=is_revoked(context, token.jti[:FAMILY_LENGTH]),
    )


@value_type
class Presented:
    """An access token as it came: by which scheme (``Bearer`` or ``DPoP``), in the Authorization header or in the
    body, with which proofs, in which method.
    """

    token: str | None
    scheme: str
    in_header: bool
    proofs: tuple[str, ...]
    method: str


def check_access_token(
    context: RequestContext,
    presented: Presented,
    path: str,
    *,
    personal: bool,
    may_observe: bool = True,
) -> AccessToken:
    """The token that is ``presented`` at the endpoint ``path``, its proof judged where it has one.

    ``personal`` says that the token must be a person's; without ``may_observe`` the enforcement OBSERVE counts as
    HELSEID. Raises OAuthError invalid_token, or invalid_dpop_proof (RFC 9449 section 7.1); both 401.
    """
    received = receive(context, presented.token)
    token, fault = received.token, received.fault
    context.client_id = text_or_none(received.jws.claims.get("client_id")) if received.jws is not None else None
    if token is not None and received.issuer_known and personal and token.sid is None:
        fault = "a machine's token, and one from an exchange, have no login to tell of"
    bound_to = token.bound_to if token is not None else None
    own = context.catalog.client(token.client_id) if token is not None and received.issuer_known and not fault else None
    if own is not None:
        context.follow(own)
    if not may_observe and context.enforcement is Enforcement.OBSERVE:
        context.enforcement = Enforcement.HELSEID
    try:
        context.judge(
            chapter.CHAPTER,
            PresentedEvidence(
                fault=fault,
                issuer=token.issuer if token is not None else "",
                issuers=context.urls.issuers,
                expired=received.expired,
                revoked=received.revoked,
                scheme=presented.scheme,
                in_header=presented.in_header,
                proofs=len(presented.proofs),
                bound=bound_to is not None,
            ),
        )
        if presented.scheme == "DPoP":
            _check_proof(context, presented, path, bound_to)
    except OAuthError as error:
        of_proof = error.code is ErrorCode.INVALID_DPOP_PROOF
        raise OAuthError(
            error.code if of_proof else ErrorCode.INVALID_TOKEN,
            error.description if of_proof or error.rule == chapter.alive.id else "",
            detail=error.detail,
            rule=error.rule,
            explanation=error.explanation,
            status=401,
        ) from None
    if token is None:
        raise AssertionError("the chapter let something pass that is no token")
    return token


def check_use(
    context: RequestContext, token: AccessToken, *, scope: str | None = None, shown_by: str | None = None
) -> None:
    """Judge whether ``token`` serves an endpoint that wants ``scope``, or takes tokens only that are bound to a key and
    shown with a proof; then ``shown_by`` is the scheme by which it came. Raises OAuthError insufficient_scope (403) or
    invalid_token (401).
    """
    try:
        context.judge(chapter.USE_CHAPTER, UseEvidence(scope, token.scopes, shown_by, token.bound_to is not None))
    except OAuthError as error:
        error.status = 403 if error.code is ErrorCode.INSUFFICIENT_SCOPE else 401
        raise


def _check_proof(context: RequestContext, presented: Presented, path: str, bound_to: str | None) -> None:
    """RFC 9449 section 7.1, by the rules of the token endpoint and those for proofs beside a token; without a nonce."""
    received = receive_proof(context, presented.proofs)
    if received is None:
        raise AssertionError("the chapter let a DPoP token pass without a proof")
    spent = context.environment.replay.is_remembered(received.use.once)
    evidence = gather(context, received, path, presented.method, spent=spent)
    context.judge(dpop.RESOURCE_CHAPTER, evidence)
    context.keep_apart(dpop.htu, (evidence.read.target or "",))
    context.judge(
        dpop.TOKEN_CHAPTER,
        TokenProofEvidence(
            proof=evidence.read,
            token_hash=sha256_base64url((presented.token or "").encode()),
            bound_to=bound_to,
            now=context.times.wall,
            skew=context.environment.policy.skew,
        ),
    )
    context.use_up(received.use)
