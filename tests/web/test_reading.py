"""What came with a request can be looked at as often as a view, its guards and its error page need it."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import request

from mock_sts.web import reading
from mock_sts.web.mock.api.serving import read_body
from tests.support.emulator import Emulator

FORM, JSON = "application/x-www-form-urlencoded", "application/json"

#: What is read, how it comes, and what it is.
READERS: dict[str, tuple[Callable[[], Any], dict[str, Any], Any]] = {
    "form": (lambda: dict(reading.form()._values), {"data": b"level=4", "content_type": FORM}, {"level": ["4"]}),
    "token in the form": (
        lambda: reading.asked().presented_token().token,
        {"data": b"access_token=abc", "content_type": FORM},
        "abc",
    ),
    "back channel": (
        lambda: reading.asked().back_channel_call().params.one("code"),
        {"data": b"code=x", "content_type": FORM},
        "x",
    ),
    "JSON": (lambda: read_body(reading.asked()), {"data": json.dumps({"a": 1}), "content_type": JSON}, {"a": 1}),
    "proofs": (lambda: reading.asked().proofs(), {"headers": {"DPoP": "abc"}}, ("abc",)),
}


@pytest.mark.parametrize("name", READERS)
def test_a_second_look_sees_what_the_first_one_saw(sts: Emulator, name: str) -> None:
    read, sent, expected = READERS[name]
    with sts.app.test_request_context("/", method="POST", **sent):
        assert [read(), read()] == [expected, expected]


def test_a_form_is_still_there_for_whatever_reads_the_body_after_it(sts: Emulator) -> None:
    with sts.app.test_request_context("/", method="POST", data=b"level=4", content_type=FORM):
        assert reading.form().one("level") == "4"
        assert request.get_data() == b"level=4"
        assert reading.form().one("level") == "4"
