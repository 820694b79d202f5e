"""Each rule of a client library, with one misconfiguration that it finds; the right configuration passes all. Where the
library itself is at hand, it is asked too, and agrees.
"""

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from authlib.integrations.base_client.sync_openid import OpenIDMixin
from requests_oauth2client import OAuth2Client
from requests_oauth2client.exceptions import OAuth2Error

from mock_sts.client.libraries import (
    AUTHLIB,
    GO_OIDC,
    LIBRARY_RULES,
    NIMBUS,
    OPENID_CLIENT,
    PYTHON_JOSE,
    REQUESTS_OAUTH2CLIENT,
    LibraryRule,
    Sight,
    refusals,
    remedy_of,
)
from mock_sts.protocol.urls import origin_of
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


def without_algorithms(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in metadata.items() if name != "id_token_signing_alg_values_supported"}


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
    ("https-authority", lambda s: moved(s, jwks_uri="http://sts.test/jwks")),
    ("https-everywhere", lambda s: elsewhere(s, "http://localhost:8080")),
    ("https-everywhere", lambda s: moved(s, token_endpoint="http://sts.test/connect/token")),
    ("https-unless-allowed", lambda s: elsewhere(s, "http://localhost:8080")),
    ("https-unless-allowed", lambda s: moved(s, token_endpoint="http://sts.test/connect/token")),
    ("metadata-of-nimbus", lambda s: moved(s, jwks_uri="")),
    ("metadata-of-nimbus", lambda s: replace(s, metadata={**s.metadata, "subject_types_supported": []})),
    ("metadata-of-spring", lambda s: moved(s, userinfo_endpoint="")),
    ("metadata-of-helseid-library", lambda s: moved(s, token_endpoint="")),
    ("metadata-of-python-sample", lambda s: moved(s, end_session_endpoint="")),
    ("metadata-for-pushed-requests", lambda s: moved(s, pushed_authorization_request_endpoint="")),
    (
        "listed-algorithm",
        lambda s: replace(s, metadata={**s.metadata, "id_token_signing_alg_values_supported": ["PS256"]}),
    ),
    ("listed-algorithm", lambda s: with_key(s, alg="PS256")),
    (
        "listed-algorithm",
        lambda s: with_key(replace(s, metadata=without_algorithms(s.metadata)), alg="PS256"),
    ),
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


@pytest.mark.covers("doctor.libraries")
def test_what_a_library_does_not_look_at_is_no_reason(right: Sight) -> None:
    """Keys for encryption, algorithms that no key has, a missing list where RS256 is signed with."""
    assert right.keys
    with_encryption = (*right.keys, {**right.keys[0], "use": "enc", "alg": "RSA-OAEP"})
    listed = {**right.metadata, "id_token_signing_alg_values_supported": ["RS256", "PS256"]}
    for sight in (
        replace(right, keys=with_encryption),
        replace(right, metadata=listed),
        replace(right, metadata=without_algorithms(right.metadata)),
    ):
        assert refusals(sight) == []
    both = replace(with_key(right, alg="PS256"), metadata=listed)
    refusing = [name for rule, _ in refusals(both) for name in rule.libraries]
    assert GO_OIDC not in refusing  # seen with v3.0.0: the metadata tells it the algorithms
    assert AUTHLIB not in refusing
    assert PYTHON_JOSE in refusing


@pytest.mark.covers("doctor.libraries")
def test_a_proxy_that_ends_tls_is_named_where_it_is_the_reason(worlds: Worlds) -> None:
    sight = sight_of(worlds.make("sts.test", public_url="http://sts.test"), AUTHORITY)
    assert sight.issuer == "http://sts.test"
    found = {rule.id: remedy_of(rule, sight) for rule, _ in refusals(sight)}
    assert {"issuer-exact", "one-origin", "https-authority", "https-everywhere"} <= found.keys()
    assert all("MOCK_STS_TRUSTED_PROXIES" in remedy for remedy in found.values()), found
    lacking = moved(sight, userinfo_endpoint="")
    assert "MOCK_STS_TRUSTED_PROXIES" not in remedy_of(RULES["metadata-of-spring"], lacking)
    other = replace(sight, authority="https://other.test")
    assert "MOCK_STS_TRUSTED_PROXIES" not in remedy_of(RULES["issuer-exact"], other)


@pytest.mark.covers("doctor.libraries")
@pytest.mark.parametrize("name", ["issuer", "jwks_uri", "token_endpoint", "end_session_endpoint"])
@pytest.mark.parametrize("value", ["http://[::1", "http://h:99999999", "x", "", " ", 7, None, ["https://sts.test"]])
def test_odd_addresses_in_the_metadata_are_judged(right: Sight, name: str, value: Any) -> None:
    odd = Sight.of(AUTHORITY, {**right.metadata, name: value}, {"keys": list(right.keys or ())})
    assert refusals(odd) != []
    assert all(fault and remedy_of(rule, odd) for rule, fault in refusals(odd))


@pytest.mark.covers("doctor.libraries")
@pytest.mark.parametrize("value", [5, [["RS256"]], {"RS256": 1}, "RS256", None])
def test_an_odd_list_counts_as_absent(right: Sight, value: Any) -> None:
    for name, refused in (("id_token_signing_alg_values_supported", []), ("subject_types_supported", [NIMBUS])):
        odd = Sight.of(AUTHORITY, {**right.metadata, name: value}, {"keys": list(right.keys or ())})
        assert name not in odd.metadata
        assert [rule.libraries[0] for rule, _ in refusals(odd)] == refused


@pytest.mark.covers("doctor.libraries")
@pytest.mark.parametrize("key_set", [None, [], {}, {"keys": {"a": 1}}, {"keys": ["a"]}, {"keys": [None]}, {"keys": 7}])
def test_an_odd_key_set_counts_as_not_loaded(right: Sight, key_set: object) -> None:
    assert Sight.of(AUTHORITY, right.metadata, key_set).keys is None


def test_odd_members_of_a_key_count_as_absent(right: Sight) -> None:
    odd = Sight.of(AUTHORITY, right.metadata, {"keys": [{"alg": ["RS256"], "kid": 1, "use": None, "n": 1}]})
    assert odd.keys == ({"n": 1},)
    assert [rule.id for rule, _ in refusals(odd)] == ["named-keys"]


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://sts.test/a?b", "https://sts.test"),
        ("https://STS.test:443", "https://sts.test"),
        ("http://sts.test:443", "http://sts.test:443"),
        ("http://[::1]:80/x", "http://[::1]"),
        ("HTTPS://sts.test/a", "https://sts.test"),
        ("http://[::1", ""),
        ("ftp://sts.test", ""),
        ("sts.test", ""),
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
