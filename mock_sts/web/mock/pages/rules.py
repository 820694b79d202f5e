"""The rule book, a page a rule: what it asks, who refuses a breach, and the remedy."""

from flask import Blueprint, Response
from werkzeug.exceptions import NotFound

from mock_sts.helseid.profile import BOOK, find
from mock_sts.helseid.requirement import Enforcement, consequence
from mock_sts.protocol.near_names import did_you_mean
from mock_sts.web import browser
from mock_sts.web.reading import current
from mock_sts.web.texts import Words

ROUTES = Blueprint("rules", __name__)

WORDS: Words = {
    "rules_lead": (
        "Hver regel som serveren dømmer etter. Logg, journal og feilsider nevner dem ved id.",
        "Every rule that the server judges by. Log, journal and error pages name them by id.",
    ),
    "consequences": ("Hva som skjer når den brytes", "What a breach leads to"),
    "refused": ("avvises", "refused"),
    "challenged": ("utfordres", "challenged"),
    "recorded": ("noteres", "recorded"),
    "in_force": ("gjelder her", "in force here"),
    "answer": ("Svaret", "The answer"),
    "level_of_rule": ("Krav", "Requirement"),
    "broken_requests": ("Forespørsler som ble avvist etter den", "Requests that were refused by it"),
    "all_rules": ("Alle regler", "All rules"),
}


@ROUTES.get("/mock/rules")
def rules() -> Response:
    """All of them, by chapter."""
    return browser.page("rules.html", section="rules", words=WORDS, chapters=BOOK)


@ROUTES.get("/mock/rules/<rule>")
def rule(rule: str) -> Response:
    """One of them."""
    found = find(rule)
    if found is None:
        known = [one.id for chapter in BOOK for one in chapter.requirements]
        raise NotFound(f"no rule has this id; {did_you_mean(rule, known) or '/mock/rules lists all'}")
    outcomes = [(one.word, consequence(found, one)) for one in Enforcement]
    here = current().environment.policy.enforcement.word
    return browser.page("rule.html", section="rules", words=WORDS, rule=found, outcomes=outcomes, here=here)
