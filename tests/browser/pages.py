"""Each page that people see, and how to come there; the tests of all pages and the screenshots go by this list."""

from collections.abc import Callable
from urllib.parse import urlencode

from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Client
from tests.support.relying_party import PERSON

SEARCH = "hospital-psychiatrist"


def providers(page: Page, client: Client, language: str) -> None:
    client.start(page, ui_locales=language)
    expect(page.locator(".providers")).to_be_visible()


def testidp(page: Page, client: Client, language: str) -> None:
    client.start(page, ui_locales=language, acr_values="idp:testidp-oidc")
    expect(page.locator("#login-form")).to_be_visible()


def testidp_preview(page: Page, client: Client, language: str) -> None:
    testidp(page, client, language)
    page.get_by_test_id(f"show-{PERSON}").click()
    expect(page.get_by_test_id("preview")).to_be_visible()


def testidp_search(page: Page, client: Client, language: str) -> None:
    testidp(page, client, language)
    page.get_by_test_id("search").fill(SEARCH)
    page.get_by_test_id("find").click()
    expect(page.locator(".people > li")).to_have_count(1)


def testidp_nobody(page: Page, client: Client, language: str) -> None:
    testidp(page, client, language)
    page.get_by_test_id("search").fill("nobody is called this")
    page.get_by_test_id("find").click()
    expect(page.get_by_test_id("nobody")).to_be_visible()


def testidp_message(page: Page, client: Client, language: str) -> None:
    testidp(page, client, language)
    page.get_by_test_id("pid").fill("123")
    page.get_by_test_id("login").click()
    expect(page.get_by_role("alert")).to_be_visible()


def idporten(page: Page, client: Client, language: str) -> None:
    client.start(page, ui_locales=language, acr_values="idp:idporten-oidc")
    expect(page.get_by_test_id("eid-minid")).to_be_visible()


def never(_route: Route) -> None:
    """Do not answer: a page that goes on by itself stays as long as somebody looks at it."""


def waiting(page: Page, client: Client, language: str) -> None:
    page.route("**/connect/authorize/callback?**", never)
    testidp(page, client, language)
    page.get_by_test_id("pid").fill(PERSON)
    page.get_by_test_id("other-outcomes").click()
    page.get_by_test_id("outcome-slow").click()
    expect(page.get_by_test_id("waiting")).to_be_visible()


def error(page: Page, client: Client, language: str) -> None:
    page.goto(f"{client.rp.machine.issuer}/connect/authorize?client_id=nobody&ui_locales={language}")
    expect(page.locator("#error-code")).to_be_visible()


def error_with_rule(page: Page, client: Client, language: str) -> None:
    redirect = "http%3A%2F%2Flocalhost%3A9%2Fnot-registered"
    page.goto(
        f"{client.rp.machine.issuer}/connect/authorize?client_id={client.rp.machine.client_id}&response_type=code"
        f"&redirect_uri={redirect}&scope=openid&ui_locales={language}"
    )
    expect(page.get_by_test_id("rule")).to_be_visible()


def logout(page: Page, client: Client, language: str) -> None:
    client.start(page, test_pid=PERSON)
    expect(page.locator("#client")).to_be_visible()
    page.goto(f"{client.rp.machine.issuer}/connect/endsession?ui_locales={language}")
    expect(page.locator("#logout-submit")).to_be_visible()


def logged_out(page: Page, client: Client, language: str) -> None:
    logout(page, client, language)
    page.locator("#logout-submit").click()
    expect(page.locator("#logged-out")).to_be_visible()


def logged_out_going_on(page: Page, client: Client, language: str) -> None:
    """The client wants the browser back, and another one is told in a frame first."""
    login = client.start(page, test_pid=PERSON)
    hint = client.tokens(login)["id_token"]
    out = client.site.url + "/out"
    page.route(out + "**", never)
    query = urlencode({"id_token_hint": hint, "post_logout_redirect_uri": out, "ui_locales": language})
    page.goto(f"{client.rp.machine.issuer}/connect/endsession?{query}")
    expect(page.get_by_test_id("go-on")).to_be_visible()


def home(page: Page, client: Client, language: str) -> None:
    page.goto(f"{client.rp.machine.issuer}/?ui_locales={language}")
    expect(page.get_by_test_id("demo")).to_be_visible()


def journal(page: Page, client: Client, language: str) -> None:
    error_with_rule(page, client, language)
    page.goto(f"{client.rp.machine.issuer}/mock/journal?ui_locales={language}&client_id={client.rp.machine.client_id}")
    expect(page.get_by_test_id("entries")).to_be_visible()


