"""Test control as a page: forms that ask the operations of the control API, which judge what the forms say."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response

from mock_sts.helseid.endpoints import SHORT_WORDS
from mock_sts.helseid.faults import BESIDE, EFFECTS, EffectKind, Takes
from mock_sts.protocol.params import Params
from mock_sts.services.control.clock import read_clock
from mock_sts.services.control.faults import list_faults
from mock_sts.services.control.next_login import waiting_orders
from mock_sts.services.environment import path_of_environment
from mock_sts.services.login.automation import Outcome
from mock_sts.web import admission, browser, reading
from mock_sts.web.mock.api import clock, faults, next_login, snapshots
from mock_sts.web.mock.api.operations import Call, Resource
from mock_sts.web.mock.api.problems import Problem
from mock_sts.web.mock.api.shapes import MisfitError
from mock_sts.web.mock.pages import control_words
from mock_sts.web.reading import asked, current, the_server

PATH = "/mock/control"

ROUTES = Blueprint("steering", __name__)
admission.guard(ROUTES)

#: Longest text of a field, in characters.
_LONGEST = 2_000

#: What parts a kind of effect from its word in the form.
_SIGN = "="


#: What the clock can do, each with the name of its words.
_MOVES = (
    ("advance", "control_advance"),
    ("set", "control_set"),
    ("offset", "control_offset"),
    ("freeze", "control_freeze"),
    ("go-on", "control_go_on"),
    ("reset", "control_reset"),
)


class _WrongFormError(ValueError):
    """A form that cannot be carried out; the message says why."""


@ROUTES.get(PATH)
def page() -> Response:
    """Clock, faults, scripted logins, reset and environments, as they are now."""
    return _page()


@ROUTES.post(PATH)
def act() -> Response:
    """Do what one of the forms says, and come back to the page."""
    form = reading.form()
    if browser.is_forged(form.one(browser.ANTIFORGERY_FIELD)):
        return _page(forged=True, status=403)
    try:
        _carry_out(form)
    except _WrongFormError as error:
        return _page(fault=str(error), status=400)
    return browser.redirect(browser.rooted(PATH))


def _carry_out(form: Params) -> None:
    """Raises _WrongFormError."""
    wanted = form.one("act") or ""
    if wanted == "clock":
        _ask(clock.RESOURCE, "POST", "/clock", _clock_move(form))
    elif wanted == "fault":
        _ask(faults.RESOURCE, "POST", "/faults", _fault(form))
    elif wanted == "end-faults":
        _ask(faults.RESOURCE, "DELETE", "/faults")
    elif wanted == "next-login":
        _ask(next_login.RESOURCE, "POST", "/next-login", _order(form))
    elif wanted == "forget-logins":
        _ask(next_login.RESOURCE, "DELETE", "/next-login")
    elif wanted == "reset":
        _ask(snapshots.RESOURCE, "POST", "/reset")
    elif wanted.startswith("end-fault "):
        _ask(faults.RESOURCE, "DELETE", "/faults/{id}", names={"id": wanted.removeprefix("end-fault ")[:_LONGEST]})
    else:
        raise _WrongFormError(f"act is {wanted[:60]!r}, which no form of this page says; open the page again")


def _ask(
    resource: Resource, method: str, path: str, body: object = None, names: Mapping[str, str] | None = None
) -> None:
    """Have the operation of the control API done that answers ``method`` at ``path``. Raises _WrongFormError."""
    operation = next(one for one in resource.operations if (one.method, one.path) == (method, path))
    refusals: tuple[type[Exception], ...] = (MisfitError, Problem, *operation.raises)
    try:
        read = None if operation.body is None else operation.body.read(body)
        query = operation.query.__shape__.read_texts({})
        operation.act(Call(asked(), current(), read, query, names or {}))
    except refusals as error:
        raise _WrongFormError(str(error)) from None


def _text(form: Params, name: str) -> str:
    return (form.one(name) or "").strip()[:_LONGEST]


def _clock_move(form: Params) -> dict[str, Any]:
    move = _text(form, "move")
    if move in ("freeze", "go-on"):
        return {"freeze": move == "freeze"}
    return {"reset": True} if move == "reset" else {move or "advance": _text(form, "time")}


def _order(form: Params) -> dict[str, Any]:
    order: dict[str, Any] = {"persona": _text(form, "persona") or None, "outcome": _text(form, "outcome")}
    if client_id := _text(form, "client_id"):
        order["match"] = {"client_id": client_id}
    return order | _times(form)


def _fault(form: Params) -> dict[str, Any]:
    kind, _, word = _text(form, "effect").partition(_SIGN)
    match = {name: text for name in ("endpoint", "client_id") if (text := _text(form, name))}
    return {"match": match, "effect": _effect(kind, word, _text(form, "value")), **_times(form)}


def _effect(kind: str, word: str, value: str) -> dict[str, Any]:
    """``value`` is what stands in the form's field beside the effect."""
    declared = EFFECTS.get(kind)
    if word and declared is not None:
        # What the effect wants beside its word: the name of what is missing.
        beside = {name: value for name in declared.beside if value and word == f"missing_{name}"}
        return {kind: word, **beside}
    return {kind: value if declared is None else _typed(declared.takes, value)}


def _typed(takes: Takes, value: str) -> Any:
    if takes is Takes.TRUTH:
        return True
    if takes is Takes.WORDS:
        return value.split()
    return _number(value) if takes is Takes.NUMBER else value


def _times(form: Params) -> dict[str, Any]:
    times = _text(form, "times")
    return {"times": _number(times)} if times else {}


def _number(text: str) -> int | str:
    """The number that ``text`` shows; the text, which the control API refuses, where it shows none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else text


def _choices() -> list[tuple[str, str]]:
    """The effects as the form offers them: its value, and what it means."""
    return [choice for kind in EFFECTS.values() for choice in _choices_of(kind)]


def _choices_of(kind: EffectKind) -> list[tuple[str, str]]:
    if not kind.values:
        return [(kind.name, f"{kind.name}: {kind.says}")]
    return [(f"{kind.name}{_SIGN}{word}", f"{kind.name} {word}: {says}") for word, says in kind.values.items()]


def _page(fault: str = "", status: int = 200, *, forged: bool = False) -> Response:
    reached, server = current(), the_server()
    environment = reached.environment
    field, cookie = browser.antiforgery_token()
    response = browser.page(
        "control.html",
        section="control",
        words=control_words.WORDS,
        status=status,
        fault=fault,
        forged=forged,
        clock=read_clock(server.store, server.clock, environment.name),
        moves=_MOVES,
        faults=[
            {"id": one.id, "match": dict(one.match), "effect": _said(one.effect), "left": one.remaining, "it": one}
            for one in list_faults(environment)
        ],
        effects=[(value, words.replace("`", "")) for value, words in _choices()],
        endpoints=list(SHORT_WORDS),
        orders=waiting_orders(environment),
        outcomes=[one.value for one in Outcome],
        clients=[client.client_id for client in reached.catalog.clients()],
        environments=[] if environment.below else _environments(),
        antiforgery=field,
    )
    browser.set_antiforgery_cookie(response, cookie)
    return response


def _said(effect: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name} {value}" if name in BESIDE or value is not True else name for name, value in effect.items()
    )


def _environments() -> list[tuple[str, str, str]]:
    """Name, issuer and path of each environment."""
    urls = current().urls
    return [
        (one.name, urls.below(path).issuer.base, path)
        for one in the_server().environments.list()
        if one.session is None
        for path in (path_of_environment(one.name) if one.name else "",)
    ]
