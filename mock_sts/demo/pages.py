"""The addresses of the demo."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response

from mock_sts.demo import API, HOME
from mock_sts.late import Late, late
from mock_sts.protocol.addresses import Addresses
from mock_sts.settings.settings import Settings

if TYPE_CHECKING:
    from mock_sts.demo.views import Demo

_STYLESHEET = Path(__file__).parent / "templates" / "demo_style.css"


def blueprint(
    settings: Settings,
    key: Mapping[str, Any],
    addresses: Callable[[], Addresses],
    introduce: Callable[[str, str], Mapping[str, str]],
) -> Blueprint:
    """The routes. ``key`` is the private JWK of the client ``demo-page``, ``addresses`` tells those of the server now.

    ``introduce`` makes the headers of a call to the server, of its URL and the path before ours in that.
    """
    routes = Blueprint("demo", __name__, template_folder="templates")
    styles = _STYLESHEET.read_bytes()

    demo = Late(lambda: _demo_class()(settings, key, addresses, introduce))

    @routes.get(HOME)
    def home() -> Response:
        return demo().home()

    @routes.get(f"{HOME}/steps")
    def steps() -> Response:
        return demo().steps()

    @routes.post(f"{HOME}/login")
    def login() -> Response:
        return demo().log_in()

    @routes.get(f"{HOME}/callback")
    def callback() -> Response:
        return demo().callback()

    @routes.post(f"{HOME}/call")
    def call() -> Response:
        return demo().call()

    @routes.post(f"{HOME}/refresh")
    def refresh() -> Response:
        return demo().refresh()

    @routes.post(f"{HOME}/logout")
    def logout() -> Response:
        return demo().log_out()

    @routes.get(API)
    def api() -> Response:
        return demo().api()

    @routes.get(f"{HOME}/style.css")
    def stylesheet() -> Response:
        return Response(styles, 200, {"Content-Type": "text/css; charset=UTF-8", "Cache-Control": "max-age=3600"})

    return routes


@late
def _demo_class() -> "type[Demo]":
    from mock_sts.demo.views import Demo  # noqa: PLC0415  with Authlib's client parts

    return Demo