def journal_entry(page: Page, client: Client, language: str) -> None:
    error_with_rule(page, client, language)
    page.goto(f"{client.rp.machine.issuer}/?language={language[:2]}")  # entries come after the switch has been set
    page.goto(f"{client.rp.machine.issuer}/mock/journal?client_id={client.rp.machine.client_id}")
    page.get_by_test_id("entries").get_by_role("link").first.click()
    expect(page.get_by_test_id("outcome")).to_be_visible()


def rule(page: Page, client: Client, language: str) -> None:
    page.goto(f"{client.rp.machine.issuer}/mock/rules/client-assertion.lifetime?ui_locales={language}")
    expect(page.get_by_test_id("remedy")).to_be_visible()


def rules(page: Page, client: Client, language: str) -> None:
    page.goto(f"{client.rp.machine.issuer}/mock/rules?ui_locales={language}")
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def logins_here(page: Page, client: Client, language: str) -> None:
    persona(page, client, language)
    page.goto(f"{client.rp.machine.issuer}/mock/as?ui_locales={language}")
    expect(page.get_by_test_id("take-back")).to_be_visible()


def admission(page: Page, client: Client, language: str) -> None:
    page.goto(f"{client.rp.machine.issuer}/mock/admission?ui_locales={language}")
    expect(page.get_by_test_id("admit")).to_be_visible()


def testidp_over(page: Page, client: Client, language: str) -> None:
    testidp(page, client, language)
    form = page.url
    page.get_by_test_id("pid").fill(PERSON)
    page.get_by_test_id("login").click()
    expect(page.locator("#client")).to_be_visible()
    page.goto(form)
    expect(page.get_by_test_id("over")).to_be_visible()


def testidp_cannot(page: Page, client: Client, language: str) -> None:
    client.start(page, ui_locales=language, acr_values="idp:idporten-oidc Level4")
    page.get_by_test_id("search").fill("nurse-level-3")
    page.get_by_test_id("find").click()
    expect(page.get_by_test_id("nobody").or_(page.locator("[data-testid^=cannot-]"))).to_be_visible()


def providers_barred(page: Page, client: Client, language: str) -> None:
    client.start(page, ui_locales=language, acr_values="Level4")
    expect(page.get_by_test_id("barred")).to_be_visible()


def doctor(page: Page, client: Client, language: str) -> None:
    page.goto(f"{client.rp.machine.issuer}/mock/doctor?ui_locales={language}")
    expect(page.get_by_test_id("report")).to_be_visible()


def parts(page: Page, client: Client, language: str) -> None:
    page.goto(f"{client.rp.machine.issuer}/mock/parts?ui_locales={language}")
    expect(page.get_by_role("table")).to_be_visible()


def demo(page: Page, client: Client, _language: str) -> None:
    page.goto(f"{client.rp.machine.issuer}/mock/demo")
    expect(page.get_by_test_id("demo-log-in")).to_be_visible()


def demo_logged_in(page: Page, client: Client, language: str, level: str = "4") -> None:
    demo(page, client, language)
    page.get_by_test_id("demo-log-in" if level == "4" else "demo-log-in-any").click()
    page.get_by_test_id("provider-testidp-oidc").click()
    page.get_by_test_id("pid").fill(PERSON)
    page.get_by_test_id("level").select_option(level)
    page.get_by_test_id("login").click()
    expect(page.get_by_test_id("demo-logged-in")).to_be_visible()


def demo_called(page: Page, client: Client, language: str) -> None:
    demo_logged_in(page, client, language)
    page.get_by_test_id("demo-call").click()
    expect(page.get_by_test_id("demo-hello")).to_be_visible()


def demo_refused(page: Page, client: Client, language: str) -> None:
    demo_logged_in(page, client, language, level="3")
    page.get_by_test_id("demo-call").click()
    expect(page.get_by_test_id("demo-error")).to_be_visible()


def demo_steps(page: Page, client: Client, language: str) -> None:
    demo_called(page, client, language)
    page.get_by_test_id("demo-steps").click()
    expect(page.get_by_test_id("step").first).to_be_visible()


def demo_failed(page: Page, client: Client, language: str) -> None:
    demo(page, client, language)
    page.get_by_test_id("demo-log-in").click()
    page.get_by_test_id("provider-bankid-oidc").click()
    page.get_by_test_id("cancel").click()
    expect(page.get_by_test_id("demo-failure")).to_be_visible()


def persona(page: Page, client: Client, language: str) -> None:
    page.goto(f"{client.rp.machine.issuer}/mock/as/gp-two-offices?ui_locales={language}")
    expect(page.get_by_test_id("persona")).to_be_visible()


def unknown_persona(page: Page, client: Client, language: str) -> None:
    page.goto(f"{client.rp.machine.issuer}/mock/as/gp-two-ofices?ui_locales={language}")
    expect(page.get_by_role("alert")).to_be_visible()


