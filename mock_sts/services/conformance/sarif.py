"""A report as SARIF 2.1.0, for forges that show findings beside the code: a result for each rule that is broken.

Forges refuse a result without a place in a file, and a report knows none: all results stand in one file of the
repository, at its first line, and name the client and the entry of the journal as their logical place.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from mock_sts import __version__

#: The file that results stand in unless another one is named.
LOCATION = "README.md"

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {"must": "error", "should": "warning"}


def sarif_of(document: Mapping[str, Any], location: str = LOCATION) -> dict[str, Any]:
    """The report ``document`` as SARIF; results stand in ``location``, a path in the repository."""
    broken = {rule["id"]: (check, rule) for check, rule in _broken(document)}
    ids = list(broken)
    profile = document["profile"]
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "mock-sts",
                        "semanticVersion": __version__,
                        "shortDescription": {"text": document["disclaimer"]},
                        "rules": [_rule(rule) for _, rule in broken.values()],
                    }
                },
                "automationDetails": {"id": f"mock-sts/{document['client_id']}/"},
                "columnKind": "utf16CodeUnits",
                "results": [
                    _result(document, check, rule, ids.index(rule["id"]), location) for check, rule in broken.values()
                ],
                "properties": {
                    "client_id": document["client_id"],
                    "profile": f"{profile['text']}, {profile['date']}",
                    "conclusion": document["conclusion"],
                },
            }
        ],
    }


def _broken(document: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Each broken rule under each check that has it. The last counts: the first check, and one that accepts nothing."""
    plain = []
    for check in reversed(document["checks"]):
        for rule in check["rules"]:
            if rule["broken"]:
                if check["status"] == "accepted" or rule["status"] == "accepted":
                    yield check, rule
                else:
                    plain.append((check, rule))
    yield from plain


def _rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": rule["id"],
        "name": "".join(part.capitalize() for part in rule["id"].replace(".", "-").split("-")),
        "shortDescription": {"text": rule["title"]},
        "fullDescription": {"text": f"{rule['title']}. Source: {rule['source']}"},
        "help": {"text": f"{rule['remedy']}. Source: {rule['source']}"},
        "defaultConfiguration": {"level": _LEVELS[rule["level"]]},
        "properties": {"tags": ["HelseID", "conformance"]},
    }


def _result(
    document: Mapping[str, Any], check: Mapping[str, Any], rule: Mapping[str, Any], index: int, location: str
) -> dict[str, Any]:
    parts = [f"{rule['title']} ({document['client_id']}, {rule['broken']} times)"]
    parts += [f"{name.capitalize()}: {rule[name]}" for name in ("expected", "observed", "remedy") if rule[name]]
    named = f"{document['client_id']}/{rule['id']}"
    result: dict[str, Any] = {
        "ruleId": rule["id"],
        "ruleIndex": index,
        "kind": "fail",
        "level": _LEVELS[rule["level"]],
        "message": {"text": ". ".join(part.rstrip(".") for part in parts) + "."},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": location}, "region": {"startLine": 1}},
                "logicalLocations": [{"name": document["client_id"], "fullyQualifiedName": named, "kind": "resource"}],
            }
        ],
        "partialFingerprints": {"mockStsRule/v1": hashlib.sha256(named.encode()).hexdigest()},
        "properties": {"check": check["id"], "broken": rule["broken"], "met": rule["met"]},
    }
    if rule["url"]:
        result["properties"]["journal"] = rule["url"]
    reason = rule["reason"] or (check["reason"] if check["status"] == "accepted" else "")
    if reason:
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": reason}]
    return result
