"""A page to order a token on; then the token decoded, and the call to copy."""

import json
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, request

from mock_sts.helseid.ready import READY_CLIENT
from mock_sts.protocol.defects import DEFECTS
from mock_sts.services.control.ordered_tokens import Carried, Order, OrderFaultError, ProofOrder, carry_out_order
from mock_sts.services.request_context import RequestContext
from mock_sts.web import admission, browser
from mock_sts.web.mock.pages.call_snippets import snippets
from mock_sts.web.reading import current
from mock_sts.web.texts import Words

PATH = "/mock/test-token"

#: Where the same is ordered by a program.
_ORDERS = "/mock/api/v1/test-tokens"

ROUTES = Blueprint("ordered_token", __name__)
admission.guard(ROUTES)

#: The fields of the form, in the order of the page.
FIELDS = ("audience", "client_id", "persona", "scope", "organization", "child", "defect", "method", "url")

#: Longest text of a field, in characters, and people who are named to choose from.
_LONGEST, _MOST_PEOPLE = 2_000, 200

WORDS: Words = {
    "test_token": ("Testtoken", "Test token"),
    "test_token_lead": (
        "Lag et token til test av et API: riktig, eller feil på en valgt måte. Nøkkelen til denne STS-en signerer det.",
        "Make a token to test an API with: correct, or broken in a chosen way. The key of this STS signs it.",
    ),
    "read_one": ("Les et token", "Read a token"),
    "audience_field": ("API (audience)", "API (audience)"),
    "client_field": ("Klient", "Client"),
    "person_field": ("Person, tomt for en maskin", "Person, empty for a machine"),
    "scope_field": ("Scope, tomt for API-ets", "Scopes, empty for those of the API"),
    "organization_field": ("Organisasjon", "Organization"),
    "child_field": ("Underenhet", "Unit of it"),
    "defect_field": ("Hva som er feil", "What is wrong"),
    "no_defect": ("Ingenting", "Nothing"),
    "method_field": ("DPoP: metode", "DPoP: method"),
    "url_field": ("DPoP: adressen som kalles", "DPoP: the address that is called"),
    "make_it": ("Lag token", "Make the token"),
    "access_token_word": ("Token", "Token"),
    "proof_word": ("DPoP-bevis", "DPoP proof"),
    "header_word": ("Hode", "Header"),
    "claims_word": ("Claims", "Claims"),
    "must_refuse_it": ("Et API må avvise det med", "An API must refuse it with"),
    "may_accept_it": ("Et API kan godta det", "An API may accept it"),
    "same_call": ("Samme kall i kode", "The same call in code"),
    "more_defects": (
        "Matrisen gir alle feil på én gang, og mock-sts test-api prøver dem mot ditt API.",
        "The matrix gives all defects at once, and mock-sts test-api tries them on your API.",
    ),
}


@ROUTES.get(PATH)
def page() -> Response:
    """The form, and the token that it orders where it is filled in."""
    wanted = {name: request.args.get(name, "").strip()[:_LONGEST] for name in FIELDS}
    carried, fault = None, ""
    if wanted["audience"]:
        try:
            carried = carry_out_order(RequestContext(current(), PATH), _order(wanted))
        except OrderFaultError as error:
            fault = str(error)
    catalog = current().catalog
    return browser.page(
        "ordered_token.html",
        section="test_token",
        words=WORDS,
        carried=FIELDS,
        copies=True,
        wanted={**wanted, "client_id": wanted["client_id"] or READY_CLIENT},
        apis=[api.audience for api in catalog.apis()],
        clients=[client.client_id for client in catalog.clients()],
        people=current().environment.people.names()[:_MOST_PEOPLE],
        defects=DEFECTS,
        fault=fault,
        made=None if carried is None else _shown(carried),
        code=snippets(f"{current().urls.back_channel.base}{_ORDERS}", _body(wanted)) if carried is not None else (),
    )


@ROUTES.get("/ttt")
def of_the_portal() -> Response:
    """NHN's portal has its page of the test-token service there."""
    return browser.redirect(PATH, 302)


def _order(wanted: Mapping[str, str]) -> Order:
    proof = ProofOrder(wanted["method"] or "GET", wanted["url"]) if wanted["url"] else None
    return Order(
        audience=wanted["audience"],
        client_id=wanted["client_id"] or READY_CLIENT,
        persona=wanted["persona"] or None,
        scope=tuple(wanted["scope"].split()),
        organization=wanted["organization"] or None,
        child=wanted["child"] or None,
        defects=(wanted["defect"],) if wanted["defect"] else (),
        proof=proof,
    )


def _body(wanted: Mapping[str, str]) -> dict[str, Any]:
    """The same order for the control API."""
    plain = ("audience", "client_id", "persona", "organization", "child")
    body: dict[str, Any] = {name: wanted[name] for name in plain if wanted[name]}
    if wanted["scope"]:
        body["scope"] = wanted["scope"].split()
    if wanted["defect"]:
        body["defects"] = [wanted["defect"]]
    if wanted["url"]:
        body["proof"] = {"method": wanted["method"] or "GET", "url": wanted["url"]}
    return body


def _shown(carried: Carried) -> dict[str, Any]:
    made, parts = carried.made, carried.made.proof_parts
    return {
        "token": made.access_token,
        "header": _pretty(made.token.header),
        "claims": _pretty(made.token.claims),
        "proof": made.proof,
        "proof_header": None if parts is None else _pretty(parts.header),
        "proof_claims": None if parts is None else _pretty(parts.claims),
        "defects": carried.defects,
    }


def _pretty(value: Mapping[str, Any]) -> str:
    return json.dumps(dict(value), indent=2, ensure_ascii=False)
