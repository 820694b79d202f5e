"""Each rule of a client library, with one misconfiguration that it finds; the right configuration passes all. Where the
library itself is at hand, it is asked too, and agrees.
"""

import json
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from authlib.integrations.base_client.sync_openid import OpenIDMixin
from requests_oauth2client import OAuth2Client
from requests_oauth2client.exceptions import OAuth2Error

from mock_sts.helseid.client_libraries import (
    AUTHLIB,
    LIBRARY_RULES,
    OPENID_CLIENT,
    REQUESTS_OAUTH2CLIENT,
    LibraryRule,
    Sight,
    origin_of,
    refusals,
)
from tests.interop.test_openid_client import NODE
from tests.support.emulator import Emulator, Worlds
from tests.support.relying_party import PERSON, Login, web_client

AUTHORITY = "https://sts.test"
RULES = {rule.id: rule for rule in LIBRARY_RULES}


def sight_of(sts: Emulator, authority: str) -> Sight:
    metadata = sts.get("/.well-known/openid-configuration").json
    return Sight(authority, metadata, tuple(sts.get("/.well-known/openid-configuration/jwks").json["keys"]))


@pytest.fixture
def right(worlds: Worlds) -> Sight:
    """What a client sees of a server with one https name for all."""
    return sight_of(worlds.make(public_url=AUTHORITY), AUTHORITY)


def moved(sight: Sight, **addresses: str) -> Sight:
    """With other addresses in the metadata; an empty one is left out."""
    metadata = {**sight.metadata, **addresses}
    return replace(sight, metadata={name: value for name, value in metadata.items() if value != ""})


def elsewhere(sight: Sight, base: str) -> Sight:
    """The same server under another address, as a client sees it that is configured with that."""
    text = json.dumps(dict(sight.metadata)).replace(AUTHORITY, base)
    return Sight(base, json.loads(text), sight.keys)


def with_key(sight: Sight, **members: str) -> Sight:
    assert sight.keys
    key = {**sight.keys[0], **members}
    return replace(sight, keys=({name: value for name, value in key.items() if value},))


#: Rule, and what breaks it.
BREAKS: list[tuple[str, Callable[[Sight], Sight]]] = [
    ("issuer-exact", lambda s: replace(s, authority="https://sts.test/")),
    ("issuer-exact", lambda s: replace(s, authority="https://STS.test")),
    ("issuer-exact", lambda s: replace(s, authority="https://mock-sts:8443")),
    ("issuer-but-for-a-slash", lambda s: replace(s, authority="https://mock-sts:8443")),
    ("issuer-but-for-a-slash", lambda s: moved(s, issuer="https://sts.test/")),
    ("issuer-as-url", lambda s: replace(s, authority="https://mock-sts:8443")),
    ("issuer-as-url", lambda s: replace(elsewhere(s, "https://sts.test/base"), authority="https://sts.test/base/")),
    ("issuer-as-url", lambda s: moved(s, issuer="")),
    ("one-origin", lambda s: moved(s, token_endpoint="https://mock-sts:8443/connect/token")),
    ("one-origin", lambda s: moved(s, jwks_uri="http://sts.test/jwks")),
    ("one-origin", lambda s: moved(s, end_session_endpoint="https://sts.test:8443/connect/endsession")),
    ("keys-load", lambda s: replace(s, keys=None)),
    ("keys-load", lambda s: replace(s, keys=())),
    ("https-or-loopback", lambda s: elsewhere(s, "http://mock-sts:8080")),
    ("https-or-loopback", lambda s: moved(s, userinfo_endpoint="http://[::1]:8080/connect/userinfo")),
    ("https-authority", lambda s: elsewhere(s, "http://localhost:8080")),
    ("https-everywhere", lambda s: elsewhere(s, "http://localhost:8080")),
    ("https-everywhere", lambda s: moved(s, token_endpoint="http://sts.test/connect/token")),
    ("https-unless-allowed", lambda s: elsewhere(s, "http://localhost:8080")),
    ("https-unless-allowed", lambda s: moved(s, token_endpoint="http://sts.test/connect/token")),
    ("metadata-of-nimbus", lambda s: moved(s, jwks_uri="")),
    ("metadata-of-nimbus", lambda s: replace(s, metadata={**s.metadata, "subject_types_supported": []})),
    ("metadata-of-spring", lambda s: moved(s, userinfo_endpoint="")),
    ("metadata-of-helseid-library", lambda s: moved(s, token_endpoint="")),
    ("metadata-for-pushed-requests", lambda s: moved(s, pushed_authorization_request_endpoint="")),
    (
        "listed-algorithm",
        lambda s: replace(s, metadata={**s.metadata, "id_token_signing_alg_values_supported": ["PS256"]}),
    ),
    ("listed-algorithm", lambda s: with_key(s, alg="PS256")),
    ("rs256", lambda s: with_key(s, alg="PS256")),
    ("named-keys", lambda s: with_key(s, kid="")),
    ("named-keys", lambda s: with_key(s, alg="")),
]


@pytest.mark.covers("doctor.libraries")
def test_every_rule_has_a_case() -> None:
    assert {name for name, _ in BREAKS} == set(RULES)
    assert len(RULES) == len(LIBRARY_RULES)


@pytest.mark.covers("doctor.libraries")
@pytest.mark.parametrize("rule", LIBRARY_RULES, ids=RULES)
def test_the_right_configuration_passes(right: Sight, rule: LibraryRule) -> None:
    assert rule.fault(right) == ""
    assert rule.libraries
    assert rule.says
    assert rule.remedy


