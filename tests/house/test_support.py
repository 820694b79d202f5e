"""What all tests stand on: emulators that are used again are as new, whatever a test has done to them."""

from collections.abc import Callable
from typing import Any

import pytest

from mock_sts.services.clock import Times
from mock_sts.store.scope import DEFAULT_ENVIRONMENT
from mock_sts.store.sweeping import Sweeper
from tests.support.databases import database_file
from tests.support.emulator import START, Emulator, Template, Worlds
from tests.support.logins import web
from tests.support.relying_party import Login


def _rows(sts: Emulator) -> dict[str, int]:
    return {**sts.row_counts(), "journal": len(sts.journal(limit="500"))}


def _issue(sts: Emulator) -> None:
    assert sts.client().token().status == 200


def _log_in(sts: Emulator) -> None:
    web(sts).log_in(Login())


def _order(sts: Emulator) -> None:
    answer = sts.transport.send(
        "POST", "/mock/api/v1/next-login", {"Content-Type": "application/json"}, b'{"persona": "kvart-grevling"}'
    )
    assert answer.status < 300, answer.content


def _tell_an_address(sts: Emulator) -> None:
    answer = sts.transport.send(
        "PUT", "/mock/api/v1/public-url", {"Content-Type": "application/json"}, b'{"url": "http://localhost:9999"}'
    )
    assert answer.status < 300, answer.content


def _spoil_the_application(sts: Emulator) -> None:
    def broken() -> str:
        raise RuntimeError

    sts.app.view_functions["health.live"] = broken
    sts.clock.advance(10_000)
    sts.sts.sweeper.__dict__.update(dict.fromkeys(vars(Sweeper(DEFAULT_ENVIRONMENT)), 99_999_999_999))


def _drop_tables(sts: Emulator) -> None:
    with sts.store.writing() as transaction:
        transaction.execute("DROP TABLE client")
        transaction.execute("DROP TABLE revision")
    assert sts.get("/health/ready").status == 503


def _lose_the_file(sts: Emulator) -> None:
    database_file(sts.settings).unlink()


def _replace_the_file(sts: Emulator) -> None:
    other = database_file(sts.settings).with_suffix(".other")
    other.write_bytes(b"")
    other.replace(database_file(sts.settings))


def _close(sts: Emulator) -> None:
    sts.close()


DEEDS = [
    _issue,
    _log_in,
    _order,
    _tell_an_address,
    _spoil_the_application,
    _drop_tables,
    _lose_the_file,
    _replace_the_file,
    _close,
]


@pytest.mark.parametrize("deed", DEEDS)
def test_an_emulator_of_the_next_test_is_as_new(template: Template, deed: Callable[[Emulator], None]) -> None:
    settings: dict[str, Any] = {"access_token_lifetime": 1234}  # such that no other test has
    with Worlds(template) as worlds:
        used = worlds.make(**settings)
        before = _rows(used)
        deed(used)
    with Worlds(template) as worlds:
        again = worlds.make(**settings)
        assert _rows(again) == before
        assert again.clock.times() == Times(START, START)
        assert vars(again.sts.sweeper) == vars(Sweeper(DEFAULT_ENVIRONMENT))
        assert again.get("/health/live").status == again.get("/health/ready").status == 200
        assert again.get("/.well-known/openid-configuration").json["issuer"] == again.issuer
        assert again.sts.catalog.current().client("machine") is None
        assert again.client().token().status == 200


def test_emulators_are_used_again_and_never_by_two_at_once(template: Template) -> None:
    settings: dict[str, Any] = {"access_token_lifetime": 1235}
    with Worlds(template) as worlds:
        first, second, other = worlds.make(**settings), worlds.make(**settings), worlds.make("sts.example.test")
        assert len({database_file(sts.settings) for sts in (first, second, other)}) == 3
    with Worlds(template) as worlds:
        assert {id(worlds.make(**settings)), id(worlds.make(**settings))} == {id(first), id(second)}
        assert worlds.make(**settings) not in (first, second)
        assert worlds.make(access_token_lifetime=1236) not in (first, second)


def test_what_was_registered_before_is_not_taken_for_what_is_registered_now(template: Template) -> None:
    """Both registrations have the same revision of the registry."""
    for scope in ("test:api/read", "test:api/write"):
        with Worlds(template) as worlds:
            machine = worlds.make(access_token_lifetime=1237).client(scope=[scope])
            machine.scope = scope
            assert machine.token().claims["scope"] == [scope]
