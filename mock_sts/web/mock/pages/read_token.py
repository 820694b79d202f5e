"""A page that reads a token: decoded, verified by the keys of this server, and its faults in words."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response

from mock_sts.protocol.jose import JoseError, Jws, read_jws
from mock_sts.protocol.private_keys import without_private_keys
from mock_sts.protocol.signed_jwt import numeric_date
from mock_sts.services.request_context import RequestContext
from mock_sts.services.tokens.access_token import Received, receive
from mock_sts.services.tokens.issuing import ACCESS_TOKEN_TYP
from mock_sts.web import admission, browser, reading
from mock_sts.web.reading import current
from mock_sts.web.texts import Words

PATH = "/mock/token"

ROUTES = Blueprint("read_token", __name__)
admission.guard(ROUTES)

#: Moments after this have no date that can be written, in seconds.
_LAST = 253_402_300_799

WORDS: Words = {
    "read_token": ("Les et token", "Read a token"),
    "read_token_lead": (
        "Lim inn et JWT: access-token, ID-token, assertion eller DPoP-bevis. Det blir dekodet, og prøvd mot nøklene "
        "til denne serveren. Ingenting blir lagret.",
        "Paste a JWT: access token, ID token, assertion or DPoP proof. It is decoded, and tried with the keys of this "
        "server. Nothing is kept.",
    ),
    "read_token_field": ("Token", "Token"),
    "read_token_do": ("Les", "Read"),
    "read_token_none": ("Lim inn et token først.", "Paste a token first."),
    "read_token_unreadable": ("Teksten er ikke et JWT:", "The text is no JWT:"),
    "read_token_findings": ("Hva som ble funnet", "What was found"),
    "read_token_header": ("Hode", "Header"),
    "read_token_claims": ("Claims", "Claims"),
    "read_token_times": ("Tidspunkter", "Times"),
    "read_token_make": ("Lag et testtoken", "Make a test token"),
    "read_token_signed": ("En nøkkel i denne serveren har signert det.", "A key of this server has signed it."),
    "read_token_foreign": (
        "Ingen nøkkel i denne serveren har signert det. Det er riktig for en assertion og et DPoP-bevis, som klienten "
        "signerer; et API må avvise et slikt access-token.",
        "No key of this server has signed it. That is right for an assertion and a DPoP proof, which the client signs; "
        "an API must refuse such an access token.",
    ),
    "read_token_issuer": ("iss er denne STS-en.", "iss is this STS."),
    "read_token_other_issuer": ("iss er ikke denne STS-en.", "iss is not this STS."),
    "read_token_expired": ("Det er utløpt.", "It has expired."),
    "read_token_fresh": ("Det er ikke utløpt.", "It has not expired."),
    "read_token_endless": ("Det har ingen utløpstid (exp).", "It has no time of expiry (exp)."),
    "read_token_revoked": ("Det er trukket tilbake.", "It is revoked."),
    "read_token_bound": (
        "Det er bundet til en nøkkel (cnf): et kall må ha et DPoP-bevis med den.",
        "It is bound to a key (cnf): a call must carry a DPoP proof made with it.",
    ),
    "read_token_unbound": (
        "Det er ikke bundet til en nøkkel: den som har det, kan bruke det (Bearer).",
        "It is bound to no key: all who have it can use it (Bearer).",
    ),
}


@ROUTES.get(PATH)
def page() -> Response:
    """The form."""
    return _page()


@ROUTES.post(PATH)
def read() -> Response:
    """The token of the form, read."""
    form = reading.form()
    if browser.is_forged(form.one(browser.ANTIFORGERY_FIELD)):
        return _page(message="forged", status=403)
    # Who copies from a terminal has line breaks in the text.
    text = "".join((form.one("token") or "").split()).removeprefix("Bearer").removeprefix("DPoP")
    if not text:
        return _page(message="read_token_none", status=400)
    try:
        jws = read_jws(text)
    except JoseError as error:
        return _page(message="read_token_unreadable", detail=str(error), status=400)
    return _page(jws=jws, received=receive(RequestContext(current(), PATH), text))


def _page(
    message: str = "",
    detail: str = "",
    status: int = 200,
    *,
    jws: Jws | None = None,
    received: Received | None = None,
) -> Response:
    field, cookie = browser.antiforgery_token()
    response = browser.page(
        "read_token.html",
        section="test_token",
        words=WORDS,
        status=status,
        copies=True,
        message=message,
        detail=detail,
        header="" if jws is None else _pretty(jws.header),
        claims="" if jws is None else _pretty(jws.claims),
        times=[] if jws is None else list(_times(jws.claims)),
        findings=[] if jws is None or received is None else list(_findings(jws, received)),
        antiforgery=field,
    )
    browser.set_antiforgery_cookie(response, cookie)
    return response


def _findings(jws: Jws, received: Received) -> Iterator[tuple[str, str]]:
    """What is to be said of the token: the kind of each message, and the name of its words."""
    reached = current()
    yield ("good", "read_token_signed") if received.signed else ("bad", "read_token_foreign")
    is_own = jws.claims.get("iss") in [issuer.base for issuer in (reached.urls.issuer, reached.urls.back_channel)]
    yield ("good", "read_token_issuer") if is_own or received.issuer_known else ("warn", "read_token_other_issuer")
    expires_at = numeric_date(jws.claims.get("exp"))
    if expires_at is None:
        yield "warn", "read_token_endless"
    else:
        is_over = expires_at <= reached.environment.clock.times().wall
        yield ("bad", "read_token_expired") if is_over else ("good", "read_token_fresh")
    if received.revoked:
        yield "bad", "read_token_revoked"
    if jws.header.get("typ") == ACCESS_TOKEN_TYP:
        yield ("note", "read_token_bound") if jws.claims.get("cnf") else ("warn", "read_token_unbound")


def _times(claims: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in ("iat", "nbf", "exp", "auth_time"):
        moment = numeric_date(claims.get(name))
        if moment is not None and 0 <= moment <= _LAST:
            yield name, datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _pretty(value: Mapping[str, Any]) -> str:
    return json.dumps(without_private_keys(dict(value)), indent=2, ensure_ascii=False)
