"""Tokens on order beyond NHN's service, and an API that is tried with all of their defects."""

import json
import threading
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from mock_sts.protocol.defects import BY_NAME, DEFECTS
from mock_sts.protocol.dpop import read_dpop_proof
from mock_sts.protocol.jose import import_public_key, read_jws
from tests.support import processes
from tests.support.emulator import LiveServer
from tests.support.machine import decode

AUDIENCE = "mock:demo-api"
CALL = {"method": "GET", "url": "https://api.example/x"}

#: A server that has no right: it lets every call in, or fails.
ANSWERS = {"/open": 200, "/broken": 500, "/closed": 401}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    made = LiveServer(tmp_path_factory.mktemp("orders"))
    yield made
    made.stop()


def ask(server: LiveServer, path: str = "", body: object = None, *, status: int = 200, **query: str) -> Any:
    method = "GET" if body is None else "POST"
    url = f"{server.issuer}/mock/api/v1/test-tokens{path}"
    answer = requests.request(method, url, json=body, params=query, timeout=60)
    assert answer.status_code == status, answer.text
    return answer.json()


def run(server: LiveServer, *arguments: str, status: int = 0) -> Any:
    done = processes.run(*arguments, env=server.environment)
    assert done.returncode == status, done.stdout + done.stderr
    return done


@pytest.mark.covers("token-order.claims")
def test_an_ordered_token_is_that_of_the_token_endpoint(server: LiveServer) -> None:
    real = decode(run(server, "token", "demo-machine", "--scope", "mock:demo-api/read").stdout.strip())
    order = {"audience": AUDIENCE, "client_id": "demo-machine", "scope": ["mock:demo-api/read"], "proof": CALL}
    made = ask(server, body=order)
    header, claims = decode(made["access_token"])
    assert (header, list(claims)) == (real[0], list(real[1]))
    assert (header, claims) == (made["header"], made["claims"])
    moving = ("nbf", "iat", "exp", "cnf", "jti")
    assert {n: v for n, v in claims.items() if n not in moving} == {n: v for n, v in real[1].items() if n not in moving}
    proof = read_dpop_proof(made["proof"])
    assert claims["cnf"]["jkt"] == proof.thumbprint == import_public_key(made["key"]).thumbprint
    person = decode(run(server, "token", "--persona", "kvart-grevling", "--client", "demo-web-api").stdout.strip())
    of_person = {"audience": AUDIENCE, "client_id": "demo-web-api", "persona": "kvart-grevling", "proof": CALL}
    ordered = ask(server, body={**of_person, "scope": person[1]["scope"]})["claims"]
    assert list(ordered) == list(person[1])
    for name in ("sub", "idp", "amr", "helseid://claims/identity/pid", "helseid://claims/identity/security_level"):
        assert ordered[name] == person[1][name]


@pytest.mark.covers("token-order.claims")
def test_what_is_ordered_comes(server: LiveServer) -> None:
    order = {
        "audience": "any:api",
        "persona": "06828399789",
        "organization": "213100106",
        "child": "1",
        "journal_id": "j",
        "security_level": "3",
        "lifetime": 5,
        "typ": "x+jwt",
        "now": 1_000,
        "jti": "J",
        "jkt": "K",
        "claims": {"own": {"a": 1}, "amr": None},
        "trust_framework": {"practitioner": {}},
    }
    made = ask(server, body=order)
    for name, value in {
        "aud": "any:api",
        "exp": 1_005,
        "iat": 1_000,
        "jti": "J",
        "cnf": {"jkt": "K"},
        "own": {"a": 1},
        "helseid://claims/client/claims/orgnr_parent": "213100106",
        "helseid://claims/client/claims/orgnr_child": "1",
        "nhn:sfm:journal-id": "j",
        "helseid://claims/identity/security_level": "3",
    }.items():
        assert made["claims"][name] == value
    assert "amr" not in made["claims"] and made["header"]["typ"] == "x+jwt" and made["proof"] is None
    assert "nhn:tillitsrammeverk:parameters" in made["claims"]
    again = ask(server, body={**order, "claims": {"sid": "S"}})
    assert again["access_token"] == ask(server, body={**order, "claims": {"sid": "S"}})["access_token"]


