"""Under which names the server is reached, which URLs it speaks of then, and which keys its clients may have."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mock_sts.helseid.profile.authorization_request import is_registered_redirect
from mock_sts.protocol.addresses import Addresses, UrlMode, is_loopback
from mock_sts.server.banner import banner
from mock_sts.settings.settings import SettingError
from tests.support.emulator import Emulator, LiveServer, OverHttp, Worlds, settings_for
from tests.support.keys import Jwk, private_jwk
from tests.support.machine import ABSENT, Answer, Machine, decode

#: NHN's login and self-service, today and under earlier names.
PRODUCTION = (
    "helseid-sts.nhn.no",
    "helseid.nhn.no",
    "helseid-xdssaml.nhn.no",
    "selvbetjening.nhn.no",
    "api.selvbetjening.nhn.no",
    "ext.selvbetjening.nhn.no",
    "selvbetjening.helseid.no",
)

DISCOVERY = "/.well-known/openid-configuration"
JWKS = "/.well-known/openid-configuration/jwks"

PUBLIC = "https://helseid.example.test"
ALIAS = "http://mock-sts:8080"

#: Addresses that clients call themselves; browsers are sent to the others.
BACK_CHANNEL = (
    "jwks_uri",
    "token_endpoint",
    "userinfo_endpoint",
    "revocation_endpoint",
    "introspection_endpoint",
    "device_authorization_endpoint",
    "backchannel_authentication_endpoint",
    "pushed_authorization_request_endpoint",
    "expired_jwks_uri",
    "available_idps",
)
BROWSER = ("authorization_endpoint", "end_session_endpoint", "check_session_iframe")


def asked_as(sts: Emulator, host: str, path: str = DISCOVERY) -> Answer:
    return sts.get(path, {"Host": host})


def origins(document: dict[str, Any], names: tuple[str, ...]) -> set[str]:
    return {document[name].partition("/connect/")[0].partition("/.well-known/")[0] for name in names}


@contextmanager
def on_all_interfaces(sts: Emulator, host: str) -> Iterator[Emulator]:
    """A second server over the same database, bound to 0.0.0.0."""
    emulator = Emulator(replace(sts.settings, host="0.0.0.0"), host)
    try:
        yield emulator
    finally:
        emulator.close()


# The issuer


@pytest.mark.covers("contract.01")
@pytest.mark.covers("addresses.issuer.configured")
@pytest.mark.parametrize("host", ["localhost:8080", "LOCALHOST:8080", "127.0.0.1:9999", "[::1]:8080", "mock-sts:8080"])
@pytest.mark.parametrize("bound_to", ["127.0.0.1", "0.0.0.0"])
def test_discovery_shows_the_configured_issuer_whoever_asks(worlds: Worlds, bound_to: str, host: str) -> None:
    sts = worlds.make(public_url=PUBLIC, aliases=(ALIAS,))
    if bound_to == "127.0.0.1":
        answer = asked_as(sts, host)
    else:
        with on_all_interfaces(sts, host) as everywhere:
            answer = everywhere.get(DISCOVERY)
    assert answer.status == 200
    assert answer.json["issuer"] == "https://helseid.example.test"


@pytest.mark.covers("contract.01")
@pytest.mark.covers("addresses.token-issuer.configured")
@pytest.mark.parametrize("host", ["localhost:8080", "127.0.0.1:9999", "mock-sts:8080"])
def test_a_token_names_the_configured_issuer_wherever_it_was_fetched(worlds: Worlds, host: str) -> None:
    sts = worlds.make(host, public_url=PUBLIC, aliases=(ALIAS,))
    answer = sts.client().token()
    assert answer.status == 200
    assert answer.claims["iss"] == "https://helseid.example.test"


@pytest.mark.covers("contract.01")
@pytest.mark.covers("addresses.assertion-audience.configured")
def test_an_assertion_names_the_configured_issuer_and_not_the_address_that_is_listened_on(worlds: Worlds) -> None:
    machine = worlds.make("localhost:8080", public_url=PUBLIC).client()
    refused = machine.token(assertion={"claims": {"aud": "http://localhost:8080"}})
    assert (refused.status, refused.error) == (400, "invalid_client")
    assert machine.token(assertion={"claims": {"aud": "https://helseid.example.test"}}).status == 200


@pytest.mark.covers("contract.03")
@pytest.mark.covers("addresses.issuer.no-trailing-slash")
@pytest.mark.parametrize("public_url", ["", PUBLIC, f"{PUBLIC}/base"], ids=["as asked", "configured", "with a path"])
def test_the_issuer_ends_without_a_slash_everywhere(worlds: Worlds, public_url: str) -> None:
    sts = worlds.make(public_url=public_url)
    issuer = public_url or "http://localhost:8080"
    document = asked_as(sts, "localhost:8080").json
    assert document["issuer"] == issuer
    for name in (*BACK_CHANNEL, *BROWSER):
        assert document[name].startswith((f"{issuer}/connect/", f"{issuer}/.well-known/")), name
        assert "//" not in document[name].removeprefix(issuer), name
    assert sts.client().token().claims["iss"] == issuer


@pytest.mark.covers("contract.03")
@pytest.mark.covers("addresses.issuer.no-trailing-slash")
@pytest.mark.parametrize("setting", ["public_url", "aliases"])
def test_an_address_with_a_trailing_slash_is_no_setting(tmp_path: Path, setting: str) -> None:
    with pytest.raises(SettingError, match=rf"MOCK_STS_{setting.upper()} .*without the trailing slash: {PUBLIC}$"):
        settings_for(tmp_path / "x.sqlite", **{setting: f"{PUBLIC}/"})


# Aliases, and which URLs follow the host that asked


@pytest.mark.covers("contract.01")
@pytest.mark.covers("addresses.aliases")
@pytest.mark.parametrize("host", ["localhost:8080", "mock-sts:8080"])
@pytest.mark.parametrize("aud", [PUBLIC, ALIAS])
@pytest.mark.parametrize("base", [PUBLIC, ALIAS])
def test_an_alias_counts_like_the_issuer(worlds: Worlds, host: str, aud: str, base: str) -> None:
    machine = worlds.make(host, public_url=PUBLIC, aliases=(ALIAS,)).client()
    answer = machine.token(assertion={"claims": {"aud": aud}}, proof={"claims": {"htu": f"{base}/connect/token"}})
    assert answer.status == 200, answer.content


OTHER = "http://other:1"


@pytest.mark.covers("addresses.aliases.marked")
@pytest.mark.parametrize(
    ("host", "aud", "marked"),
    [
        ("mock-sts:8080", PUBLIC, False),
        ("mock-sts:8080", f"{PUBLIC}/", False),
        ("mock-sts:8080", f"{PUBLIC}/connect/token", False),
        ("mock-sts:8080", [PUBLIC, f"{PUBLIC}/connect/par"], False),
        # Discovery names another issuer to whoever asks there, but this endpoint.
        ("mock-sts:8080", ALIAS, True),
        ("mock-sts:8080", f"{ALIAS}/connect/token", False),
        ("mock-sts:8080", OTHER, True),
        ("mock-sts:8080", [PUBLIC, OTHER], True),
        ("helseid.example.test", PUBLIC, False),
        ("helseid.example.test", ALIAS, True),
        ("helseid.example.test", f"{ALIAS}/connect/token", True),
    ],
)
def test_an_audience_that_only_an_emulator_takes_is_marked(
    worlds: Worlds, host: str, aud: object, marked: bool
) -> None:
    sts = worlds.make(host, public_url=PUBLIC, aliases=(ALIAS, OTHER))
    answer = sts.client().token(assertion={"header": {"typ": "JWT"}, "claims": {"aud": aud}})
    assert answer.status == 200, answer.content
    assert is_marked(sts, host) == marked


@pytest.mark.covers("addresses.aliases.marked")
@pytest.mark.parametrize("aud", ["", "/", "/connect/token"])
def test_an_issuer_below_an_alias_is_no_alias(worlds: Worlds, aud: str) -> None:
    sts = worlds.make("sts.test", public_url="http://sts.test/base", aliases=("http://sts.test",))
    machine = sts.client()
    answer = machine.token(assertion={"header": {"typ": "JWT"}, "claims": {"aud": f"http://sts.test/base{aud}"}})
    assert answer.status == 200, answer.content
    assert not is_marked(sts, "sts.test")
    assert machine.token(assertion={"claims": {"aud": "http://sts.test"}}).status == 200
    assert is_marked(sts, "sts.test")


def is_marked(sts: Emulator, host: str) -> bool:
    """Whether the newest exchange broke the rule about aliases."""
    entry = asked_as(sts, host, "/mock/api/v1/journal?limit=1").json["entries"][0]
    return "client-assertion.audience-alias" in [finding["rule"] for finding in entry["findings"]["broken"]]


@pytest.mark.covers("client-assertion.audience.strict")
@pytest.mark.parametrize("mode", ["strict", "fapi2"])
@pytest.mark.parametrize("host", ["mock-sts:8080", "helseid.example.test"])
def test_the_profile_takes_the_issuer_and_no_alias(worlds: Worlds, mode: str, host: str) -> None:
    machine = worlds.make(host, public_url=PUBLIC, aliases=(ALIAS,), enforcement=mode).client()
    answer = machine.token(assertion={"claims": {"aud": ALIAS}})
    assert (answer.error, answer.rule) == ("invalid_client", "client-assertion.audience-issuer")
    assert machine.token(assertion={"claims": {"aud": PUBLIC}}).status == 200


@pytest.mark.covers("addresses.aliases")
def test_an_address_that_is_no_alias_does_not_count(worlds: Worlds) -> None:
    machine = worlds.make(public_url=PUBLIC, aliases=("http://other:8080",)).client()
    assert machine.token(assertion={"claims": {"aud": ALIAS}}).error == "invalid_client"
    assert machine.token(proof={"claims": {"htu": f"{ALIAS}/connect/token"}}).error == "invalid_dpop_proof"


@pytest.mark.covers("discovery.endpoints.same-origin")
@pytest.mark.parametrize(
    ("url_mode", "issuer", "back_channel"),
    [("split", PUBLIC, ALIAS), ("fixed", PUBLIC, PUBLIC), ("request", ALIAS, ALIAS)],
)
@pytest.mark.slow
def test_which_addresses_follow_the_alias_that_asked(
    worlds: Worlds, url_mode: str, issuer: str, back_channel: str
) -> None:
    sts = worlds.make(public_url=PUBLIC, aliases=(ALIAS,), url_mode=url_mode)
    document = asked_as(sts, "mock-sts:8080").json
    assert document["issuer"] == issuer
    assert origins(document, BROWSER) == {issuer}
    assert origins(document, BACK_CHANNEL) == {back_channel}


def test_without_a_setting_the_issuer_is_the_address_that_was_asked(sts: Emulator) -> None:
    for host in ("localhost:8080", "127.0.0.1:8080", "[::1]:9090"):
        document = asked_as(sts, host).json
        assert document["issuer"] == f"http://{host}"
        assert origins(document, (*BROWSER, *BACK_CHANNEL)) == {f"http://{host}"}


def test_forwarded_headers_change_nothing(sts: Emulator) -> None:
    headers = {
        "X-Forwarded-Host": "evil.example.test",
        "X-Forwarded-Proto": "https",
        "Forwarded": "host=evil.example.test;proto=https",
    }
    assert sts.get(DISCOVERY, headers).content == sts.get(DISCOVERY).content


# Loopback, and TLS that ends before the server


@pytest.mark.covers("contract.02")
@pytest.mark.covers("addresses.http.loopback")
@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_everything_works_over_plain_http_on_loopback(live: LiveServer, name: str) -> None:
    base = f"http://{name}:{live.port}"
    registered = live.client(f"loopback-{name}")
    transport = OverHttp(base)
    try:
        document = transport.send("GET", DISCOVERY).json
        assert document["issuer"] == base
        keys = transport.send("GET", document["jwks_uri"].removeprefix(base)).json["keys"]
        assert [key["kty"] for key in keys] == ["RSA"]
        machine = replace(registered, transport=transport, issuer=document["issuer"])
        assert document["token_endpoint"] == f"{base}/connect/token"
        assert machine.meet_challenge().error == "use_dpop_nonce"
        answer = machine.token()
        assert answer.status == 200, answer.content
        assert answer.claims["iss"] == base
    finally:
        transport.close()


@pytest.mark.covers("contract.02")
@pytest.mark.covers("addresses.https.behind-proxy")
@pytest.mark.parametrize("host", ["localhost:8080", "helseid.example.test"], ids=["Host replaced", "Host passed on"])
def test_a_proxy_in_front_may_end_tls(worlds: Worlds, host: str) -> None:
    """The request itself comes as http; only the client knows of https."""
    sts = worlds.make(host, public_url=PUBLIC)
    answer = sts.get(DISCOVERY)
    assert answer.status == 200, answer.content
    assert origins(answer.json, (*BROWSER, *BACK_CHANNEL)) == {"https://helseid.example.test"}
    token = sts.client().token(
        assertion={"claims": {"aud": "https://helseid.example.test"}},
        proof={"claims": {"htu": "https://helseid.example.test/connect/token"}},
    )
    assert token.status == 200, token.content
    assert token.claims["iss"] == "https://helseid.example.test"


# Hosts that are none of ours


@pytest.mark.parametrize(
    "path", [DISCOVERY, JWKS, "/connect/token", "/connect/expiredjwks", "/mock/dpop-nonce", "/mock/api/v1/journal"]
)
def test_an_unknown_host_is_told_what_was_seen_and_which_setting_to_change(sts: Emulator, path: str) -> None:
    answer = asked_as(sts, "mock-sts:8080", path)
    assert answer.status == 400
    text = answer.json["detail" if path.startswith("/mock/api/") else "error_description"]
    assert "'mock-sts:8080'" in text
    assert "localhost" in text
    assert "MOCK_STS_ALIASES" in text
    assert "dpop-nonce" not in answer.headers


def test_an_unknown_host_is_told_the_known_ones(worlds: Worlds) -> None:
    sts = worlds.make(public_url=PUBLIC, aliases=(ALIAS,))
    description = asked_as(sts, "evil.example.test").description
    assert description is not None
    assert PUBLIC in description
    assert ALIAS in description


@pytest.mark.parametrize("host", ["mock-sts:8080", "sts.internal", "10.0.0.7:8080"])
def test_a_server_on_all_interfaces_without_an_address_takes_any_host(sts: Emulator, host: str) -> None:
    with on_all_interfaces(sts, host) as everywhere:
        assert everywhere.get(DISCOVERY).json["issuer"] == f"http://{host}"
        assert everywhere.client().token().claims["iss"] == f"http://{host}"


@pytest.mark.parametrize("host", ["", "a b", "user@host", "host/path", "host:99999", "host:port", "a" * 300, "ÆØÅ"])
def test_a_host_that_is_none_is_refused_even_there(sts: Emulator, host: str) -> None:
    with on_all_interfaces(sts, "localhost:8080") as everywhere:
        answer = asked_as(everywhere, host)
    assert answer.status == 400
    assert answer.error == "invalid_request"


@pytest.mark.covers("addresses.host.malformed")
@pytest.mark.parametrize(
    "host",
    ["h:", "h:0", "h:99999", "h:123456", "a..b", ".", ".a", "a" * 64, "a!b", "*", "[fe80::1%25eth0]", "h" + ".h" * 127],
)
@pytest.mark.parametrize("path", [DISCOVERY, "/mock/api/v1/journal"])
def test_what_is_no_host_is_told_so_and_not_to_become_an_alias(sts: Emulator, host: str, path: str) -> None:
    with on_all_interfaces(sts, "localhost:8080") as everywhere:
        answer = asked_as(everywhere, host, path)
    assert answer.status == 400
    text = answer.json["detail" if path.startswith("/mock/") else "error_description"]
    assert f"{host[:100]!r} is no address that a server can have" in text
    assert "port from 1 to 65535" in text and "MOCK_STS_ALIASES" not in text


@pytest.mark.covers("addresses.production")
@pytest.mark.parametrize(
    "host",
    [*PRODUCTION, "HELSEID-STS.NHN.NO", "helseid-sts.nhn.no.", "helseid-sts.nhn.no:8080", "API.Selvbetjening.nhn.no."],
)
def test_no_emulator_answers_to_a_name_of_production(sts: Emulator, host: str) -> None:
    with on_all_interfaces(sts, "localhost:8080") as everywhere:
        for emulator in (everywhere, sts):
            answer = asked_as(emulator, host)
            assert (answer.status, answer.error) == (400, "invalid_request")
            assert "belongs to the real HelseID in production" in (answer.description or "")
            assert "MOCK_STS_ALIASES" not in (answer.description or "")
        token = everywhere.transport.send("POST", "/connect/token", {"Host": host})
        assert (token.status, token.error) == (400, "invalid_request")


@pytest.mark.covers("addresses.production")
@pytest.mark.parametrize("setting", ["public_url", "aliases", "told at run time"])
@pytest.mark.parametrize("host", PRODUCTION)
def test_no_setting_takes_a_name_of_production(sts: Emulator, tmp_path: Path, setting: str, host: str) -> None:
    """NHN's self-service library has one of them as its default, whatever its issuer is."""
    url = f"https://{host}"
    if setting == "told at run time":
        answer = sts.transport.send(
            "PUT", "/mock/api/v1/public-url", {"Content-Type": "application/json"}, json.dumps({"url": url}).encode()
        )
        assert answer.status == 400 and "belongs to the real HelseID in production" in answer.json["detail"]
    else:
        with pytest.raises(SettingError, match=rf"MOCK_STS_{setting.upper()} .*belongs to the real HelseID"):
            settings_for(tmp_path / "x.sqlite", **{setting: url})


