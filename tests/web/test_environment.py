"""Whom a request is for is found out before anything answers it, for every route alike."""

import re
from collections.abc import Iterator

import pytest
from flask import Flask

from tests.support.emulator import Emulator, Worlds

#: Answered by any name, for containers and balancers ask so.
_BY_ANY_NAME = ("/health/live", "/health/ready")


def _routes(app: Flask) -> Iterator[tuple[str, str]]:
    """A path of every route with every method that it takes, and paths of no route."""
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<[^>]*>", "x", rule.rule)
        for method in sorted(rule.methods or ()):
            yield method, path
    yield from (("GET", path) for path in ("/nothing", "/mock/nothing", "/mock/api/v1/nothing", "/mock/style.cs"))


@pytest.mark.covers("addresses.host.every")
@pytest.mark.parametrize("host", ["elsewhere.example", "not a host", ""])
def test_no_route_answers_to_an_unknown_host(worlds: Worlds, host: str) -> None:
    sts = worlds.make(aliases=("http://other.example:8080",), public_url="http://sts.example:8080")
    found = 0
    for method, path in _routes(sts.app):
        answer = sts.transport.send(method, path, {"Host": host, "Content-Type": "application/json"})
        if path in _BY_ANY_NAME:
            assert answer.status in (200, 405), (method, path)
            continue
        assert answer.status == 400, (method, path)
        if method != "HEAD":
            assert answer.json.get("title", answer.json.get("error")) in ("Unknown host", "invalid_request")
            found += 1
    assert found > 50
    assert sts.get("/mock/api/v1/journal", {"Host": "other.example:8080"}).json["entries"] == []


@pytest.mark.covers("environments.unknown")
@pytest.mark.parametrize("name", ["nobodys", "x" * 63, "default", "NOBODYS", "a--b", "-"])
def test_no_route_answers_for_an_unknown_environment(sts: Emulator, name: str) -> None:
    for method, path in _routes(sts.app):
        answer = sts.transport.send(method, f"/env/{name}{path}", {"Content-Type": "application/json"})
        assert answer.status == 404, (method, path)
        if method != "HEAD" and answer.content:
            assert "environment" in str(answer.json), (method, path)
    assert sts.get(f"/env/{name}").status == 404


@pytest.mark.covers("environments.unknown")
@pytest.mark.parametrize(
    "path", ["/env", "/env/", "/env//x", "/env/a_b/connect/token", f"/env/{'x' * 64}/", "/env/%20/"]
)
def test_what_is_no_name_is_no_environment(sts: Emulator, path: str) -> None:
    assert sts.get(path).status == 404
