"""Four workers of pytest-xdist against one server, each with an environment: 200 tests that log in, move the clock,
roll keys over and reset, and never meet.
"""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.support.emulator import LiveServer

#: What each of the workers runs; a suite as a user would write it, over HTTP alone.
SUITE = textwrap.dedent("""
    import os
    import time

    import pytest

    from mock_sts.services.environment import path_of_environment
    from tests.support.control import Control
    from tests.support.emulator import LiveServer, OverHttp
    from tests.support.environments import Below
    from tests.support.machine import Machine, decode
    from tests.support.keys import private_jwk
    from tests.support.relying_party import SCOPES, Login, RelyingParty

    SERVER = os.environ["SUITE_SERVER"]
    WORKER = os.environ["PYTEST_XDIST_WORKER"]
    NAME = f"suite-{WORKER}"
    ISSUER = f"{SERVER}{path_of_environment(NAME)}"


    @pytest.fixture(scope="session")
    def control():
        Control(OverHttp(SERVER)).ask("PUT", f"/environments/{NAME}", {})
        return Control(Below(OverHttp(SERVER), path_of_environment(NAME)))


    @pytest.fixture
    def web(control):
        control.ask("POST", "/reset")
        control.ask("PUT", "/apis/test:api", {"scopes": ["test:api/read"]})
        control.ask("PUT", "/clients/web", {
            "jwks": {"keys": [{**private_jwk("ES256", 1), "d": None}]},
            "grant_types": ["authorization_code", "refresh_token"],
            "redirect_uris": ["http://localhost:8089/callback"],
            "scope": SCOPES,
        })
        transport = Below(OverHttp(SERVER), path_of_environment(NAME))
        keys = private_jwk("ES256", 1), private_jwk("ES256", 2)
        machine = Machine(transport, ISSUER, "web", *keys, lambda: int(time.time()), "test:api/read")
        return RelyingParty(machine)


    @pytest.mark.parametrize("number", range(50))
    def test_login(web, control, number):
        tokens = web.tokens().json
        assert decode(tokens["access_token"])[1]["iss"] == ISSUER
        assert all(entry["client_id"] in ("web", None) for entry in control.ask("GET", "/journal")["entries"])
        expect = [{"called": word, "outcome": "granted", "times": 1} for word in ("par", "authorize", "token")]
        answer = control.ask("POST", "/verify", {"expect": [*expect, {"none_broken": "must"}]})
        assert answer["met"], answer


    @pytest.mark.parametrize("number", range(50))
    def test_clock(web, control, number):
        login = Login()
        code = web.log_in(login)["code"]
        control.clock(advance="PT4M" if number % 2 else "PT6M")
        web.machine.nonce = None
        assert web.redeem(login, code).status == (200 if number % 2 else 400)


    @pytest.mark.parametrize("number", range(50))
    def test_keys(web, control, number):
        before = control.ask("POST", "/keys/rotate", {"algorithm": "ES256"})["before"]["kid"]
        active = control.ask("GET", "/keys")["items"]
        (signs,) = [key["kid"] for key in active if key["state"] == "active"]
        assert decode(web.tokens().json["access_token"])[0]["kid"] == signs != before
        control.ask("DELETE", f"/keys/{before}")


    @pytest.mark.parametrize("number", range(50))
    def test_reset(web, control, number):
        refresh = web.tokens().json["refresh_token"]
        snapshot = control.ask("POST", "/snapshots")["id"]
        control.ask("POST", "/reset")
        assert control.call("GET", "/clients/web").status == 404
        control.ask("POST", f"/snapshots/{snapshot}/restore")
        assert web.refresh(refresh).status == 200
        control.ask("DELETE", f"/snapshots/{snapshot}")
""")


@pytest.mark.slow
@pytest.mark.covers("control.parallel")
def test_two_hundred_tests_of_four_workers_never_meet(live: LiveServer, tmp_path: Path) -> None:
    suite = tmp_path / "test_suite.py"
    suite.write_text(SUITE, encoding="utf-8")
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-n", "4", "-p", "no:cacheprovider", "--import-mode=importlib"),
            *(f"--rootdir={tmp_path}", "-c", os.devnull, str(suite)),
        ],
        env={**os.environ, "SUITE_SERVER": live.issuer, "PYTHONPATH": str(root), "PYTEST_ADDOPTS": ""},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3_000:] + done.stderr[-1_000:]
    assert "200 passed" in done.stdout, done.stdout[-300:]