STS = "helseid-sts.test.nhn.no"
SERVICES = ("helseid-ttt.test.nhn.no", "api.selvbetjening.test.nhn.no", "selvbetjening.test.nhn.no")


@pytest.mark.covers("addresses.services")
@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    ("settings", "port", "issuer"),
    [
        ({"public_url": f"https://{STS}"}, "", f"https://{STS}"),
        ({"public_url": f"https://{STS}", "url_mode": "fixed"}, "", f"https://{STS}"),
        ({"public_url": f"https://{STS}", "url_mode": "request"}, "", f"https://{STS}"),
        ({"public_url": f"http://{STS}:8080"}, ":8080", f"http://{STS}:8080"),
        ({"public_url": PUBLIC, "aliases": (f"https://{STS}",)}, "", PUBLIC),
        ({"aliases": (f"http://{STS}",)}, "", f"http://{STS}"),
    ],
)
def test_the_services_beside_helseid_are_known_where_it_is(
    worlds: Worlds, settings: dict[str, Any], port: str, issuer: str, service: str
) -> None:
    """NHN's programs have their hosts as constants. The issuer stays HelseID's, and they are no alias of it."""
    sts = worlds.make(f"{service}{port}", **settings)
    assert asked_as(sts, f"{service}{port}").json["issuer"] == issuer
    url = next(url for url in sts.settings.addresses.named if f"//{service}" in url)
    machine = sts.client()
    proof = {"claims": {"htu": f"{issuer}/connect/token"}}
    answer = machine.token(assertion={"claims": {"aud": issuer}}, proof=proof)
    assert (answer.status, answer.claims["iss"]) == (200, issuer), answer.content
    for aud in (url, f"{url}/connect/token"):
        refused = machine.token(assertion={"claims": {"aud": aud}}, proof=proof)
        assert (refused.status, refused.headers["mock-sts-rule"]) == (400, "client-assertion.audience")
    order = sts.transport.send(
        "POST",
        "/v2/create-test-token-with-key",
        {"Content-Type": "application/json", "X-Auth-Key": "x"},
        b'{"audience": "a"}',
    )
    assert decode(order.json["successResponse"]["accessTokenJwt"])[1]["iss"] == issuer
    assert service in sts.settings.certificate_names
    assert service in banner(sts.settings)


