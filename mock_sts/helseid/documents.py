"""The formats of registry documents: one table per format reads, explains and describes it.

A client, API, organization or persona is a mapping of members, in YAML or JSON. The same table of members reads it
(with errors that name file, entry, key and the nearest valid key), makes its JSON schema and its documentation.
"""

import reprlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from mock_sts.protocol.near_names import did_you_mean


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
    """One member of a format. ``default`` is HelseID's where HelseID has one. ``meaning`` is for people.

    A mapping, or each in a list of mappings, has a ``format`` of its own where its members are known.
    """

    name: str
    kind: Kind
    meaning: str
    default: Any = None
    required: bool = False
    choices: tuple[str, ...] = ()
    format: "Format | None" = None


class DocumentError(ValueError):
    """A document that cannot be read; the message names where, which member, and what would be right."""


@dataclass(frozen=True, slots=True)
class Format:
    """A format: the word for one such document, the member that names it, and all members."""

    word: str
    key: str
    members: tuple[Member, ...]

    def read(self, document: object, where: str, word: str = "") -> dict[str, Any]:
        """The members of ``document`` with defaults filled in. ``where`` names the file for messages, ``word`` the
        document where it has another word there than the format.

        Lists come back as tuples. Raises DocumentError at the first fault.
        """
        if not isinstance(document, Mapping):
            raise DocumentError(f"{where}: a {self.word} is a mapping of members, not {_kind_of(document)}")
        place = f"{where}, {word or self.word} {_shown(document.get(self.key, '(without ' + self.key + ')'))}"
        names = [member.name for member in self.members]
        for name in document:
            if name not in names:
                word = name if isinstance(name, str) else _shown(name)
                hint = did_you_mean(word, names, at_most=1) or f"members are: {', '.join(names)}"
                raise DocumentError(f"{place}: unknown member {_shown(name)}; {hint}")
        values = {}
        for member in self.members:
            if document.get(member.name) is None:
                if member.required:
                    raise DocumentError(f"{place}: the member {member.name!r} is missing ({member.meaning})")
                values[member.name] = member.default
                continue
            values[member.name] = value = _value(member, document[member.name], place)
            if member.required and isinstance(value, str) and not value.strip():
                raise DocumentError(f"{place}: the member {member.name!r} is empty ({member.meaning})")
        return values

    def inner(self) -> "Iterator[Format]":
        """The formats of members, and of their members."""
        for member in self.members:
            if member.format is not None:
                yield member.format
                yield from member.format.inner()

    def assumed(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """What ``document`` leaves out and is therefore taken as HelseID's default: names to values."""
        return {
            member.name: member.default
            for member in self.members
            if member.name not in document and member.default not in (None, (), {}, "")
        }

    def json_schema(self) -> dict[str, Any]:
        """A JSON schema (2020-12) of one document, for editors."""
        return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": self.word, **_shape(self)}


class _MisfitError(Exception):
    """A value that is not what it must be: ``culprit`` is the value itself, or what stands wrongly in it."""

    def __init__(self, culprit: object, wanted: str) -> None:
        self.culprit, self.wanted = culprit, wanted


def _value(member: Member, value: object, place: str) -> Any:
    try:
        read = _READERS[member.kind](value)
    except _MisfitError as misfit:
        raise DocumentError(f"{place}: {_told(member, value, misfit)}") from None
    for text in (read,) if isinstance(read, str) else read if isinstance(read, tuple) else ():
        if isinstance(text, str):
            _check_text(member, text, place)
    if member.format is None:
        return read
    if isinstance(read, dict):
        return member.format.read(read, place, member.name)
    return tuple(member.format.read(item, place, member.name) for item in read)


def _told(member: Member, value: object, misfit: _MisfitError) -> str:
    """What is wrong with ``value``, and what would be right."""
    wanted = misfit.wanted
    if wanted == _TEXT and member.choices:
        wanted = f"one of {', '.join(map(repr, member.choices))}"
    if misfit.wanted == _TEXT and isinstance(misfit.culprit, bool | int | float):
        wanted += ": put it in quotes"
    if misfit.culprit is value:
        return f"{member.name!r} is {_kind_of(value)}, but must be {wanted}"
    return f"{member.name!r} holds {_kind_of(misfit.culprit)}, which must be {wanted}"


_TEXT = Kind.TEXT.value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _MisfitError(value, _TEXT)
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise _MisfitError(value, Kind.FLAG.value)
    return value


def _seconds(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**31:
        raise _MisfitError(value, Kind.SECONDS.value)
    return value


def _list(value: object, wanted: Kind) -> list[Any]:
    if not isinstance(value, list):
        raise _MisfitError(value, wanted.value)
    return value


def _texts(value: object) -> tuple[str, ...]:
    return tuple(_text(item) for item in _list(value, Kind.TEXTS))


def _scope(value: object) -> tuple[str, ...]:
    words = value.split() if isinstance(value, str) else [_text(word) for word in _list(value, Kind.SCOPE)]
    for word in words:
        if len(word.split()) != 1:
            raise _MisfitError(word, "one scope without spaces")
    return tuple(words)


def _object(value: object) -> dict[Any, Any]:
    if not isinstance(value, Mapping):
        raise _MisfitError(value, Kind.OBJECT.value)
    return dict(value)


def _objects(value: object) -> tuple[dict[Any, Any], ...]:
    return tuple(_object(item) for item in _list(value, Kind.OBJECTS))


def _mapping(value: object) -> dict[str, str]:
    return {_text(name): _text(text) for name, text in _object(value).items()}


def _lists(value: object) -> dict[str, tuple[str, ...]]:
    return {_text(name): _texts(texts) for name, texts in _object(value).items()}


#: How a member of each kind is read; _MisfitError for anything else.
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
    if "\0" in value or (not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value)):
        raise DocumentError(f"{place}: {member.name!r} holds a character that cannot be stored")
    if member.choices and value not in member.choices:
        meant = did_you_mean(value, member.choices, at_most=1)
        valid = f"{meant}{meant and ' '}valid are: {', '.join(member.choices)}"
        raise DocumentError(f"{place}: {member.name!r} is {value!r}; {valid}")


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
        return (repr(value[:80]) if isinstance(value, str) else _REPR.repr(value))[:80]
    except ValueError:  # an integer of thousands of digits
        return "a huge number"


#: Looks at a few items of a list only: YAML's aliases make lists that no memory could hold when written out.
_REPR = reprlib.Repr()
_REPR.maxother = 80


def _shape(format_: Format) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [member.name for member in format_.members if member.required],
        "properties": {member.name: _schema(member) for member in format_.members},
    }


def _schema(member: Member) -> dict[str, Any]:
    text: dict[str, Any] = {"type": "string"}
    if member.choices:
        text["enum"] = list(member.choices)
    mapping = {"type": "object"} if member.format is None else _shape(member.format)
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
        Kind.OBJECT: mapping,
        Kind.OBJECTS: {"type": "array", "items": mapping},
    }
    schema = {**shapes[member.kind], "description": member.meaning}
    if member.default not in (None, (), {}):
        schema["default"] = list(member.default) if isinstance(member.default, tuple) else member.default
    return schema
