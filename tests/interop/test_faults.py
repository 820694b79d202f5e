"""Client libraries as published, provoked by fault rules: which stop, and which go on. docs/faults.md shows it."""

import json
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from authlib.integrations.base_client.sync_openid import OpenIDMixin
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT as AuthlibPrivateKeyJWT
from joserfc.jwk import RSAKey
from requests_oauth2client import OAuth2Client, PrivateKeyJwt

from mock_sts.helseid.provocations import PROVOCATIONS, Correct, Provocation
from tests.support.control import Control
from tests.support.emulator import LiveServer, OverHttp
from tests.support.java import run_java
from tests.support.keys import private_jwk
from tests.support.machine import ABSENT, Answer, Machine, decode
from tests.support.relying_party import PAR, PERSON, REDIRECT_URI, SCOPES, TOKEN, Login, RelyingParty

HERE = Path(__file__).parent

DISCOVERY = "/.well-known/openid-configuration"

#: What was seen, and what the page of faults is made from.
RECORDED = HERE / "faults.json"

#: By library and name of a provocation: empty for a login that goes on to its end, else where it stops and why.
Seen = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Place:
    """An environment with one client in it."""

    issuer: str
    client_id: str
    jwk: dict[str, Any]
    control: Control
    bearer_id: str

    def given(self, *, bearer: bool = False) -> dict[str, Any]:
        """What programs in other languages are given; ``bearer`` says that they know no DPoP."""
        client_id = self.bearer_id if bearer else self.client_id
        met = [one for one in PROVOCATIONS if not (bearer and one.needs_dpop)]
        return {
            "issuer": self.issuer,
            "clientId": client_id,
            "jwk": self.jwk,
            "scope": SCOPES,
            "redirectUri": REDIRECT_URI,
            "testPid": PERSON,
            "control": f"{self.issuer}/mock/api/v1",
            "provocations": [{"name": one.name, "rule": one.rule_for(client_id)} for one in met],
        }

    def provoked(self, provocation: Provocation, log_in: Callable[["Place", Callable[[str], None]], None]) -> str:
        """Where a login stops that is provoked, and why; empty where it goes on to its end."""
        bearer = log_in.__name__ in BEARERS
        rule = self.control.ask("POST", "/faults", provocation.rule_for(self.bearer_id if bearer else self.client_id))
        step = ""

        def at(reached: str) -> None:
            nonlocal step
            step = reached

        try:
            log_in(self, at)
            found = ""
        except Exception as error:
            found = f"{step}: {type(error).__name__}"
        finally:
            happened = self.control.ask("GET", f"/faults/{rule['id']}")["happened"]
            self.control.ask("DELETE", f"/faults/{rule['id']}")
        return found if happened else f"never met: {found}"


#: Logins of clients that know no DPoP.
BEARERS = ("by_authlib",)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    server = LiveServer(tmp_path_factory.mktemp("faults"))
    jwk = private_jwk("RS256")
    names = []
    for bound in (True, False):
        machine = server.client(
            f"provoked-{secrets.token_hex(4)}",
            jwk=jwk,
            grant_types=["authorization_code", "refresh_token"],
            scope=SCOPES,
            redirect_uris=[REDIRECT_URI],
            dpop_bound_access_tokens=bound,
            require_pushed_authorization_requests=bound,
        )
        names.append(machine.client_id)
    yield Place(server.issuer, names[0], dict(machine.jwk), Control(OverHttp(server.issuer)), names[1])
    server.stop()


def compare(seen: Seen, *libraries: str) -> None:
    """Whether ``seen`` is what is recorded of ``libraries``: whether each stops, and where."""
    recorded = json.loads(RECORDED.read_text(encoding="utf-8")) if RECORDED.exists() else {}
    for library in libraries:
        whys = seen[library]
        # One that ended before it met what was to provoke it says nothing.
        assert not [name for name, why in whys.items() if why.startswith("never met: ") and why != "never met: "], whys
        found = {name: "goes on" if not why else why.partition(":")[0] for name, why in whys.items()}
        if os.environ.get("RECORD"):
            RECORDED.write_text(json.dumps({**recorded, library: found}, indent=1) + "\n", encoding="utf-8")
            recorded = json.loads(RECORDED.read_text(encoding="utf-8"))
        assert found == recorded.get(library), f"{library} does otherwise than {RECORDED.name} says: {whys}"


# In Python