@pytest.mark.covers("addresses.services")
@pytest.mark.parametrize("service", SERVICES)
def test_the_services_beside_helseid_are_known_where_it_is_told_at_run_time(sts: Emulator, service: str) -> None:
    assert asked_as(sts, service).status == 400
    body = json.dumps({"url": f"https://{STS}"}).encode()
    told = sts.transport.send("PUT", "/mock/api/v1/public-url", {"Content-Type": "application/json"}, body)
    assert told.status == 200
    assert asked_as(sts, service).json["issuer"] == f"https://{STS}"


@pytest.mark.covers("addresses.services")
@pytest.mark.parametrize("public_url", ["", PUBLIC, "https://helseid-sts.qa.nhn.no"])
@pytest.mark.parametrize("service", SERVICES)
def test_they_are_unknown_where_it_is_not(worlds: Worlds, public_url: str, service: str) -> None:
    sts = worlds.make(public_url=public_url)
    assert asked_as(sts, service).error == "invalid_request"
    assert service not in sts.settings.certificate_names


@pytest.mark.covers("addresses.localhost")
@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("app.localhost:8080", True),
        ("STS.Dev.LOCALHOST", True),
        ("localhost.example", False),
        ("notlocalhost:8080", False),
        ("app.localhost.example", False),
    ],
)
def test_what_lies_below_localhost_is_this_machine(sts: Emulator, worlds: Worlds, host: str, known: bool) -> None:
    """RFC 6761: no DNS is asked for it. So it is answered on loopback, and the pages are, on all interfaces too."""
    answer = asked_as(sts, host)
    assert (answer.status == 200) is known
    if known:
        assert answer.json["issuer"] == f"http://{host.lower()}"
    with on_all_interfaces(sts, host) as everywhere:
        journal = everywhere.transport.send("GET", "/mock/api/v1/journal", {"Host": host})
        assert (journal.status == 200) is (known or "." not in host)
    redirect = f"http://{host.lower().partition(':')[0]}/cb"
    assert is_registered_redirect(f"{redirect.replace('/cb', ':5000/cb')}", (redirect,)) is known
    assert is_loopback(host.lower().partition(":")[0]) is known


