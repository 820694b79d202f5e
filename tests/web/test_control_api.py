"""The frame of the control API: its description, and what is true of every operation."""

import re
from typing import Any

import pytest

from mock_sts.web.mock.api.install import described
from tests.support.emulator import Emulator, Worlds
from tests.support.environments import neighbour
from tests.web.test_control import assert_problem

OPENAPI = "/mock/api/v1/openapi.json"
JSON = {"Content-Type": "application/json"}


def operations(document: dict[str, Any]) -> set[tuple[str, str]]:
    return {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}


@pytest.mark.covers("control.openapi")
def test_the_document_has_every_operation(sts: Emulator) -> None:
    document = sts.get(OPENAPI).json
    assert document["openapi"].startswith("3.1.")
    assert document["servers"] == [{"url": "http://localhost:8080/mock/api/v1"}]
    declared = {(one.method, one.path) for resource in described() for one in resource.operations}
    assert operations(document) == declared
    ids = [one["operationId"] for methods in document["paths"].values() for one in methods.values()]
    assert len(ids) == len(set(ids)) == len(declared)
    assert "security" not in document


@pytest.mark.covers("control.openapi")
def test_below_an_environment_the_document_has_what_is_there(sts: Emulator) -> None:
    side = neighbour(sts, "w1")
    document = side.get(OPENAPI).json
    assert document["servers"] == [{"url": "http://localhost:8080/env/w1/mock/api/v1"}]
    missing = operations(sts.get(OPENAPI).json) - operations(document)
    assert ("PUT", "/public-url") in missing
    for method, path in missing:
        answer = side.transport.send(method, f"/mock/api/v1{re.sub('{.*?}', 'x', path)}", JSON, b"{}")
        assert "at the root" in assert_problem(answer, 404), (method, path)


@pytest.mark.covers("control.openapi")
@pytest.mark.parametrize("path", ["", "/base"])
def test_the_documents_server_is_where_it_was_asked(worlds: Worlds, path: str) -> None:
    sts = worlds.make(public_url="https://sts.example/base", aliases=("http://inside.example:8080",))
    document = sts.get(f"{path}{OPENAPI}", {"Host": "inside.example:8080"}).json
    (server,) = document["servers"]
    assert server["url"].startswith("http://inside.example:8080/")
    asked = server["url"].removeprefix("http://inside.example:8080")
    assert sts.get(f"{asked}/openapi.json", {"Host": "inside.example:8080"}).status == 200


@pytest.mark.covers("control.openapi")
def test_the_document_says_where_a_token_is_needed(worlds: Worlds) -> None:
    sts = worlds.make(admin_token="s3cret")
    assert_problem(sts.get(OPENAPI), 401)
    assert sts.get(OPENAPI, {"Authorization": "Bearer s3cret"}).json["security"] == [{"adminToken": []}]


@pytest.mark.covers("control.page")
@pytest.mark.parametrize("token", ["", "s3cret"])
def test_the_page_shows_every_operation_without_scripts_or_foreign_assets(worlds: Worlds, token: str) -> None:
    sts = worlds.make(admin_token=token)
    assert sts.get("/mock/api").status == 200
    answer = sts.get("/mock/api/", {"Sec-Fetch-Site": "cross-site"})
    assert answer.status == 200
    page = answer.content.decode()
    for resource in described():
        for one in resource.operations:
            assert f'data-testid="operation-{one.name}"' in page
    assert "<script" not in page
    assert re.findall(r'(?:src|href)="(?!/|#)', page) == []
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert ("Send the administration token" in page) is bool(token)


@pytest.mark.covers("control.page")
def test_the_page_of_an_environment_leaves_out_what_is_the_servers(sts: Emulator) -> None:
    page = neighbour(sts, "w1").get("/mock/api/").content.decode()
    assert "http://localhost:8080/env/w1/mock/api/v1" in page
    assert "operation-order" in page
    assert "operation-put_public_url" not in page


@pytest.mark.covers("control.problems")
def test_a_problem_points_to_the_member_that_is_wrong(sts: Emulator) -> None:
    body = b'{"persona": "gronn-vits", "match": {"client": "x"}}'
    answer = sts.transport.send("POST", "/mock/api/v1/next-login", JSON, body)
    assert_problem(answer, 400)
    assert answer.json["type"] == "urn:mock-sts:problem:member"
    assert answer.json["member"] == "/match/client"
    assert answer.json["instance"] == "/mock/api/v1/next-login"
    assert "did you mean 'client_id'?" in answer.json["detail"]
    answer = sts.get("/mock/api/v1/journal?limt=1")
    assert answer.json["parameter"] == "limt"
    assert "did you mean 'limit'?" in answer.json["detail"]


@pytest.mark.covers("control.problems")
@pytest.mark.parametrize("path", ["/mock/api/v1/next-login", "/env/w1/mock/api/v1/next-login"])
def test_a_request_without_a_body_needs_no_type_of_one(sts: Emulator, path: str) -> None:
    neighbour(sts, "w1")
    assert sts.transport.send("DELETE", path).status == 200
    assert_problem(sts.transport.send("DELETE", path, {}, b"{}"), 415)
    assert_problem(sts.transport.send("DELETE", path, JSON, b'{"x": 1}'), 400)
