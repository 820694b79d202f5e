"""Identity providers: which ones a person may choose from, and what a login through each yields."""

import html
from typing import Any
from urllib.parse import urlsplit

import pytest

from mock_sts.helseid.eids import PROVIDERS, Eid, Provider
from mock_sts.helseid.profile import find
from mock_sts.helseid.registry.persona import Persona
from mock_sts.settings.settings import SettingError, from_environ
from mock_sts.store.catalog import MADE, put_entry
from tests.support.emulator import Emulator, Worlds, register_api
from tests.support.keys import private_jwk
from tests.support.logins import (
    HPR,
    LEVEL,
    PID,
    begin,
    checked,
    fill_in,
    identity,
    listed,
    message_of,
    page_of,
    refused,
    shows_a_page,
    web,
)
from tests.support.machine import Answer, decode
from tests.support.relying_party import PERSON, SCOPES, Login, RelyingParty, web_client
from tests.support.who_where import read_table, ready_people

ALL = [provider.scheme for provider in PROVIDERS]
EVERY_WAY = [(provider, eid) for provider in PROVIDERS for eid in provider.eids]
OTHER_PERSON = "15849197352"
LEVEL_3_PERSON = "31818127149"
NEW_PERSON = "01819012345"
ON_BEHALF_OF = "helseid://claims/client/on_behalf_of"
ORGANIZATION = "213000012"

#: What the documentation and recordings of HelseID say, written down a second time: scheme, eID, level, amr.
TABLE = {
    ("testidp-oidc", "test"): ("4", ["pwd"]),
    ("testidpnew-oidc", "test"): ("4", ["pwd"]),
    ("bankid-oidc", "bankid"): ("4", ["bankid"]),
    ("bankid-oidc", "bankid-mobile"): ("4", ["bankid"]),
    ("buypass-oidc", "buypass"): ("4", ["sc"]),
    ("buypass-oidc", "buypass-mobile"): ("4", ["mobile"]),
    ("commfides-oidc", "commfides"): ("4", ["sc"]),
    ("idporten-oidc", "bankid"): ("4", ["external"]),
    ("idporten-oidc", "bankid-mobile"): ("4", ["external"]),
    ("idporten-oidc", "buypass"): ("4", ["external"]),
    ("idporten-oidc", "commfides"): ("4", ["external"]),
    ("idporten-oidc", "minid"): ("3", ["external"]),
    ("helsemidtnorge-oidc", "helsemidtnorge"): ("3", ["external"]),
    ("helseplattformen-oidc", "helseplattformen"): ("4", ["external"]),
}


@pytest.fixture
def rp(sts: Emulator) -> RelyingParty:
    return web(sts)


def put_person(sts: Emulator, pid: str = NEW_PERSON, **members: Any) -> str:
    document = {"pid": pid, "given_name": "NY", "family_name": "SPURV", **members}
    with sts.store.writing() as transaction:
        put_entry(transaction, Persona.from_document(document, "test"), document, MADE)
    return pid


def choose(
    rp: RelyingParty, login: Login, provider: str, changes: dict[str, Any] | None = None, **typed: str
) -> Answer:
    """A login in a browser of its own, by the list and the page of ``provider``."""
    browser = rp.browser()
    page = page_of(browser, begin(rp, login, browser, changes), provider)
    return fill_in(browser, page, **{"Pid": PERSON, **typed})


# What a login yields


@pytest.mark.covers("providers.table", "providers.id-porten.hidden")
@pytest.mark.parametrize(("provider", "eid"), EVERY_WAY, ids=lambda value: getattr(value, "scheme", None) or value.name)
def test_every_provider_gives_what_the_table_says(
    sts: Emulator, rp: RelyingParty, provider: Provider, eid: Eid
) -> None:
    register_api(sts.store, "test:api", scopes=["test:api/read"], claims=[PID, LEVEL])
    login = Login()
    typed = {"Eid": eid.name} if len(provider.eids) > 1 else {}
    answer = choose(rp, login, provider.display_name, None, **typed)
    tokens = rp.redeem(login, _code(answer))
    level, amr = TABLE[provider.scheme, eid.name]
    for token in (tokens.json["id_token"], tokens.json["access_token"]):
        claims = decode(token)[1]
        assert (claims["idp"], claims["amr"], claims[LEVEL], claims[PID]) == (provider.scheme, amr, level, PERSON)
        assert eid.name not in claims and "eid" not in claims


