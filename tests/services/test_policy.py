"""What an environment's policy is made from."""

from dataclasses import fields
from pathlib import Path

import pytest

from mock_sts.helseid.profile.jwt import Skew
from mock_sts.helseid.requirement import Enforcement
from mock_sts.services.clock import Times, moved
from mock_sts.services.environment import Policy
from mock_sts.settings.settings import SETTINGS
from tests.support.emulator import FixedClock, settings_for

POLICY = Policy.of(settings_for(Path("none.sqlite")))


def test_every_choice_is_a_setting_of_that_name() -> None:
    assert {field.name for field in fields(Policy)} <= {setting.name for setting in SETTINGS}


@pytest.mark.parametrize("field", [field.name for field in fields(Policy)])
def test_each_choice_follows_its_setting(field: str) -> None:
    others = {
        "enforcement": "strict",
        "signing_algorithm": "PS256",
        "refresh_token_usage": "Reusable",
        "identity_providers": "testidp-oidc",
        "login_mode": "page",
        "default_persona": "gronn-vits",
        "network": "helsenett",
        "journal_size": "777",
        "clock_skew": "7",
        "explain": "description",
        "test_token_issuer": "http://localhost:8080",
        "test_token_typ": "at+jwt",
        "test_token_keys": "kept",
    }
    usual = getattr(POLICY, field)
    text = others.get(field) or ("false" if usual is True else "true" if usual is False else "77")
    changed = Policy.of(settings_for(Path("none.sqlite"), **{field: text}))
    assert getattr(changed, field) != usual
    assert [one.name for one in fields(Policy) if getattr(changed, one.name) != getattr(POLICY, one.name)] == [field]


def test_own_values_lie_over_those_of_the_server() -> None:
    own = POLICY.changed({"enforcement": "fapi2", "code_lifetime": 7, "identity_providers": ["testidp-oidc"]})
    assert (own.enforcement, own.code_lifetime) == (Enforcement.FAPI2, 7)
    assert own.identity_providers == ("testidp-oidc",)
    assert own.access_token_lifetime == POLICY.access_token_lifetime
    assert POLICY.changed({}) is POLICY


def test_the_skew_is_the_profiles_unless_a_setting_says_another() -> None:
    assert POLICY.skew == Skew()
    assert POLICY.changed({"clock_skew": 7}).skew == Skew(7, 7)


def test_a_clock_moves_what_is_kept_and_leaves_the_real_time() -> None:
    clock = FixedClock(1_000, 1_005)
    assert moved(clock, 0, None) is clock
    assert moved(clock, 3_600, None).times() == Times(1_000, 4_605)
    assert moved(clock, -3_600, None).times() == Times(1_000, -2_595)
    assert moved(clock, 3_600, 50).times() == Times(1_000, 50)
    clock.advance(10)
    assert moved(clock, 3_600, None).times() == Times(1_010, 4_615)
    assert moved(clock, 0, 50).times() == Times(1_010, 50)