@pytest.mark.covers("addresses.setting")
@pytest.mark.parametrize("setting", ["public_url", "aliases"])
@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        ("https://helseid-sts.nhn.no", "belongs to the real HelseID"),
        ("https://HELSEID-STS.nhn.no.:444/x", "belongs to the real HelseID"),
        ("https://helseid-sts\u3002nhn.no", "belongs to the real HelseID"),
        ("https://\uff48elseid-sts.nhn.no:443", "belongs to the real HelseID"),
        ("https://helseid-sts%2enhn.no", "a host name of letters"),
        ("http://exa\xe6mple:8080/x", r"\(punycode\): http://xn--example-oxa:8080/x$"),
        ("http://\xe6" + "\xf8" * 70, "ASCII letters only"),
        ("HTTPS://sts.test/x", "in lower case: https://sts.test/x$"),
        ("http://a!b", "a host name of letters"),
        ("http://*", "a host name of letters"),
        ("http://a..b", "a host name of letters"),
        ("http://.", "a host name of letters"),
        ("http://" + "a" * 64, "a host name of letters"),
        ("http://[fe80::1%25eth0]:8080", "without a zone"),
        ("http://sts.test:", "a port from 1 to 65535 or none"),
        ("http://sts.test:0", "a port from 1 to 65535 or none"),
        ("http://sts.test:65536", "a port from 1 to 65535 or none"),
        ("http://sts.test/a;b", "without escapes"),
        ("http://sts.test/a%20b", "without escapes"),
        ("http://sts.test/a\x00b", "without escapes"),
        ("http://sts.test/a/../b", "none that is '.' or '..'"),
        ("http://sts.test/./b", "none that is '.' or '..'"),
        ("http://sts.test//b", "at most ten segments"),
        ("http://sts.test" + "/a" * 11, "at most ten segments"),
        ("http://sts.test/" + "a" * 101, "at most 100 letters"),
    ],
)
def test_an_address_that_no_request_can_name_is_no_setting(tmp_path: Path, setting: str, url: str, remedy: str) -> None:
    with pytest.raises(SettingError, match=rf"^MOCK_STS_{setting.upper()} is .*, but must be (?s:.*){remedy}"):
        settings_for(tmp_path / "x.sqlite", **{setting: url})