def test_an_id_token_can_be_ordered(server: LiveServer) -> None:
    made = ask(server, "/id-token", {"nonce": "N"})
    assert made["claims"]["aud"] == "demo-web" and made["claims"]["nonce"] == "N" and made["header"]["typ"] == "JWT"


@pytest.mark.covers("token-order.recipes")
def test_each_recipe_makes_a_token(server: LiveServer) -> None:
    known = ask(server)
    assert {defect["name"] for defect in known["defects"]} == set(BY_NAME)
    for recipe in known["recipes"]:
        assert ask(server, f"/{recipe['name']}", {"audience": AUDIENCE})["access_token"]
    late = ask(server, "/doctor-in-two-offices-expired", {"audience": AUDIENCE})
    assert [defect["name"] for defect in late["defects"]] == ["expired"] and late["warnings"] == []
    assert late["claims"]["exp"] < late["claims"]["auth_time"]


def test_several_defects_at_once_come_with_a_warning(server: LiveServer) -> None:
    made = ask(server, body={"audience": AUDIENCE, "defects": ["expired", "wrong_issuer", "alg_none"]})
    assert "3 defects" in made["warnings"][0] and made["header"]["alg"] == "none"
    assert made["claims"]["iss"] != server.issuer and made["access_token"].endswith(".")


@pytest.mark.covers("token-order.refusals")
@pytest.mark.parametrize(
    ("order", "member", "why"),
    [
        ({}, "/audience", "is missing"),
        ({"audience": "a", "client_id": "demo-machin"}, "/client_id", "did you mean 'demo-machine'"),
        ({"audience": "a", "persona": "kvart-grevlin"}, "/persona", "did you mean kvart-grevling"),
        ({"audience": "a", "defects": ["expire"]}, "/defects/0", "did you mean 'expired'"),
        ({"audience": "a", "defects": ["as_bearer"]}, "/defects", "needs a proof"),
        ({"audience": "a", "proof": CALL, "jkt": "x"}, "/jkt", "leave one of the two out"),
        ({"audience": "a", "lifetime": 0}, "/lifetime", "from 1"),
        ({"audience": "a", "trust_framework": {}}, "/trust_framework", "persona"),
        ({"audience": "a", "proof": {**CALL, "key": {"kty": "RSA"}}}, "/proof/key", "is no private JWK"),
        ({"audience": "a", "proof": {"method": "GET"}}, "/proof/url", "is missing"),
        ({"audience": "a", "nope": 1}, "/nope", "no member"),
        ({"id_token": True}, "/persona", "is missing"),
    ],
)
def test_a_wrong_order_names_the_member(server: LiveServer, order: dict[str, Any], member: str, why: str) -> None:
    problem = ask(server, body=order, status=400)
    assert problem["member"] == member and why in problem["detail"]


def test_wrong_matrices_recipes_and_proofs(server: LiveServer) -> None:
    assert ask(server, "/matrix", status=400)["parameter"] == "audience"
    assert ask(server, "/matrix", status=400, audience="a", client_id="x")["parameter"] == "client_id"
    assert "doctor" in ask(server, "/docto", {"audience": "a"}, status=404)["detail"]
    proof = {"access_token": "a.b.c", **CALL}
    assert ask(server, "/proof", {**proof, "defect": "expired"}, status=400)["member"] == "/defect"
    assert ask(server, "/proof", {**proof, "access_token": "å"}, status=400)["member"] == "/access_token"
    assert ask(server, "/proof", {**proof, "key": {"kty": "oct"}}, status=400)["member"] == "/proof/key"


@pytest.mark.covers("token-order.matrix")
@pytest.mark.parametrize(("path", "bearer"), [("/mock/demo/api", False), ("/mock/demo/bearer-api", True)])
def test_the_demo_apis_refuse_every_defect(server: LiveServer, path: str, bearer: bool) -> None:
    """With the status and the error that the matrix expects, and a challenge of the scheme that the API wants."""
    options = ("--bearer",) if bearer else ()
    client = ("--client", "demo-machine-bearer") if bearer else ()
    done = run(
        server, "test-api", "GET", server.issuer + path, "--audience", AUDIENCE, *client, *options, "--format", "json"
    )
    report = json.loads(done.stdout)
    rows = {row["name"]: row for row in report["rows"]}
    assert report["passed"] and rows["good"]["status"] == 200
    assert set(rows) == {"good", "other_child", *(one.name for one in DEFECTS if not (bearer and one.needs_proof))}
    for name, row in rows.items():
        if row["expected"] == "refusal":
            expected = BY_NAME[name].expected
            assert row["status"] == expected.status, row
            assert row["challenge"].startswith("Bearer" if bearer else "DPoP"), row
            assert f'error="{expected.error}"' in row["challenge"], row