def _code(answer: Answer) -> str:
    assert answer.status == 303, answer.content
    assert "?code=" in answer.headers["location"], answer.headers["location"]
    return answer.headers["location"].partition("?code=")[2].partition("&")[0]


@pytest.mark.covers("providers.table")
def test_the_table_names_every_way_to_log_in() -> None:
    assert set(TABLE) == {(provider.scheme, eid.name) for provider, eid in EVERY_WAY}
    assert all(provider.evidence and eid.evidence for provider, eid in EVERY_WAY)


@pytest.mark.covers("providers.usual-eid")
@pytest.mark.parametrize("provider", [p for p in PROVIDERS if len(p.eids) > 1], ids=lambda p: p.scheme)
def test_the_first_eid_is_chosen_until_another_one_is(rp: RelyingParty, provider: Provider) -> None:
    browser, login = rp.browser(), Login()
    page = page_of(browser, begin(rp, login, browser), provider.display_name)
    assert checked(page) == provider.eids[0].name
    for eid in provider.eids:
        assert f"{eid.display_name} (sikkerhetsnivå {eid.levels[0]})" in page.content.decode()
    # A driver that posts no eID at all gets the first one too.
    assert identity(rp, login, fill_in(browser, page, Pid=PERSON))["amr"] == list(provider.eids[0].amr)


@pytest.mark.covers("providers.no-level-to-choose")
def test_other_providers_do_not_let_the_person_choose_level_or_hpr_number(rp: RelyingParty) -> None:
    browser, login = rp.browser(), Login()
    page = page_of(browser, begin(rp, login, browser), "BankID")
    assert b"SecurityLevel" not in page.content and b"HprNumber" not in page.content
    claims = identity(rp, login, fill_in(browser, page, Pid=PERSON, SecurityLevel="3", HprNumber="9144900"))
    assert (claims[LEVEL], claims[HPR]) == ("4", "565505933")


@pytest.mark.covers("providers.eid.unknown")
@pytest.mark.parametrize("eid", ["nonsense", "minid", "test", "<script>"])
def test_an_eid_of_another_provider_is_none(rp: RelyingParty, eid: str) -> None:
    page = choose(rp, Login(), "BankID", Eid=eid)
    assert message_of(page) == "Personen har ingen eID for BankID."
    assert b"<script" not in page.content


@pytest.mark.covers("providers.api-level")
@pytest.mark.parametrize(
    ("provider", "eid", "granted"),
    [("ID-porten", "minid", False), ("ID-porten", "bankid", True), ("Helse Midt-Norge RHF", "", False)],
)
def test_an_api_that_wants_level_4_refuses_what_is_less(
    sts: Emulator, rp: RelyingParty, provider: str, eid: str, granted: bool
) -> None:
    """HelseID itself gives the token, and leaves it to the API to look; who wants to know earlier asks for strict."""
    register_api(sts.store, "test:api", scopes=["test:api/read"], security_level="4")
    strict = web_client(sts, "strict", jwk=private_jwk("ES256", 7), enforcement="strict")
    typed = {"Eid": eid} if eid else {}
    for party, passes in ((rp, True), (strict, granted)):
        login = Login()
        answer = party.redeem(login, _code(choose(party, login, provider, None, **typed)))
        assert (answer.status, answer.rule) == ((200, None) if passes else (400, "api.security-level")), answer.content
        told = [finding["rule"] for finding in sts.journal(limit="1")[0]["findings"]["broken"]]
        assert ("api.security-level" in told) is not granted


# Which providers there are


@pytest.mark.covers("providers.list")
def test_the_list_has_every_provider_with_its_address(rp: RelyingParty) -> None:
    browser = rp.browser()
    page = browser.follow(begin(rp, Login(), browser))
    assert listed(page) == ALL
    for provider in PROVIDERS:
        href = f"/Account/ExternalLogin?provider={provider.scheme}&amp;returnUrl=%2Fconnect%2Fauthorize%2Fcallback%3F"
        assert f'id="{provider.display_name}"' in page.content.decode()
        assert href in page.content.decode()