@pytest.mark.covers("addresses.setting")
@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://STS.test", "sts.test"),
        ("https://sts.test:443", "sts.test"),
        ("http://a_b.test.:8080", "a_b.test.:8080"),
        ("http://xn--example-oxa", "xn--example-oxa"),
        ("http://sts.test" + "/a" * 10, "sts.test"),
        ("http://sts.test/a.b/...", "sts.test"),
        ("http://10.0.0.7:8080", "10.0.0.7:8080"),
    ],
)
def test_what_can_be_named_is_kept_byte_for_byte(worlds: Worlds, url: str, host: str) -> None:
    settings = settings_for(Path("x.sqlite"), public_url=url)
    assert asked_as(worlds.make(public_url=settings.public_url), host).json["issuer"] == url


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
@pytest.mark.parametrize("host", ["evil.example.test", "10.0.0.7:8080", "a b"])
def test_health_is_answered_whatever_the_host(worlds: Worlds, path: str, host: str) -> None:
    answer = asked_as(worlds.make(public_url=PUBLIC), host, path)
    assert (answer.status, answer.json["status"]) == (200, path.removeprefix("/health/"))


# IPv6 literals, default ports

IPV6 = "https://[2001:db8::1]:8443"


@pytest.mark.covers("addresses.ipv6")
@pytest.mark.parametrize("host", ["[2001:db8::1]:8443", "[2001:DB8::1]:8443"])
def test_an_address_may_be_an_ipv6_literal(worlds: Worlds, host: str) -> None:
    sts = worlds.make(host, public_url=IPV6)
    assert asked_as(sts, host).json["token_endpoint"] == f"{IPV6}/connect/token"
    answer = sts.client().token()
    assert answer.status == 200, answer.content
    assert answer.claims["iss"] == IPV6
    for other in ("[2001:db8::1]", "[2001:db8::2]:8443", "2001:db8::1:8443"):
        assert asked_as(sts, other).status == 400, other


