"""The table of checks is whole: every number of NHN's lists, every requirement of the book."""

import re
from pathlib import Path

import pytest

from mock_sts.helseid.conformance import CHECKS, OTHER, checks_of, find_check
from mock_sts.helseid.profile import BOOK, find
from mock_sts.helseid.requirement import FAPI2_ONLY
from mock_sts.services.conformance.document import document_of
from mock_sts.services.conformance.report import Status, report_on
from tests.support.emulator import Emulator

T, SP = [f"T{number}" for number in range(1, 26)], [f"SP-{number:02}" for number in range(1, 39)]

#: What no server can see, each by name. A check that becomes visible leaves this list.
INVISIBLE = ["T1", "T14", "T22", "T25"], ["SP-01", "SP-17", "SP-27", "SP-29", "SP-34", "SP-35", "SP-36", "SP-38"]


@pytest.mark.covers("conformance.table")
def test_every_number_of_the_two_lists_is_there_once_and_in_order() -> None:
    ids = [check.id for check in CHECKS]
    assert [one for one in ids if re.fullmatch(r"T\d+", one)] == T
    assert [one for one in ids if one.startswith("SP-")] == SP
    assert len(set(ids)) == len(ids)


@pytest.mark.covers("conformance.table")
def test_the_invisible_ones_are_these_and_say_how_to_show_them() -> None:
    invisible = [check for check in CHECKS if not check.visible]
    assert [check.id for check in invisible] == [*INVISIBLE[0], *INVISIBLE[1]]
    assert (len(T) - len(INVISIBLE[0]), len(SP) - len(INVISIBLE[1])) == (21, 30)
    assert all(all(check.advice) for check in CHECKS)


@pytest.mark.covers("conformance.table")
def test_the_documentation_has_the_same_numbers_and_names() -> None:
    page = (Path(__file__).parents[2] / "docs" / "conformance.md").read_text(encoding="utf-8")
    text = " ".join(page.split())
    assert "Of T1\u2013T25 a server can see 21, of SP-01\u2013SP-38 it can see 30." in text
    *names, last = (*INVISIBLE[0], *INVISIBLE[1])
    assert f"The rest is listed with advice: {', '.join(names)} and {last}." in text


@pytest.mark.covers("conformance.table")
def test_every_check_names_requirements_that_there_are() -> None:
    for check in CHECKS:
        assert len(set(check.linked)) == len(check.linked), check.id
        for rule in check.linked:
            assert find(rule) is not None, f"{check.id} names {rule}"
        for rule in check.rules:
            requirement = find(rule)
            assert requirement is not None
            assert requirement.refused_in != FAPI2_ONLY, f"{check.id}: {rule} is never judged in other modes"


@pytest.mark.covers("conformance.table")
def test_no_requirement_is_left_out_of_a_report() -> None:
    for chapter in BOOK:
        for requirement in chapter.requirements:
            assert bool(checks_of(requirement.id)) is not (requirement.id in OTHER.also), requirement.id


def test_all_texts_are_there_in_both_languages() -> None:
    for check in CHECKS:
        assert all(check.title), check.id
        assert check.title[0] == check.title[1] or check.title[0] not in ("", check.title[1])
        assert check.source


def test_a_check_is_found_in_any_letters() -> None:
    assert find_check("t5") is find_check("T5") is not None
    assert find_check("T99") is None


def test_a_report_has_a_result_for_each_check(sts: Emulator) -> None:
    sts.client()
    report = report_on(sts.sts, sts.sts.catalog.current(), "machine")
    assert [one.check.id for one in report.checks] == [check.id for check in CHECKS]
    assert all(one.status in Status for one in report.checks)
    assert document_of(report, "")["summary"]["not_visible"] == 8  # the rest of the invisible is about logins