@pytest.mark.covers("login.acr-values.high-only", "providers.level-4")
@pytest.mark.parametrize("acr_values", ["Level4", "High", "High Level4", "Level4 nonsense", "Level4 amr:bankid"])
def test_level_4_leaves_out_providers_that_do_not_reach_it(rp: RelyingParty, acr_values: str) -> None:
    browser = rp.browser()
    page = browser.follow(begin(rp, Login(), browser, {"acr_values": acr_values}))
    assert listed(page) == [scheme for scheme in ALL if scheme != "helsemidtnorge-oidc"]


@pytest.mark.covers("providers.level-4")
@pytest.mark.parametrize("acr_values", ["Level3 Level4", "Level4 Level3", "Level3", "level4", "Level5"])
def test_level_3_is_content_with_all(rp: RelyingParty, acr_values: str) -> None:
    browser, login = rp.browser(), Login()
    page = browser.follow(begin(rp, login, browser, {"acr_values": acr_values}))
    assert listed(page) == ALL
    answer = choose(rp, login, "ID-porten", {"acr_values": acr_values}, Eid="minid")
    assert identity(rp, login, answer)[LEVEL] == "3"


@pytest.mark.covers("providers.level-4")
def test_level_4_refuses_a_login_that_does_not_reach_it(rp: RelyingParty) -> None:
    page = choose(rp, Login(), "ID-porten", {"acr_values": "Level4"}, Eid="minid")
    assert message_of(page) == "Sikkerhetsnivået blir for lavt: 3, og klienten ber om 4."
    page = choose(rp, Login(), "Test IDP", {"acr_values": "High"}, SecurityLevel="3")
    assert message_of(page) == "Sikkerhetsnivået blir for lavt: 3, og klienten ber om 4."


@pytest.mark.covers("providers.level-4")
def test_after_a_level_too_low_the_same_form_goes_on(rp: RelyingParty) -> None:
    browser, login = rp.browser(), Login()
    page = page_of(browser, begin(rp, login, browser, {"acr_values": "Level4"}), "ID-porten")
    again = fill_in(browser, page, Pid=PERSON, Eid="minid")
    assert checked(again) == "minid"
    ok = Answer(200, again.headers, again.content)
    assert identity(rp, login, fill_in(browser, ok, Pid=PERSON, Eid="bankid"))[LEVEL] == "4"


@pytest.mark.covers("providers.level-4")
def test_a_provider_below_the_level_is_not_entered(rp: RelyingParty) -> None:
    browser = rp.browser()
    first = begin(rp, Login(), browser, {"acr_values": "idp:helsemidtnorge-oidc Level4"})
    assert first.headers["location"].startswith("/Account/Login?ReturnUrl=")
    page = browser.follow(first)
    assert "helsemidtnorge-oidc" not in listed(page)
    back = first.headers["location"].partition("ReturnUrl=")[2]
    for path in (
        "/Account/ExternalLogin?provider=helsemidtnorge-oidc&returnUrl=",
        "/mock/idp?provider=helsemidtnorge-oidc&returnurl=",
    ):
        answer = browser.send("GET", path + back)
        assert answer.headers["location"].startswith("/home/error?errorId="), path


@pytest.mark.covers("providers.none-left")
def test_where_no_provider_reaches_the_level_the_page_says_so(sts: Emulator) -> None:
    rp = web(sts, identity_providers=["helsemidtnorge-oidc"])
    browser = rp.browser()
    page = browser.follow(begin(rp, Login(), browser, {"acr_values": "Level4"}))
    assert page.status == 400
    assert "its identity_providers are helsemidtnorge-oidc; none of these is on offer here for acr_values Level4" in (
        page.content.decode()
    )
    assert refused(begin(rp, login := Login(), browser, {"acr_values": "Level4", "prompt": "none"}), login) == (
        "login_required",
        "",
    )


@pytest.mark.covers("login.acr-values.idp")
@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.scheme)
def test_acr_values_lead_straight_to_each_provider(rp: RelyingParty, provider: Provider) -> None:
    browser, login = rp.browser(), Login()
    first = begin(rp, login, browser, {"acr_values": f"idp:{provider.scheme}"})
    assert first.headers["location"].startswith(f"/Account/ExternalLogin?provider={provider.scheme}&returnUrl=")
    page = page_of(browser, first)
    assert f"<h1>{provider.display_name}</h1>" in page.content.decode()
    path = urlsplit(browser.visited[-1]).path
    assert path == ("/testidp/Account/Login" if provider.is_testidp else "/mock/idp")
    assert identity(rp, login, fill_in(browser, page, Pid=PERSON))["idp"] == provider.scheme


