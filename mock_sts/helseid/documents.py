"""The formats of registry documents: one table per format reads, explains and describes it.

A client, API, organization or persona is a mapping of members, in YAML or JSON. The same table of members reads it
(with errors that name file, entry, key and the nearest valid key), makes its JSON schema and its documentation.
"""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any


class Kind(Enum):
    """The types a member can have."""

    TEXT = "text"
    WORD = "one of the choices"
    FLAG = "true or false"
    SECONDS = "whole seconds"
    TEXTS = "a list of texts"
    WORDS = "a list of the choices"
    SCOPE = "scopes: one text separated by spaces, or a list"
    MAPPING = "a mapping of names to texts"
    LISTS = "a mapping of names to lists of texts"
    OBJECTS = "a list of mappings"
    OBJECT = "a mapping"


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a format. ``default`` is HelseID's where HelseID has one. ``meaning`` is for people."""

    name: str
    kind: Kind
    meaning: str
    default: Any = None
    required: bool = False
    choices: tuple[str, ...] = ()


class DocumentError(ValueError):
    """A document that cannot be read; the message names where, which member, and what would be right."""


@dataclass(frozen=True, slots=True)
class Format:
    """A format: the word for one such document, the member that names it, and all members."""

    word: str
    key: str
    members: tuple[Member, ...]

    def read(self, document: object, where: str) -> dict[str, Any]:
        """The members of ``document`` with defaults filled in. ``where`` names the file for messages.

        Lists come back as tuples. Raises DocumentError at the first fault.
        """
        if not isinstance(document, Mapping):
            raise DocumentError(f"{where}: a {self.word} is a mapping of members, not {_kind_of(document)}")
        place = f"{where}, {self.word} {_shown(document.get(self.key, '(without ' + self.key + ')'))}"
        names = [member.name for member in self.members]
        for name in document:
            if name not in names:
                near = difflib.get_close_matches(_shown(name), names, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"members are: {', '.join(names)}"
                raise DocumentError(f"{place}: unknown member {_shown(name)}; {hint}")
        values = {}
        for member in self.members:
            if document.get(member.name) is None:
                if member.required:
                    raise DocumentError(f"{place}: the member {member.name!r} is missing ({member.meaning})")
                values[member.name] = member.default
            else:
                values[member.name] = _value(member, document[member.name], place)
        return values

    def assumed(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """What ``document`` leaves out and is therefore taken as HelseID's default: names to values."""
        return {
            member.name: member.default
            for member in self.members
            if member.name not in document and member.default not in (None, (), {}, "")
        }

    def json_schema(self) -> dict[str, Any]:
        """A JSON schema (2020-12) of one document, for editors."""
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": self.word,
            "type": "object",
            "additionalProperties": False,
            "required": [member.name for member in self.members if member.required],
            "properties": {member.name: _schema(member) for member in self.members},
        }


def _value(member: Member, value: object, place: str) -> Any:
    try:
        read = _READERS[member.kind](value)
    except TypeError:
        raise DocumentError(f"{place}: {member.name!r} is {_kind_of(value)}, but must be {member.kind.value}") from None
    for text in (read,) if isinstance(read, str) else read if isinstance(read, tuple) else ():
        if isinstance(text, str):
            _check_text(member, text, place)
    return read


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _seconds(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**31:
        raise TypeError
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError
    return tuple(_text(item) for item in value)


def _scope(value: object) -> tuple[str, ...]:
    words = tuple(value.split()) if isinstance(value, str) else _texts(value)
    if any(len(word.split()) != 1 for word in words):
        raise TypeError
    return words


def _object(value: object) -> dict[Any, Any]:
    if not isinstance(value, Mapping):
        raise TypeError
    return dict(value)


def _objects(value: object) -> tuple[dict[Any, Any], ...]:
    if not isinstance(value, list):
        raise TypeError
    return tuple(_object(item) for item in value)


def _mapping(value: object) -> dict[str, str]:
    return {_text(name): _text(text) for name, text in _object(value).items()}


def _lists(value: object) -> dict[str, tuple[str, ...]]:
    return {_text(name): _texts(texts) for name, texts in _object(value).items()}


#: How a member of each kind is read; TypeError for anything else.
_READERS: dict[Kind, Callable[[object], Any]] = {
    Kind.TEXT: _text,
    Kind.WORD: _text,
    Kind.FLAG: _flag,
    Kind.SECONDS: _seconds,
    Kind.TEXTS: _texts,
    Kind.WORDS: _texts,
    Kind.SCOPE: _scope,
    Kind.MAPPING: _mapping,
    Kind.LISTS: _lists,
    Kind.OBJECT: _object,
    Kind.OBJECTS: _objects,
}


def _check_text(member: Member, value: str, place: str) -> None:
    if "\0" in value or any("\ud800" <= c <= "\udfff" for c in value):
        raise DocumentError(f"{place}: {member.name!r} holds a character that cannot be stored")
    if member.choices and value not in member.choices:
        near = difflib.get_close_matches(value, member.choices, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise DocumentError(f"{place}: {member.name!r} is {value!r}; {hint}valid are: {', '.join(member.choices)}")


def _kind_of(value: object) -> str:
    if isinstance(value, bool):
        return f"{str(value).lower()}"
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return "a mapping"
    return "a list" if isinstance(value, list) else _shown(value)


def _shown(value: object) -> str:
    """``value`` as it may stand in a message: quoted, and not without end."""
    try:
        return repr(value)[:80]
    except ValueError:  # an integer of thousands of digits
        return "a huge number"


def _schema(member: Member) -> dict[str, Any]:
    text: dict[str, Any] = {"type": "string"}
    if member.choices:
        text["enum"] = list(member.choices)
    shapes: dict[Kind, dict[str, Any]] = {
        Kind.TEXT: text,
        Kind.WORD: text,
        Kind.FLAG: {"type": "boolean"},
        Kind.SECONDS: {"type": "integer", "minimum": 1},
        Kind.TEXTS: {"type": "array", "items": text},
        Kind.WORDS: {"type": "array", "items": text},
        Kind.SCOPE: {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
        Kind.MAPPING: {"type": "object", "additionalProperties": {"type": "string"}},
        Kind.LISTS: {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}},
        Kind.OBJECT: {"type": "object"},
        Kind.OBJECTS: {"type": "array", "items": {"type": "object"}},
    }
    schema = {**shapes[member.kind], "description": member.meaning}
    if member.default not in (None, (), {}):
        schema["default"] = list(member.default) if isinstance(member.default, tuple) else member.default
    return schema
