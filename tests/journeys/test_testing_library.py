"""mock_sts.testing, as a test suite in Python uses it: a server of its own, and environments of it."""

import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
import requests

from mock_sts.client.token import TokenClientError, decode
from mock_sts.testing import ControlError, Helseid, RegisteredClient, StartError, running_sts
from tests.support import processes
from tests.support.emulator import OverHttp
from tests.support.environments import Below
from tests.support.keys import private_jwk
from tests.support.machine import Machine
from tests.support.relying_party import REDIRECT_URI, Login, RelyingParty, answer_parameters

pytestmark = pytest.mark.slow


_OPENED: list[OverHttp] = []


@pytest.fixture(scope="module")
def server() -> Iterator[Helseid]:
    with running_sts(journal_size=500, admin_token="s3cret", dpop_nonce_step=3600) as sts:
        yield sts


@pytest.fixture
def sts(server: Helseid) -> Iterator[Helseid]:
    """An environment for one test."""
    with server.new_environment() as made:
        yield made
    while _OPENED:
        _OPENED.pop().close()


def relying_party(sts: Helseid, client: RegisteredClient) -> RelyingParty:
    """A correct client for logins, over HTTP."""
    over_http = OverHttp(sts.origin)
    _OPENED.append(over_http)
    transport = Below(over_http, urlsplit(sts.issuer).path)
    proof = private_jwk("ES256", 2)
    machine = Machine(
        transport, sts.issuer, client.client_id, dict(client.private_jwk), proof, lambda: int(time.time()), ""
    )
    return RelyingParty(machine, scopes=str(client.registration["scope"]))


def answer_of(rp: RelyingParty, login: Login) -> dict[str, str]:
    """What a login answers that says nothing of who logs in."""
    pushed = rp.push(login, {})
    assert pushed.status == 201, pushed.content
    return answer_parameters(rp.browser().send("GET", rp.authorize_path(pushed.json["request_uri"])))


@pytest.mark.covers("testing.environment")
def test_an_environment_has_an_issuer_of_its_own_and_ends(server: Helseid) -> None:
    with server.new_environment("w1", settings={"enforcement": "strict"}) as sts:
        assert (sts.environment, sts.issuer) == ("w1", f"{server.issuer}/env/w1")
        discovery = requests.get(f"{sts.issuer}/.well-known/openid-configuration", timeout=60).json()
        assert discovery["issuer"] == sts.issuer
        with pytest.raises(ControlError, match=r"taken|already") as taken, server.new_environment("w1"):
            pass
        assert taken.value.status == 409
    assert requests.get(f"{sts.issuer}/.well-known/openid-configuration", timeout=60).status_code == 404


@pytest.mark.covers("testing.client")
def test_a_client_gets_tokens_in_its_environment_alone(server: Helseid, sts: Helseid) -> None:
    client = sts.client("my/machine")
    claims = decode(client.token())
    assert (claims["iss"], claims["client_id"]) == (sts.issuer, "my/machine")
    assert "cnf" in claims
    bearer = sts.client(dpop_bound_access_tokens=False, make_key="RSA")
    assert "cnf" not in decode(bearer.token("mock:demo-api/read"))
    assert client.private_jwk["d"] not in repr(client)
    elsewhere = RegisteredClient("my/machine", client.private_jwk, server.issuer, client.registration)
    with pytest.raises(TokenClientError, match="invalid_client"):
        elsewhere.token()
    assert sts.journal(client_id="my/machine", outcome="granted")[0]["endpoint"] == "/connect/token"


@pytest.mark.covers("testing.login", "testing.clock")
def test_a_login_is_ordered_and_its_refresh_token_ages_by_the_clock(sts: Helseid) -> None:
    client = sts.client(redirect_uris=[REDIRECT_URI])
    person = sts.persona("ny-person", family_name="GREVLING")
    assert sts.persona("ny-person") == sts.persona(person.pid)
    sts.login_as(person, client_id=client.client_id)
    rp = relying_party(sts, client)
    login = Login()
    tokens = rp.redeem(login, answer_of(rp, login)["code"]).json
    assert decode(tokens["id_token"])["helseid://claims/identity/pid"] == person.pid
    assert sts.control.call("GET", "/pending")["items"] == []
    before = sts.clock.now
    assert sts.clock.advance(timedelta(hours=2)) >= before + timedelta(hours=2)
    rp.machine.learn_nonce()
    assert rp.refresh(tokens["refresh_token"]).status == 200
    again = rp.redeem(second := Login(), rp.log_in(second, {"test_pid": person.pid})["code"]).json
    sts.clock.advance("P60D")
    rp.machine.learn_nonce()
    assert rp.refresh(again["refresh_token"]).error == "invalid_grant"
    assert abs((sts.clock.reset() - datetime.now(UTC)).total_seconds()) < processes.PATIENCE