PRESELECTED = [
    ("amr:bankid", "ID-porten", "bankid"),
    ("amr:bankidmobil", "ID-porten", "bankid-mobile"),
    ("amr:bankidmobil", "BankID", "bankid-mobile"),
    ("amr:buypass", "ID-porten", "buypass"),
    ("amr:commfides", "ID-porten", "commfides"),
    ("amr:minid", "ID-porten", "minid"),
    ("amr:nonsense amr:minid", "ID-porten", "minid"),
    ("amr:nonsense", "ID-porten", "bankid"),
    ("bp:amr:sc", "Buypass", "buypass"),
    # An eID that the provider has not leaves it with its usual one.
    ("amr:minid", "Buypass", "buypass"),
    ("amr:commfides", "Buypass", "buypass"),
]


@pytest.mark.covers("providers.amr")
@pytest.mark.parametrize(("acr_values", "provider", "eid"), PRESELECTED)
def test_acr_values_preselect_an_eid(rp: RelyingParty, acr_values: str, provider: str, eid: str) -> None:
    browser = rp.browser()
    first = begin(rp, Login(), browser, {"acr_values": acr_values})
    assert first.headers["location"].startswith("/Account/Login?ReturnUrl=")
    assert checked(page_of(browser, first, provider)) == eid


@pytest.mark.covers("providers.amr")
def test_acr_values_for_provider_and_eid_together(rp: RelyingParty) -> None:
    browser, login = rp.browser(), Login()
    page = page_of(browser, begin(rp, login, browser, {"acr_values": "idp:idporten-oidc amr:minid"}))
    assert checked(page) == "minid"
    claims = identity(rp, login, fill_in(browser, page, Pid=PERSON, Eid="minid"))
    assert (claims["idp"], claims[LEVEL]) == ("idporten-oidc", "3")


@pytest.mark.covers("providers.amr")
def test_the_person_may_take_another_eid_than_the_preselected(rp: RelyingParty) -> None:
    login = Login()
    answer = choose(rp, login, "ID-porten", {"acr_values": "amr:minid"}, Eid="commfides")
    assert identity(rp, login, answer)[LEVEL] == "4"


@pytest.mark.covers("providers.amr")
@pytest.mark.parametrize(("acr_values", "level"), [("idp:idporten-oidc amr:minid", "3"), ("idp:idporten-oidc", "4")])
def test_without_a_page_the_eid_asked_for_is_used(rp: RelyingParty, acr_values: str, level: str) -> None:
    login = Login()
    changes = {"acr_values": acr_values, "login_hint": f"testid:{PERSON}"}
    claims = identity(rp, login, begin(rp, login, rp.browser(), changes))
    assert (claims["idp"], claims["amr"], claims[LEVEL]) == ("idporten-oidc", ["external"], level)


@pytest.mark.covers("providers.client")
def test_a_client_has_the_providers_of_its_registration(sts: Emulator) -> None:
    rp = web(sts, identity_providers=["helseplattformen-oidc", "bankid-oidc", "no-such-oidc"])
    browser = rp.browser()
    page = browser.follow(begin(rp, Login(), browser))
    assert listed(page) == ["bankid-oidc", "helseplattformen-oidc"]
    browser = rp.browser()
    page = browser.follow(begin(rp, Login(), browser, {"acr_values": "idp:testidp-oidc"}))
    assert listed(page) == ["bankid-oidc", "helseplattformen-oidc"]


@pytest.mark.covers("providers.server")
def test_the_server_offers_the_providers_of_its_setting(worlds: Worlds) -> None:
    sts = worlds.make(identity_providers=("testidp-oidc", "idporten-oidc"))
    offered = [
        {"name": "testidp-oidc", "displayName": "Test IDP"},
        {"name": "idporten-oidc", "displayName": "ID-porten"},
    ]
    assert sts.get("/connect/availableidps").json == offered
    rp, own = web(sts), web(sts, "own", identity_providers=["idporten-oidc", "bankid-oidc"])
    browser = rp.browser()
    assert listed(browser.follow(begin(rp, Login(), browser))) == ["testidp-oidc", "idporten-oidc"]
    first = begin(own, Login(), own.browser())
    assert first.headers["location"].startswith("/Account/ExternalLogin?provider=idporten-oidc&returnUrl=")


