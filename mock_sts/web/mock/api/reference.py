"""The OpenAPI document as a person reads it: what the page at /mock/api/ shows."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_CODE = re.compile(r"`([^`]*)`")


@dataclass(frozen=True, slots=True)
class Row:
    """A parameter or member: its name, what it holds, whether it must be there, and what it means."""

    name: str
    kind: str
    required: bool
    meaning: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One operation."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    parameters: tuple[Row, ...]
    body: tuple[Row, ...]
    answers: tuple[tuple[str, str, tuple[Row, ...]], ...]
    problems: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Group:
    """The operations of one resource."""

    id: str
    name: str
    meaning: str
    operations: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """The whole: what it is called, the API's address, paragraphs about it (text and code in turn), its resources, and
    whether there is a token.
    """

    title: str
    url: str
    about: list[list[tuple[bool, str]]]
    groups: tuple[Group, ...]
    has_token: bool


def page_for(document: Mapping[str, Any]) -> Page:
    """What the template needs of ``document``: its address, what it says of itself, and the operations by resource."""
    schemas = document["components"]["schemas"]
    groups = []
    for tag in document["tags"]:
        operations = tuple(
            _operation(method, path, described, schemas)
            for path, methods in document["paths"].items()
            for method, described in methods.items()
            if tag["name"] in described["tags"]
        )
        groups.append(Group(tag["name"].replace(" ", "-"), tag["name"], tag["description"], operations))
    about = [_pieces(paragraph) for paragraph in document["info"]["description"].strip().split("\n\n")]
    title = document["info"]["title"].partition(": ")[2].capitalize()
    return Page(title, document["servers"][0]["url"], about, tuple(groups), bool(document.get("security")))


def _pieces(text: str) -> list[tuple[bool, str]]:
    """Text and code in turn."""
    return [(number % 2 == 1, piece) for number, piece in enumerate(_CODE.split(text.replace("\n", " "))) if piece]


def _operation(method: str, path: str, described: Mapping[str, Any], schemas: Mapping[str, Any]) -> Entry:
    good = {status: one for status, one in described["responses"].items() if status < "4"}
    body = described.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    return Entry(
        id=described["operationId"],
        method=method.upper(),
        path=path,
        summary=described["summary"],
        description=described.get("description", ""),
        parameters=tuple(
            Row(
                one["name"],
                f"{one['in']}, {_kind(one['schema'], schemas)}",
                one["required"],
                one["description"].replace("`", ""),
            )
            for one in described.get("parameters", ())
        ),
        body=tuple(_rows(body, schemas)) if body else (),
        answers=tuple((status, one["description"], tuple(_rows_of(one, schemas))) for status, one in good.items()),
        problems=tuple(
            (status, one["description"].replace("`", ""))
            for status, one in described["responses"].items()
            if status not in good
        ),
    )


def _rows_of(answer: Mapping[str, Any], schemas: Mapping[str, Any]) -> Iterator[Row]:
    schema = answer.get("content", {}).get("application/json", {}).get("schema")
    if schema is not None:
        yield from _rows(schema, schemas)


def _rows(schema: Mapping[str, Any], schemas: Mapping[str, Any], before: str = "") -> Iterator[Row]:
    """The members of ``schema`` and of what lies in it."""
    found = _found(schema, schemas)
    required = found.get("required", ())
    for name, member in found.get("properties", {}).items():
        inner = _found(member, schemas)
        listed = inner.get("items")
        meaning = member.get("description", inner.get("description", "")).replace("`", "")
        yield Row(f"{before}{name}", _kind(member, schemas), name in required, meaning)
        if listed is not None:
            yield from _rows(listed, schemas, f"{before}{name}[].")
        else:
            yield from _rows(member, schemas, f"{before}{name}.")


def _found(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Mapping[str, Any]:
    """What ``schema`` refers to; of several, the first that is an object."""
    for one in schema.get("anyOf", ()):
        if "$ref" in one:
            return _found(one, schemas)
    if "$ref" in schema:
        found: Mapping[str, Any] = schemas[schema["$ref"].rpartition("/")[2]]
        return found
    return schema


def _kind(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    """What a value may be, in a few words."""
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " or ".join(_kind(one, schemas) for one in schema[several])
    found = _found(schema, schemas)
    if "enum" in found:
        return " or ".join("null" if word is None else json.dumps(word, ensure_ascii=False) for word in found["enum"])
    kinds = found.get("type", "anything")
    if isinstance(kinds, list):
        return " or ".join(_kind({**found, "type": one}, schemas) for one in kinds)
    if kinds == "array":
        return f"list of {_kind(found['items'], schemas)}"
    if "minimum" in found and "maximum" in found:
        return f"whole number from {found['minimum']} to {found['maximum']}"
    return {"integer": "whole number", "string": "text"}.get(kinds, str(kinds))