@pytest.mark.covers("testing.login")
def test_a_login_may_fail_as_ordered(sts: Helseid) -> None:
    client = sts.client(redirect_uris=[REDIRECT_URI])
    sts.login_as(outcome="access_denied")
    assert answer_of(relying_party(sts, client), Login())["error"] == "access_denied"
    with pytest.raises(ControlError, match="did you mean livstrett-bever") as wrong:
        sts.login_as("livstret-bever")
    assert (wrong.value.status, wrong.value.problem["member"]) == (400, "/persona")


@pytest.mark.covers("testing.clock")
def test_the_clock_stands_still_and_goes_where_it_is_set(sts: Helseid) -> None:
    moment = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)
    sts.clock.freeze()
    assert sts.clock.set(moment) == moment
    assert sts.clock.now == moment
    assert sts.clock.advance(90) == moment + timedelta(seconds=90)
    assert sts.clock.advance(timedelta(days=-1)) == moment + timedelta(seconds=90, days=-1)
    assert sts.clock.state["frozen"] is True
    assert sts.clock.go_on() >= moment - timedelta(days=1)
    assert sts.clock.offset("P1D") > sts.clock.wall


@pytest.mark.covers("testing.keys")
def test_keys_roll_over(sts: Helseid) -> None:
    client = sts.client()
    first = sts.keys.active["kid"]
    assert sts.keys.rotate(algorithm="ES256")["kid"] == sts.keys.active["kid"] != first
    assert {key["kid"] for key in sts.keys.list()} >= {first, sts.keys.active["kid"]}
    shown = requests.get(f"{sts.issuer}/.well-known/openid-configuration/jwks", timeout=60).json()["keys"]
    assert {key["kid"] for key in shown} == {first, sts.keys.active["kid"]}
    assert client.token()
    sts.keys.retire(first)
    shown = requests.get(f"{sts.issuer}/.well-known/openid-configuration/jwks", timeout=60).json()["keys"]
    assert [key["kid"] for key in shown] == [sts.keys.active["kid"]]


@pytest.mark.covers("testing.reset")
def test_everything_goes_back_to_a_snapshot_and_to_the_start(sts: Helseid) -> None:
    sts.client("first")
    there = sts.snapshot("one client")
    sts.client("second")
    sts.put_world(apis=[{"audience": "own:api", "scopes": ["own:api/read"]}])
    sts.restore(there)
    assert [one["client_id"] for one in sts.control.items("/clients", origin="made")] == ["first"]
    sts.reset()
    assert list(sts.control.items("/clients", origin="made")) == []
    assert sts.journal() == []


@pytest.mark.covers("testing.reset")
def test_a_run_forgets_what_it_made_by_its_tag(sts: Helseid) -> None:
    sts.client("mine")
    other = Helseid.at(sts.origin, environment=sts.environment, admin_token="s3cret", tag="run-7")
    other.client("theirs")
    other.reset("run-7")
    assert [one["client_id"] for one in sts.control.items("/clients", origin="made")] == ["mine"]


@pytest.mark.covers("testing.start")
def test_a_setting_that_is_wrong_stops_the_start_with_the_servers_words() -> None:
    with pytest.raises(ValueError, match="did you mean 'enforcement'"), running_sts(enforcment="strict"):
        pass
    with pytest.raises(StartError, match="MOCK_STS_ENFORCEMENT"), running_sts(enforcement="strickt"):
        pass


@pytest.mark.covers("testing.start")
def test_a_wrong_token_and_a_server_that_is_gone_are_said(server: Helseid) -> None:
    with pytest.raises(ControlError, match="MOCK_STS_ADMIN_TOKEN") as refused:
        Helseid.at(server.origin, admin_token="wrong").journal()
    assert refused.value.status == 401
    with pytest.raises(ControlError, match="no answer") as gone:
        Helseid.at("http://localhost:1")
    assert gone.value.status == 0


@pytest.mark.covers("testing.start")
def test_the_server_ends_with_the_program_that_started_it() -> None:
    program = (
        "from mock_sts.testing import running_sts\nwith running_sts() as sts:\n print(sts.origin, flush=True)\n input()"
    )
    host = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert host.stdout is not None and host.stdin is not None
    origin = host.stdout.readline().strip()
    assert requests.get(f"{origin}/health/live", timeout=60).status_code == 200
    host.kill()
    host.wait(processes.PATIENCE)
    ends = time.monotonic() + processes.PATIENCE
    while time.monotonic() < ends:
        try:
            requests.get(f"{origin}/health/live", timeout=60)
        except requests.ConnectionError:
            break
        time.sleep(0.05)
    else:
        pytest.fail("the server goes on")
    host.stdout.close()
    host.stdin.close()
