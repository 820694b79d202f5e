"""How tests read a report."""

from typing import Any


def check(document: dict[str, Any], check_id: str) -> dict[str, Any]:
    """The check with this id."""
    found: dict[str, Any] = next(one for one in document["checks"] if one["id"] == check_id)
    return found


def statuses(document: dict[str, Any], *wanted: str) -> set[str]:
    """The ids of the checks with one of these statuses."""
    return {one["id"] for one in document["checks"] if one["status"] in wanted}


def rule(document: dict[str, Any], check_id: str, rule_id: str) -> dict[str, Any]:
    """A rule under a check."""
    found: dict[str, Any] = next(one for one in check(document, check_id)["rules"] if one["id"] == rule_id)
    return found


def broken_rules(document: dict[str, Any]) -> set[str]:
    """The ids of all rules that were broken."""
    return {one["id"] for checked in document["checks"] for one in checked["rules"] if one["broken"]}
