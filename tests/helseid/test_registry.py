"""The types of the registry and the file formats that are derived from them."""

import dataclasses
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

import pytest

from mock_sts.helseid.registry.api import ApiResource
from mock_sts.helseid.registry.client import Client
from mock_sts.helseid.registry.documents import DocumentError, Kind, Member
from mock_sts.helseid.registry.formats import FORMATS
from mock_sts.helseid.registry.organization import Organization
from mock_sts.helseid.registry.persona import Authorization, Code, Persona
from mock_sts.helseid.registry.records import (
    Record,
    Scopes,
    Seconds,
    apart,
    format_of,
    key_of,
    member,
    members_of,
    record,
)
from mock_sts.helseid.requirement import Enforcement
from mock_sts.protocol.terms import GrantType

RECORDS: tuple[type[Record], ...] = (Client, ApiResource, Organization, Persona, Authorization, Code)
LEAST: Mapping[type[Record], dict[str, Any]] = {
    Client: {"client_id": "c"},
    ApiResource: {"audience": "a"},
    Organization: {"number": "315000106"},
    Persona: {"pid": "06828399789", "given_name": "A", "family_name": "B"},
    Authorization: {},
    Code: {"value": "1"},
}

#: For each kind, values that a file may hold and values that it may not, where the member has no choices.
TAKEN: Mapping[Kind, list[Any]] = {
    Kind.TEXT: ["x"],
    Kind.FLAG: [True, False],
    Kind.SECONDS: [1, 60],
    Kind.TEXTS: [[], ["x", "y"]],
    Kind.SCOPE: ["a b", ["a", "b"]],
    Kind.MAPPING: [{}, {"a": "b"}],
    Kind.LISTS: [{}, {"a": ["b"]}],
    Kind.OBJECT: [{}],
    Kind.OBJECTS: [[]],
}
REFUSED: Mapping[Kind, list[Any]] = {
    Kind.TEXT: [1, ["x"], True],
    Kind.WORD: ["no such word", 1],
    Kind.FLAG: ["true", 1],
    Kind.SECONDS: [0, -1, "60", True, 1.5],
    Kind.TEXTS: ["x", [1]],
    Kind.WORDS: ["x", ["no such word"]],
    Kind.SCOPE: [1, [1]],
    Kind.MAPPING: [[], {"a": 1}],
    Kind.LISTS: [[], {"a": "b"}],
    Kind.OBJECT: [[], "x"],
    Kind.OBJECTS: [{}, ["x"]],
}


def every_member() -> Iterator[tuple[type[Record], Member]]:
    for kind in RECORDS:
        for one in format_of(kind).members:
            yield kind, one


EVERY = [pytest.param(kind, one, id=f"{kind.__name__}.{one.name}") for kind, one in every_member()]


def taken_by(one: Member) -> list[Any]:
    if one.kind is Kind.WORD:
        return list(one.choices)
    if one.kind is Kind.WORDS:
        return [[], list(one.choices)]
    if one.format is not None:
        return [{"value": "1"}] if one.kind is Kind.OBJECT else [[]]
    return list(one.choices) or TAKEN[one.kind]


def fits(value: Any, schema: Mapping[str, Any]) -> bool:
    """Whether ``value`` is what a JSON schema of ours allows."""
    if "oneOf" in schema:
        return any(fits(value, one) for one in schema["oneOf"])
    match schema["type"]:
        case "string":
            return isinstance(value, str) and value in schema.get("enum", [value])
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool) and value >= schema["minimum"]
        case "array":
            return isinstance(value, list) and all(fits(item, schema["items"]) for item in value)
        case _:
            if not isinstance(value, dict):
                return False
            inner, rest = schema.get("properties", {}), schema.get("additionalProperties", True)
            return all(
                fits(item, inner.get(name, rest)) if isinstance(inner.get(name, rest), dict) else inner.get(name, rest)
                for name, item in value.items()
            ) and all(name in value for name in schema.get("required", ()))


@pytest.mark.parametrize("kind", RECORDS)
def test_every_field_is_a_member_that_says_what_it_is(kind: type[Record]) -> None:
    fields: tuple[dataclasses.Field[Any], ...] = dataclasses.fields(kind)  # type: ignore[arg-type]
    members = {one.name: one for one in format_of(kind).members}
    assert [field.name for field in fields if field.name != "implied"] == list(members)
    for field in fields:
        if field.name in members:
            assert members[field.name].meaning == field.metadata["meaning"] != ""