@pytest.mark.covers("doctor.libraries")
@pytest.mark.parametrize(("name", "breaks"), BREAKS)
def test_a_misconfiguration_is_found(right: Sight, name: str, breaks: Callable[[Sight], Sight]) -> None:
    broken = breaks(right)
    assert RULES[name].fault(broken) != ""
    assert name in [rule.id for rule, _ in refusals(broken)]


@pytest.mark.covers("doctor.libraries")
@pytest.mark.parametrize(
    ("authority", "settings", "refused"),
    [
        ("https://sts.test", {"public_url": "https://sts.test"}, []),
        ("https://sts.test/base", {"public_url": "https://sts.test/base"}, []),
        ("https://sts.test:8443", {"public_url": "https://sts.test:8443", "url_mode": "fixed"}, []),
        # A trailing slash, as some configure it: Duende cuts it off, openid-client does not see it.
        ("https://sts.test/", {"public_url": "https://sts.test"}, ["issuer-exact"]),
        # Loopback over http: whoever insists on https, and nobody else.
        (
            "http://localhost:8080",
            {},
            ["https-authority", "https-everywhere", "https-unless-allowed"],
        ),
        # Split, seen from inside: whoever compares the issuer with the authority, or wants one origin.
        (
            "https://mock-sts",
            {"public_url": "https://sts.test", "aliases": ("https://mock-sts",)},
            ["issuer-exact", "issuer-but-for-a-slash", "issuer-as-url", "one-origin"],
        ),
    ],
)
def test_who_refuses_which_setting(
    worlds: Worlds, authority: str, settings: dict[str, Any], refused: list[str]
) -> None:
    host = authority.rstrip("/").partition("//")[2].partition("/")[0]
    sight = sight_of(worlds.make(host, **settings), authority)
    assert [rule.id for rule, _ in refusals(sight)] == refused


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://sts.test/a?b", "https://sts.test"),
        ("https://STS.test:443", "https://sts.test"),
        ("http://sts.test:443", "http://sts.test:443"),
        ("http://[::1]:80/x", "http://[::1]"),
        ("http://[::1", ""),
        ("http://sts.test:port", ""),
    ],
)
def test_origins(url: str, origin: str) -> None:
    assert origin_of(url) == origin


# The libraries themselves


def verdicts(sight: Sight, library: str) -> list[str]:
    return [rule.id for rule, _ in refusals(sight) if library in rule.libraries]


def requests_oauth2client_takes(sight: Sight) -> bool:
    try:
        OAuth2Client.from_discovery_document(
            dict(sight.metadata), issuer=sight.authority, client_id="some-client", authorization_server_jwks=None
        )
    except (OAuth2Error, ValueError):
        return False
    return True


@pytest.mark.covers("doctor.libraries")
@pytest.mark.parametrize("changes", [lambda s: s, *(breaks for _, breaks in BREAKS)])
def test_requests_oauth2client_agrees(right: Sight, changes: Callable[[Sight], Sight]) -> None:
    sight = changes(right)
    assert requests_oauth2client_takes(sight) is (verdicts(sight, REQUESTS_OAUTH2CLIENT) == [])


@pytest.mark.node
@pytest.mark.covers("doctor.libraries")
def test_openid_client_agrees(right: Sight) -> None:
    node = shutil.which("node")
    assert node is not None, "Node.js is missing; make test-all says how"
    sights = [right, replace(right, authority=f"{AUTHORITY}/"), *(breaks(right) for _, breaks in BREAKS)]
    # It looks at an address when it uses it: without a token endpoint there is nothing to ask for.
    sights = [sight for sight in sights if "token_endpoint" in sight.metadata]
    given = [{"authority": sight.authority, "metadata": sight.metadata} for sight in sights]
    done = subprocess.run(
        [node, "discovery.mjs"],
        cwd=NODE,
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    said = json.loads(done.stdout)
    assert len(said) == len(sights) > 20
    for sight, refusal in zip(sights, said, strict=True):
        used = moved(sight, **{name: AUTHORITY for name in sight.endpoints if name != "token_endpoint"})
        assert (refusal is not None) is (verdicts(used, OPENID_CLIENT) != []), (sight.authority, refusal)


class AuthlibClient(OpenIDMixin):  # type: ignore[misc]
    """Authlib's check of ID tokens, with metadata that is at hand."""

    def __init__(self, client_id: str, metadata: dict[str, Any]) -> None:
        self.client_id = client_id
        self.server_metadata = metadata

    def load_server_metadata(self) -> dict[str, Any]:
        return self.server_metadata


@pytest.mark.covers("doctor.libraries")
@pytest.mark.parametrize("listed", [["RS256"], ["RS256", "PS256"], ["PS256"], ["ES256"]])
def test_authlib_agrees(worlds: Worlds, listed: list[str]) -> None:
    sts = worlds.make(public_url=AUTHORITY)
    sts.clock.wall = sts.clock.now = int(time.time())
    rp = web_client(sts)
    login = Login()
    tokens = rp.redeem(login, rp.log_in(login, {"test_pid": PERSON})["code"]).json
    sight = sight_of(sts, AUTHORITY)
    metadata = {**sight.metadata, "id_token_signing_alg_values_supported": listed}
    client = AuthlibClient("web", {**metadata, "jwks": {"keys": list(sight.keys or ())}})
    refused = verdicts(replace(sight, metadata=metadata), AUTHLIB) != []
    try:
        claims = client.parse_id_token(tokens, nonce=login.nonce)
    except Exception as error:
        assert refused, error
        assert "algorithm" in str(error).lower()
    else:
        assert not refused
        assert claims["helseid://claims/identity/pid"] == PERSON
