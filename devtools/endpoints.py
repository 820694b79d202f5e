"""The page of endpoints."""

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from devtools.words import NOTE, fit
from mock_sts.helseid.endpoints import Endpoint
from mock_sts.settings.settings import from_environ

#: Name of a route to who calls it, and what it does.
_ROUTES: Mapping[str, tuple[str, str]] = {
    "home.page": ("you", "what this is, and where to go from here"),
    "discovery.discovery_document": ("clients and APIs", "HelseID's metadata: the other addresses, and what it knows"),
    "discovery.oauth_metadata": (
        "clients of FAPI 2.0",
        "the same document (RFC 8414), in enforcement `fapi2`; 404 in the others",
    ),
    "discovery.oauth_metadata_below": ("clients of FAPI 2.0", "the same for an issuer with that path"),
    "discovery.key_set": ("clients and APIs", "the public keys that tokens are signed with"),
    "discovery.expired_key_set": ("APIs", "public keys that were retired; none yet"),
    "ca.ca": ("you and your clients", "the certificate of the local CA, as `mock-sts ca` prints it"),
    "doctor.page": (
        "you",
        "how clients see the server here, and which refuse it; `mock-sts doctor` says the same",
    ),
    "docs.home": ("you", "the way to this documentation; its text, where the site was not built"),
    "docs.page": ("you", "this documentation, with a search"),
    "pushed_authorization.pushed_authorization": (
        "clients, behind the scenes",
        "takes the parameters of a login (PAR, RFC 9126) and gives a `request_uri` for them",
    ),
    "authorize.authorize": ("browsers, sent by a client", "begins a login, and ends it with a code to the client"),
    "authorize.callback": ("browsers", "where a login goes on after the pages"),
    "error_page.error_page": ("browsers", "the page for errors that must not travel to a client; names the rule"),
    "login.providers": ("browsers", "the choice of an identity provider"),
    "login.external_login": ("browsers", "enters the chosen provider"),
    "login.available_idps": ("clients", "the identity providers as JSON"),
    "login.stylesheet": ("browsers", "how the pages look"),
    "login.stylesheet_of_login": ("browsers", "the same, for login pages at a host to which `/mock/` does not answer"),
    "testidp.form": ("browsers and test drivers", "the TestIDP's form"),
    "testidp.log_in": ("browsers and test drivers", "the same form, filled in"),
    "testidp.other_form": ("browsers and test drivers", "the form of every other provider"),
    "testidp.other_log_in": ("browsers and test drivers", "the same form, filled in"),
    "testidp.sign_in": ("test drivers", "the hop that drivers written for the real TestIDP make after its form"),
    "automation.log_in_as": ("browsers, sent by a test", "lets a persona log in in this browser: sets a cookie"),
    "token.token": (
        "clients, behind the scenes",
        "gives tokens: `client_credentials`, codes, refresh tokens, token exchange",
    ),
    "token.dpop_nonce": ("tests", "a nonce without a challenge; HelseID has no such address"),
    "user_info.userinfo": ("clients, behind the scenes", "tells of the person behind an access token"),
    "user_info.clientinfo": ("clients, behind the scenes", "tells of the client behind an access token"),
    "user_info.protected": (
        "clients and tests",
        "an API to call, with DPoP or Bearer: says what the token says, and whether it is good",
    ),
    "token_management.revocation": ("clients, behind the scenes", "ends a refresh token (RFC 7009)"),
    "token_management.introspection": ("clients, behind the scenes", "says whether a token is good (RFC 7662)"),
    "token_management.device": ("no client", "refuses, for HelseID gives its grant to no client"),
    "token_management.ciba": ("no client", "refuses, for HelseID gives its grant to no client"),
    "end_session.end": ("browsers, sent by a client", "logs out, and goes back to the client"),
    "end_session.question": ("browsers", "asks whether one wants to log out"),
    "end_session.confirmed": ("browsers", "logs out after the question whether one wants to"),
    "login.script": ("browsers", "what the buttons that copy do; the pages work without it"),
    "admission.form": ("browsers", "asks once for `MOCK_STS_ADMIN_TOKEN`, before pages that want it"),
    "admission.admit": ("the page of that", "takes the token, and remembers it in a cookie"),
    "automation.who": ("you", "says who logs in in this browser, and takes that back"),
    "automation.take_back": ("the page of that", "takes the cookie back that says who logs in"),
    "journal.entries": ("you", "the journal: every request, its answer and what was found, with filters"),
    "journal.entry": ("you", "one entry of the journal, by its number or by the id that an error page shows"),
    "world.people": ("you", "the people who can log in, with a search and a link to log in as each"),
    "world.organizations": ("you", "the organizations"),
    "world.clients": ("you", "the clients, each with the health of its registration"),
    "world.client": ("you", "one client: what is wrong with its registration, and the registration"),
    "world.apis": ("you", "the APIs with their scopes"),
    "world.keys": ("you", "the keys that sign tokens"),
    "steering.page": ("you", "clock, faults, next login, reset and environments, with forms"),
    "steering.act": ("the page of that", "does what one of its forms says"),
    "read_token.page": ("you", "reads a token that is pasted: decoded, and tried with the keys of this server"),
    "read_token.read": ("the page of that", "reads the token of its form"),
    "conformance.page": ("you", "conformance sessions and reports, and a form that starts a session"),
    "conformance.start": ("the page of that", "starts a conformance session"),
    "conformance.session": ("you", "a conformance session with its report"),
    "conformance.act": ("the page of that", "ends a conformance session, or begins it anew"),
    "conformance.report": ("you", "the report on a client, check by check, from the journal"),
    "rules.rules": ("you", "every rule that requests are judged by"),
    "rules.rule": ("you", "a rule: what it asks, who refuses a breach, and the remedy"),
    "parts.page": ("those who make pages", "every part of which pages are made"),
    "demo.home": ("you", "the demo: a correct client, to log in with and to look at"),
    "demo.steps": ("you", "every request and answer of the demo, step by step"),
    "demo.login": ("the demo's page", "begins a login of the demo"),
    "demo.callback": ("browsers", "where a login of the demo ends"),
    "demo.call": ("the demo's page", "calls the demo's API"),
    "demo.refresh": ("the demo's page", "refreshes the demo's tokens"),
    "demo.logout": ("the demo's page", "logs out of the demo and of the server"),
    "demo.api": ("the demo, clients of yours", "an API for `mock:demo-api/read` with DPoP, which tells what it checks"),
    "demo.bearer_api": ("clients of yours", "the same API with Bearer, which refuses a token that is bound to a key"),
    "end_session.frames": ("browsers", "loads the clients' front-channel logout addresses, in a frame"),
    "check_session.check_session": (
        "pages of clients, in a frame",
        "says whether the browser's session is still that of a login (Session Management)",
    ),
    "self_service.client": ("clients, behind the scenes", "self-service: the client's own registration"),
    "self_service.client_secrets": ("clients, behind the scenes", "self-service: the client's keys, each with its end"),
    "self_service.add_client_secret": (
        "clients, behind the scenes",
        "self-service: adds a key to the client",
    ),
    "token_service.with_key": ("tests of APIs", "NHN's test-token service: a token on order, with its proof"),
    "token_service.with_key_v1": ("tests of APIs", "version 1 of it: the audience comes in a header"),
    "token_service.with_token_v1": ("tests of APIs", "version 1 of it for who has an access token for the service"),
    "token_service.add_key": ("you and your tests", "keeps a key of the test-token service"),
    "token_service.remove_key": ("you and your tests", "forgets it"),
    "description.swagger": ("programs", "describes the test-token service by OpenAPI, at the path of the real one"),
    "token_service_page.page": ("you", "the same for people"),
    "token_service_page.index": ("you", "the same, at the path that NHN's texts name"),
    "ordered_token.page": ("you", "a form to order a test token on, with the token decoded and the call to copy"),
    "ordered_token.of_the_portal": ("you", "leads there, as NHN's portal has its page of the service"),
    "token_service.ping": ("tests of APIs", "says that the test-token service is there"),
    "health.live": ("containers", "200 while the process answers"),
    "health.ready": ("containers, `mock-sts health`", "200 when the database can be read too"),
    "control_page.page": ("you", "the control API: every operation, with its members and its answers"),
}


