"""The formats of registry documents: one table of members reads, explains and describes them.

A client, API, organization or persona is a mapping of members, in YAML or JSON. The same table, which ``records``
derives from a type, reads it (with errors that name file, entry, key and the nearest valid key), makes its JSON schema
and its documentation.
"""

import reprlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, TypeVar

from mock_sts.protocol.near_names import did_you_mean

T = TypeVar("T")
Made_co = TypeVar("Made_co", covariant=True)


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

    A mapping, or each in a list of mappings, has a ``format`` of its own where its members are known. A word that
    stands in an enumeration is made into what it names there by ``named``.
    """

    name: str
    kind: Kind
    meaning: str
    default: Any = None
    required: bool = False
    choices: tuple[str, ...] = ()
    format: "Format[Any] | None" = None
    named: Callable[[str], Any] | None = None


#: Where something stands in a document: names of members and positions in lists, at its end perhaps a ``Key``.
Step = object


@dataclass(frozen=True, slots=True)
class Key:
    """The name of a member itself, at the end of a path."""

    name: object


class DocumentError(ValueError):
    """A document that cannot be read; the message names where, which member, and what would be right.

    ``path`` leads to what is wrong. Where that is a ``value`` of a wrong type, ``retell`` makes the message anew from
    how the value is shown.
    """

    def __init__(
        self,
        message: str,
        path: tuple[Step, ...] = (),
        *,
        value: object = "",
        retell: Callable[[str], str] | None = None,
    ) -> None:
        super().__init__(message)
        self.path = path
        #: What else is wrong with the same document.
        self.more: tuple[DocumentError, ...] = ()
        self._value = value
        self._retell = retell

    @property
    def all(self) -> "tuple[DocumentError, ...]":
        """This fault and the others of the same document, each by itself."""
        return (self, *self.more)

    def as_written(self, line: int, text: str) -> "DocumentError":
        """The same with the ``line`` that it is about, and with the value as its ``text`` was written there."""
        message = str(self)
        if self._retell is not None and text and text != _kind_of(self._value):
            message = self._retell(f"{_shortened(text)} ({_TAKEN_FOR.get(type(self._value), 'no text')} to YAML)")
        return DocumentError(f"{message} (line {line})", self.path)


#: What YAML takes words without quotes for.
_TAKEN_FOR = {bool: "true or false", int: "a number", float: "a number", type(None): "nothing"}


@dataclass(frozen=True, slots=True)
class Format(Generic[Made_co]):
    """A format: the word for one such document, the member that names it, all members, and what they ``make``."""

    word: str
    key: str
    members: tuple[Member, ...]
    make: Callable[..., Made_co]

    def read(self, document: object, where: str, word: str = "", path: tuple[Step, ...] = ()) -> Made_co:
        """What ``document`` becomes, with defaults filled in. ``where`` names the file for messages, ``word`` the
        document where it has another word there than the format, ``path`` where it stands in the whole.

        Lists become tuples. Raises DocumentError for the first fault, which holds the others as ``more``.
        """
        if not isinstance(document, Mapping):
            article = "an" if self.word[0] in "aoAO" else "a"
            raise DocumentError(
                f"{where}: {article} {self.word} is a mapping of members, not {_kind_of(document)}", path
            )
        place = f"{where}, {word or self.word} {_shown(document.get(self.key, '(without ' + self.key + ')'))}"
        names = [member.name for member in self.members]
        faults: list[DocumentError] = []
        for name in document:
            if name not in names:
                word = name if isinstance(name, str) else _shown(name)
                hint = did_you_mean(word, names, at_most=1) or f"members are: {', '.join(names)}"

                def tell(shown: str, hint: str = hint) -> str:
                    return f"{place}: unknown member {shown}; {hint}"

                unknown = tell(_shown(name))
                faults.append(DocumentError(unknown, (*path, Key(name)), value=name, retell=_unless_text(name, tell)))
        values: dict[str, Any] = {}
        for member in self.members:
            if document.get(member.name) is None:
                if member.required:
                    here = (*path, member.name) if member.name in document else path
                    missing = f"{place}: the member {member.name!r} is missing ({member.meaning})"
                    faults.append(DocumentError(missing, here))
                continue
            here = (*path, member.name)
            try:
                values[member.name] = value = _value(member, document[member.name], place, here)
            except DocumentError as error:
                faults += error.all
                continue
            if member.required and isinstance(value, str) and not value.strip():
                empty = f"{place}: the member {member.name!r} is empty ({member.meaning})"
                faults.append(DocumentError(empty, here))
        raise_together(faults)
        return self.make(**values)

    def inner(self) -> "Iterator[Format[Any]]":
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
    """A value that is not what it must be: ``culprit`` is it, or what stands wrongly in it at ``path``."""

    def __init__(self, culprit: object, wanted: str, path: tuple[Step, ...] = ()) -> None:
        self.culprit, self.wanted, self.path = culprit, wanted, path


def raise_together(faults: Iterable[DocumentError]) -> None:
    """Raise the first of ``faults`` with the others as its ``more``; nothing where there is none."""
    found = list({id(one): one for fault in faults for one in fault.all}.values())
    if found:
        found[0].more = tuple(found[1:])
        raise found[0]


def _value(member: Member, value: object, place: str, path: tuple[Step, ...]) -> Any:
    try:
        read = _READERS[member.kind](value)
    except _MisfitError as first:
        raise_together(_misfit(member, value, misfit, place, path) for misfit in _misfits(member, value, first))
        raise  # never: there is the first one
    faults: list[DocumentError] = []
    for number, text in enumerate((read,) if isinstance(read, str) else read if isinstance(read, tuple) else ()):
        if isinstance(text, str):
            in_list = isinstance(read, tuple) and isinstance(value, list)
            try:
                _check_text(member, text, place, (*path, number) if in_list else path)
            except DocumentError as error:
                faults.append(error)
    raise_together(faults)
    if member.named is not None:
        return tuple(map(member.named, read)) if isinstance(read, tuple) else member.named(read)
    if member.format is None:
        return read
    if isinstance(read, dict):
        return member.format.read(read, place, member.name, path)
    items = []
    for number, item in enumerate(read):
        try:
            items.append(member.format.read(item, place, member.name, (*path, number)))
        except DocumentError as error:
            faults += error.all
    raise_together(faults)
    return tuple(items)


def _misfit(member: Member, value: object, misfit: _MisfitError, place: str, path: tuple[Step, ...]) -> DocumentError:
    """The sentence about one misfit in a member's ``value``."""

    def tell(shown: str) -> str:
        return f"{place}: {_told(member, value, misfit, shown)}"

    culprit = misfit.culprit
    return DocumentError(
        tell(_kind_of(culprit)), (*path, *misfit.path), value=culprit, retell=_unless_text(culprit, tell)
    )


