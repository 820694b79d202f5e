"""Reports in the formats of forges: JUnit as it is read everywhere, SARIF by its schema, Markdown without traps."""

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest

from mock_sts.services.conformance.junit import junit_of
from mock_sts.services.conformance.sarif import sarif_of
from tests.conformance.reading import broken_rules
from tests.support.control import PREFIX, Control
from tests.support.emulator import Emulator
from tests.support.machine import ABSENT

#: The schema of OASIS, which the test package of Microsoft's for SARIF holds.
SCHEMA = Path("tests/interop/node/node_modules/@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json")

#: What a client sends in the hope that a report carries it out.
TRAP = "<img src=x onerror=alert(1)>|`]]>&\"'\x0b@octocat"


@pytest.fixture
def document(sts: Emulator) -> dict[str, Any]:
    """A report with breaches of both levels, one of which is accepted, and a trap in what was observed."""
    machine = sts.client()
    machine.token(assertion={"lifetime": 90, "header": {"kid": ABSENT, "typ": TRAP}})
    departures = [{"of": "T5", "reason": "a reason | with `signs`"}, {"of": "SP-07", "reason": "the same"}]
    found: dict[str, Any] = Control(sts.transport).ask("POST", "/clients/machine/report", {"departures": departures})
    assert broken_rules(found) >= {"client-assertion.typ", "client-assertion.kid", "client-assertion.lifetime"}
    return found


def check_junit(text: str) -> ElementTree.Element:
    """The suite in ``text``, with all that the schemas of JUnit's readers ask of one.

    There is no one schema: these are the demands of the two that are in use (Jenkins' and that of Ant), which what
    Azure DevOps, GitLab and the reporters of GitHub read lies within.
    """
    root = ElementTree.fromstring(text.encode())
    assert root.tag == "testsuites"
    (suite,) = root
    assert suite.tag == "testsuite"
    assert set(suite.attrib) == {
        *("id", "package", "name", "timestamp", "hostname", "tests", "failures", "errors", "skipped", "time")
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.get("timestamp", ""))
    order = [child.tag for child in suite]
    assert order == ["properties", *["testcase"] * (len(order) - 3), "system-out", "system-err"]
    for one in suite.iter("property"):
        assert set(one.attrib) == {"name", "value"}
    cases = list(suite.iter("testcase"))
    for case in cases:
        assert set(case.attrib) == {"name", "classname", "time"}
        assert len(case) <= 1
        for child in case:
            assert child.tag in ("failure", "skipped")
            assert set(child.attrib) == ({"message", "type"} if child.tag == "failure" else {"message"})
    assert len({case.get("name") for case in cases}) == len(cases)
    for element in (root, suite):
        assert int(element.get("tests", "")) == len(cases)
        assert int(element.get("failures", "")) == len(list(suite.iter("failure")))
        assert int(element.get("skipped", "")) == len(list(suite.iter("skipped")))
    return suite


def failed(suite: ElementTree.Element) -> set[str]:
    return {case.get("name", "").split()[0] for case in suite.iter("testcase") if case.find("failure") is not None}


@pytest.mark.covers("conformance.formats")
def test_junit_is_what_its_readers_take(document: dict[str, Any]) -> None:
    suite = check_junit(junit_of(document))
    assert failed(suite) == {"SP-06", "T3"}
    failure = next(one for one in suite.iter("failure") if "client-assertion.typ" in (one.text or ""))
    # The trap is text, but for the control character that XML has no way to hold.
    assert TRAP.replace("\x0b", "\\x0b") in (failure.text or "") or "onerror=alert(1)" in (failure.text or "")


@pytest.mark.covers("conformance.formats")
def test_junit_fails_on_what_the_run_fails_on(document: dict[str, Any]) -> None:
    musts, shoulds = (failed(check_junit(junit_of(document, one))) for one in ("must", "should"))
    unseen = failed(check_junit(junit_of(document, "never-exercised")))
    assert musts <= shoulds < unseen
    assert "T20" in unseen - shoulds