def by_requests_oauth2client(place: Place, at: Callable[[str], None]) -> None:
    at("discovery")
    client = OAuth2Client.from_discovery_endpoint(
        url=f"{place.issuer}{DISCOVERY}",
        issuer=place.issuer,
        auth=PrivateKeyJwt(place.client_id, place.jwk, lifetime=10),
        redirect_uri=REDIRECT_URI,
        dpop_bound_access_tokens=True,
        testing=True,
    )
    at("par")
    request = client.authorization_request(scope=SCOPES, test_pid=PERSON)
    pushed = client.pushed_authorization_request(request)
    at("authorize")
    answer = requests.get(str(pushed), allow_redirects=False, timeout=60)
    response = request.validate_callback(answer.headers["Location"])
    at("token")
    # What it returns when it validates has lost the DPoP key (a fault of 1.8.0); what it says counts all the same.
    token = client.authorization_code(response, validate=False)
    with suppress(TypeError):  # by which it ends where all is good
        token.validate_id_token(client, response)
    at("userinfo")
    info = client.userinfo(token)
    assert info["sub"] == decode(str(token.id_token))[1]["sub"], "what its user has to compare"
    at("refresh")
    client.refresh_token(token)


class _Authlib(OpenIDMixin):  # type: ignore[misc]
    """The part of Authlib's clients for web frameworks that reads ID tokens, without a framework."""

    def __init__(self, client_id: str, metadata: dict[str, Any]) -> None:
        self.client_id, self.server_metadata = client_id, metadata

    def load_server_metadata(self) -> dict[str, Any]:
        return self.server_metadata

    def _get_session(self) -> OAuth2Session:
        return OAuth2Session(self.client_id)


def by_authlib(place: Place, at: Callable[[str], None]) -> None:
    at("discovery")
    found = requests.get(f"{place.issuer}{DISCOVERY}", timeout=60).json()
    endpoint = found["token_endpoint"]
    session = OAuth2Session(
        place.bearer_id,
        RSAKey.import_key(dict(place.jwk)),
        token_endpoint_auth_method="private_key_jwt",
        scope=SCOPES,
        redirect_uri=REDIRECT_URI,
        code_challenge_method="S256",
    )
    method = AuthlibPrivateKeyJWT(endpoint, claims={"exp": int(time.time()) + 30})
    session.register_client_auth_method(method)
    verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
    try:
        at("authorize")
        url, state = session.create_authorization_url(
            found["authorization_endpoint"], code_verifier=verifier, nonce=nonce, test_pid=PERSON
        )
        answer = requests.get(url, allow_redirects=False, timeout=60)
        at("token")
        token = session.fetch_token(
            endpoint, authorization_response=answer.headers["Location"], state=state, code_verifier=verifier
        )
        claims = _Authlib(place.bearer_id, found).parse_id_token(token, nonce)
        at("userinfo")
        info = session.get(found["userinfo_endpoint"]).json()
        assert info["sub"] == claims["sub"], "what its user has to compare"
        at("refresh")
        session.refresh_token(endpoint, token["refresh_token"])
    finally:
        session.close()


def by_a_naive_client(place: Place, at: Callable[[str], None]) -> None:
    """A client that takes what comes: it looks at the status and at what it needs, and has the paths written down."""
    machine = Machine(
        OverHttp(place.issuer), place.issuer, place.client_id, place.jwk, private_jwk("ES256"), lambda: int(time.time())
    )
    rp = RelyingParty(machine)
    at("par")
    login = Login()
    pushed = _with_nonce(machine, lambda proof: rp.push(login, {"test_pid": PERSON}, proof=proof), PAR)
    at("authorize")
    answer = machine.transport.send("GET", rp.authorize_path(pushed.json["request_uri"]))
    code = parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]
    at("token")
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": REDIRECT_URI,
        "code_verifier": login.verifier,
        "scope": ABSENT,
    }
    tokens = _redeemed(machine, form)
    claims = decode(tokens["id_token"])[1]
    at("userinfo")
    info = rp.user_info(tokens["access_token"])
    assert info.status == 200 and info.json["sub"] and claims
    at("refresh")
    _redeemed(machine, {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], "scope": ABSENT})


def _redeemed(machine: Machine, form: Mapping[str, Any]) -> dict[str, Any]:
    answer = _with_nonce(
        machine, lambda proof: machine.post(machine.form(machine.assertion(), form), proof=proof), TOKEN
    )
    assert answer.status == 200, answer.content
    found: dict[str, Any] = json.loads(answer.content)
    return found