@pytest.mark.covers("providers.server")
def test_a_provider_that_nobody_knows_stops_the_start() -> None:
    assert from_environ({"MOCK_STS_IDENTITY_PROVIDERS": " bankid-oidc  testidp-oidc "}).identity_providers == (
        "bankid-oidc",
        "testidp-oidc",
    )
    with pytest.raises(SettingError, match=r"MOCK_STS_IDENTITY_PROVIDERS.*testidp-oidc"):
        from_environ({"MOCK_STS_IDENTITY_PROVIDERS": "bankid"})


@pytest.mark.covers("providers.available")
def test_programs_get_the_list_of_providers(sts: Emulator) -> None:
    answer = sts.get("/connect/availableidps")
    assert answer.status == 200
    assert answer.headers["content-type"].lower() == "application/json; charset=utf-8"
    assert answer.json == [{"name": p.scheme, "displayName": p.display_name} for p in PROVIDERS]


@pytest.mark.covers("login.ui-locales")
@pytest.mark.parametrize(
    ("ui_locales", "language"),
    [("", "nb"), ("nb-no", "nb"), ("en-us", "en"), ("EN", "en"), ("fr en-us nb", "en"), ("nn en", "nb"), ("xx", "nb")],
)
def test_the_pages_speak_norwegian_or_english(rp: RelyingParty, ui_locales: str, language: str) -> None:
    browser = rp.browser()
    page = browser.follow(begin(rp, Login(), browser, {"ui_locales": ui_locales}))
    words = {"nb": ("Velg innlogging", "Logg inn", "Avbryt"), "en": ("Choose how to log in", "Log in", "Cancel")}[
        language
    ]
    assert f'<html lang="{language}">' in page.content.decode()
    assert f"<h1>{words[0]}</h1>" in page.content.decode()
    for provider in ("Test IDP", "BankID"):
        form = page_of(browser, page, provider).content.decode()
        assert all(f">{word}</button>" in form for word in words[1:])


# People and their eIDs


@pytest.mark.covers("providers.people.eids")
def test_a_person_logs_in_where_they_have_an_eid(sts: Emulator, rp: RelyingParty) -> None:
    pid = put_person(sts, eids=["minid", "buypass-mobile"])
    for provider, told in {
        "BankID": "Personen har ingen eID for BankID.",
        "Commfides": "Personen har ingen eID for Commfides.",
        "Helseplattformen": "Personen har ingen eID for Helseplattformen.",
    }.items():
        assert message_of(choose(rp, Login(), provider, Pid=pid)) == told
    # ID-porten takes the Buypass ID of a telephone as it takes the card: level 4 without MinID.
    for eid, level in ((None, "4"), ("buypass", "4"), ("minid", "3")):
        login = Login()
        answer = choose(rp, login, "ID-porten", None, Pid=pid, **({} if eid is None else {"Eid": eid}))
        assert identity(rp, login, answer)[LEVEL] == level
    login = Login()
    assert identity(rp, login, choose(rp, login, "Buypass", Pid=pid))["amr"] == ["mobile"]
    assert (
        message_of(choose(rp, Login(), "Buypass", Pid=pid, Eid="buypass"))
        == "Personen har ingen eID for Buypass smartkort."
    )
    # The TestIDP takes everybody.
    login = Login()
    assert identity(rp, login, choose(rp, login, "Test IDP", Pid=pid))["idp"] == "testidp-oidc"


