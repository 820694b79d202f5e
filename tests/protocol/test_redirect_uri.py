"""Which registered addresses can be returned to."""

import pytest

from mock_sts.protocol.redirect_uri import is_web_address, why_unreachable
from tests.support.addresses import KINDS, UNREACHABLE


@pytest.mark.parametrize("uri", KINDS.values(), ids=KINDS)
def test_every_kind_of_address_can_be_returned_to(uri: str) -> None:
    assert why_unreachable(uri) == ""
    assert is_web_address(uri) is uri.lower().startswith("http")


@pytest.mark.parametrize("uri", UNREACHABLE)
def test_what_no_request_can_match_is_told_with_a_remedy(uri: str) -> None:
    assert UNREACHABLE[uri] in why_unreachable(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "myapp://out",
        "https:///out",
        "http://localhost:*/out",
        "http://localhost:0/out",
        "http://localhost/o\nut",
        "http://localhost/o ut",
        "http://[::1/out",
        "",
    ],
)
def test_what_is_no_web_address_is_not_called(uri: str) -> None:
    assert not is_web_address(uri)


def test_a_fragment_is_no_fault_by_itself_for_logouts_may_return_to_one() -> None:
    assert why_unreachable("https://app.example/#/out") == ""
