"""National identifiers, from public synthetic numbers and from arithmetic done by hand."""

from datetime import date

import pytest

from mock_sts.helseid import identifiers


@pytest.mark.parametrize(
    ("pid", "synthetic", "digits_ok", "born"),
    [
        ("06828399789", True, True, date(1983, 2, 6)),
        ("15849197352", True, True, date(1991, 4, 15)),
        ("05898597468", True, True, date(1985, 9, 5)),
        ("06828399788", True, False, date(1983, 2, 6)),
        ("46828399789", True, False, date(1983, 2, 6)),  # the same day as a D-number
        ("06428399789", True, False, date(1983, 2, 6)),  # month +40
        ("06678399789", True, False, date(1983, 2, 6)),  # month +65
        ("06028399789", False, False, date(1983, 2, 6)),
        ("31828399789", False, False, None),  # 31 February
        ("0682839978", False, None, None),
        ("0682839978a", False, None, None),
    ],
)
def test_pids(pid: str, synthetic: bool, digits_ok: bool | None, born: date | None) -> None:
    assert identifiers.is_synthetic_pid(pid) is synthetic
    if digits_ok is not None:
        assert identifiers.pid_check_digits_ok(pid) is digits_ok
        assert identifiers.birth_date(pid) == born


@pytest.mark.parametrize(
    ("individual", "year", "century"),
    [
        ("000", "50", 1900),
        ("499", "00", 1900),
        ("500", "54", 1800),
        ("749", "99", 1800),
        ("500", "39", 2000),
        ("999", "00", 2000),
        ("900", "40", 1900),
        ("999", "99", 1900),
        ("800", "60", None),
    ],
)
def test_centuries(individual: str, year: str, century: int | None) -> None:
    born = identifiers.birth_date(f"0182{year}{individual}00")
    assert (born.year // 100 * 100 if born else None) == century


@pytest.mark.parametrize(
    ("number", "ok"),
    [("999977774", True), ("313745392", True), ("999977775", False), ("999977776", False), ("213000012", True)],
)
def test_organization_check_digits(number: str, ok: bool) -> None:
    assert identifiers.organization_check_digit_ok(number) is ok


def test_forms() -> None:
    assert identifiers.is_d_number("46828399789") and not identifiers.is_d_number("06828399789")
    assert identifiers.is_organization_number("213000012") and not identifiers.is_organization_number("21300001x")
    assert identifiers.is_synthetic_organization_number("313745392")
    assert not identifiers.is_synthetic_organization_number("999977774")
    assert identifiers.is_hpr_number("565505933") and identifiers.is_hpr_number("9144900")
    assert not identifiers.is_hpr_number("012345678") and not identifiers.is_hpr_number("123456")
