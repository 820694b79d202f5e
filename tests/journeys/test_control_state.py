"""What a test steers in one environment: its clock, its signing keys, snapshots, reset, tags and its seed."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from mock_sts.protocol.jose import ALGORITHMS, import_public_key, read_jws
from mock_sts.services.control.clock import FARTHEST
from mock_sts.setup import load_world, prepare_store
from tests.support.control import Control
from tests.support.emulator import Emulator, LiveServer, OverHttp, Worlds, settings_for
from tests.support.environments import Below, Side, neighbour, root_of
from tests.support.keys import private_jwk
from tests.support.machine import Machine, decode
from tests.support.relying_party import PERSON, Login, RelyingParty, web_client

JWKS = "/.well-known/openid-configuration/jwks"


@pytest.fixture
def control(sts: Emulator) -> Control:
    return Control(sts.transport)


def kids(side: Emulator | Side, path: str = JWKS) -> list[str]:
    return [key["kid"] for key in side.get(path).json["keys"]]


def signed_by(token: str) -> str:
    return str(decode(token)[0]["kid"])


# The clock


@pytest.mark.covers("control.clock")
def test_each_thing_to_do_with_the_clock(sts: Emulator, control: Control) -> None:
    found = control.ask("GET", "/clock")
    assert (found["wall"], found["now"], found["offset"], found["frozen"]) == (
        "2027-01-15T08:00:00Z",
        "2027-01-15T08:00:00Z",
        "PT0S",
        False,
    )
    assert "authorization codes" in found["follows"] and "client assertions" in found["stays"]

    def now(**action: object) -> tuple[str, str, bool]:
        state = control.clock(**action)
        return state["now"], state["offset"], state["frozen"]

    assert now(advance="PT2H") == ("2027-01-15T10:00:00Z", "PT2H", False)
    assert now(advance="-P1DT1S") == ("2027-01-14T09:59:59Z", "-PT22H1S", False)
    assert now(offset="P1D") == ("2027-01-16T08:00:00Z", "P1D", False)
    assert now(set="2028-01-01T01:00:00+01:00") == ("2028-01-01T00:00:00Z", "P350DT16H", False)
    assert now(freeze=True) == ("2028-01-01T00:00:00Z", "P350DT16H", True)
    sts.clock.advance(3_600)
    assert control.ask("GET", "/clock")["now"] == "2028-01-01T00:00:00Z"
    assert now(advance="PT1M")[0::2] == ("2028-01-01T00:01:00Z", True), "a clock that stands goes on by hand"
    assert now(freeze=False)[0::2] == ("2028-01-01T00:01:00Z", False)
    sts.clock.advance(60)
    assert control.ask("GET", "/clock")["now"] == "2028-01-01T00:02:00Z", "and from there by itself"
    assert now(reset=True)[1:] == ("PT0S", False)


@pytest.mark.covers("control.clock")
@pytest.mark.parametrize(
    ("duration", "seconds"),
    [("P1Y", 31_536_000), ("P1M", 2_592_000), ("P2W", 1_209_600), ("P1Y1M1DT1H1M1S", 34_218_061), ("+PT1S", 1)],
)
def test_a_year_has_365_days_and_a_month_30(control: Control, duration: str, seconds: int) -> None:
    control.clock(offset=duration)
    days, rest = divmod(seconds, 86_400)
    offset = control.ask("GET", "/clock")["offset"]
    assert offset.startswith(f"P{days}D" if days else "PT")
    assert control.clock(advance=f"-PT{seconds}S")["offset"] == "PT0S" and rest >= 0


@pytest.mark.covers("control.clock")
@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "exactly one of advance, set, freeze, offset, reset; it has none"),
        ({"advance": "PT1S", "reset": True}, "it has advance and reset"),
        ({"advance": "2 hours"}, "advance must be an ISO 8601 duration"),
        ({"advance": "P"}, "advance must be an ISO 8601 duration"),
        ({"advance": "PT"}, "advance must be an ISO 8601 duration"),
        ({"advance": "PT1.5S"}, "whole numbers"),
        ({"advance": "P101Y"}, "within 100 years"),
        ({"offset": "-P100YT1S"}, "within 100 years"),
        ({"advance": "P999999999999Y"}, "within 100 years"),
        ({"advance": "P" + "9" * 60 + "D"}, "advance must be an ISO 8601 duration"),
        ({"advance": 7200}, "advance must be a text"),
        ({"advance": None}, "advance must be a text"),
        ({"set": "2027-01-01T00:00:00"}, "with its offset from UTC"),
        ({"set": "2027-02-30T00:00:00Z"}, "there is no '2027-02-30T00:00:00Z'"),
        ({"set": "0001-01-01T00:00:00Z"}, "within 100 years"),
        ({"set": "9999-12-31T23:59:59Z"}, "within 100 years"),
        ({"freeze": "yes"}, "freeze must be true or false"),
        ({"reset": False}, "reset must be true"),
        ({"forward": "PT1H"}, "no member 'forward'"),
        ([], "must be a JSON object"),
    ],
)
def test_an_impossible_time_is_refused_and_the_clock_stays(control: Control, body: object, says: str) -> None:
    before = control.clock(advance="PT1H")
    status, found = control.refused("POST", "/clock", body)
    assert status == 400 and says in found, found
    assert control.ask("GET", "/clock") == before
    assert FARTHEST == 3_153_600_000


@pytest.mark.covers("control.clock")
def test_codes_tokens_and_sessions_age_by_it_and_tokens_tell_real_time(sts: Emulator, control: Control) -> None:
    rp = web_client(sts)
    tokens = rp.tokens().json
    login = Login()
    code = rp.log_in(login)["code"]
    control.clock(advance="PT1H")
    rp.machine.nonce = None
    assert rp.redeem(login, code).error == "invalid_grant", "a code is good for five minutes"
    assert rp.refresh(tokens["refresh_token"]).status == 200, "a refresh token for eight hours"
    fresh = rp.tokens().json
    assert decode(fresh["access_token"])[1]["iat"] == sts.clock.wall
    assert rp.user_info(tokens["access_token"]).status == 200, "an access token is judged by real time"
    control.clock(advance="PT8H")
    rp.machine.nonce = None
    assert rp.refresh(fresh["refresh_token"]).error == "invalid_grant"


@pytest.mark.covers("control.clock", "control.workers")
def test_all_workers_follow(live: LiveServer) -> None:
    side = neighbour(live, f"clock-{secrets.token_hex(4)}")
    below = Control(side.transport)
    assert below.clock(advance="P1D")["offset"] == "P1D"
    found = {fresh(live, side).ask("GET", "/clock")["offset"] for _ in range(20)}
    assert found == {"P1D"}
    side.delete()


@pytest.mark.sqlite
@pytest.mark.covers("control.clock")
def test_a_restart_leaves_the_clock_and_the_keys(tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "db.sqlite")
    prepare_store(settings)
    first = Emulator(settings)
    control = Control(first.transport)
    control.ask("PUT", "/environments/w1", {})
    below = Control(Side(first, "w1").transport)
    below.clock(advance="P1D")
    control.clock(freeze=True)
    kid = control.ask("POST", "/keys/rotate", {"algorithm": "ES256"})["active"]["kid"]
    first.close()
    again = Emulator(settings)
    assert Control(Side(again, "w1").transport).ask("GET", "/clock")["offset"] == "P1D"
    assert Control(again.transport).ask("GET", "/clock")["frozen"] is True
    assert kids(again)[0] == kid
    again.close()


def fresh(live: LiveServer, side: Side) -> Control:
    """The control API by a new connection, which may lead to another worker."""
    return Control(Below(OverHttp(live.issuer), side.path))


# Signing keys


@pytest.mark.covers("control.keys")
def test_the_key_before_stays_published_until_it_is_retired(sts: Emulator, control: Control) -> None:
    rp = web_client(sts)
    old = rp.tokens().json["access_token"]
    (first,) = kids(sts)
    rotated = control.ask("POST", "/keys/rotate", {"algorithm": "ES256"})
    second = rotated["active"]["kid"]
    assert (rotated["before"]["kid"], rotated["before"]["state"], rotated["before"]["published"]) == (
        first,
        "retired",
        True,
    )
    assert kids(sts) == [second, first]
    new = rp.tokens().json["access_token"]
    assert (signed_by(old), signed_by(new)) == (first, second)
    assert [rp.user_info(token).status for token in (old, new)] == [200, 200]
    assert control.ask("POST", f"/keys/{first}/retire")["published"] is False
    assert (kids(sts), kids(sts, "/connect/expiredjwks")) == ([second], [first])
    assert [rp.user_info(token).status for token in (old, new)] == [401, 200]
    assert control.ask("POST", f"/keys/{first}/publish")["published"] is True
    assert rp.user_info(old).status == 200
    control.ask("DELETE", f"/keys/{first}")
    assert (kids(sts), kids(sts, "/connect/expiredjwks")) == ([second], [])


@pytest.mark.covers("control.keys")
def test_a_key_waits_as_next_and_may_be_published_late(sts: Emulator, control: Control) -> None:
    (first,) = kids(sts)
    early = control.ask("POST", "/keys", {"algorithm": "ES256"})["kid"]
    late = control.ask("POST", "/keys", {"algorithm": "ES384", "published": False})["kid"]
    assert kids(sts) == [first, early]
    assert control.ask("POST", "/keys/rotate", {"kid": late})["active"]["kid"] == late
    assert late not in kids(sts)
    machine = sts.client("m")
    machine.learn_nonce()
    assert signed_by(machine.token().json["access_token"]) == late, "it signs before a client can know it"
    control.ask("POST", f"/keys/{late}/publish")
    assert kids(sts)[0] == late
    assert control.ask("POST", "/keys/rotate")["active"]["kid"] == early, "the oldest that waits comes next"
    states = {key["kid"]: key["state"] for key in control.ask("GET", "/keys")["items"]}
    assert states == {first: "retired", late: "retired", early: "active"}


@pytest.mark.covers("control.keys")
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_signs_what_its_key_verifies(sts: Emulator, control: Control, algorithm: str) -> None:
    jwk = private_jwk(algorithm, 4 if algorithm[0] in "RP" else 3)
    given = control.ask("POST", "/keys/import", {"jwk": jwk, "algorithm": algorithm, "kid": "mine"})
    assert (given["algorithm"], given["kid"], given["state"]) == (algorithm, "mine", "next")
    control.ask("POST", "/keys/rotate", {"kid": "mine"})
    machine = sts.client("m")
    machine.learn_nonce()
    token = read_jws(machine.token().json["access_token"])
    published = next(key for key in sts.get(JWKS).json["keys"] if key["kid"] == "mine")
    assert (token.algorithm, published["alg"]) == (algorithm, algorithm)
    assert import_public_key(published).verify(token)
    document = sts.get("/.well-known/openid-configuration").json
    assert document["id_token_signing_alg_values_supported"] == [algorithm]


@pytest.mark.covers("control.keys")
@pytest.mark.parametrize(
    ("path", "body", "status", "says"),
    [
        ("/keys", {"algorithm": "HS256"}, 400, "algorithm is wrong"),
        ("/keys", {"algorithm": "ES256", "bits": 2048}, 400, "bits are those of RSA"),
        ("/keys", {"bits": 1024}, 400, "one of 2048, 3072, 4096"),
        ("/keys/import", {}, 400, "jwk is missing"),
        ("/keys/import", {"jwk": {"kty": "oct", "k": "AA"}}, 400, "cannot be used"),
        ("/keys/import", {"jwk": {}}, 400, "cannot be used"),
        ("/keys/import", {"jwk": "PUBLIC"}, 400, "must be a JSON object"),
        ("/keys/import", {"jwk": "SMALL"}, 400, "2048"),
        ("/keys/import", {"jwk": "EC", "algorithm": "RS256"}, 400, "cannot be used"),
        ("/keys/rotate", {"kid": "none"}, 404, "no key is called 'none'"),
        ("/keys/rotate", {"kid": "ACTIVE"}, 409, "signs already"),
        ("/keys/none/retire", None, 404, "no key is called 'none'"),
        ("/keys/ACTIVE/retire", None, 409, "rotate first"),
    ],
)
def test_what_no_key_can_be_or_do_is_refused(
    sts: Emulator, control: Control, path: str, body: dict[str, object] | None, status: int, says: str
) -> None:
    (active,) = kids(sts)
    keys = {"SMALL": private_jwk("PS256", 0, 1024), "EC": private_jwk("ES256", 3)}
    if body is not None:
        body = {
            name: active if value == "ACTIVE" else keys.get(value, value) if isinstance(value, str) else value
            for name, value in body.items()
        }
    found = control.refused("POST", path.replace("ACTIVE", active), body)
    assert found[0] == status and says in found[1], found
    assert [key["kid"] for key in control.ask("GET", "/keys")["items"]] == [active]


class Caching:
    """An API that keeps the key set for as long as every key that it meets is in it, or that asks each time."""

    def __init__(self, side: Emulator | Side, *, keeps: bool) -> None:
        self._side = side
        self._keeps = keeps
        self._kept: list[dict[str, str]] | None = None

    def accepts(self, token: str, *, refreshes: bool = False) -> bool:
        if self._kept is None or not self._keeps or refreshes:
            self._kept = self._side.get(JWKS).json["keys"]
        jws = read_jws(token)
        return any(key["kid"] == jws.header["kid"] and import_public_key(key).verify(jws) for key in self._kept or ())


@pytest.mark.covers("control.keys")
def test_a_client_that_keeps_the_key_set_and_one_that_does_not(sts: Emulator, control: Control) -> None:
    machine = sts.client("m")
    keeps, asks = Caching(sts, keeps=True), Caching(sts, keeps=False)
    machine.learn_nonce()
    old = machine.token().json["access_token"]
    assert keeps.accepts(old) and asks.accepts(old)
    before = control.ask("POST", "/keys/rotate", {"algorithm": "ES256"})["before"]["kid"]
    new = machine.token().json["access_token"]
    assert asks.accepts(new) and asks.accepts(old)
    assert not keeps.accepts(new), "it has to ask again for a key that it does not know"
    assert keeps.accepts(new, refreshes=True)
    control.ask("POST", f"/keys/{before}/retire")
    assert not asks.accepts(old)
    assert keeps.accepts(old), "it goes on with a key that is no longer published"


@pytest.mark.covers("control.keys", "control.workers")
def test_the_key_set_follows_in_all_workers_at_once(live: LiveServer) -> None:
    side = neighbour(live, f"keys-{secrets.token_hex(4)}")
    for algorithm in ("ES256", "ES384"):
        rotated = Control(side.transport).ask("POST", "/keys/rotate", {"algorithm": algorithm})
        active, before = rotated["active"]["kid"], rotated["before"]["kid"]
        Control(side.transport).ask("POST", f"/keys/{before}/retire")
        for path, wanted in ((JWKS, active), ("/connect/expiredjwks", before)):
            sets = [OverHttp(live.issuer).send("GET", f"{side.path}{path}").json["keys"] for _ in range(10)]
            assert all(wanted in [key["kid"] for key in keys] for keys in sets)
    side.delete()


# Snapshots and reset


@pytest.fixture
def sides(sts: Emulator) -> list[Side]:
    return [root_of(sts), neighbour(sts, "w1")]


def used(side: Side) -> tuple[RelyingParty, str, Login, str]:
    """A web client with a refresh token and a code that it has not redeemed."""
    side.api("test:api", scopes=["test:api/read"])
    rp = web_client(side)
    refresh = rp.tokens().json["refresh_token"]
    login = Login()
    return rp, refresh, login, rp.log_in(login)["code"]


@pytest.mark.covers("control.snapshots")
@pytest.mark.parametrize("name", ["default", "w1"])
def test_a_snapshot_brings_back_what_there_was(sts: Emulator, sides: list[Side], name: str) -> None:
    side, other = sides if name == "default" else sides[::-1]
    control, beside = Control(side.transport), used(other)
    rp, refresh, login, code = used(side)
    control.clock(advance="PT1M")
    control.ask("POST", "/next-login", {"persona": PERSON, "times": 2})
    snapshot = control.ask("POST", "/snapshots", {"name": "logged in"})
    assert [one["id"] for one in control.ask("GET", "/snapshots")["items"]] == [snapshot["id"]]
    assert Control(other.transport).ask("GET", "/snapshots")["items"] == []
    assert Control(other.transport).refused("POST", f"/snapshots/{snapshot['id']}/restore")[0] == 404
    before = side.journal(limit="1000")
    for _ in range(2):  # more than once
        assert rp.redeem(login, code).status == 200
        assert rp.refresh(refresh).status == 200
        assert rp.redeem(login, code).error == "invalid_grant"
        side.client("another")
        control.ask("POST", "/keys/rotate", {"algorithm": "ES256"})
        control.clock(advance="P1D")
        assert control.ask("POST", f"/snapshots/{snapshot['id']}/restore")["environments"] == [side.name]
        assert [one["endpoint"] for one in side.journal(limit="1000")] == [one["endpoint"] for one in before]
        assert control.ask("GET", "/clock")["offset"] == "PT1M"
        assert len(control.ask("GET", "/keys")["items"]) == 1
        assert control.refused("GET", "/clients/another")[0] == 404
        assert [one["times"] for one in control.ask("GET", "/next-login")["orders"]] == [2]
        rp.machine.nonce = None
    assert beside[0].redeem(beside[2], beside[3]).status == 200, "nothing has changed beside it"
    control.ask("DELETE", f"/snapshots/{snapshot['id']}")
    assert control.refused("POST", f"/snapshots/{snapshot['id']}/restore")[0] == 404


@pytest.mark.covers("control.snapshots")
def test_a_snapshot_of_the_server_brings_environments_back_and_ends_others(sts: Emulator, sides: list[Side]) -> None:
    control = Control(sts.transport)
    for side in sides:
        side.client("m")
    snapshot = control.ask("POST", "/snapshots?scope=server")
    assert snapshot["scope"] == "server"
    assert control.ask("GET", "/snapshots")["items"] == [], "it is none of the default environment"
    assert Control(sides[1].transport).refused("POST", "/snapshots?scope=server")[0] == 404
    control.ask("DELETE", "/environments/w1")
    control.ask("POST", "/environments", {"name": "later"})
    restored = control.ask("POST", f"/snapshots/{snapshot['id']}/restore?scope=server")
    assert restored["environments"] == ["default", "w1"]
    assert [one["name"] for one in control.ask("GET", "/environments")["items"]] == ["default", "w1"]
    assert Control(sides[1].transport).ask("GET", "/clients/m")["client_id"] == "m"


@pytest.mark.covers("control.reset")
@pytest.mark.parametrize("name", ["default", "w1"])
def test_a_reset_keeps_keys_and_settings_and_nothing_else(sts: Emulator, sides: list[Side], name: str) -> None:
    side, other = sides if name == "default" else sides[::-1]
    root, control = Control(sts.transport), Control(side.transport)
    root.ask("PATCH", f"/environments/{name}", {"settings": {"access_token_lifetime": 77}})
    kid = control.ask("POST", "/keys/rotate", {"algorithm": "ES256"})["active"]["kid"]
    beside, (rp, refresh, login, code) = used(other), used(side)
    control.ask("DELETE", "/clients/demo-machine")
    control.clock(freeze=True)
    control.ask("POST", "/next-login", {"persona": PERSON})
    removed = control.ask("POST", "/reset")["removed"]
    assert removed["client"] == 2 and removed["authorization_code"] == 2 and removed["journal"] > 3
    assert side.journal() == [] and control.ask("GET", "/next-login")["orders"] == []
    state = control.ask("GET", "/clock")
    assert (state["offset"], state["frozen"]) == ("PT0S", False)
    assert control.ask("GET", "/clients/demo-machine")["client_id"] == "demo-machine", "what was hidden is there again"
    assert kids(side)[0] == kid
    assert root.environment(name)["settings"] == {"access_token_lifetime": 77}
    again = web_client(side)
    again.machine.jwk = rp.machine.jwk
    rp.machine.nonce = None
    assert rp.redeem(login, code).error == "invalid_grant"
    assert rp.refresh(refresh).error == "invalid_grant"
    assert beside[0].redeem(beside[2], beside[3]).status == 200


@pytest.mark.covers("control.reset")
def test_the_server_is_reset_as_a_whole_at_its_root_alone(sts: Emulator, sides: list[Side]) -> None:
    for side in sides:
        side.client("m")
    assert Control(sides[1].transport).refused("POST", "/reset?scope=server")[0] == 404
    assert Control(sts.transport).ask("POST", "/reset?scope=server")["environments"] == ["default", "w1"]
    for side in sides:
        assert Control(side.transport).refused("GET", "/clients/m")[0] == 404


@pytest.mark.covers("control.reset.tag")
def test_what_one_run_has_made_goes_without_touching_others(sts: Emulator, control: Control) -> None:
    runs = {name: Control(sts.transport, Mock_Sts_Tag=name) for name in ("a", "b")}
    for name, run in runs.items():
        run.ask("PUT", f"/clients/client-{name}", {"make_key": "EC", "scope": "test:api/read"})
        run.ask("PUT", f"/apis/api:{name}", {"scopes": [f"api:{name}/read"]})
        run.ask("PUT", f"/organizations/{'310000003' if name == 'a' else '310000011'}", {"name": "En virksomhet"})
        run.ask("POST", "/next-login", {"persona": PERSON})
        assert run.ask("POST", "/environments", {"name": f"of-{name}"})["tag"] == name
        run.ask("POST", "/snapshots")
    control.ask("PUT", "/clients/by-member", {"make_key": "EC", "tag": "a"})
    control.ask("PUT", "/clients/untagged", {"make_key": "EC"})
    gone = control.ask("POST", "/reset?tag=a")
    assert gone["ended"] == ["of-a"]
    assert gone["removed"] == {"client": 2, "api": 1, "organization": 1, "scripted_login": 1}
    made = {one["client_id"] for one in control.ask("GET", "/clients?origin=made")["items"]}
    assert made == {"client-b", "untagged"}
    assert len(control.ask("GET", "/next-login")["orders"]) == 1
    assert [one["tag"] for one in control.ask("GET", "/snapshots")["items"]] == ["b"]
    assert control.refused("GET", "/environments/of-a")[0] == 404
    assert control.environment("of-b")["tag"] == "b"


@pytest.mark.covers("control.reset.tag")
@pytest.mark.parametrize("tag", ["", "a b", "x" * 101, "æ"])
def test_what_is_no_tag_is_refused(sts: Emulator, tag: str) -> None:
    answer = Control(sts.transport, Mock_Sts_Tag=tag.encode().decode("latin-1")).call("POST", "/environments", {})
    assert answer.status == 400 and "Mock-Sts-Tag must be" in answer.json["detail"], answer.content


@pytest.mark.sqlite
@pytest.mark.covers("control.export")
@pytest.mark.parametrize("name", ["default", "w1"])
def test_what_was_made_by_hand_loads_again_to_the_same(
    sts: Emulator, sides: list[Side], name: str, tmp_path: Path
) -> None:
    side = sides[0] if name == "default" else sides[1]
    control = Control(side.transport)
    assert control.ask("GET", "/export")["files"] == {}
    control.ask("PUT", "/clients/mine", {"make_key": "EC", "scope": "mine:api/read"})
    control.ask("PUT", "/apis/mine:api", {"scopes": ["mine:api/read"]})
    control.ask("PUT", "/personas/13116900216", {"given_name": "PRØVE", "family_name": "PERSON", "persona": "prove"})
    control.ask("PUT", "/organizations/310000003", {"name": "En virksomhet"})
    files = control.ask("GET", "/export")["files"]
    assert sorted(files) == ["apis.yaml", "clients/mine.yaml", "organizations.yaml", "personas.yaml"]
    for path, text in files.items():
        file = tmp_path / "world" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    settings = settings_for(tmp_path / "again.sqlite", fixtures=str(tmp_path / "world"))
    load_world(settings)
    again = Emulator(settings)
    for path in ("/clients/mine", "/apis/mine:api", "/personas/13116900216", "/organizations/310000003"):
        assert Control(again.transport).ask("GET", path) == control.ask("GET", path)
    again.close()


# A seed


@pytest.fixture
def seeded(worlds: Worlds) -> Iterator[list[Emulator]]:
    yield [worlds.make(seed="same"), worlds.make(seed="same"), worlds.make(seed="another"), worlds.make()]


def drawn(sts: Emulator) -> list[object]:
    """What chance has a part in, of one login."""
    rp = web_client(sts)
    rp.machine.learn_nonce()
    pushed = rp.push(Login(), {"test_pid": PERSON})
    request_uri = pushed.json["request_uri"]
    login = Login()
    code = rp.log_in(login)["code"]
    tokens = rp.redeem(login, code).json
    claims = decode(tokens["access_token"])[1], decode(tokens["id_token"])[1]
    return [request_uri, code, tokens["refresh_token"], claims[0]["jti"], claims[1]["sid"]]


@pytest.mark.covers("control.seed")
def test_two_runs_with_one_seed_give_the_same_and_so_does_one_after_a_reset(seeded: list[Emulator]) -> None:
    one, same, other, chance = (drawn(sts) for sts in seeded)
    assert one == same
    assert all(first != second for first, second in zip(one, other, strict=True))
    assert all(first != second for first, second in zip(one, chance, strict=True))
    assert drawn(seeded[0]) != one, "the requests go on"
    Control(seeded[0].transport).ask("POST", "/reset")
    assert drawn(seeded[0]) == one


@pytest.mark.covers("control.seed")
def test_an_environment_may_have_a_seed_of_its_own(sts: Emulator, control: Control) -> None:
    def jti(name: str) -> str:
        machine: Machine = Side(sts, name).client("m")
        machine.learn_nonce()
        return str(decode(machine.token().json["access_token"])[1]["jti"])

    for name in ("w1", "w2"):
        control.ask("PUT", f"/environments/{name}", {"settings": {"seed": "same"}})
    first = jti("w1")
    assert first != jti("w2"), "the name is in it"
    control.ask("PUT", "/environments/w1", {"settings": {"seed": "same"}})
    assert jti("w1") == first