def _with_nonce(machine: Machine, send: Callable[[str], Answer], path: str) -> Answer:
    """A request with a proof, and once more with the nonce that a challenge brings."""
    claims = {"htu": machine.issuer + path}
    answer = send(machine.proof(claims=claims))
    if "dpop-nonce" in answer.headers and answer.status == 400:
        machine.nonce = answer.headers["dpop-nonce"]
        answer = send(machine.proof(claims=claims))
    assert answer.status in (200, 201), answer.content
    return answer


#: Libraries that ask with Bearer tokens.
_KNOW_NO_DPOP = ("Authlib", "Spring Security")

IN_PYTHON = {
    "requests-oauth2client": by_requests_oauth2client,
    "Authlib": by_authlib,
    "naive": by_a_naive_client,
}


@pytest.mark.covers("faults.libraries")
@pytest.mark.slow
@pytest.mark.parametrize("library", IN_PYTHON)
def test_what_clients_in_python_notice(place: Place, library: str) -> None:
    log_in = IN_PYTHON[library]
    seen = {
        one.name: place.provoked(one, log_in)
        for one in PROVOCATIONS
        if not (library in _KNOW_NO_DPOP and one.needs_dpop)
    }
    compare({library: seen}, library)


@pytest.mark.covers("faults.libraries")
@pytest.mark.node
def test_what_clients_in_node_notice(place: Place) -> None:
    node = shutil.which("node")
    assert node is not None, "Node.js is missing; make test-all says how"
    done = subprocess.run(
        [node, "faults.mjs"],
        cwd=HERE / "node",
        input=json.dumps(place.given()),
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    compare(json.loads(done.stdout), "openid-client", "oauth4webapi")


@pytest.mark.covers("faults.libraries")
@pytest.mark.java
@pytest.mark.parametrize(
    ("library", "program", "bearer"), [("Nimbus", "Clients", False), ("Spring Security", "SpringClients", True)]
)
def test_what_clients_in_java_notice(place: Place, tmp_path: Path, library: str, program: str, *, bearer: bool) -> None:
    given = tmp_path / "given.json"
    given.write_text(json.dumps(place.given(bearer=bearer)), encoding="utf-8")
    compare(json.loads(run_java(program, given)), library)


def test_every_client_that_is_recorded_was_tried_with_everything() -> None:
    names = {one.name for one in PROVOCATIONS}
    for library, seen in json.loads(RECORDED.read_text(encoding="utf-8")).items():
        missing = {one.name for one in PROVOCATIONS if one.needs_dpop} if library in _KNOW_NO_DPOP else set()
        assert set(seen) == names - missing, library


# A guided run


@pytest.mark.covers("conformance.provocation")
@pytest.mark.slow
@pytest.mark.parametrize("library", ["requests-oauth2client", "naive"])
def test_a_guided_run_says_of_a_client_what_the_client_did(place: Place, library: str) -> None:
    session = place.control.ask("POST", "/conformance", {"client_id": place.client_id})
    path = f"/conformance/{session['id']}/provocation"
    there = replace(place, issuer=session["authority"])
    run = place.control.ask("POST", path)
    while run["step"] is not None:
        with suppress(Exception):  # the run says what came of it
            IN_PYTHON[library](there, lambda _step: None)
        run = place.control.ask("POST", f"{path}/next")
    verdicts = {step["name"]: step["verdict"] for step in run["steps"]}
    assert verdicts.pop("usual-login") == "noticed"
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))[library]
    by_name = {one.name: one for one in PROVOCATIONS}
    for name, verdict in verdicts.items():
        one, goes_on = by_name[name], recorded[name] == "goes on"
        if recorded[name] == "never met":
            right = verdict == "could not tell"
        elif one.correct is Correct.EITHER:
            right = verdict in ("noticed", "not noticed")
        else:
            right = verdict == ("noticed" if goes_on is (one.correct is Correct.COPES) else "not noticed")
        assert right or (name, verdict) in _UNSEEN, (name, verdict, recorded[name], run)
    assert set(verdicts) == {one.name for one in PROVOCATIONS if one.correct is not Correct.CANNOT_SEE}
    faults = requests.get(f"{session['authority']}/mock/api/v1/faults", timeout=60).json()["items"]
    assert faults == [], "no fault outlives its step"


#: What a client notices, or does not, when it has done all that a server sees of it: it says nothing more.
_UNSEEN = (
    # Whether a new login begins is seen when one does; these clients are asked to in the next step.
    ("refresh-refused", "could not tell"),
    # It asked userinfo with the token, and noticed there.
    ("id-token-without-sub", "not noticed"),
)
