"""What a refresh may ask for beside new tokens: fewer scopes, one API, another organization; row by row."""

from typing import Any

import pytest

from tests.support.emulator import Emulator, Worlds, register_api
from tests.support.keys import private_jwk
from tests.support.machine import ABSENT, Answer, decode
from tests.support.relying_party import PERSON, Login, RelyingParty, web_client

PID, LEVEL = "helseid://claims/identity/pid", "helseid://claims/identity/security_level"
PARENT = "helseid://claims/client/claims/orgnr_parent"
CHILD = "helseid://claims/client/claims/orgnr_child"
SUPPLIER = "helseid://claims/client/claims/orgnr_supplier"
LOGIN = "openid profile offline_access helseid://scopes/identity/pid test:api/read test:api/write second:api/read"
FIRST, SECOND = "999977774", "999977776"


def web(sts: Emulator, **members: Any) -> RelyingParty:
    """A client of two APIs, registered for more than its logins ask for."""
    register_api(sts.store, "test:api", scopes=["test:api/read", "test:api/write"], claims=[PID])
    register_api(sts.store, "second:api", scopes=["second:api/read", "second:api/write"])
    rp = web_client(sts, **{"scope": f"{LOGIN} second:api/write helseid://scopes/identity/security_level", **members})
    rp.scopes = LOGIN
    return rp


@pytest.fixture
def rp(sts: Emulator) -> RelyingParty:
    return web(sts)


def handle(rp: RelyingParty, changes: dict[str, Any] | None = None) -> str:
    token: str = rp.tokens(changes).json["refresh_token"]
    return token


def given(answer: Answer) -> tuple[list[str], Any]:
    """Scopes and audience of the token, and the answer says the same scopes."""
    assert answer.status == 200, answer.content
    claims = answer.claims
    assert sorted(answer.json["scope"].split()) == sorted(claims["scope"])
    return sorted(claims["scope"]), claims.get("aud")


def broken(sts: Emulator) -> list[str]:
    return [finding["rule"] for finding in sts.journal(limit="1")[0]["findings"]["broken"]]


EVERYTHING = (sorted(LOGIN.split()), ["test:api", "second:api"])

# Fewer scopes


@pytest.mark.covers("refresh.scope.narrows")
@pytest.mark.parametrize(
    ("scope", "audience"),
    [
        ("test:api/read", "test:api"),
        ("test:api/write test:api/read", "test:api"),
        ("second:api/read", "second:api"),
        ("openid second:api/read", "second:api"),
        ("test:api/read second:api/read offline_access", ["test:api", "second:api"]),
        ("openid", None),
        ("offline_access", None),
        ("openid profile", None),
        ("second:api/read second:api/read", "second:api"),
    ],
)
def test_scopes_of_the_login_narrow_the_token(sts: Emulator, rp: RelyingParty, scope: str, audience: object) -> None:
    answer = rp.refresh(handle(rp), {"scope": scope})
    assert given(answer) == (sorted(set(scope.split())), audience)
    assert broken(sts) == []


@pytest.mark.covers("refresh.scope.narrows")
def test_all_scopes_of_the_login_are_what_there_was(sts: Emulator, rp: RelyingParty) -> None:
    assert given(rp.refresh(handle(rp), {"scope": LOGIN})) == EVERYTHING
    assert broken(sts) == []


@pytest.mark.covers("refresh.scope.once")
@pytest.mark.parametrize("usage", ["OneTimeUseOnly", "Reusable"])
def test_the_next_refresh_has_all_scopes_again(sts: Emulator, usage: str) -> None:
    rp = web(sts, refresh_token_usage=usage)
    narrow = rp.refresh(handle(rp), {"scope": "test:api/read"})
    assert given(narrow) == (["test:api/read"], "test:api")
    other = rp.refresh(narrow.json["refresh_token"], {"scope": "second:api/read"})
    assert given(other) == (["second:api/read"], "second:api")
    assert given(rp.refresh(other.json["refresh_token"])) == EVERYTHING


@pytest.mark.covers("refresh.scope.once")
def test_a_narrow_refresh_gives_a_refresh_token_and_the_whole_id_token(sts: Emulator, rp: RelyingParty) -> None:
    tokens = rp.tokens()
    sts.clock.advance(100)
    rp.machine.learn_nonce()
    answer = rp.refresh(tokens.json["refresh_token"], {"scope": "second:api/read"})
    assert answer.json["rt_expires_in"] == 28_700
    first, second = (decode(found.json["id_token"])[1] for found in (tokens, answer))
    assert {name: second[name] for name in ("sub", "sid", "auth_time", "name", PID)} == {
        name: first[name] for name in ("sub", "sid", "auth_time", "name", PID)
    }
    assert PID in tokens.claims
    assert PID not in answer.claims


