"""What every answer carries, whatever was asked and whatever was wrong with it."""

from dataclasses import replace

import pytest

from mock_sts.store.database import StoreError
from mock_sts.web.headers import EVERY_ANSWER
from tests.support.emulator import Emulator, Worlds
from tests.support.machine import Answer, Headers

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


def assert_complete(answer: Answer, asked: object) -> None:
    for name, value in EVERY_ANSWER.items():
        assert answer.headers.get(name.lower()) == value, asked
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.covers("server.every-answer")
@pytest.mark.parametrize("method", METHODS)
def test_of_every_route_by_every_method(sts: Emulator, method: str) -> None:
    for rule in {rule.rule for rule in sts.app.url_map.iter_rules()}:
        assert_complete(sts.transport.send(method, rule.replace("<", "").replace(">", "")), rule)


@pytest.mark.covers("server.every-answer")
@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "status"),
    [
        ("GET", "/nothing", {}, b"", 404),
        ("GET", "/mock/api/v1/nothing", {}, b"", 404),
        ("POST", "/connect/revocation", {"Content-Type": "text/plain"}, b"x", 415),
        ("PUT", "/connect/userinfo", {}, b"", 405),
        ("POST", "/connect/authorize", {}, b"x" * 300_000, 413),
        ("POST", "/mock/api/v1/next-login", {"Content-Type": "application/json"}, b"x" * 300_000, 413),
        ("POST", "/mock/api/v1/next-login", {"Content-Type": "text/plain"}, b"x", 415),
        ("POST", "/mock/api/v1/next-login", {"Content-Type": "application/json"}, b"x", 400),
        ("GET", "/mock/api/v1/journal", {"Origin": "http://evil.example"}, b"", 403),
        ("GET", "/", {"Host": "evil.example"}, b"", 400),
        ("GET", "/", {"Host": "a b"}, b"", 400),
        ("GET", "/connect/userinfo", {}, b"", 401),
        ("GET", "/connect/authorize", {}, b"", 303),
    ],
)
def test_of_every_refusal(sts: Emulator, method: str, path: str, headers: Headers, body: bytes, status: int) -> None:
    answer = sts.transport.send(method, path, headers, body)
    assert answer.status == status
    assert_complete(answer, path)


@pytest.mark.covers("server.every-answer")
@pytest.mark.parametrize(("fault", "status"), [(StoreError("x"), 503), (OSError(28, "x"), 503), (RuntimeError(), 500)])
@pytest.mark.parametrize("path", ["/", "/connect/token", "/mock/api/v1/journal", "/mock/demo"])
def test_of_what_fails(worlds: Worlds, path: str, fault: Exception, status: int) -> None:
    def fail(*_: object, **__: object) -> None:
        raise fault

    sts = Emulator(worlds.make().settings)
    sts.app.before_request_funcs.setdefault(None, []).append(fail)  # of this application alone
    answer = sts.get(path)
    sts.close()
    assert answer.status == status
    assert_complete(answer, path)


@pytest.mark.parametrize("path", ["/mock/api/v1/journal", "/mock/api/v1/nothing"])
def test_of_the_control_api_without_its_token(worlds: Worlds, path: str) -> None:
    sts = Emulator(replace(worlds.make().settings, admin_token="s3cret"))
    answer = sts.get(path)
    sts.close()
    assert answer.status == 401
    assert_complete(answer, path)
