"""The report of a trial of an API, in the forms that people, pipelines and forges read."""

import json
import xml.etree.ElementTree as ET
from collections.abc import Sequence

from mock_sts import __version__
from mock_sts.client.api_trial import FAULTS, Tried, Verdict

_SARIF = "https://json.schemastore.org/sarif-2.1.0.json"


def faults(tried: Sequence[Tried]) -> list[Tried]:
    """The rows that make the trial fail."""
    return [one for one in tried if one.verdict in FAULTS]


def as_json(method: str, url: str, tried: Sequence[Tried]) -> str:
    """The report as JSON."""
    rows = [
        {
            "name": one.name,
            "says": one.says,
            "expected": one.expected,
            "status": one.status,
            "challenge": one.challenge,
            "verdict": one.verdict.value,
            "note": one.note,
            "passed": one.verdict not in FAULTS,
        }
        for one in tried
    ]
    return json.dumps({"method": method, "url": url, "passed": not faults(tried), "rows": rows}, indent=2)


def as_junit(method: str, url: str, tried: Sequence[Tried]) -> str:
    """The report as JUnit XML, a test case for each row."""
    suite = ET.Element(
        "testsuite",
        {
            "name": f"{method} {url}",
            "tests": str(len(tried)),
            "failures": str(len(faults(tried))),
            "errors": "0",
            "skipped": "0",
        },
    )
    for one in tried:
        case = ET.SubElement(suite, "testcase", {"classname": "mock-sts.test-api", "name": one.name, "time": "0"})
        if one.verdict in FAULTS:
            failure = ET.SubElement(case, "failure", {"message": sentence(one), "type": one.verdict.value})
            failure.text = one.challenge
        else:
            ET.SubElement(case, "system-out").text = sentence(one)
    suites = ET.Element("testsuites")
    suites.append(suite)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suites, encoding="unicode")


def as_sarif(method: str, url: str, tried: Sequence[Tried]) -> str:
    """The report as SARIF 2.1.0: a result for each row that failed, at the address of the API."""
    found = faults(tried)
    location = {"physicalLocation": {"artifactLocation": {"uri": url}, "region": {"startLine": 1}}}
    results = [
        {
            "ruleId": one.name,
            "level": "error",
            "message": {"text": f"{method} {url}: {sentence(one)}"},
            "locations": [location],
        }
        for one in found
    ]
    rules = [{"id": one.name, "shortDescription": {"text": one.says}} for one in found]
    driver = {"name": "mock-sts test-api", "version": __version__, "rules": rules}
    return json.dumps(
        {"$schema": _SARIF, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}
    )


def sentence(one: Tried) -> str:
    """What became of a row, in a sentence."""
    came = f"the API answered {one.status}"
    what = {
        Verdict.LET_IN: f"{one.says}, and {came}: it must refuse",
        Verdict.FAILED: f"{one.says}, and {came}: it must not fail",
        Verdict.WRONGLY_REFUSED: f"{one.says}, and {came}",
    }.get(one.verdict, f"{one.says}; {came}")
    return f"{what}{one.note and f' ({one.note})'}"