@pytest.mark.covers("providers.people.eids")
def test_no_member_means_all_eids_and_an_empty_list_none(sts: Emulator, rp: RelyingParty) -> None:
    everything, nothing = put_person(sts), put_person(sts, "01815021955", eids=[])
    for provider in PROVIDERS:
        for eid in provider.eids:
            typed = {"Eid": eid.name} if len(provider.eids) > 1 else {}
            login = Login()
            answer = choose(rp, login, provider.display_name, None, Pid=everything, **typed)
            assert identity(rp, login, answer)["idp"] == provider.scheme
            login = Login()
            answer = choose(rp, login, provider.display_name, None, Pid=nothing, **typed)
            if provider.is_testidp:
                assert identity(rp, login, answer)["idp"] == provider.scheme
            else:
                assert message_of(answer).startswith("Personen har ingen eID for ")


@pytest.mark.covers("providers.people.eids")
@pytest.mark.parametrize(
    ("persona", "opened"),
    [
        ("commfides-only", {("commfides-oidc", "commfides"), ("idporten-oidc", "commfides")}),
        (
            "mobile-only",
            {
                ("bankid-oidc", "bankid-mobile"),
                ("idporten-oidc", "bankid-mobile"),
                ("buypass-oidc", "buypass-mobile"),
                ("idporten-oidc", "buypass"),
            },
        ),
        ("no-eid", set()),
        ("child-of-seven", set()),
    ],
)
def test_the_ready_people_with_few_eids_have_these_alone(
    sts: Emulator, rp: RelyingParty, persona: str, opened: set[tuple[str, str]]
) -> None:
    pid = ready_people()[persona]
    found = set()
    for provider, eid in EVERY_WAY:
        if provider.is_testidp:
            continue
        typed = {"Eid": eid.name} if len(provider.eids) > 1 else {}
        login = Login()
        answer = choose(rp, login, provider.display_name, None, Pid=pid, **typed)
        if answer.status == 303:
            identity(rp, login, answer)
            found.add((provider.scheme, eid.name))
        else:
            assert message_of(answer).startswith("Personen har ingen eID for ")
    assert found == opened


REFUSED: dict[str, tuple[str, str, dict[str, str], dict[str, str]]] = {
    "login.eid": ("BankID", "commfides-only", {}, {"Expected": "at bankid-oidc one of bankid, bankid-mobile"}),
    "login.replaced": ("BankID", "d-number-replaced", {}, {"Expected": "16878730031, the later one"}),
    "login.person-level": ("Test IDP", "nurse-level-3", {"SecurityLevel": "4"}, {"Expected": "at most 3"}),
    "login.level": ("ID-porten", "nurse", {"Eid": "minid"}, {"Expected": "4", "Observed": "3"}),
}


@pytest.mark.covers("login.refused.rule")
@pytest.mark.parametrize("rule", REFUSED)
def test_a_refused_login_names_rule_finding_and_remedy_on_the_page_in_the_log_and_in_the_journal(
    sts: Emulator, rp: RelyingParty, caplog: pytest.LogCaptureFixture, rule: str
) -> None:
    provider, persona, typed, told = REFUSED[rule]
    asked = {"acr_values": "Level4"} if rule == "login.level" else None
    answer = choose(rp, Login(), provider, asked, Pid=ready_people()[persona], **typed)
    page = html.unescape(answer.content.decode())
    declared = find(rule)
    assert declared is not None and answer.status == 400
    assert answer.rule == rule
    assert f'<code data-testid="rule">{rule}</code>' in page
    shown = page.partition('data-testid="detail">')[2].partition("</dd>")[0]
    assert declared.title in shown and f"Remedy: {declared.remedy}" in shown
    for name, text in told.items():
        assert f"\n{name}: {text}" in shown
    line = next(line for line in caplog.messages if "access_denied" in line)
    assert f"rule {rule}" in line and "Remedy: " in line
    entry = sts.journal(limit="1")[0]
    broken = {finding["rule"]: finding for finding in entry["findings"]["broken"]}
    assert (entry["outcome"], entry["rule"], entry["client_id"]) == ("refused", rule, "web")
    assert broken[rule]["remedy"] == declared.remedy


@pytest.mark.covers("providers.people.table")
def test_the_table_of_who_can_log_in_where_is_so(sts: Emulator, rp: RelyingParty) -> None:
    """Every ready person at every provider, without a page; a browser tries those who differ."""
    for row in read_table():
        pid = ready_people()[row["persona"]]
        for provider in PROVIDERS:
            reached = row[provider.scheme]
            for level in ("Level4", ""):
                login = Login()
                asked = {"acr_values": f"idp:{provider.scheme} {level}".strip(), "login_hint": f"testid:{pid}"}
                answer = begin(rp, login, rp.browser(), asked)
                # A provider that reaches no level 4 is left out, and the login would be at another one.
                if level and provider.highest_level < "4":
                    continue
                succeeds = reached == "4" or (reached == "3" and not level)
                assert ("code=" in answer.headers["location"]) is succeeds, (row["persona"], provider.scheme, level)
                if succeeds:
                    break


