"""The page of faults: every effect that a rule can have."""

from devtools.words import NOTE
from mock_sts.helseid.faults import BESIDE, EFFECTS, EffectKind, Takes


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