@pytest.mark.covers("addresses.ipv6")
def test_an_alias_may_be_an_ipv6_literal(worlds: Worlds) -> None:
    sts = worlds.make("[fd00::7]", public_url=PUBLIC, aliases=("http://[fd00::7]",))
    document = asked_as(sts, "[fd00::7]:80").json
    assert document["issuer"] == PUBLIC
    assert document["token_endpoint"] == "http://[fd00::7]/connect/token"
    proof = {"claims": {"htu": "http://[fd00::7]/connect/token"}}
    assert sts.client().token(proof=proof).status == 200


@pytest.mark.covers("addresses.ipv6")
@pytest.mark.parametrize("host", ["[::1", "::1", "[::1]x", "[....]", "[::1%25eth0]", "[]"])
def test_a_literal_that_is_none_is_refused(sts: Emulator, host: str) -> None:
    with on_all_interfaces(sts, "localhost:8080") as everywhere:
        answer = asked_as(everywhere, host)
        page = asked_as(everywhere, host, "/home/error")
    assert (answer.status, answer.error) == (page.status, page.error) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("public_url", "host", "known"),
    [
        ("https://sts.test", "sts.test:443", True),
        ("https://sts.test:443", "sts.test", True),
        ("http://sts.test", "sts.test:80", True),
        ("https://sts.test", "sts.test:80", False),
        ("https://sts.test:8443", "sts.test", False),
    ],
)
def test_a_default_port_may_be_left_out(worlds: Worlds, public_url: str, host: str, known: bool) -> None:
    assert asked_as(worlds.make(public_url=public_url), host).status == (200 if known else 400)