@pytest.mark.covers("refresh.scope.userinfo")
@pytest.mark.parametrize(
    ("scope", "status", "told"),
    [("openid", 200, set()), ("openid helseid://scopes/identity/pid", 200, {PID}), ("test:api/read", 403, set())],
)
def test_userinfo_tells_what_the_narrow_token_is_for(rp: RelyingParty, scope: str, status: int, told: set[str]) -> None:
    token = rp.refresh(handle(rp), {"scope": scope}).json["access_token"]
    answer = rp.user_info(token)
    assert answer.status == status
    if status == 200:
        assert set(answer.json) == {"sub", "userinfo_issued_at", *told}


# Other scopes

OTHERS = [
    "second:api/write",
    "test:api/read second:api/write",
    "helseid://scopes/identity/security_level",
    "openid helseid://scopes/identity/all",
    "nonsense",
    "TEST:API/READ",
    "test:api",
    "openid nonsense",
]


@pytest.mark.covers("refresh.scope.outside")
@pytest.mark.parametrize("scope", OTHERS)
@pytest.mark.parametrize("enforcement", ["observe", "helseid"])
def test_a_scope_that_the_login_had_not_changes_nothing_and_is_recorded(
    worlds: Worlds, enforcement: str, scope: str
) -> None:
    sts = worlds.make(enforcement=enforcement)
    rp = web(sts)
    assert given(rp.refresh(handle(rp), {"scope": scope})) == EVERYTHING
    assert broken(sts) == ["refresh.scope"]


@pytest.mark.covers("refresh.scope.outside")
@pytest.mark.parametrize("scope", OTHERS)
def test_strict_refuses_it_and_uses_nothing_up(worlds: Worlds, scope: str) -> None:
    sts = worlds.make(enforcement="strict")
    rp = web(sts)
    token = handle(rp)
    answer = rp.refresh(token, {"scope": scope})
    assert (answer.status, answer.json, answer.rule) == (400, {"error": "invalid_scope"}, "refresh.scope")
    assert given(rp.refresh(token, {"scope": "test:api/read"})) == (["test:api/read"], "test:api")


@pytest.mark.covers("refresh.scope.outside")
@pytest.mark.parametrize("scope", ["", " ", "  "], ids=["empty", "blank", "blanks"])
@pytest.mark.parametrize("enforcement", ["helseid", "strict"])
def test_a_scope_without_words_is_none(worlds: Worlds, enforcement: str, scope: str) -> None:
    sts = worlds.make(enforcement=enforcement)
    rp = web(sts)
    assert given(rp.refresh(handle(rp), {"scope": scope})) == EVERYTHING
    assert broken(sts) == []


@pytest.mark.covers("refresh.scope.outside")
def test_a_strangers_scope_is_not_told_from_another(sts: Emulator, rp: RelyingParty) -> None:
    thief = web_client(sts, "thief", jwk=private_jwk("ES256", 5))
    answer = thief.refresh(handle(rp), {"scope": "nonsense"})
    assert (answer.status, answer.json, answer.rule) == (400, {"error": "invalid_grant"}, "refresh.known")


@pytest.mark.covers("refresh.scope.outside")
def test_a_scope_may_not_come_twice(rp: RelyingParty) -> None:
    token = handle(rp)
    form = rp.machine.form(rp.machine.assertion(), {"grant_type": "refresh_token", "refresh_token": token})
    answer = rp.machine.post([*form.items(), ("scope", "openid")], proof=rp.machine.proof())
    assert (answer.status, answer.rule) == (400, "form.readable")
    assert rp.refresh(token).status == 200


# One API, and fewer scopes of it


@pytest.mark.covers("refresh.scope.resource")
@pytest.mark.parametrize("named", [ABSENT, ["test:api", "second:api"]], ids=["none at login", "both at login"])
@pytest.mark.parametrize(
    ("resource", "scope", "expected"),
    [
        ("test:api", ABSENT, ["offline_access", "test:api/read", "test:api/write"]),
        ("test:api", "test:api/read", ["test:api/read"]),
        ("test:api", "openid test:api/read second:api/read", ["test:api/read"]),
        ("test:api", "test:api/write offline_access", ["offline_access", "test:api/write"]),
        ("second:api", "test:api/read second:api/read", ["second:api/read"]),
    ],
)
def test_resource_and_scope_narrow_together(
    rp: RelyingParty, named: object, resource: str, scope: object, expected: list[str]
) -> None:
    answer = rp.refresh(handle(rp, {"resource": named}), {"resource": resource, "scope": scope})
    assert given(answer) == (expected, resource)
    assert given(rp.refresh(answer.json["refresh_token"])) == EVERYTHING


