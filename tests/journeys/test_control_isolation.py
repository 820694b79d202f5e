"""Everything that a test steers in one environment, row by row, and that another environment does not see it.

What logins and tokens leave behind has its table in ``test_environments``.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.support.control import Control
from tests.support.emulator import Emulator
from tests.support.environments import Side, neighbour, root_of
from tests.support.machine import decode

JWKS = "/.well-known/openid-configuration/jwks"


@dataclass
class Steered:
    """An environment, its control API, and that of the server."""

    side: Side
    control: Control
    server: Control


def a_setting(here: Steered, there: Steered) -> None:
    here.server.ask("PATCH", f"/environments/{here.side.name}", {"settings": {"access_token_lifetime": 77}})
    lifetimes = []
    for one in (here, there):
        machine = one.side.client("m")
        machine.learn_nonce()
        lifetimes.append(machine.token().json["expires_in"])
    assert lifetimes == [77, 600]


def a_moved_clock(here: Steered, there: Steered) -> None:
    here.control.clock(advance="P1Y")
    assert there.control.ask("GET", "/clock")["offset"] == "PT0S"
    here.control.clock(freeze=True)
    assert there.control.ask("GET", "/clock")["frozen"] is False


def a_signing_key(here: Steered, there: Steered) -> None:
    before = there.side.get(JWKS).json
    rotated = here.control.ask("POST", "/keys/rotate", {"algorithm": "ES256"})
    here.control.ask("POST", f"/keys/{rotated['before']['kid']}/retire")
    assert there.side.get(JWKS).json == before
    assert there.side.get("/connect/expiredjwks").json["keys"] == []
    assert there.control.refused("POST", f"/keys/{rotated['active']['kid']}/publish")[0] == 404
    machine = there.side.client("m")
    machine.learn_nonce()
    assert decode(machine.token().json["access_token"])[0]["alg"] == "RS256"


def an_entry_of_each_sort(here: Steered, there: Steered) -> None:
    entries: dict[str, dict[str, object]] = {
        "/clients/only": {"make_key": "EC"},
        "/apis/only:api": {"scopes": ["only:api/read"]},
        "/organizations/310000003": {"name": "En virksomhet"},
        "/personas/13116900216": {"given_name": "PRØVE", "family_name": "PERSON"},
    }
    for path, body in entries.items():
        here.control.ask("PUT", path, body)
        assert here.control.call("GET", path).status == 200
        assert there.control.call("GET", path).status == 404, path
    assert there.control.ask("GET", "/export")["files"] == {}
    assert not any(there.control.ask("GET", "/world").values())


def a_hidden_entry_of_the_shared_world(here: Steered, there: Steered) -> None:
    for path in ("/clients/demo-machine", "/personas/06828399789"):
        here.control.ask("DELETE", path)
        assert here.control.call("GET", path).status == 404
        assert there.control.call("GET", path).status == 200, path


def a_scripted_login(here: Steered, there: Steered) -> None:
    here.control.ask("POST", "/next-login", {"persona": "06828399789"})
    assert there.control.ask("GET", "/next-login")["orders"] == []
    there.control.ask("DELETE", "/next-login")
    assert len(here.control.ask("GET", "/next-login")["orders"]) == 1


def a_snapshot(here: Steered, there: Steered) -> None:
    taken = here.control.ask("POST", "/snapshots")["id"]
    assert there.control.ask("GET", "/snapshots")["items"] == []
    assert there.control.refused("POST", f"/snapshots/{taken}/restore")[0] == 404
    assert there.control.refused("DELETE", f"/snapshots/{taken}")[0] == 404
    there.side.client("later")
    here.control.ask("POST", f"/snapshots/{taken}/restore")
    assert there.control.call("GET", "/clients/later").status == 200


def a_reset(here: Steered, there: Steered) -> None:
    there.side.client("kept")
    there.control.clock(advance="PT1H")
    here.control.ask("POST", "/reset")
    here.control.ask("POST", "/reset?tag=run")
    assert there.control.call("GET", "/clients/kept").status == 200
    assert there.control.ask("GET", "/clock")["offset"] == "PT1H"


def a_tag(here: Steered, there: Steered) -> None:
    for one in (here, there):
        one.control.ask("PUT", "/apis/run:api", {"scopes": ["run:api/read"], "tag": "run"})
    here.control.ask("POST", "/reset?tag=run")
    assert here.control.call("GET", "/apis/run:api").status == 404
    assert there.control.call("GET", "/apis/run:api").status == 200


def a_seed(here: Steered, there: Steered) -> None:
    jtis = []
    for one in (here, there):
        one.server.ask("PATCH", f"/environments/{one.side.name}", {"settings": {"seed": "same"}})
        machine = one.side.client("m")
        machine.learn_nonce()
        jtis.append(decode(machine.token().json["access_token"])[1]["jti"])
    assert jtis[0] != jtis[1]


THINGS: tuple[Callable[[Steered, Steered], None], ...] = (
    a_setting,
    a_moved_clock,
    a_signing_key,
    an_entry_of_each_sort,
    a_hidden_entry_of_the_shared_world,
    a_scripted_login,
    a_snapshot,
    a_reset,
    a_tag,
    a_seed,
)


@pytest.mark.covers("control.isolation")
@pytest.mark.parametrize("way", [(0, 1), (1, 0), (1, 2)], ids=["root-w1", "w1-root", "w1-w2"])
@pytest.mark.parametrize("thing", THINGS, ids=lambda thing: thing.__name__)
def test_what_is_steered_in_one_is_not_seen_in_another(
    sts: Emulator, thing: Callable[[Steered, Steered], None], way: tuple[int, int]
) -> None:
    server = Control(sts.transport)
    sides = (root_of(sts), neighbour(sts, "w1"), neighbour(sts, "w2"))
    here, there = (Steered(sides[one], Control(sides[one].transport), server) for one in way)
    thing(here, there)