@pytest.mark.covers("providers.people.table")
def test_the_table_has_every_ready_person_and_every_provider() -> None:
    people, rows = ready_people(), read_table()
    assert {row["persona"] for row in rows} == set(people) and len(rows) == len(people)
    assert all(set(row) == {"persona", *ALL} for row in rows)
    assert {value for row in rows for value in row.values()} >= {"4", "3", "no"}
    # Children have no eID.
    assert [row["bankid-oidc"] for row in rows if row["persona"] == "child-of-seven"] == ["no"]


@pytest.mark.covers("providers.people.eids")
def test_a_person_without_the_eid_is_denied_without_a_page_too(sts: Emulator, rp: RelyingParty) -> None:
    pid = put_person(sts, eids=["minid"])
    login = Login()
    answer = begin(rp, login, rp.browser(), {"acr_values": "idp:bankid-oidc", "login_hint": f"testid:{pid}"})
    assert refused(answer, login) == ("access_denied", "the person has no eID for BankID")


@pytest.mark.covers("providers.people.level-3")
def test_a_person_of_level_3_has_no_eid_of_level_4(rp: RelyingParty) -> None:
    for provider, told in {"BankID": "BankID", "Buypass": "Buypass", "Helseplattformen": "Helseplattformen"}.items():
        assert message_of(choose(rp, Login(), provider, Pid=LEVEL_3_PERSON)) == f"Personen har ingen eID for {told}."
    assert (
        message_of(choose(rp, Login(), "ID-porten", Pid=LEVEL_3_PERSON, Eid="bankid"))
        == "Personen har ingen eID for BankID."
    )
    for provider in ("ID-porten", "Helse Midt-Norge RHF", "Test IDP"):
        login = Login()
        assert identity(rp, login, choose(rp, login, provider, Pid=LEVEL_3_PERSON))[LEVEL] == "3"
    told = "Personen har ingen eID på nivå 4; det høyeste er 3."
    assert message_of(choose(rp, Login(), "Test IDP", Pid=LEVEL_3_PERSON, SecurityLevel="4")) == told


@pytest.mark.covers("providers.people.list")
def test_the_buttons_of_people_log_in_at_every_provider(rp: RelyingParty) -> None:
    for provider in ("Test IDP", "BankID", "ID-porten"):
        login = Login()
        answer = choose(rp, login, provider, Pid="", persona=OTHER_PERSON)
        assert identity(rp, login, answer)[PID] == OTHER_PERSON


# On behalf of


@pytest.mark.covers("authorize.on-behalf-of")
def test_id_porten_lets_a_person_act_for_an_organization(sts: Emulator) -> None:
    rp = web(sts, on_behalf_of=[ORGANIZATION])
    browser, login = rp.browser(), Login()
    page = page_of(browser, begin(rp, login, browser, {"on_behalf_of": ORGANIZATION}), "ID-porten")
    tokens = rp.redeem(login, _code(fill_in(browser, page, Pid=PERSON)))
    assert decode(tokens.json["access_token"])[1][ON_BEHALF_OF] == ORGANIZATION
    refreshed = rp.refresh(tokens.json["refresh_token"])
    assert refreshed.claims[ON_BEHALF_OF] == ORGANIZATION
    # Of a login for another request nothing is said.
    again = Login()
    tokens = rp.redeem(again, _code(begin(rp, again, browser)))
    assert ON_BEHALF_OF not in tokens.claims


