"""Request objects: open one, let the chapter judge it, and merge it with what stands beside it."""

from mock_sts.helseid import testidp
from mock_sts.helseid.details import ASSERTION_DETAILS, AUTHORIZATION_DETAILS, read_details
from mock_sts.helseid.profile import request_object as chapter
from mock_sts.helseid.profile.request_object import RequestObjectEvidence
from mock_sts.helseid.registry.client import Client
from mock_sts.protocol.authorization_request import AuthorizationRequest, read_authorization_request
from mock_sts.protocol.jose import JoseError
from mock_sts.protocol.params import Params
from mock_sts.protocol.request_object import RequestObject, read_request_object
from mock_sts.protocol.signed_jwt import Signature, VerifiedBy, verify
from mock_sts.services.back_channel.client_authentication import kid_holders
from mock_sts.services.back_channel.details import judge_request_details
from mock_sts.services.request_context import RequestContext
from mock_sts.values import value_type

#: What details stand under: the documented name, and that of an assertion.
_DETAILS = (AUTHORIZATION_DETAILS, ASSERTION_DETAILS)


@value_type
class Opened:
    """An authorization request with nothing wrapped any more, the TestIDP's parameters with it, and what is kept of its
    details.
    """

    request: AuthorizationRequest
    hints: dict[str, str]
    details: tuple[object, ...]


def is_signed(params: Params) -> bool:
    """Whether a request object comes with ``params``; whether it is good is judged when it is opened."""
    return params.one("request") is not None


def claimed_client(params: Params) -> str | None:
    """Whose request this claims to be: by its client_id, else by what its request object says, unverified."""
    client_id = params.one("client_id")
    if client_id is None and is_signed(params):
        read, _ = _read(params)
        return read.claimed_client if read is not None else None
    return client_id


def open_request(
    context: RequestContext, params: Params, client: Client, *, pushed: bool, posted: bool = True
) -> Opened:
    """The authorization request in ``params``, its request object merged in. Raises OAuthError."""
    outside: dict[str, object] = {name: value for name in _DETAILS if (value := params.one(name)) is not None}
    if not is_signed(params):
        return _read_all(params, judge_request_details(context, client, outside, signed=False))
    read, fault = _read(params)
    verified = VerifiedBy(Signature.NO_KEY)
    if read is not None:
        context.show("request_object", read.jwt.jws)
        verified = verify(
            read.jwt,
            ((key.kid, key.key) for key in client.keys if key.ends_at is None or key.ends_at > context.times.now),
        )
    claims = read.jwt.jws.claims if read is not None else {}
    inside = {name: claims[name] for name in _DETAILS if name in claims}
    context.judge(
        chapter.CHAPTER,
        RequestObjectEvidence(
            request_object=read,
            fault=fault,
            client=client,
            verified=verified,
            urls=context.urls,
            now=context.times.wall,
            skew=context.environment.policy.skew,
            outer=params,
            pushed=pushed,
            posted=posted,
            details_differ=_differ(inside, outside) if inside and outside else None,
            kid_holders=kid_holders(context, read.jwt if read else None, client, verified),
        ),
    )
    if read is None:
        raise AssertionError("the chapter let an unreadable request object pass")
    context.keep_apart(chapter.audience, read.jwt.audiences)
    # What is signed counts; what stands beside it fills the gaps.
    details = judge_request_details(context, client, inside or outside, signed=bool(inside))
    return _read_all(read.parameters.over(params), details)


def _read_all(params: Params, details: tuple[object, ...]) -> Opened:
    return Opened(read_authorization_request(params), testidp.parameters_in(params), details)


def _differ(inside: dict[str, object], outside: dict[str, object]) -> bool:
    return read_details(inside.values()) != read_details(outside.values())


def _read(params: Params) -> tuple[RequestObject | None, str]:
    try:
        return read_request_object(params.one("request") or "", testidp.PARAMETERS), ""
    except JoseError as error:
        return None, str(error)