@pytest.mark.covers("addresses.default-port")
@pytest.mark.parametrize(
    ("scheme", "host", "issuer"),
    [
        ("http", "sts.test:80", "http://sts.test"),
        ("https", "sts.test:443", "https://sts.test"),
        ("https", "STS.test:443", "https://sts.test"),
        ("https", "sts.test.:443", "https://sts.test."),
        ("http", "sts.test:080", "http://sts.test"),
        ("https", "sts.test:00443", "https://sts.test"),
        ("http", "10.0.0.7:80", "http://10.0.0.7"),
        ("https", "[FD00::7]:443", "https://[fd00::7]"),
        ("http", "localhost:80", "http://localhost"),
        ("https", "[::1]:443", "https://[::1]"),
        ("http", "sts.test:08080", "http://sts.test:8080"),
        ("http", "sts.test:443", "http://sts.test:443"),
        ("https", "sts.test:80", "https://sts.test:80"),
        ("https", "[fd00::443]", "https://[fd00::443]"),
    ],
)
@pytest.mark.parametrize("prefix", ["", "/helseid"])
def test_a_default_port_does_not_enter_the_issuer(scheme: str, host: str, issuer: str, prefix: str) -> None:
    everywhere = Addresses("", (), UrlMode.REQUEST, loopback_only=False)
    urls = everywhere.of(scheme, host, prefix)
    assert (urls.issuer.base, urls.back_channel.base) == (f"{issuer}{prefix}", f"{issuer}{prefix}")
    # Nor is it another address beside a public URL.
    beside = Addresses("https://public.test", (issuer,), UrlMode.SPLIT, loopback_only=False).of(scheme, host)
    assert (beside.issuer.base, beside.back_channel.base, beside.others) == ("https://public.test", issuer, ())


@pytest.mark.covers("addresses.default-port")
@pytest.mark.slow
def test_a_client_of_the_default_port_gets_the_issuer_that_it_knows(sts: Emulator) -> None:
    with on_all_interfaces(sts, "sts.test:80") as everywhere:
        assert asked_as(everywhere, "sts.test:80").json["issuer"] == "http://sts.test"
        machine = everywhere.client("default-port")
        machine.issuer = "http://sts.test"
        answer = machine.token()
        assert answer.status == 200, answer.content
        assert answer.claims["iss"] == "http://sts.test"


