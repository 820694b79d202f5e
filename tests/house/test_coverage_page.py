"""Every row of what HelseID does is shown by a test, or says why not."""

from tests.coverage.page import PAGE, page
from tests.coverage.rows import covering_tests, read_rows

TOPICS_AND_EVIDENCE = {"documented", "seen", "inferred", "choice"}


def test_every_row_has_a_test_or_a_reason() -> None:
    tests = covering_tests()
    bare = [row.id for row in read_rows() if row.id not in tests and not row.reason]
    assert bare == []


def test_no_row_has_both_a_test_and_a_reason_for_having_none() -> None:
    tests = covering_tests()
    assert [row.id for row in read_rows() if row.id in tests and row.reason] == []


def test_markers_name_rows_that_exist() -> None:
    known = {row.id for row in read_rows()}
    assert {row_id: tests for row_id, tests in covering_tests().items() if row_id not in known} == {}


def test_rows_are_well_formed() -> None:
    rows = read_rows()
    assert len({row.id for row in rows}) == len(rows)
    for row in rows:
        assert row.evidence and set(row.evidence) <= TOPICS_AND_EVIDENCE, row.id
        assert row.says.endswith((".", '."')), row.id


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run make docs"