@pytest.mark.covers("authorize.on-behalf-of.ignored")
@pytest.mark.parametrize(
    ("registered", "provider"), [(["213000020"], "ID-porten"), ([], "ID-porten"), ([ORGANIZATION], "Test IDP")]
)
def test_an_organization_that_is_not_registered_or_at_another_provider_is_ignored(
    sts: Emulator, registered: list[str], provider: str
) -> None:
    rp = web(sts, on_behalf_of=registered)
    login = Login()
    tokens = rp.redeem(login, _code(choose(rp, login, provider, {"on_behalf_of": ORGANIZATION})))
    assert tokens.status == 200
    assert ON_BEHALF_OF not in tokens.claims
    told = [warning for entry in sts.journal() for warning in entry["detail"].get("warnings", ())]
    assert told == [
        f"on_behalf_of is '{ORGANIZATION}', but only ID-porten knows it, for organizations that the client registers"
    ]


# Single sign-on


def session_at(rp: RelyingParty, provider: str, **typed: str) -> Any:
    browser, login = rp.browser(), Login()
    page = page_of(browser, begin(rp, login, browser), provider)
    identity(rp, login, fill_in(browser, page, Pid=PERSON, **typed))
    return browser


@pytest.mark.covers("sso.idp-switch")
def test_a_session_answers_for_its_own_provider_only(rp: RelyingParty) -> None:
    browser = session_at(rp, "BankID")
    login = Login()
    assert identity(rp, login, begin(rp, login, browser))["idp"] == "bankid-oidc"
    login = Login()
    assert identity(rp, login, begin(rp, login, browser, {"acr_values": "idp:bankid-oidc"}))["idp"] == "bankid-oidc"
    asked = {"acr_values": "idp:buypass-oidc"}
    shows_a_page(begin(rp, Login(), browser, asked))
    assert refused(begin(rp, login := Login(), browser, {**asked, "prompt": "none"}), login)[0] == "login_required"
    # The new login takes the place of the former, under its session id.
    login = Login()
    page = page_of(browser, begin(rp, login, browser, asked))
    assert identity(rp, login, fill_in(browser, page, Pid=PERSON))["idp"] == "buypass-oidc"
    shows_a_page(begin(rp, Login(), browser, {"acr_values": "idp:bankid-oidc"}))


@pytest.mark.covers("sso.allowed-providers")
def test_a_session_of_a_provider_that_another_client_may_not_use_is_not_its(sts: Emulator, rp: RelyingParty) -> None:
    other = web(sts, "other", identity_providers=["testidp-oidc", "commfides-oidc"])
    browser = session_at(rp, "BankID")
    shows_a_page(begin(other, Login(), browser))
    login = Login()
    page = page_of(browser, begin(other, login, browser), "Commfides")
    assert identity(other, login, fill_in(browser, page, Pid=PERSON))["idp"] == "commfides-oidc"
    login = Login()
    assert identity(rp, login, begin(rp, login, browser))["idp"] == "commfides-oidc"


@pytest.mark.covers("sso.level")
@pytest.mark.parametrize("acr_values", ["Level4", "High"])
def test_a_session_of_level_3_does_not_answer_who_wants_level_4(rp: RelyingParty, acr_values: str) -> None:
    browser = session_at(rp, "ID-porten", Eid="minid")
    for fine in ("Level3 Level4", "Level3", "amr:bankid"):
        login = Login()
        assert identity(rp, login, begin(rp, login, browser, {"acr_values": fine}))[LEVEL] == "3"
    asked = {"acr_values": acr_values}
    shows_a_page(begin(rp, Login(), browser, asked))
    assert refused(begin(rp, login := Login(), browser, {**asked, "prompt": "none"}), login)[0] == "login_required"
    login = Login()
    page = page_of(browser, begin(rp, login, browser, asked), "ID-porten")
    assert identity(rp, login, fill_in(browser, page, Pid=PERSON, Eid="bankid"))[LEVEL] == "4"
    login = Login()
    assert identity(rp, login, begin(rp, login, browser, asked))[LEVEL] == "4"


@pytest.mark.covers("sso.level")
def test_scopes_and_level_of_a_second_client(sts: Emulator, rp: RelyingParty) -> None:
    """The level is the session's, not the client's."""
    other = web(sts, "other", scope=SCOPES.replace("offline_access ", ""))
    other.scopes = SCOPES.replace("offline_access ", "")
    browser = session_at(rp, "Helse Midt-Norge RHF")
    login = Login()
    claims = identity(other, login, begin(other, login, browser))
    assert (claims["idp"], claims[LEVEL]) == ("helsemidtnorge-oidc", "3")