@contextmanager
def careless() -> Iterator[str]:
    """An API that answers every call the same, by its path."""

    class Careless(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(ANSWERS[self.path])
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            self.do_POST()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Careless) as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{made.server_address[1]}"
        made.shutdown()


@pytest.mark.covers("token-order.trial")
def test_an_api_that_lets_all_in_fails_the_trial(server: LiveServer, tmp_path: Path) -> None:
    must = [one.name for one in DEFECTS if one.expected.must_refuse]
    with careless() as url:
        options = ("--audience", "x:api", "--body", "{}", "--header", "X-Own: 1")
        text = run(server, "test-api", "POST", f"{url}/open", *options, status=1).stdout
        assert f"{len(must)} faults" in text and "expired: It ended an hour ago, and the API answered 200" in text
        junit = tmp_path / "report.xml"
        run(server, "test-api", "post", f"{url}/open", *options, "--format", "junit", "--output", str(junit), status=1)
        suite = ET.parse(junit).getroot()[0]
        assert suite.attrib["failures"] == str(len(must))
        assert {case.attrib["name"] for case in suite if case.find("failure") is not None} == set(must)
        sarif = json.loads(
            run(server, "test-api", "POST", f"{url}/open", *options, "--format", "sarif", status=1).stdout
        )
        assert {one["ruleId"] for one in sarif["runs"][0]["results"]} == set(must)
        assert all(one["locations"] for one in sarif["runs"][0]["results"])
        closed = run(server, "test-api", "GET", f"{url}/closed", "--audience", "x", "--format", "json", status=1)
        rows = json.loads(closed.stdout)["rows"]
        assert [(row["name"], row["verdict"]) for row in rows] == [("good", "wrongly refused")]
        broken = run(server, "test-api", "GET", f"{url}/broken", "--audience", "x", "--format", "json", status=1)
        assert json.loads(broken.stdout)["rows"][0]["verdict"] == "failed"


@pytest.mark.covers("token-order.trial")
def test_a_trial_that_cannot_begin_says_why(server: LiveServer) -> None:
    with careless() as url:
        for arguments, why in [
            (("GET", f"{url}/open"), "--audience is missing"),
            (("GET", f"{url}/open", "--audience", "a", "--client", "nope"), "no client has the id 'nope'"),
            (("GET", f"{url}/open", "--audience", "a", "--header", "x"), "write NAME: VALUE"),
            (("GET", "http://127.0.0.1:9/", "--audience", "a"), "no answer from http://127.0.0.1:9/"),
            (("GET", f"{url}/open", "--audience", "a", "--url", "http://127.0.0.1:9"), "no answer from"),
        ]:
            assert why in run(server, "test-api", *arguments, status=2).stderr


@pytest.mark.covers("token-order.trial")
def test_the_command_prints_token_and_proof(server: LiveServer) -> None:
    url = f"{server.issuer}/mock/demo/api"
    lines = run(server, "test-token", "--audience", AUDIENCE, "--dpop", "GET", url).stdout.split()
    assert read_jws(lines[0]).claims["aud"] == AUDIENCE and read_jws(lines[1]).claims["htu"] == url
    curl = run(server, "test-token", "--audience", AUDIENCE, "--dpop", "GET", url, "--curl").stdout
    assert curl.startswith("curl -i -X GET -H 'Authorization: DPoP ") and curl.rstrip().endswith(url)
    claims = json.loads(
        run(server, "test-token", "--recipe", "doctor", "--audience", "a", "--defect", "expired", "--decode").stdout
    )
    assert claims["exp"] < claims["auth_time"]
    assert "did you mean" in run(server, "test-token", "--audience", "a", "--defect", "expire", status=2).stderr
    assert "--dpop" in run(server, "test-token", "--audience", "a", "--curl", status=2).stderr
    assert json.loads(run(server, "test-token", "--audience", "a", "--json").stdout)["token_type"] == "Bearer"
