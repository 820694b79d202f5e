"""Resource servers that we did not write, tried with every defect of a token: docs/protect-an-api.md has what they see.

Each takes the good token first; only then does a refusal mean that a defect was noticed.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import requests
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from joserfc.jwk import KeySet
from requests_oauth2client import InvalidDPoPProof, validate_dpop_proof

from mock_sts.protocol.defects import BY_NAME, DEFECTS
from mock_sts.protocol.jose import sha256_base64url
from tests.support.emulator import LiveServer
from tests.support.java import run_java

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "protect-an-api.md"

AUDIENCE, URL = "mock:demo-api", "https://api.example/records"

#: What each looks at: a whole request with its proof, the token alone, or the proof alone.
WHOLE, TOKEN, PROOF = "whole", "token", "proof"

SERVERS = {
    "oauth4webapi": WHOLE,
    "Authlib": TOKEN,
    "Nimbus": TOKEN,
    "Spring Security": TOKEN,
    "requests-oauth2client": PROOF,
}

#: What the page says of a defect.
NOTICED, PASSED, NOT_LOOKED_AT = "refuses", "lets pass", ""

Seen = Mapping[str, str]


class Matrix:
    """The matrix of a running server, with fresh proofs."""

    def __init__(self, server: LiveServer) -> None:
        self.issuer = server.issuer
        self._orders = f"{server.issuer}/mock/api/v1/test-tokens"
        query = {"audience": AUDIENCE, "persona": "kvart-grevling", "client_id": "demo-web-api"}
        found = requests.get(f"{self._orders}/matrix", params=query, timeout=60).json()
        self._key, self.rows = found["key"], found["items"]

    def proof(self, row: Mapping[str, Any]) -> str:
        order = {"access_token": row["access_token"], "method": "GET", "url": URL, "key": self._key}
        if row["proof_defect"]:
            order["defect"] = row["proof_defect"]
        proof: str = requests.post(f"{self._orders}/proof", json=order, timeout=60).json()["proof"]
        return proof


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Matrix]:
    server = LiveServer(tmp_path_factory.mktemp("servers"))
    yield Matrix(server)
    server.stop()


def by_oauth4webapi(matrix: Matrix) -> Seen:
    rows = []
    for row in matrix.rows:
        headers = {"authorization": f"{row['token_type']} {row['access_token']}"}
        if row["with_proof"]:
            headers["dpop"] = matrix.proof(row)
        rows.append({"name": row["name"], "headers": headers})
    given = {"issuer": matrix.issuer, "audience": AUDIENCE, "url": URL, "rows": rows}
    node = shutil.which("node")
    assert node is not None, "Node.js is missing; make test-all says how"
    done = subprocess.run(
        [node, "resource-server.mjs"],
        cwd=HERE / "node",
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen: Seen = json.loads(done.stdout)
    return seen


def by_authlib(matrix: Matrix) -> Seen:
    jwks = requests.get(f"{matrix.issuer}/.well-known/openid-configuration/jwks", timeout=60).json()
    keys = KeySet.import_key_set(jwks)

    class Validator(JWTBearerTokenValidator):  # type: ignore[misc]
        def get_jwks(self) -> object:
            return keys

    validator = Validator(matrix.issuer, AUDIENCE)
    seen = {}
    for row in matrix.rows:
        try:
            validator.validate_token(validator.authenticate_token(row["access_token"]), [], None)
            seen[row["name"]] = ""
        except (OAuth2Error, ValueError) as error:
            seen[row["name"]] = str(error) or type(error).__name__
    return seen


def by_java(matrix: Matrix, which: str, folder: Path) -> Seen:
    rows = [{"name": row["name"], "token": row["access_token"]} for row in matrix.rows]
    jwks = f"{matrix.issuer}/.well-known/openid-configuration/jwks"
    given = folder / "rows.json"
    given.write_text(json.dumps({"issuer": matrix.issuer, "audience": AUDIENCE, "jwks": jwks, "rows": rows}))
    seen: Seen = json.loads(run_java("ResourceServers", given))[which]
    return seen


def by_requests_oauth2client(matrix: Matrix) -> Seen:
    seen = {}
    for row in matrix.rows:
        if not row["with_proof"]:
            continue
        try:
            validate_dpop_proof(
                proof=matrix.proof(row),
                htm="GET",
                htu=URL,
                ath=sha256_base64url(row["access_token"].encode()),
                algs=("ES256",),
            )
            seen[row["name"]] = ""
        except (InvalidDPoPProof, ValueError, TypeError) as error:
            seen[row["name"]] = str(error) or type(error).__name__
    return seen


def promised(server: str) -> dict[str, str]:
    """What the page says of ``server``: defect to word."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    header = next(line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| defect"))
    columns = [cell.strip() for cell in header.strip("|").split("|")]
    place = columns.index(server)
    found = {}
    for line in lines:
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        name = re.fullmatch(r"`(\w+)`", cells[0])
        if name and len(cells) == len(columns):
            found[name[1]] = cells[place]
    return found


def looked_at(server: str) -> list[str]:
    kind = SERVERS[server]
    return [
        one.name
        for one in DEFECTS
        if (kind == WHOLE and one.presented != "twice")
        or (kind == TOKEN and not one.in_proof and not one.presented and not one.needs_proof)
        or (kind == PROOF and one.in_proof)
    ]


def compare(server: str, seen: Seen) -> None:
    assert seen["good"] == "", f"{server} refuses the good token: {seen['good']}"
    found = {name: NOTICED if seen[name] else PASSED for name in looked_at(server)}
    assert {name: word for name, word in promised(server).items() if word} == found


def test_the_page_has_every_defect() -> None:
    for server in SERVERS:
        assert set(promised(server)) == set(BY_NAME)


@pytest.mark.covers("token-order.resource-servers")
@pytest.mark.node
def test_oauth4webapi(matrix: Matrix) -> None:
    compare("oauth4webapi", by_oauth4webapi(matrix))


@pytest.mark.covers("token-order.resource-servers")
@pytest.mark.java
@pytest.mark.parametrize(("server", "which"), [("Nimbus", "nimbus"), ("Spring Security", "spring")])
def test_java(matrix: Matrix, tmp_path: Path, server: str, which: str) -> None:
    compare(server, by_java(matrix, which, tmp_path))


@pytest.mark.covers("token-order.resource-servers")
@pytest.mark.parametrize(
    ("server", "ask"), [("Authlib", by_authlib), ("requests-oauth2client", by_requests_oauth2client)]
)
def test_python(matrix: Matrix, server: str, ask: Callable[[Matrix], Seen]) -> None:
    compare(server, ask(matrix))
