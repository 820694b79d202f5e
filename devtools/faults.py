"""The page of faults: every effect that a rule can have, and what libraries were seen to do about them."""

import json
from pathlib import Path

from devtools.words import NOTE, DocumentationError
from mock_sts.helseid.faults import BESIDE, EFFECTS, EffectKind, Takes
from mock_sts.helseid.provocations import PROVOCATIONS, Correct, Provocation

#: What tests/interop/test_faults.py has seen.
_SEEN = Path(__file__).parents[1] / "tests" / "interop" / "faults.json"

#: The libraries, in the order of the table.
_LIBRARIES = ("openid-client", "oauth4webapi", "requests-oauth2client", "Authlib", "Nimbus", "Spring Security", "naive")

_GOES_ON, _NEVER_MET = "goes on", "never met"


def faults_page() -> str:
    """Every effect with its values, where it can happen, and when."""
    lines = [
        NOTE,
        "# Faults on order",
        "",
        "What a fault rule can have go wrong ([how rules are made](let-it-fail.md)). A rule has exactly one of these",
        'effects: `{"effect": {"id_token": "wrong_nonce"}}`.',
        "",
    ]
    for kind in EFFECTS.values():
        lines += _section(kind)
    lines += _table()
    return "\n".join(lines) + "\n"


def _section(kind: EffectKind) -> list[str]:
    where = ", ".join(f"`{word}`" for word in kind.endpoints) or "any endpoint"
    lines = [f"## `{kind.name}`", "", f"{kind.says}.", "", f"Happens at {where}, {kind.phase.value}.", ""]
    if kind.takes is Takes.NUMBER:
        lines += [f"Takes a whole number from {kind.low} to {kind.high}.", ""]
    if kind.values:
        lines += ["| value | what happens |", "| --- | --- |"]
        lines += [f"| `{value}` | {says} |" for value, says in kind.values.items()]
        lines.append("")
    if kind.beside:
        lines += ["Beside it may stand:", ""]
        lines += [f"- `{name}`, {BESIDE[name].takes.value}: {BESIDE[name].says}" for name in kind.beside]
        lines.append("")
    return lines


def _table() -> list[str]:
    """What a correct client does about each provocation, and what each library does."""
    seen = json.loads(_SEEN.read_text(encoding="utf-8"))
    if set(seen) != set(_LIBRARIES):
        raise DocumentationError(f"{_SEEN.name} has {', '.join(seen)}, and the page {', '.join(_LIBRARIES)}")
    heads = ["what goes wrong", "a correct client", *(library for library in _LIBRARIES)]
    return [
        "## What clients do about it",
        "",
        "A login from discovery to a refresh, with one thing that goes wrong, as tests have seen it: the step at",
        "which the login **ends**, or that it *goes on*. What a correct client would not do is marked ✗. The clients",
        "are set up as their documentation says, with signatures of ID tokens checked (openid-client and oauth4webapi",
        "do that on request), and with what their users have to compare by themselves (the `sub` of userinfo; `state`",
        "and `iss` in Nimbus). Authlib and Spring Security know no DPoP and ask with Bearer tokens. The naive client",
        "is one of ours: it takes what comes, and has the paths written down.",
        "",
        f"| {' | '.join(heads)} |",
        f"|{' --- |' * len(heads)}",
        *(f"| {' | '.join(_row(one, seen))} |" for one in PROVOCATIONS),
        "",
        "What a client cannot see its API does: an access token with a defect is refused at userinfo, which is an",
        "API of the server; for your own see [protect-an-api.md](protect-an-api.md). A `lower_level` and an",
        "`other_person` are for the application to notice: no library knows which level it asked for, or who has",
        "logged in before.",
    ]


def _row(one: Provocation, seen: dict[str, dict[str, str]]) -> list[str]:
    rule = f"`{one.effect.text}`"
    if "claim" in one.effect.beside or "member" in one.effect.beside:
        rule = f"`{one.effect.text}` (`{next(iter(one.effect.beside.values()))}`)"
    endpoint = one.rule.get("match", {}).get("endpoint")
    where = f" at `{endpoint}`" if endpoint else ""
    times = " twice" if one.rule.get("times") == 2 else ""
    correct = f"{one.correct.value}: {one.does}{one.sees and f' (seen by {one.sees})'}"
    return [f"{rule}{where}{times}", correct, *(_cell(one, seen[library].get(one.name)) for library in _LIBRARIES)]


def _cell(one: Provocation, found: str | None) -> str:
    if found is None:
        return "-"
    if found == _NEVER_MET:
        return "does not ask"
    ends = found != _GOES_ON
    wrong = (one.correct is Correct.STOPS and not ends) or (one.correct is Correct.COPES and ends)
    said = f"**{found}**" if ends else "*goes on*"
    return f"{said} ✗" if wrong else said