def _misfits(member: Member, value: object, first: _MisfitError) -> Iterator[_MisfitError]:
    """All misfits in ``value``, of a list each item's; ``first`` is that which its reader found."""
    if not isinstance(value, list) or not first.path:
        yield first
        return
    for number, item in enumerate(value):
        try:
            _READERS[member.kind]([item])
        except _MisfitError as misfit:
            misfit.path = (number, *misfit.path[1:])
            yield misfit


def _unless_text(value: object, tell: Callable[[str], str]) -> Callable[[str], str] | None:
    """``tell`` for a value that YAML may have taken for something else; a text, list or mapping is what it is."""
    return tell if isinstance(value, bool | int | float | None) else None


def _told(member: Member, value: object, misfit: _MisfitError, shown: str) -> str:
    """What is wrong with ``value``, whose culprit is ``shown`` so, and what would be right."""
    wanted = misfit.wanted
    if wanted == _TEXT and member.choices:
        wanted = f"one of {', '.join(map(repr, member.choices))}"
    if misfit.wanted == _TEXT and isinstance(misfit.culprit, bool | int | float):
        wanted += ": put it in quotes"
    if misfit.culprit is value:
        return f"{member.name!r} is {shown}, but must be {wanted}"
    return f"{member.name!r} holds {shown}, which must be {wanted}"


_TEXT = Kind.TEXT.value


def _at(step: Step, read: Callable[[object], T], value: object) -> T:
    """What ``read`` makes of ``value``; a misfit in it is reported with the ``step`` that leads there."""
    try:
        return read(value)
    except _MisfitError as misfit:
        misfit.path = (step, *misfit.path)
        raise


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
    return tuple(_at(number, _text, item) for number, item in enumerate(_list(value, Kind.TEXTS)))


def _scope(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(value.split())
    return tuple(_at(number, _one_scope, word) for number, word in enumerate(_list(value, Kind.SCOPE)))


def _one_scope(value: object) -> str:
    word = _text(value)
    if len(word.split()) != 1:
        raise _MisfitError(word, "one scope without spaces")
    return word


def _object(value: object) -> dict[Any, Any]:
    if not isinstance(value, Mapping):
        raise _MisfitError(value, Kind.OBJECT.value)
    return dict(value)


def _objects(value: object) -> tuple[dict[Any, Any], ...]:
    return tuple(_at(number, _object, item) for number, item in enumerate(_list(value, Kind.OBJECTS)))


def _mapping(value: object) -> dict[str, str]:
    return {_at(Key(name), _text, name): _at(name, _text, text) for name, text in _object(value).items()}


def _lists(value: object) -> dict[str, tuple[str, ...]]:
    return {_at(Key(name), _text, name): _at(name, _texts, texts) for name, texts in _object(value).items()}


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


def _check_text(member: Member, value: str, place: str, path: tuple[Step, ...]) -> None:
    if "\0" in value or (not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value)):
        raise DocumentError(f"{place}: {member.name!r} holds a character that cannot be stored", path)
    if member.choices and value not in member.choices:
        meant = did_you_mean(value, member.choices, at_most=1)
        valid = f"{meant}{meant and ' '}valid are: {', '.join(member.choices)}"
        raise DocumentError(f"{place}: {member.name!r} is {value!r}; {valid}", path)


def _kind_of(value: object) -> str:
    if isinstance(value, bool):
        return f"{str(value).lower()}"
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return "a mapping"
    return "a list" if isinstance(value, list) else _shown(value)


def _shortened(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:80]}…"


def _shown(value: object) -> str:
    """``value`` as it may stand in a message: quoted, and not without end."""
    try:
        return (repr(value[:80]) if isinstance(value, str) else _REPR.repr(value))[:80]
    except ValueError:  # an integer of thousands of digits
        return "a huge number"


#: Looks at a few items of a list only: YAML's aliases make lists that no memory could hold when written out.
_REPR = reprlib.Repr()
_REPR.maxother = 80


def _shape(format_: Format[Any]) -> dict[str, Any]:
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
        Kind.SECONDS: {"type": "integer", "minimum": 1, "maximum": 2**31 - 1},
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
