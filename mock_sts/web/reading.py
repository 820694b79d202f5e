"""From ``flask.request`` to values: form, proofs, tokens."""

import re
from contextlib import suppress

from flask import request
from werkzeug.exceptions import MethodNotAllowed
from werkzeug.http import parse_cookie

from mock_sts.helseid.profile.form import CONTENT_TYPE
from mock_sts.protocol.dpop import split_proofs
from mock_sts.protocol.params import Params
from mock_sts.services.back_channel.form import BackChannelCall
from mock_sts.services.tokens.access_token import Presented

#: For endpoints that answer a wrong method by themselves.
ANY_METHOD = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


#: FAPI 2.0 Implementation Advice: an API repeats it, so that the logs of both sides can be put together.
INTERACTION_ID = "x-fapi-interaction-id"


def cookie(name: str) -> str | None:
    """The value of the cookie called ``name``, the first one where there are several.

    Browsers send the cookies of every application on a host, in whatever bytes those were set. So only the cookie that
    is asked for is read: the framework reads all of them, and fails or loses more than the odd one.
    """
    for piece in request.environ.get("HTTP_COOKIE", "").split(";"):
        if piece.partition("=")[0].strip() == name:
            with suppress(UnicodeError):
                return parse_cookie(piece.strip()).get(name)
    return None


def media_type() -> str:
    """The content type in lower case, without parameters such as a charset."""
    return (request.environ.get("CONTENT_TYPE") or "").partition(";")[0].strip().lower()


def refuse_head() -> None:
    """Refuse HEAD, which Flask adds to GET: a look must neither answer a request nor use anything up."""
    if request.method == "HEAD":
        raise MethodNotAllowed(["GET", "POST"])


def form() -> Params:
    """The form in the body; parameters in the URL do not count. No form, no parameters.

    The body is kept with the request, so that a guard and the view behind it both see the whole form.
    """
    if request.method != "POST" or media_type() != CONTENT_TYPE:
        return Params()
    return Params.from_form(request.get_data())


def proofs() -> tuple[str, ...]:
    """The proofs in the DPoP header or headers."""
    header = request.environ.get("HTTP_DPOP")
    return tuple(split_proofs(header)) if header else ()


def presented_token() -> Presented:
    """The access token of the Authorization header, or of the form as RFC 6750 section 2.2 allows."""
    header = request.environ.get("HTTP_AUTHORIZATION", "")
    scheme, _, token = header.partition(" ")
    if scheme.lower() in ("bearer", "dpop"):
        named = "DPoP" if scheme.lower() == "dpop" else "Bearer"
        return Presented(token.strip() or None, named, True, proofs(), request.method)
    in_form = form().one("access_token")
    return Presented(in_form, "Bearer", in_form is None, proofs(), request.method)


def interaction_id() -> str | None:
    """What a client calls this call, if it is fit to be repeated."""
    text = request.headers.get(INTERACTION_ID, "")
    return text if re.fullmatch(r"[!-~]{1,128}", text) else None


def preflight_of() -> str | None:
    """The origin of the page for which a browser asks whether it may send a request (CORS), None where none asks."""
    if request.method != "OPTIONS" or "HTTP_ACCESS_CONTROL_REQUEST_METHOD" not in request.environ:
        return None
    return request.environ.get("HTTP_ORIGIN")


def back_channel_call() -> BackChannelCall:
    """The request as services of the back channel take it."""
    return BackChannelCall(
        method=request.method,
        media_type=media_type(),
        params=form(),
        proofs=proofs(),
        authorization=request.environ.get("HTTP_AUTHORIZATION"),
        origin=request.environ.get("HTTP_ORIGIN"),
        preflight_of=preflight_of(),
    )