def ordered_token(page: Page, client: Client, language: str) -> None:
    page.goto(f"{client.rp.machine.issuer}/mock/test-token?ui_locales={language}")
    page.get_by_test_id("audience").fill("mock:demo-api")
    page.get_by_test_id("person").fill("gp-two-offices")
    page.get_by_test_id("defect").select_option("expired")
    page.get_by_test_id("url").fill("https://api.example/x")
    page.get_by_test_id("make").click()
    expect(page.get_by_test_id("proof-claims")).to_be_visible()


def conformance(page: Page, client: Client, language: str) -> None:
    page.goto(f"{client.rp.machine.issuer}/mock/conformance?ui_locales={language}")
    page.get_by_test_id("session-client").fill("demo-machine")
    page.get_by_test_id("start-session").click()
    expect(page.get_by_test_id("authority")).to_be_visible()
    page.get_by_test_id("all-conformance").click()
    expect(page.get_by_test_id("sessions")).to_be_visible()


def report(page: Page, client: Client, language: str) -> None:
    client.rp.machine.token(assertion={"lifetime": 90})
    page.goto(f"{client.rp.machine.issuer}/mock/report/{client.rp.machine.client_id}?ui_locales={language}")
    expect(page.get_by_test_id("check-T5")).to_be_visible()


def world(page: Page, client: Client, language: str) -> None:
    page.goto(f"{client.rp.machine.issuer}/mock/world?ui_locales={language}&q=gp-two-offices")
    expect(page.get_by_test_id("people")).to_be_visible()


def world_client(page: Page, client: Client, language: str) -> None:
    page.goto(f"{client.rp.machine.issuer}/mock/world/clients?ui_locales={language}&q={client.rp.machine.client_id}")
    page.get_by_test_id("clients").get_by_role("link").click()
    expect(page.get_by_test_id("registration")).to_be_visible()


def world_apis(page: Page, client: Client, language: str) -> None:
    page.goto(f"{client.rp.machine.issuer}/mock/world/apis?ui_locales={language}")
    expect(page.get_by_test_id("apis")).to_be_visible()


def control(page: Page, client: Client, language: str) -> None:
    page.goto(f"{client.rp.machine.issuer}/mock/control?ui_locales={language}")
    page.get_by_test_id("fault-effect").select_option("oauth_error")
    page.get_by_test_id("fault-value").fill("temporarily_unavailable")
    page.get_by_test_id("fault-client").fill(client.rp.machine.client_id)
    page.get_by_test_id("order-fault").click()
    expect(page.get_by_test_id("faults")).to_be_visible()
    page.get_by_test_id("end-fault-1").click()
    expect(page.get_by_test_id("clock-now")).to_be_visible()


def read_token(page: Page, client: Client, language: str) -> None:
    token = client.tokens(client.start(page, test_pid=PERSON))["access_token"]
    page.goto(f"{client.rp.machine.issuer}/mock/token?ui_locales={language}")
    page.get_by_test_id("token").fill(token)
    page.get_by_test_id("read").click()
    expect(page.get_by_test_id("claims")).to_be_visible()


def token_service(page: Page, client: Client, language: str) -> None:
    page.goto(f"{client.rp.machine.issuer}/swagger?ui_locales={language}")
    expect(page.get_by_test_id("openapi")).to_be_visible()


PAGES: dict[str, Callable[[Page, Client, str], None]] = {
    "home": home,
    "providers": providers,
    "testidp": testidp,
    "testidp-preview": testidp_preview,
    "testidp-search": testidp_search,
    "testidp-nobody": testidp_nobody,
    "testidp-message": testidp_message,
    "id-porten": idporten,
    "waiting": waiting,
    "error": error,
    "error-with-rule": error_with_rule,
    "logout": logout,
    "logged-out": logged_out,
    "logged-out-going-on": logged_out_going_on,
    "journal": journal,
    "journal-entry": journal_entry,
    "rules": rules,
    "rule": rule,
    "logins-here": logins_here,
    "admission": admission,
    "testidp-over": testidp_over,
    "testidp-cannot": testidp_cannot,
    "providers-barred": providers_barred,
    "doctor": doctor,
    "parts": parts,
    "demo": demo,
    "demo-logged-in": demo_logged_in,
    "demo-called": demo_called,
    "demo-refused": demo_refused,
    "demo-steps": demo_steps,
    "demo-failed": demo_failed,
    "test-token": ordered_token,
    "token-service": token_service,
    "world": world,
    "world-client": world_client,
    "world-apis": world_apis,
    "control": control,
    "read-token": read_token,
    "conformance": conformance,
    "report": report,
    "persona": persona,
    "persona-unknown": unknown_persona,
}