@pytest.mark.covers("refresh.scope.resource")
@pytest.mark.parametrize("scope", ["test:api/read", "openid", "offline_access", "openid test:api/write"])
@pytest.mark.parametrize("enforcement", ["helseid", "strict"])
def test_scopes_that_leave_nothing_of_the_resource_do_not_narrow(worlds: Worlds, enforcement: str, scope: str) -> None:
    sts = worlds.make(enforcement=enforcement)
    rp = web(sts)
    token = handle(rp)
    answer = rp.refresh(token, {"resource": "second:api", "scope": scope})
    if enforcement == "strict":
        assert (answer.status, answer.json, answer.rule) == (400, {"error": "invalid_scope"}, "refresh.scope")
        assert rp.refresh(token).status == 200
    else:
        assert given(answer) == (["offline_access", "second:api/read"], "second:api")
        assert broken(sts) == ["refresh.scope"]


@pytest.mark.covers("refresh.scope.resource")
@pytest.mark.parametrize("scope", [ABSENT, "test:api/read", "nonsense"], ids=str)
def test_an_unknown_resource_is_refused_whatever_the_scope(rp: RelyingParty, scope: object) -> None:
    token = handle(rp)
    answer = rp.refresh(token, {"resource": "third:api", "scope": scope})
    assert (answer.status, answer.json, answer.rule) == (
        400,
        {"error": "invalid_target", "error_description": "Invalid resource indicator."},
        "refresh.resource-known",
    )
    assert rp.refresh(token).status == 200


@pytest.mark.covers("refresh.scope.api")
def test_the_narrow_token_follows_the_rules_of_its_api(sts: Emulator) -> None:
    rp = web(sts)
    register_api(sts.store, "second:api", scopes=["second:api/read"], access_token_lifetime=60)
    wide = rp.tokens()
    assert wide.json["expires_in"] == 60
    narrow = rp.refresh(wide.json["refresh_token"], {"scope": "test:api/read"})
    assert narrow.json["expires_in"] == 600
    assert rp.refresh(narrow.json["refresh_token"], {"resource": "second:api"}).json["expires_in"] == 60


@pytest.mark.covers("refresh.scope.api")
def test_what_only_one_api_asks_hinders_only_its_tokens(sts: Emulator) -> None:
    rp = web(sts)
    token = handle(rp)
    register_api(sts.store, "second:api", scopes=["second:api/read"], require_organization=True)
    assert rp.refresh(token).rule == "api.organization"
    assert rp.refresh(token, {"resource": "second:api"}).rule == "api.organization"
    assert given(rp.refresh(token, {"scope": "test:api/read"})) == (["test:api/read"], "test:api")


# Details of one request


def organization(number: str) -> dict[str, Any]:
    identifier = {"system": "urn:oid:1.0.6523", "type": "ENH", "value": f"NO:ORGNR:{number}"}
    return {"type": "helseid_authorization", "practitioner_role": {"organization": {"identifier": identifier}}}


def supplier(sts: Emulator) -> RelyingParty:
    """A multi-tenant client of two organizations."""
    return web(sts, tenancy="multi-tenant", organization="999977777", delegations=[FIRST, SECOND])


def refresh_for(rp: RelyingParty, token: str, number: str, changes: dict[str, Any] | None = None) -> Answer:
    return rp.refresh(token, changes, assertion={"claims": {"assertion_details": organization(number)}})


@pytest.mark.covers("contract.36")
@pytest.mark.covers("refresh.details")
def test_a_supplier_logs_in_once_and_refreshes_for_each_organization(sts: Emulator) -> None:
    rp = supplier(sts)
    tokens = rp.tokens()
    assert PARENT not in tokens.claims
    assert tokens.claims[SUPPLIER] == "999977777"
    first = refresh_for(rp, tokens.json["refresh_token"], FIRST)
    assert [first.claims.get(name) for name in (PARENT, CHILD, SUPPLIER)] == [FIRST, None, "999977777"]
    second = refresh_for(rp, first.json["refresh_token"], f"{SECOND}:999977775")
    assert [second.claims.get(name) for name in (PARENT, CHILD)] == [SECOND, "999977775"]
    third = rp.refresh(second.json["refresh_token"])
    assert PARENT not in third.claims
    assert CHILD not in third.claims