# A public URL with a path


@pytest.mark.covers("addresses.path")
@pytest.mark.parametrize("path", ["", "/base"])
def test_a_public_url_with_a_path_is_answered_with_it_and_without(worlds: Worlds, path: str) -> None:
    sts = worlds.make(public_url="http://localhost:8080/base")
    document = sts.get(f"{path}{DISCOVERY}").json
    assert origins(document, (*BACK_CHANNEL, *BROWSER)) == {"http://localhost:8080/base"}
    assert sts.get(f"{path}/health/live").status == 200
    body = b"grant_type=client_credentials"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert sts.transport.send("POST", f"{path}/connect/token", form, body).rule == "client-assertion.credentials"


@pytest.mark.covers("addresses.path")
def test_the_longest_of_several_paths_counts(worlds: Worlds) -> None:
    sts = worlds.make(public_url="http://localhost:8080/a", aliases=("http://localhost:8080/a/b",), url_mode="request")
    assert sts.get(f"/a/b{DISCOVERY}").json["issuer"] == "http://localhost:8080/a/b"
    assert sts.get(f"/a{DISCOVERY}").json["issuer"] == "http://localhost:8080/a"
    assert sts.get(f"/b{DISCOVERY}").status == 404


@pytest.mark.covers("addresses.path")
@pytest.mark.parametrize("base", ["/mock", "/connect", "/home", "/health", "/testidp", "/mock/as"])
@pytest.mark.parametrize(
    "path", [DISCOVERY, "/health/live", "/mock/style.css", "/mock/as/kvart-grevling", "/home/error"]
)
def test_the_path_may_begin_like_one_of_ours(worlds: Worlds, base: str, path: str) -> None:
    """Whether a proxy cuts it off or not; what is one of ours as it stands is that."""
    sts = worlds.make(public_url=f"http://localhost:8080{base}")
    plain, whole = sts.get(path), sts.get(f"{base}{path}")
    assert plain.status == whole.status != 404
    if path == DISCOVERY:
        assert plain.content == whole.content
        assert whole.json["issuer"] == f"http://localhost:8080{base}"
    for missing in (f"{base}/nothing/at/all", f"{base}{base}{path}" if base != "/mock/as" else "/mock/nothing"):
        assert sts.get(missing).status == 404, missing


# Keys of clients

RSA, EC = private_jwk("PS256", 0, 2048), private_jwk("ES384", 1)


@pytest.mark.covers("contract.04")
@pytest.mark.covers("client-registration.several-keys")
@pytest.mark.parametrize("signer", [RSA, EC], ids=["RSA", "EC"])
@pytest.mark.parametrize("keys", [[RSA, EC], [EC, RSA]], ids=["RSA first", "EC first"])
@pytest.mark.parametrize("header", [{}, {"kid": ABSENT}], ids=["kid", "no kid"])
def test_any_of_a_clients_keys_authenticates_it(
    sts: Emulator, keys: list[Jwk], signer: Jwk, header: dict[str, Any]
) -> None:
    machine = sts.client(keys=keys, jwk=signer)
    assert machine.token(assertion={"header": header}).status == 200
    stranger = machine.token(assertion={"header": header, "jwk": private_jwk("ES384", 9)})
    assert stranger.error == "invalid_client"


@pytest.mark.covers("contract.04")
@pytest.mark.covers("client-registration.key-without-kid")
@pytest.mark.parametrize("signer", [RSA, EC], ids=["RSA", "EC"])
@pytest.mark.parametrize("header", [{"kid": ABSENT}, {"kid": "my-key"}], ids=["no kid", "kid of the client's own"])
def test_a_registered_key_needs_neither_kid_nor_alg(sts: Emulator, signer: Jwk, header: dict[str, Any]) -> None:
    bare = {name: value for name, value in signer.items() if name not in ("kid", "alg", "use")}
    machine: Machine = sts.client(keys=[bare], jwk=signer)
    assert machine.token(assertion={"header": header}).status == 200
    stranger = machine.token(assertion={"header": header, "jwk": private_jwk("ES384", 9)})
    assert stranger.error == "invalid_client"
