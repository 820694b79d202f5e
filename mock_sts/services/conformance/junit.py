"""A report as JUnit XML, as Azure DevOps, GitHub's actions, GitLab and Jenkins read it: a test case for each check."""

from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape, quoteattr

#: What no XML may hold, by its code: control characters but for tab and line breaks.
_FORBIDDEN = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF, *range(0xD800, 0xE000)], "?")


def junit_of(document: Mapping[str, Any], fail_on: str = "must") -> str:
    """The report ``document`` as JUnit XML. A check that is not met and on which the run does not fail, by ``fail_on``,
    is skipped, with the reason.
    """
    cases = [_case(document, check, fail_on) for check in document["checks"]]
    failed, skipped = (sum(f"<{word} " in case for case in cases) for word in ("failure", "skipped"))
    properties = {
        "client_id": document["client_id"],
        "profile": f"{document['profile']['text']}, {document['profile']['date']}",
        "conclusion": document["conclusion"],
        "disclaimer": document["disclaimer"],
    }
    counts = f'tests="{len(cases)}" failures="{failed}" errors="0" skipped="{skipped}" time="0"'
    name = _attribute(f"HelseID conformance of {document['client_id']}")
    # The schemas have no time zone here.
    timestamp = _attribute(document["judged_at"].removesuffix("Z"))
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f"<testsuites name={name} {counts}>",
        f'  <testsuite id="0" package="mock-sts" name={name} timestamp={timestamp} hostname="localhost" {counts}>',
        "    <properties>",
        *(f"      <property name={_attribute(key)} value={_attribute(value)}/>" for key, value in properties.items()),
        "    </properties>",
        *cases,
        "    <system-out/>",
        "    <system-err/>",
        "  </testsuite>",
        "</testsuites>",
    ]
    return "\n".join(lines) + "\n"


def _case(document: Mapping[str, Any], check: Mapping[str, Any], fail_on: str) -> str:
    named = f"classname={_attribute('mock-sts.' + document['client_id'])}"
    start = f'    <testcase name={_attribute(check["id"] + " " + check["title"])} {named} time="0"'
    status, level = check["status"], check["level"]
    if status == "met":
        return f"{start}/>"
    if status == "broken" and (level == "must" or fail_on != "must"):
        return f"{start}>{_failure(f'broken ({level})', _text(check))}</testcase>"
    if status in ("never-exercised", "cannot-tell") and fail_on == "never-exercised":
        return f"{start}>{_failure(status, check['why'])}</testcase>"
    why = {"broken": "broken, a recommendation", "accepted": f"accepted: {check['reason']}"}.get(
        status, f"{status}: {check['why']}"
    )
    return f"{start}><skipped message={_attribute(why)}/></testcase>"


def _failure(message: str, text: str) -> str:
    return f'<failure message={_attribute(message)} type="conformance">{escape(_printable(text))}</failure>'


def _text(check: Mapping[str, Any]) -> str:
    lines = []
    for rule in check["rules"]:
        if rule["broken"]:
            lines.append(f"{rule['id']} ({rule['level']}), broken {rule['broken']} times, met {rule['met']} times")
            lines += [f"  {name}: {rule[name]}" for name in ("expected", "observed", "remedy", "source") if rule[name]]
            if rule["url"]:
                lines.append(f"  last seen: {rule['url']}")
    return "\n".join(lines)


def _attribute(text: str) -> str:
    return quoteattr(_printable(text))


def _printable(text: str) -> str:
    return text.translate(_FORBIDDEN)