@pytest.mark.covers("refresh.details")
def test_details_scope_and_resource_go_together(sts: Emulator) -> None:
    rp = supplier(sts)
    answer = refresh_for(rp, handle(rp), FIRST, {"resource": "test:api", "scope": "test:api/read openid"})
    assert given(answer) == (["test:api/read"], "test:api")
    assert answer.claims[PARENT] == FIRST


@pytest.mark.covers("refresh.details")
@pytest.mark.parametrize("number", ["999977778", "12345678", "9999 7774"])
def test_wrong_details_are_refused_and_use_nothing_up(sts: Emulator, number: str) -> None:
    rp = supplier(sts)
    token = handle(rp)
    answer = refresh_for(rp, token, number)
    assert answer.status == 400
    assert answer.description is not None and answer.description.startswith(("HID-1001:", "HID-1004:"))
    assert refresh_for(rp, token, FIRST).claims[PARENT] == FIRST


# Keys


@pytest.mark.covers("refresh.scope.key")
def test_each_narrow_token_may_have_a_key_of_its_own(rp: RelyingParty) -> None:
    answer = rp.tokens()
    keys = set()
    for number, resource in ((21, "test:api"), (22, "second:api"), (23, "test:api")):
        answer = rp.refresh(
            answer.json["refresh_token"], {"resource": resource}, proof={"jwk": private_jwk("ES256", number)}
        )
        assert (answer.status, answer.json["token_type"], answer.claims["aud"]) == (200, "DPoP", resource)
        keys.add(answer.claims["cnf"]["jkt"])
    assert len(keys) == 3


@pytest.mark.covers("refresh.scope.key")
@pytest.mark.parametrize("changes", [{}, {"scope": "test:api/read"}, {"resource": "test:api"}, {"scope": "x"}], ids=str)
def test_no_scope_excuses_a_missing_proof(sts: Emulator, changes: dict[str, str]) -> None:
    rp = web(sts, dpop_bound_access_tokens=False)
    token = handle(rp)
    form = {"grant_type": "refresh_token", "refresh_token": token, "scope": ABSENT, **changes}
    answer = rp.machine.post(rp.machine.form(rp.machine.assertion(), form))
    assert (answer.status, answer.error, answer.rule) == (400, "invalid_request", "refresh.proof-kept")
    assert rp.refresh(token, changes).status == 200


@pytest.mark.covers("refresh.scope.key")
@pytest.mark.parametrize("changes", [{}, {"scope": "test:api/read"}, {"resource": "test:api"}, {"scope": "x"}], ids=str)
def test_no_scope_lets_a_proof_in_later(sts: Emulator, changes: dict[str, str]) -> None:
    rp = web(sts, dpop_bound_access_tokens=False)
    login, machine = Login(), rp.machine
    form = {
        "grant_type": "authorization_code",
        "code": rp.log_in(login)["code"],
        "redirect_uri": rp.redirect_uri,
        "code_verifier": login.verifier,
        "scope": ABSENT,
    }
    tokens = machine.post(machine.form(machine.assertion(), form))
    assert (tokens.status, tokens.json["token_type"]) == (200, "Bearer")
    token = tokens.json["refresh_token"]
    answer = rp.refresh(token, changes)
    assert (answer.status, answer.error, answer.rule) == (400, "invalid_request", "refresh.proof-not-new")
    form = {"grant_type": "refresh_token", "refresh_token": token, "scope": ABSENT, **changes}
    again = machine.post(machine.form(machine.assertion(), form))
    assert (again.status, again.json["token_type"]) == (200, "Bearer")
    assert "cnf" not in again.claims


# A code has its own scopes


@pytest.mark.covers("refresh.scope.code")
@pytest.mark.parametrize("scope", ["openid", "nonsense", LOGIN])
def test_a_scope_beside_a_code_changes_nothing(rp: RelyingParty, scope: str) -> None:
    login = Login()
    answer = rp.redeem(login, rp.log_in(login)["code"], {"scope": scope})
    assert given(answer) == EVERYTHING
    assert decode(answer.json["id_token"])[1][PID] == PERSON
    assert LEVEL not in decode(answer.json["id_token"])[1]