def endpoints_page() -> str:
    """Every route of the application, and the endpoints that HelseID advertises and that are not built yet."""
    lines = [
        NOTE,
        "# Endpoints",
        "",
        "HelseID's own paths, and ours under `/mock/` and `/health/`. Every response has the header `Mock-Sts`.",
        "HelseID's are found in any letters (`/Connect/Token`), as ASP.NET finds them; ours as they are written.",
        "",
        "| path | method | who calls it | what it does |",
        "| --- | --- | --- | --- |",
    ]
    found, advertised = _routes()
    known = {**_ROUTES, **_operations()}
    fit("route", found, known)
    for name, (path, methods) in found.items():
        caller, words = known[name]
        lines.append(f"| `{path}` | {methods} | {caller} | {words} |")
    built = {path for path, _ in found.values()}
    missing = [f"`{endpoint}`" for endpoint in Endpoint if endpoint not in built and endpoint in advertised]
    if missing:
        lines += [
            "",
            "The discovery document is a recording of HelseID's. It names these too, which are not built yet:",
        ]
        lines += [f"{', '.join(missing)}."]
    return "\n".join(lines) + "\n"


def _operations() -> dict[str, tuple[str, str]]:
    """The operations of the control API, which say of themselves what they do."""
    from mock_sts.web.mock.api.install import described  # noqa: PLC0415  only this page needs them

    return {
        f"control.{operation.name}": (operation.caller, f"{operation.summary[0].lower()}{operation.summary[1:]}")
        for resource in described()
        for operation in resource.operations
    }


def _routes() -> tuple[dict[str, tuple[str, str]], set[str]]:
    """Each route's name to its path and the methods that it serves; and the paths that discovery advertises."""
    from mock_sts.app import create_app  # noqa: PLC0415  only this page needs an application
    from mock_sts.setup import prepare_store  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        settings = from_environ({}, {"database_url": f"sqlite:///{Path(folder) / 'documentation.sqlite'}"})
        prepare_store(settings)
        app = create_app(settings)
        try:
            rules = {rule.endpoint: (str(rule.rule), _served(rule.methods or ())) for rule in app.url_map.iter_rules()}
            document = app.test_client().get(Endpoint.DISCOVERY).get_json()
        finally:
            app.extensions["mock_sts"].close()
    return rules, {value.removeprefix(document["issuer"]) for value in document.values() if isinstance(value, str)}


def _served(methods: Iterable[str]) -> str:
    # A route that takes TRACE takes all methods, in order to answer the wrong ones in HelseID's way.
    return "POST" if "TRACE" in methods else ", ".join(sorted({"GET", "POST", "PUT", "PATCH", "DELETE"} & set(methods)))
