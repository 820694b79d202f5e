"""Requests that are answered with less than they asked for: journal and log say what was left out, and why."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.journeys.test_end_session import OUT, log_in, page, register_web
from tests.support.emulator import Emulator, Worlds
from tests.support.keys import private_jwk
from tests.support.machine import ABSENT, Answer
from tests.support.relying_party import AUTHORIZE, PERSON, Browser, Login, RelyingParty

END = "/connect/endsession"


def newest(sts: Emulator) -> dict[str, Any]:
    return sts.journal(limit="1")[0]


def broken(sts: Emulator) -> dict[str, dict[str, str]]:
    """By rule, what the newest row finds broken."""
    return {finding["rule"]: finding for finding in newest(sts)["findings"]["broken"]}


# Logouts that do not come back


@dataclass(frozen=True)
class Stays:
    """A logout that ends on a page of the server: what is sent instead of what would come back, and the rule that says
    why, with words of what was seen and of what is right.
    """

    rule: str
    change: Callable[["Scene"], dict[str, Any]]
    seen: tuple[str, ...]
    right: tuple[str, ...] = ()
    asks: bool = True


@dataclass
class Scene:
    """Somebody who is logged in at two clients in one browser, and at the first one in another browser too."""

    sts: Emulator
    rp: RelyingParty = field(init=False)
    browser: Browser = field(init=False)
    tokens: dict[str, Any] = field(init=False)
    elsewhere: dict[str, Any] = field(init=False)
    of_other: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.rp = register_web(self.sts, "web")
        other = register_web(
            self.sts, "other", jwk=private_jwk("ES256", 4), post_logout_redirect_uris=["http://localhost:8090/bye"]
        )
        self.browser = self.rp.browser()
        self.elsewhere = log_in(self.rp, self.rp.browser())
        self.tokens = log_in(self.rp, self.browser)
        self.of_other = log_in(other, self.browser)


STAYS = {
    "slash too many": Stays(
        "end-session.redirect-uri",
        lambda _: {"post_logout_redirect_uri": f"{OUT}/"},
        (f"'{OUT}/'", "no client has it"),
        ("registered for web:", OUT),
        asks=False,
    ),
    "slash missing": Stays(
        "end-session.redirect-uri",
        lambda _: {"post_logout_redirect_uri": OUT[:-1]},
        (f"'{OUT[:-1]}'",),
        (OUT,),
        asks=False,
    ),
    "another letter case": Stays(
        "end-session.redirect-uri",
        lambda _: {"post_logout_redirect_uri": OUT.replace("/out", "/Out")},
        ("/Out'",),
        (OUT,),
        asks=False,
    ),
    "hint of another client": Stays(
        "end-session.redirect-uri",
        lambda scene: {"id_token_hint": scene.of_other["id_token"]},
        (f"'{OUT}'", "which web has registered"),
        ("registered for other: http://localhost:8090/bye",),
        asks=False,
    ),
    "hint missing": Stays(
        "end-session.hint-present",
        lambda _: {"id_token_hint": ABSENT},
        ("no id_token_hint", f"'{OUT}'", "web has registered"),
    ),
    "hint empty": Stays("end-session.hint-present", lambda _: {"id_token_hint": ""}, ("no id_token_hint",)),
    "hint that cannot be read": Stays("end-session.hint", lambda _: {"id_token_hint": "eyJ.x"}, ("cannot be read",)),
    "access token for a hint": Stays(
        "end-session.hint", lambda scene: {"id_token_hint": scene.tokens["access_token"]}, ("at+jwt",)
    ),
    "refresh token for a hint": Stays(
        "end-session.hint", lambda scene: {"id_token_hint": scene.tokens["refresh_token"]}, ("cannot be read",)
    ),
    "hint of another server": Stays(
        "end-session.hint",
        lambda scene: {"id_token_hint": scene.rp.machine.assertion(claims={"iss": "https://other.test"})},
        ("no key of this server", "https://other.test"),
    ),
    "hint of another session": Stays(
        "end-session.hint-session", lambda scene: {"id_token_hint": scene.elsewhere["id_token"]}, ("another session",)
    ),
}


@pytest.mark.covers("end-session.explained")
@pytest.mark.parametrize("name", STAYS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_logout_that_does_not_come_back_says_why(
    sts: Emulator, caplog: pytest.LogCaptureFixture, name: str, method: str
) -> None:
    case, scene = STAYS[name], Scene(sts)
    sent = {
        "id_token_hint": scene.tokens["id_token"],
        "post_logout_redirect_uri": OUT,
        **case.change(scene),
    }
    form = {name: value for name, value in sent.items() if value is not ABSENT}
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        if method == "POST":
            answer = scene.browser.send("POST", END, form)
        else:
            answer = scene.browser.send("GET", f"{END}?{urlencode(form)}")
    assert ("<form" in page(answer)) == case.asks
    found = broken(sts)[case.rule]
    for words in case.seen:
        assert words in found["observed"], found
    for words in case.right:
        assert words in found["expected"], found
    assert newest(sts)["endpoint"] == END
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith(f"answered {END}, client ") and f"rule {case.rule}:" in line
    assert "Remedy: " in line and all(words.replace("'", "") in line.replace("'", "") for words in case.seen)
    assert scene.tokens["id_token"] not in line and scene.tokens["access_token"] not in line


@pytest.mark.covers("end-session.explained", "end-session.hint")
@pytest.mark.parametrize(
    "changes",
    [{}, {"state": "x y"}, {"client_id": "web"}, {"post_logout_redirect_uri": ""}],
    ids=["plain", "state", "client_id", "no address"],
)
@pytest.mark.parametrize("later", [0, 3600 * 24], ids=["at once", "hint expired"])
def test_a_logout_that_gets_what_it_asks_for_has_no_finding(
    sts: Emulator, caplog: pytest.LogCaptureFixture, changes: dict[str, str], later: int
) -> None:
    scene = Scene(sts)
    sts.clock.advance(later)
    sent = {"id_token_hint": scene.tokens["id_token"], "post_logout_redirect_uri": OUT, **changes}
    caplog.clear()
    answer = scene.browser.send("GET", f"{END}?{urlencode(sent)}")
    assert answer.headers.get("location", "").startswith(OUT) == bool(sent["post_logout_redirect_uri"])
    assert broken(sts) == {}
    assert not caplog.records


def test_a_client_id_that_is_not_the_hints_is_recorded(sts: Emulator) -> None:
    scene = Scene(sts)
    sent = {"id_token_hint": scene.tokens["id_token"], "post_logout_redirect_uri": OUT, "client_id": "other"}
    assert scene.browser.send("GET", f"{END}?{urlencode(sent)}").headers["location"] == OUT
    assert broken(sts)["end-session.client"]["observed"] == "'other'"


# Logins


#: What is sent in an authorization request, and the rule and the words that tell what became of it.
IGNORED: dict[str, tuple[dict[str, str], str, tuple[str, ...], tuple[str, ...]]] = {
    "level in small letters": ({"acr_values": "level4"}, "ignored.acr-values", ("level4",), ("Level4",)),
    "unknown provider": (
        {"acr_values": "idp:testidp Level3"},
        "ignored.acr-values",
        ("idp:testidp",),
        ("idp:testidp-oidc",),
    ),
    "standard acr": ({"acr_values": "urn:mace:incommon:iap:silver"}, "ignored.acr-values", ("silver",), ()),
    "language": ({"ui_locales": "sv-se de"}, "ignored.ui-locales", ("sv-se", "de"), ("nb-no", "en-us")),
    "slip": ({"acr_value": "Level4"}, "ignored.parameters", ("'acr_value'",), ("did you mean acr_values?",)),
    "hyphen": ({"login-hint": "x"}, "ignored.parameters", ("'login-hint'",), ("login_hint",)),
    "capitals": ({"Max_Age": "5"}, "ignored.parameters", ("'Max_Age'",), ("max_age",)),
    "claims": ({"claims": "{}"}, "ignored.parameters", ("'claims'",), ()),
    "hint of an ID token": ({"id_token_hint": "x"}, "ignored.parameters", ("'id_token_hint'",), ()),
    "two": (
        {"display": "popup", "testpid": PERSON},
        "ignored.parameters",
        ("'display'", "'testpid'"),
        ("did you mean test_pid?",),
    ),
}


@pytest.mark.covers("ignored.authorize")
@pytest.mark.parametrize("name", IGNORED)
@pytest.mark.parametrize("pushed", [True, False], ids=["pushed", "front"])
def test_what_a_login_asks_for_in_vain_is_told(
    sts: Emulator, caplog: pytest.LogCaptureFixture, name: str, pushed: bool
) -> None:
    sent, rule, seen, right = IGNORED[name]
    rp = register_web(sts, require_pushed_authorization_requests=pushed)
    if pushed:
        assert rp.push(Login(), sent).status == 201
    else:
        assert rp.browser().send("GET", f"{AUTHORIZE}?{urlencode(rp.parameters(Login(), sent))}").status == 303
    found = broken(sts)[rule]
    assert all(words in found["observed"] for words in seen), found
    assert all(words in found["expected"] for words in right), found
    assert any(f"rule {rule}:" in record.getMessage() for record in caplog.records)


#: What other libraries send beside HelseID's own parameters, or that HelseID has although it says little.
FINE: dict[str, dict[str, str]] = {
    "nothing": {},
    ".NET": {"x-client-SKU": "ID_NET8_0", "x-client-ver": "8.0.1.0"},
    "MSAL": {"client_info": "1", "client-request-id": "x", "x-client-OS": "x"},
    "words": {"acr_values": "idp:testidp-oidc Level4 amr:bankid"},
    "languages": {"ui_locales": "fr-ca nb-no"},
    "TestIDP": {"test_pid": PERSON, "test_security_level": "4"},
    "for the organization": {"on_behalf_of": "999977775"},
}


@pytest.mark.covers("ignored.authorize")
@pytest.mark.parametrize("name", FINE)
def test_what_is_no_mistake_is_not_told(sts: Emulator, caplog: pytest.LogCaptureFixture, name: str) -> None:
    assert register_web(sts).push(Login(), FINE[name]).status == 201
    assert broken(sts) == {}
    assert not caplog.records


def test_parameters_beside_a_request_uri_are_told(sts: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    rp = register_web(sts)
    path = rp.authorize_path(rp.push(Login()).json["request_uri"], acr_values="Level4")
    assert rp.browser().send("GET", path).status == 303
    assert broken(sts)["request-uri.alone"]["observed"] == "['acr_values']"
    assert "rule request-uri.alone:" in caplog.text


SKU, VERSION = "x-client-SKU", "x-client-ver"


@pytest.mark.covers("ignored.telemetry")
@pytest.mark.parametrize(
    ("beside", "alone", "telemetry"),
    [
        ((SKU, VERSION), None, [SKU, VERSION]),
        ((SKU,), None, [SKU]),
        ((VERSION,), None, [VERSION]),
        ((SKU, "acr_values", VERSION), ["acr_values"], [SKU, VERSION]),
        (("x-client-OS",), ["x-client-OS"], None),
        (("X-Client-Sku",), ["X-Client-Sku"], None),
        (("test_pid",), None, None),
        ((), None, None),
    ],
)
def test_what_a_library_adds_by_itself_is_a_hint(
    sts: Emulator, beside: tuple[str, ...], alone: list[str] | None, telemetry: list[str] | None
) -> None:
    """ASP.NET Core's handler sends two beside request_uri: its property is the remedy, and everything else a must."""
    rp = register_web(sts)
    values = {"test_pid": PERSON}
    path = rp.authorize_path(rp.push(Login()).json["request_uri"])
    asked = urlencode({name: values.get(name, "ID_NET10_0") for name in beside})
    assert rp.browser().send("GET", f"{path}&{asked}").status == 303
    found = broken(sts)
    wanted = {"request-uri.alone": alone, "request-uri.telemetry": telemetry}
    assert {name: finding["observed"] for name, finding in found.items()} == {
        name: repr(names) for name, names in wanted.items() if names
    }
    assert {name: finding["level"] for name, finding in found.items()} == {
        name: {"request-uri.alone": "must", "request-uri.telemetry": "should"}[name] for name in found
    }
    for finding in found.values():
        assert ("DisableTelemetry = true" in finding["remedy"]) is (finding["rule"] == "request-uri.telemetry")