@pytest.mark.parametrize(("kind", "one"), EVERY)
def test_schema_and_reader_agree(kind: type[Record], one: Member) -> None:
    schema = format_of(kind).json_schema()["properties"][one.name]
    for value in taken_by(one):
        document = {**LEAST[kind], one.name: value}
        assert fits(value, schema), value
        read = members_of(format_of(kind).read(document, "file.yaml"))
        told = read[one.name]
        if one.format is None and one.kind is not Kind.SCOPE:
            lists = {name: list(texts) for name, texts in told.items()} if one.kind is Kind.LISTS else told
            assert (list(told) if isinstance(told, tuple) else lists) == value
        # What was read is written in words that can be read again.
        assert not any(isinstance(item, Enum) for item in (told if isinstance(told, tuple) else (told,)))
    for value in REFUSED[one.kind]:
        assert not fits(value, schema), value
        with pytest.raises(DocumentError) as caught:
            format_of(kind).read({**LEAST[kind], one.name: value}, "file.yaml")
        assert str(caught.value).startswith("file.yaml, ") and repr(one.name) in str(caught.value)
    assert (one.name in format_of(kind).json_schema()["required"]) is one.required


@pytest.mark.parametrize(("kind", "one"), EVERY)
def test_what_is_left_out_is_the_default_or_missed(kind: type[Record], one: Member) -> None:
    document = {name: value for name, value in LEAST[kind].items() if name != one.name}
    if one.required:
        with pytest.raises(DocumentError, match=f"'{one.name}' is missing"):
            format_of(kind).read(document, "file.yaml")
    else:
        assert members_of(format_of(kind).read(document, "file.yaml"))[one.name] == one.default


def test_words_are_what_they_name() -> None:
    client = Client.from_document({"client_id": "c", "enforcement": "strict", "grant_types": ["refresh_token"]}, "test")
    assert client.enforcement is Enforcement.STRICT and client.grant_types == (GrantType.REFRESH_TOKEN,)
    told = members_of(client)
    assert type(told["enforcement"]) is str and [type(grant) for grant in told["grant_types"]] == [str]


def test_records_are_frozen_and_shown_by_their_key_alone() -> None:
    document = {**LEAST[Persona], "authorizations": [{"profession": "LE", "authorization": {"value": "1"}}]}
    person = Persona.from_document(document, "test")
    assert (key_of(person), repr(person)) == ("06828399789", "Persona('06828399789')")
    assert person.authorizations[0].authorization is not None and person.authorizations[0].authorization.value == "1"
    with pytest.raises(dataclasses.FrozenInstanceError):
        person.given_name = "C"  # type: ignore[misc]
    assert not hasattr(person, "__dict__")
    assert person != Persona.from_document(document, "test")


def test_an_implied_api_is_what_no_file_tells() -> None:
    implied = ApiResource.implied_by("\ud800")
    assert implied.implied and implied.audience == "\ud800" and "implied" not in members_of(implied)
    with pytest.raises(DocumentError, match="unknown member 'implied'"):
        ApiResource.from_document({"audience": "a", "implied": True}, "test")


def test_a_field_without_a_description_is_no_member() -> None:
    with pytest.raises(TypeError, match=r"Bare\.other does not say what it means"):

        @record("bare", key="name")
        class Bare(Record):
            name: str = member("The name")
            other: str = ""

    with pytest.raises(TypeError, match=r"Empty\.name does not say what it means"):

        @record("empty", key="name")
        class Empty(Record):
            name: str = member("")


def test_a_field_that_no_file_can_hold_is_no_member() -> None:
    with pytest.raises(TypeError, match=r"Odd\.many is a .*set.*, which no file can hold"):

        @record("odd", key="name")
        class Odd(Record):
            name: str = member("The name")
            many: set[str] = member("Many", default_factory=set)

    with pytest.raises(TypeError, match=r"Number\.count is a .*int.*, which no file can hold"):

        @record("number", key="name")
        class Number(Record):
            name: str = member("The name")
            count: int = member("How many of what?", default=0)


def test_a_record_without_its_key_is_none() -> None:
    with pytest.raises(TypeError, match="Nameless has no member 'name'"):

        @record("nameless", key="name")
        class Nameless(Record):
            other: str = member("Another")


def test_a_record_of_ones_own_reads_what_its_types_say() -> None:
    @record("thing", key="name")
    class Thing(Record):
        name: str = member("The name")
        lifetime: Seconds | None = member("How long", default=None)
        scopes: Scopes = member("Which", default=())
        colour: str = member("Its colour", default="red", choices=("red", "blue"))
        kept: bool = apart(default=True)

    thing = format_of(Thing).read({"name": "a", "scopes": "x y", "lifetime": 5}, "file.yaml")
    assert (thing.name, thing.lifetime, thing.scopes, thing.colour, thing.kept) == ("a", 5, ("x", "y"), "red", True)
    with pytest.raises(DocumentError, match="'colour' is 'blu'; did you mean 'blue'"):
        format_of(Thing).read({"name": "a", "colour": "blu"}, "file.yaml")
    with pytest.raises(DocumentError, match="unknown member 'lifetim'; did you mean 'lifetime'"):
        format_of(Thing).read({"name": "a", "lifetim": 5}, "file.yaml")


def test_all_formats_are_those_of_the_types() -> None:
    assert list(FORMATS) == [format_of(kind) for kind in (Organization, Persona, ApiResource, Client)]
