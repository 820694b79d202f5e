"""Slips that look right: scopes with commas, and pids that no person can have, are told with a hint."""

import json
from pathlib import Path

import pytest

from mock_sts.helseid.registry.documents import DocumentError
from mock_sts.helseid.requirement import Enforcement
from mock_sts.services.registry.checks import check_before_loading, check_world
from mock_sts.services.registry.new_client import NewClient, make_client
from mock_sts.store.fixtures.files import world_folders
from mock_sts.store.fixtures.rows import read_world
from tests.support.emulator import Emulator
from tests.support.keys import private_jwk, public_jwk
from tests.support.logins import web
from tests.support.relying_party import PERSON, Login

HINT = "scopes are separated by spaces, not by commas"


@pytest.mark.covers("text.hints")
@pytest.mark.parametrize("scope", ["openid, profile", "openid,profile", "openid; profile", ["openid,", "profile"]])
def test_commas_between_registered_scopes_are_told(tmp_path: Path, scope: object) -> None:
    jwks = {"keys": [public_jwk(private_jwk("ES256", 1))]}
    (tmp_path / "clients").mkdir()
    (tmp_path / "clients" / "x.json").write_text(json.dumps({"client_id": "x", "jwks": jwks, "scope": scope}))
    (tmp_path / "apis.yaml").write_text('- {audience: "own:api", scopes: "own:api/a, own:api/b"}')
    sentences = check_world([tmp_path]).errors
    assert any("x.json, x: scope holds 'openid" in sentence and HINT in sentence for sentence in sentences)
    assert any("own:api: scopes hold 'own:api/a, own:api/b', but" in sentence for sentence in sentences)
    assert any(HINT in warning for warning in check_before_loading(read_world(world_folders([tmp_path]))))


@pytest.mark.covers("text.hints")
def test_commas_between_scopes_of_a_new_client_are_told(sts: Emulator) -> None:
    wanted = NewClient(None, "", ("openid,", "profile"), "ES256", True, redirect_uris=("http://localhost/cb",))
    with pytest.raises(DocumentError, match=f"--scope is 'openid, profile', but {HINT}"):
        make_client(sts.store, wanted, Enforcement.HELSEID)


@pytest.mark.covers("text.hints")
def test_commas_between_scopes_of_a_request_are_told(sts: Emulator) -> None:
    rp = web(sts)
    for scope, rule in (("openid, profile", "openid"), ("openid profile,offline_access", "scope-allowed")):
        assert rp.push(Login(), {"scope": scope}).rule == f"authorization-request.{rule}"
        assert HINT in sts.journal(limit="1")[0]["findings"]["broken"][0]["expected"]
    assert sts.client(scope=["a:b/c"]).token(form={"scope": "a:b/c,a:b/d"}).rule == "scope.allowed"
    assert HINT in sts.journal(limit="1")[0]["findings"]["broken"][-1]["expected"]
    assert rp.push(Login(), {"scope": "openid other"}).status == 400
    assert HINT not in json.dumps(sts.journal(limit="1"))


#: Pids that no person can have, and why; another one is another line.
NO_PIDS = {
    "00000000000": "it tells no date of birth",
    "99999999999": "it tells no date of birth",
    "31828399789": "it tells no date of birth",
    "06828399788": "its check digits are wrong",
    "13116900217": "its check digits are wrong",
}


@pytest.mark.covers("text.hints")
@pytest.mark.parametrize("pid", NO_PIDS)
def test_a_pid_that_no_person_can_have_is_told(sts: Emulator, pid: str, caplog: pytest.LogCaptureFixture) -> None:
    rp = web(sts)
    assert "code" in rp.log_in(Login(), {"test_pid": pid})
    (warning,) = sts.journal(limit="1")[0]["detail"]["warnings"]
    assert warning.startswith(f"no person can have the pid, for {NO_PIDS[pid]}: a person was invented for it")
    assert "mock-sts persona list" in warning and warning in caplog.text
    assert pid not in caplog.text


def test_other_pids_are_not_told(sts: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    rp = web(sts)
    for pid in (PERSON, "13116900216"):
        rp.log_in(Login(), {"test_pid": pid})
        assert "no person can have" not in caplog.text
