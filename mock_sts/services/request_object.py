"""Request objects: open one, let the chapter judge it, and merge it with what stands beside it."""

from dataclasses import dataclass

from mock_sts.helseid import testidp
from mock_sts.helseid.details import AUTHORIZATION_DETAILS, read_details
from mock_sts.helseid.profile import request_object as chapter
from mock_sts.helseid.profile.request_object import RequestObjectEvidence
from mock_sts.helseid.registry import Client
from mock_sts.protocol.authorization_request import PARAMETERS
from mock_sts.protocol.client_assertion import Signature, VerifiedBy, verify
from mock_sts.protocol.jose import JoseError
from mock_sts.protocol.params import Params
from mock_sts.protocol.request_object import RequestObject, read_request_object
from mock_sts.services.details import judge_request_details
from mock_sts.services.exchange import Exchange

#: What is kept of an authorization request; the rest (client authentication, the request object) is not.
KEPT = (*PARAMETERS, *testidp.PARAMETERS)


@dataclass(frozen=True, slots=True)
class Opened:
    """An authorization request with nothing wrapped any more: its parameters, and the details that it carries."""

    params: Params
    details: tuple[object, ...]


def claimed_client(params: Params) -> str | None:
    """Whose request this claims to be: by its client_id, else by what its request object says, unverified."""
    client_id = params.one("client_id")
    if client_id is None and params.one("request") is not None:
        read, _ = _read(params)
        return read.claimed_client if read is not None else None
    return client_id


def open_request(exchange: Exchange, params: Params, client: Client, *, pushed: bool, posted: bool = True) -> Opened:
    """The authorization request in ``params``, its request object merged in. Raises OAuthError."""
    if params.one("request") is None:
        value = params.one(AUTHORIZATION_DETAILS)
        details: tuple[object, ...] = () if value is None else (value,)
        judge_request_details(exchange, client, details, signed=False)
        return Opened(params, details)
    read, fault = _read(params)
    verified = VerifiedBy(Signature.NO_KEY)
    if read is not None:
        exchange.show("request_object", read.jwt.jws)
        verified = verify(read.jwt, ((key.kid, key.key) for key in client.keys))
    outer = Params(_pairs(params))
    claims = read.jwt.jws.claims if read is not None else {}
    inside = (claims[AUTHORIZATION_DETAILS],) if AUTHORIZATION_DETAILS in claims else ()
    outside = params.many(AUTHORIZATION_DETAILS)
    exchange.judge(
        chapter.CHAPTER,
        RequestObjectEvidence(
            request_object=read,
            fault=fault,
            client=client,
            verified=verified,
            urls=exchange.urls,
            now=exchange.times.wall,
            skew=exchange.sts.policy.skew,
            outer=outer,
            pushed=pushed,
            posted=posted,
            details_differ=read_details(inside) != read_details(outside) if inside and outside else None,
        ),
    )
    if read is None:
        raise AssertionError("the chapter let an unreadable request object pass")
    # What is signed counts; what stands beside it fills the gaps.
    details = inside or outside
    judge_request_details(exchange, client, details, signed=bool(inside))
    gaps = [pair for pair in _pairs(outer) if pair[0] not in read.parameters]
    return Opened(Params([*_pairs(read.parameters), *gaps]), details)


def _read(params: Params) -> tuple[RequestObject | None, str]:
    try:
        return read_request_object(params.one("request") or "", testidp.PARAMETERS), ""
    except JoseError as error:
        return None, str(error)


def _pairs(params: Params) -> list[tuple[str, str]]:
    """The pairs of ``params`` that belong to an authorization request."""
    return [(name, value) for name in KEPT for value in params.many(name)]