@pytest.mark.covers("conformance.formats")
def test_sarif_has_a_place_an_id_and_a_reason_for_each_result(document: dict[str, Any]) -> None:
    (run,) = sarif_of(document, "src/app.py")["runs"]
    results = {one["ruleId"]: one for one in run["results"]}
    assert set(results) == broken_rules(document)
    rules = run["tool"]["driver"]["rules"]
    for one in results.values():
        assert rules[one["ruleIndex"]]["id"] == one["ruleId"]
        (location,) = one["locations"]
        assert location["physicalLocation"]["artifactLocation"]["uri"] == "src/app.py"
        assert location["physicalLocation"]["region"]["startLine"] == 1
        assert one["partialFingerprints"]
    assert results["client-assertion.typ"]["level"] == "error"
    assert results["client-assertion.kid"]["level"] == "warning"
    assert results["client-assertion.lifetime"]["suppressions"][0]["justification"] == "a reason | with `signs`"
    assert "suppressions" not in results["client-assertion.typ"]
    # The same breach has the same fingerprint in the next run, another client's another.
    (again,) = sarif_of({**document, "client_id": "other"}, "src/app.py")["runs"]
    assert all(one["partialFingerprints"] != results[one["ruleId"]]["partialFingerprints"] for one in again["results"])


@pytest.mark.node
@pytest.mark.covers("conformance.formats")
def test_sarif_keeps_its_schema(document: dict[str, Any]) -> None:
    schema = json.loads((Path(__file__).parents[2] / SCHEMA).read_text(encoding="utf-8"))
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema, format_checker=jsonschema.FormatChecker())
    assert [str(error) for error in validator.iter_errors(sarif_of(document))] == []
    # The schema is one that finds faults.
    wrong = sarif_of(document)
    wrong["runs"][0]["results"][0]["level"] = "must"
    assert list(validator.iter_errors(wrong))


@pytest.mark.covers("conformance.formats")
@pytest.mark.parametrize(
    ("path", "accept", "media_type", "begins"),
    [
        ("?format=junit", "", "application/xml", b"<?xml"),
        ("?format=sarif", "", "application/sarif+json", b"{"),
        ("?format=markdown", "", "text/markdown", b"## HelseID conformance of `machine`"),
        ("?format=json", "application/xml", "application/json", b"{"),
        ("", "application/xml", "application/xml", b"<?xml"),
        ("", "text/xml; q=1", "application/xml", b"<?xml"),
        ("", "application/sarif+json", "application/sarif+json", b"{"),
        ("", "text/markdown, */*", "text/markdown", b"##"),
        ("", "*/*", "application/json", b"{"),
    ],
)
def test_the_format_is_asked_for(sts: Emulator, path: str, accept: str, media_type: str, begins: bytes) -> None:
    machine = sts.client()
    assert machine.token().status == 200
    session = Control(sts.transport).ask("POST", "/conformance", {"client_id": "machine"})["id"]
    for where in ("/clients/machine/report", f"/conformance/{session}/result"):
        answer = sts.get(f"{PREFIX}{where}{path}", {"Accept": accept})
        assert answer.status == 200, answer.content
        assert answer.headers["content-type"].startswith(media_type)
        assert answer.content.startswith(begins)


@pytest.mark.covers("conformance.bad-input")
def test_an_unknown_format_is_refused(sts: Emulator) -> None:
    sts.client()
    status, sentence = Control(sts.transport).refused("GET", "/clients/machine/report?format=pdf")
    assert status == 400
    assert "junit" in sentence


@pytest.mark.covers("conformance.formats")
def test_markdown_carries_out_nothing(document: dict[str, Any], sts: Emulator) -> None:
    text = sts.get(f"{PREFIX}/clients/machine/report?format=markdown").content.decode()
    row = next(line for line in text.splitlines() if "client-assertion.typ" in line)
    # What the client sent stands in a code span, which no sign of it ends.
    assert len(re.findall(r"(?<!\\)\|", row)) == 7
    span = next(one for one in re.findall("`[^`]*`", row) if "onerror" in one)
    assert "octocat" in span
    assert "Samsvarstesting" in text
