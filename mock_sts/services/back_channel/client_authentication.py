"""Client authentication: the facts about an assertion are gathered here, the chapter judges them.

Only ``authenticate_client`` makes an AuthenticatedClient, so a path that forgot to call it does not type-check.
"""

import base64
import binascii
import secrets
from collections.abc import Mapping
from weakref import WeakKeyDictionary

from mock_sts.helseid.details import ASSERTION_DETAILS, AUTHORIZATION_DETAILS
from mock_sts.helseid.profile import client as registration
from mock_sts.helseid.profile import client_assertion as chapter
from mock_sts.helseid.profile.client_assertion import AssertionEvidence
from mock_sts.helseid.registry.client import Client
from mock_sts.helseid.requirement import Finding, refusal
from mock_sts.protocol.client_assertion import ClientAssertion, read_client_assertion
from mock_sts.protocol.durations import write_time
from mock_sts.protocol.jose import JoseError
from mock_sts.protocol.params import Params
from mock_sts.protocol.signed_jwt import Signature, SignedJwt, VerifiedBy, verify
from mock_sts.services.back_channel.received_proof import ReceivedProof
from mock_sts.services.request_context import RequestContext, Use
from mock_sts.store.replay import Once, Seen
from mock_sts.values import value_type

_YEAR = 366 * 86_400

_NOTHING_SEEN = Seen(assertion_spent=False, assertion_challenged=False, proof_spent=False)


@value_type
class AuthenticatedClient:
    """A client that has proved who it is, the single use of its assertion, not yet used up, and the details that the
    assertion carries, by the member they stand under. ``proof_spent`` says of the proof beside it that it was used
    before.
    """

    client: Client
    use: Use
    details: Mapping[str, object]
    proof_spent: bool


def authenticate_client(
    context: RequestContext, params: Params, authorization: str | None, proof: ReceivedProof | None = None
) -> AuthenticatedClient:
    """The client behind the assertion in ``params``. Raises OAuthError.

    ``authorization`` is the Authorization header, looked at only for a password beside the assertion. ``proof`` came
    with the request; whether it was used before is asked together with the same of the assertion.
    """
    basic_id, basic_password = _basic_credentials(authorization)
    client_id = params.one("client_id")
    context.client_id = client_id or basic_id
    assertion, fault = _read(params.one("client_assertion"))
    client = None
    verified = VerifiedBy(Signature.NO_KEY)
    seen = _NOTHING_SEEN
    use = None
    if assertion is not None:
        context.show("client_assertion", assertion.jws)
        if assertion.subject:
            context.client_id = assertion.subject
            client = context.catalog.client(assertion.subject)
        if client is not None:
            context.follow(client)
            verified = verify(assertion, ((key.kid, key.key) for key in client.keys))
        if client is not None and verified.signature is Signature.VERIFIED:
            use = _single_use(context, assertion, client)
            seen = context.environment.replay.look(use.once, proof.use.once if proof is not None else None)
    context.judge(
        chapter.CHAPTER,
        AssertionEvidence(
            client_id=client_id or (basic_id if assertion is None else None),
            assertion_type=params.one("client_assertion_type"),
            assertion_sent="client_assertion" in params,
            other_credentials=(
                *(["client_secret"] if "client_secret" in params else []),
                *(["a password in the Basic header"] if basic_password else []),
            ),
            assertion=assertion,
            fault=fault,
            client=client,
            verified=verified,
            urls=context.urls,
            now=context.times.wall,
            skew=context.environment.policy.skew,
            spent=seen.assertion_spent,
            sent_before_challenge=seen.assertion_challenged,
            kid_holders=kid_holders(context, assertion, client, verified),
            ended=_ended(client, verified, context.times.now),
        ),
    )
    if client is None or use is None or assertion is None:
        raise AssertionError("the chapter let an unauthenticated client pass")
    context.keep_apart(chapter.audience, assertion.audiences)
    context.authenticated = True
    _judge_registration(context, client, verified.index)
    claims = assertion.jws.claims
    details = {name: claims[name] for name in (ASSERTION_DETAILS, AUTHORIZATION_DETAILS) if name in claims}
    return AuthenticatedClient(client, use, details, seen.proof_spent)


def kid_holders(
    context: RequestContext, jwt: SignedJwt | None, client: Client | None, verified: VerifiedBy
) -> tuple[str, ...]:
    """The other clients that have a key of the name that ``jwt`` came with, where no key of ``client`` verifies it."""
    if jwt is None or not jwt.kid or client is None or verified.signature is Signature.VERIFIED:
        return ()
    return context.catalog.kid_holders(jwt.kid, client)


def _ended(client: Client | None, verified: VerifiedBy, now: int) -> str:
    """That the key which verified has ended by ``now``, the environment's clock, and the newer key there is; an empty
    text where it has not.
    """
    if client is None or verified.signature is not Signature.VERIFIED:
        return ""
    key = client.keys[verified.index]
    if key.ends_at is None or key.ends_at > now:
        return ""
    good = [one for one in client.keys if one.ends_at is None or one.ends_at > now]
    newer = f"sign with {good[-1].kid or good[-1].key.thumbprint!r}" if good else "the client has no other"
    return f"the key {key.kid or key.key.thumbprint!r} ended at {write_time(key.ends_at)}; {newer}"


def _read(text: str | None) -> tuple[ClientAssertion | None, str]:
    if text is None:
        return None, ""
    try:
        return read_client_assertion(text), ""
    except JoseError as error:
        return None, str(error)


def _single_use(context: RequestContext, assertion: ClientAssertion, client: Client) -> Use:
    # Remembered for as long as it would be accepted, and a little longer for the clock of another replica; a year at
    # most, for where enforcement lets assertions live for ever.
    now = context.times.wall
    ends = int(min(max(assertion.expires_at or 0, now), now + _YEAR)) + context.environment.policy.skew.usual + 60
    # Without an id nothing can be recognised again; a rule says so, and nothing must look like a second use.
    once = Once("client-assertion", (client.client_id, assertion.jti or secrets.token_hex(16)), ends)
    return Use(once, chapter.single_use, "the same assertion has been used before")


def _judge_registration(context: RequestContext, client: Client, key: int) -> None:
    """Judge what the registration alone shows. Raises OAuthError where the enforcement refuses it.

    ``key`` is the position of the key that verified the assertion. A registration does not change while its catalog is
    current, so each is judged once.
    """
    sharers = context.catalog.key_sharers(client)
    judged = _JUDGED.setdefault(client, {})
    findings = judged.get((key, sharers))
    if findings is None:
        others = tuple(other for name in sharers if (other := context.catalog.client(name)) is not None)
        evidence = registration.Registration(client, others, client.keys[key])
        findings = judged[key, sharers] = registration.CHAPTER.judge(evidence)
    context.findings += findings
    error = refusal(findings, context.enforcement)
    if error is not None:
        raise error


#: Findings by client, for as long as the client is part of a catalog.
_JUDGED: WeakKeyDictionary[Client, dict[tuple[int, tuple[str, ...]], list[Finding]]] = WeakKeyDictionary()


def _basic_credentials(authorization: str | None) -> tuple[str | None, str | None]:
    if authorization is None or authorization[:6].lower() != "basic ":
        return None, None
    try:
        text = base64.b64decode(authorization[6:].strip(), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None, None
    if "\0" in text:
        return None, None
    name, _, password = text.partition(":")
    return name or None, password or None
