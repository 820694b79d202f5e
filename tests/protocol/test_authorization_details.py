"""Reading authorization details: what is read, what is not, and that nothing else ever happens."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_sts.protocol.authorization_details import MAX_ELEMENTS, DetailsError, read_authorization_details

ONE = {"type": "a", "more": [1, {"x": None}]}
TWO = {"type": "b"}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.just("type"), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (ONE, (ONE,)),
        ([ONE], (ONE,)),
        ([ONE, TWO], (ONE, TWO)),
        (json.dumps(ONE), (ONE,)),
        (json.dumps([ONE, TWO]), (ONE, TWO)),
        (f"\n {json.dumps([ONE])} ", (ONE,)),
        ([], ()),
        ("[]", ()),
        ([{"type": ""}], ({"type": ""},)),
    ],
    ids=["object", "array", "array of two", "text object", "text array", "blanks", "empty", "empty text", "empty type"],
)
def test_objects_arrays_and_texts_of_either_are_read_in_order(value: object, expected: object) -> None:
    assert read_authorization_details(value) == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "it is neither an object nor an array of objects"),
        (True, "it is neither an object nor an array of objects"),
        (17, "it is neither an object nor an array of objects"),
        ("17", "it is neither an object nor an array of objects"),
        ('"text"', "it is neither an object nor an array of objects"),
        ("null", "it is neither an object nor an array of objects"),
        ("", "it is a text, but not JSON: it is not JSON"),
        ('[{"type":"a"}', "it is a text, but not JSON: it is not JSON"),
        ("helseid_authorization", "it is a text, but not JSON: it is not JSON"),
        ('{"type":"a","type":"b"}', "it is a text, but not JSON: it has the same member twice"),
        ('{"type":"a","n":NaN}', "it is a text, but not JSON: it holds NaN, which JSON does not have"),
        ("[" * 40 + "]" * 40, "it is a text, but not JSON: it is nested deeper than 32 levels"),
        ("[" * 100_000, "it is a text, but not JSON: it is nested deeper than 32 levels"),
        ('{"type":"\ud800"}', "it is a text, but not JSON: it is not UTF-8"),
        ('{"type":"\\u0000"}', "it is a text, but not JSON: it holds a NUL character or half of a surrogate pair"),
        ([ONE, "b"], "an element is not an object"),
        ([[ONE]], "an element is not an object"),
        ([json.dumps(ONE)], "an element is not an object"),
        (json.dumps(json.dumps(ONE)), "it is neither an object nor an array of objects"),
        ({}, "an element has no type, or one that is not a text"),
        ([ONE, {"more": 1}], "an element has no type, or one that is not a text"),
        ({"type": None}, "an element has no type, or one that is not a text"),
        ({"type": ["a"]}, "an element has no type, or one that is not a text"),
        ({"Type": "a"}, "an element has no type, or one that is not a text"),
        ([TWO] * 21, "it has 21 elements; at most 20 are read"),
        (json.dumps([TWO] * 30), "it has 30 elements; at most 20 are read"),
    ],
)
def test_anything_else_is_no_details_and_the_message_says_why(value: object, message: str) -> None:
    with pytest.raises(DetailsError) as caught:
        read_authorization_details(value)
    assert str(caught.value) == message


def test_as_many_elements_as_are_read_at_most_are_read() -> None:
    assert len(read_authorization_details([TWO] * MAX_ELEMENTS)) == MAX_ELEMENTS


@given(JSON)
def test_any_json_value_is_read_or_refused_and_nothing_else(value: Any) -> None:
    try:
        elements = read_authorization_details(value)
    except DetailsError as error:
        assert str(error)
    else:
        assert len(elements) <= MAX_ELEMENTS
        assert all(isinstance(element["type"], str) for element in elements)


@given(st.text() | JSON.map(json.dumps))
def test_any_text_is_read_or_refused_and_nothing_else(text: str) -> None:
    try:
        elements = read_authorization_details(text)
    except DetailsError as error:
        assert str(error)
    else:
        assert all(isinstance(element["type"], str) for element in elements)