@pytest.mark.covers("ignored.test-pid")
def test_a_test_pid_for_another_provider_is_told(sts: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    rp = register_web(sts)
    pushed = rp.push(Login(), {"test_pid": PERSON, "acr_values": "idp:bankid-oidc"})
    assert rp.browser().send("GET", rp.authorize_path(pushed.json["request_uri"])).status == 303
    (warning,) = newest(sts)["detail"]["warnings"]
    assert warning == "test_pid is ignored: only the TestIDP knows it, and this login would take place at bankid-oidc"
    assert warning in caplog.text


def test_an_organization_that_counts_for_nothing_is_told_in_the_log_too(
    sts: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    rp = register_web(sts)
    rp.log_in(Login(), {"on_behalf_of": "999977775"})
    assert "on_behalf_of is '999977775', but only ID-porten knows it" in caplog.text


# Tokens


@pytest.mark.covers("ignored.token")
@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        ({"scopes": "test:api/read"}, "'scopes'"),
        ({"audience": "test:api"}, "'audience'"),
        ({"assertion_details": "[]"}, "'assertion_details'"),
        ({"Resource": "test:api"}, "'Resource'"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_a_token_request_asks_for_in_vain_is_told(
    sts: Emulator, caplog: pytest.LogCaptureFixture, sent: dict[str, str], seen: str
) -> None:
    assert sts.client().token(form=sent).status == 200
    assert broken(sts)["ignored.parameters"]["observed"] == seen
    assert "rule ignored.parameters:" in caplog.text


@pytest.mark.covers("ignored.token")
def test_parameters_that_a_library_adds_are_not_told(sts: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    assert sts.client().token(form={"client_info": "1", "x-client-ver": "8"}).status == 200
    assert broken(sts) == {}
    assert not caplog.records


@pytest.mark.covers("ignored.revocation")
@pytest.mark.parametrize(
    ("which", "why"),
    [
        ("access", "an access token lives until it expires"),
        ("other's", "the refresh token is another client's"),
        ("nonsense", "the token is unknown here"),
    ],
)
def test_a_revocation_that_revokes_nothing_is_told(
    worlds: Worlds, caplog: pytest.LogCaptureFixture, which: str, why: str
) -> None:
    sts = worlds.make()
    scene = Scene(sts)
    token = {
        "access": scene.tokens["access_token"],
        "other's": scene.of_other["refresh_token"],
        "nonsense": "x",
    }[which]
    machine = scene.rp.machine
    form = machine.form(machine.assertion(), {"grant_type": ABSENT, "scope": ABSENT, "token": token})
    answer: Answer = machine.post(form, path="/connect/revocation")
    assert (answer.status, answer.content) == (200, b"")
    (warning,) = newest(sts)["detail"]["warnings"]
    assert warning.startswith("nothing was revoked: ") and why in warning
    assert why in caplog.text
    assert which == "nonsense" or token not in caplog.text
