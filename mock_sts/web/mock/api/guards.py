"""Who may use the control API: no page of another site, and where there is an administration token, who has it."""

import hmac

from flask import Flask, request
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Forbidden, Unauthorized, UnsupportedMediaType

from mock_sts.protocol.addresses import EffectiveUrls
from mock_sts.protocol.urls import origin_of
from mock_sts.web import admission, reading
from mock_sts.web.errors import API_PREFIX
from mock_sts.web.reading import current, the_server

_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


def install(app: Flask) -> None:
    """Guard everything below the prefix, also paths that do not exist."""

    @app.before_request
    def guard() -> None:
        # A link elsewhere may lead to the page, which tells no more than any copy of the program does.
        if request.path.startswith(API_PREFIX) and request.path != API_PREFIX:
            _refuse_other_sites(current().urls)
            _require_token(the_server().hosting.admin_token)
            _require_json()


def _refuse_other_sites(urls: EffectiveUrls) -> None:
    """A page of another site that the browser has open must not steer the emulator."""
    site = request.headers.get("Sec-Fetch-Site")
    if site not in (None, "same-origin", "none"):
        raise Forbidden("requests from other sites are refused (Sec-Fetch-Site)")
    origin = request.headers.get("Origin")
    # Not request.host_url, which decodes punycode and fails on what is none.
    asked = f"{request.scheme}://{request.environ.get('HTTP_HOST', '')}"
    own = [origin_of(url) for url in (asked, urls.issuer.base, urls.back_channel.base)]
    if origin is not None and origin_of(origin) not in own:
        raise Forbidden("requests from other origins are refused (Origin)")


def _require_token(admin_token: str) -> None:
    if not admin_token:
        return
    # What a browser may see on pages it may read here too; what changes something wants the token itself.
    if request.method in _SAFE_METHODS and admission.has_cookie():
        return
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), admin_token.encode()):
        raise Unauthorized(
            "send Authorization: Bearer with the token of MOCK_STS_ADMIN_TOKEN",
            www_authenticate=WWWAuthenticate("bearer"),
        )


def _require_json() -> None:
    # Without a body there is nothing that could have a type. A form of another site says one even then.
    if request.method in _SAFE_METHODS or (not reading.media_type() and not reading.asked().body()):
        return
    if reading.media_type() != "application/json":
        raise UnsupportedMediaType("the control API takes application/json only")
