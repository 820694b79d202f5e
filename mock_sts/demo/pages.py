"""The addresses of the demo."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Flask, Response, current_app

from mock_sts.demo import API, BEARER_API, HOME
from mock_sts.late import Late, late
from mock_sts.settings.settings import Settings

if TYPE_CHECKING:
    from mock_sts.demo.views import Demo

ROUTES = Blueprint("demo", __name__, template_folder="templates")

#: Under which name an application has its demo.
_DEMO = "mock_sts_demo"


def install(
    app: Flask, settings: Settings, key: Mapping[str, Any], introduce: Callable[[str, str], Mapping[str, str]]
) -> None:
    """The routes. ``key`` is the private JWK of the client ``demo-page``.

    ``introduce`` makes the headers of a call to the server, of its URL and the path before ours in that.
    """
    app.extensions[_DEMO] = Late(lambda: _demo_class()(settings, key, introduce))
    app.register_blueprint(ROUTES)


def _demo() -> "Demo":
    demo: Demo = current_app.extensions[_DEMO]()
    return demo


@ROUTES.get(HOME)
def home() -> Response:
    """What the client knows, and what it can do."""
    return _demo().home()


@ROUTES.get(f"{HOME}/steps")
def steps() -> Response:
    """Every request and answer of this browser."""
    return _demo().steps()


@ROUTES.post(f"{HOME}/login")
def login() -> Response:
    """Begin a login."""
    return _demo().log_in()


@ROUTES.get(f"{HOME}/callback")
def callback() -> Response:
    """End a login."""
    return _demo().callback()


@ROUTES.post(f"{HOME}/call")
def call() -> Response:
    """Call the API."""
    return _demo().call()


@ROUTES.post(f"{HOME}/refresh")
def refresh() -> Response:
    """Get new tokens."""
    return _demo().refresh()


@ROUTES.post(f"{HOME}/logout")
def logout() -> Response:
    """End the session."""
    return _demo().log_out()


@ROUTES.get(API)
def api() -> Response:
    """The API itself, with DPoP."""
    return _demo().api()


@ROUTES.get(BEARER_API)
def bearer_api() -> Response:
    """The same with Bearer."""
    return _demo().bearer_api()


@late
def _demo_class() -> "type[Demo]":
    from mock_sts.demo.views import Demo  # noqa: PLC0415  with Authlib's client parts

    return Demo
