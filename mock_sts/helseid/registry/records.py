"""How a type of the registry is declared, and how its file format is derived from it.

A record is a frozen dataclass, each field of which is a member of a file: its meaning, default and choices stand at the
field, and what it holds follows from its type. A field that says nothing of itself is a TypeError at import.
"""

import dataclasses
import types
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import Annotated, Any, TypeVar, Union, dataclass_transform, get_args, get_origin

from mock_sts.helseid.identifiers import is_organization_number
from mock_sts.helseid.registry.documents import DocumentError, Format, Key, Kind, Member, Step, raise_together

#: A number of seconds, and scopes as a file may write them; to the type checker an integer and a tuple of texts.
Seconds = Annotated[int, Kind.SECONDS]
Scopes = Annotated[tuple[str, ...], Kind.SCOPE]

#: The types that a field may have to what its member holds, beside records and words that name something.
_KINDS: dict[object, Kind] = {
    str: Kind.TEXT,
    bool: Kind.FLAG,
    Seconds: Kind.SECONDS,
    tuple[str, ...]: Kind.TEXTS,
    Scopes: Kind.SCOPE,
    Mapping[str, str]: Kind.MAPPING,
    Mapping[str, tuple[str, ...]]: Kind.LISTS,
    Mapping[str, Any]: Kind.OBJECT,
}

_MEANING, _CHOICES = "meaning", "choices"


class Record:
    """What all types of the registry share. Compared by identity, and shown by type and key alone."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({key_of(self)!r})"


R = TypeVar("R", bound=Record)

_FORMATS: dict[type[Record], Format[Any]] = {}


def member(
    meaning: str,
    *,
    default: Any = dataclasses.MISSING,
    default_factory: Any = dataclasses.MISSING,
    choices: tuple[str, ...] = (),
) -> Any:
    """A field of a record that is a member of its files. ``meaning`` is for people.

    Without a default the member is required. The default is HelseID's where HelseID has one. A field whose type is an
    enumeration of words has these as its choices.
    """
    metadata = {_MEANING: meaning, _CHOICES: choices}
    if default_factory is not dataclasses.MISSING:
        return dataclasses.field(default_factory=default_factory, metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def apart(*, default: Any) -> Any:
    """A field of a record that no file tells of."""
    return dataclasses.field(default=default, metadata={_MEANING: None})


@dataclass_transform(eq_default=False, kw_only_default=True, frozen_default=True, field_specifiers=(member, apart))
def record(word: str, *, key: str) -> Callable[[type[R]], type[R]]:
    """Make a class a record. Messages call one of its documents ``word``, and the member ``key`` names it.

    Raises TypeError for a field that is declared neither by ``member`` nor by ``apart``, or whose type no file can
    hold.
    """

    def declare(cls: type[R]) -> type[R]:
        made: type[R] = dataclasses.dataclass(frozen=True, eq=False, repr=False, kw_only=True, slots=True)(cls)
        members = tuple(_member(made, field) for field in _fields(made) if field.metadata.get(_MEANING, "") is not None)
        if key not in [member.name for member in members]:
            raise TypeError(f"{cls.__name__} has no member {key!r} that could name it")
        _FORMATS[made] = Format(word, key, members, made)
        return made

    return declare


def format_of(record_type: type[R]) -> Format[R]:
    """The file format of a record: what reads it, describes it and makes its JSON schema."""
    return _FORMATS[record_type]


def key_of(item: Record) -> str:
    """What names ``item`` among all of its type: a client's id, a person's pid."""
    return str(getattr(item, _FORMATS[type(item)].key))


def members_of(item: Record) -> dict[str, Any]:
    """All members of ``item`` in the order of its format, as JSON may hold them (lists are tuples)."""
    return {member.name: _told(member, getattr(item, member.name)) for member in _FORMATS[type(item)].members}


def check_numbers(values: Mapping[str, object], place: str) -> None:
    """Refuse what is no organization number in the members ``values``, by name. Raises DocumentError."""
    raise_together(
        DocumentError(f"{place}: {number!r} is no organization number; that is nine digits, in quotes", path)
        for name, value in values.items()
        for number, path in _numbers_in(value, (name,))
        if not is_organization_number(number)
    )


def _numbers_in(value: Any, path: tuple[Step, ...]) -> Iterator[tuple[str, tuple[Step, ...]]]:
    """The numbers in a member (one, several, or several by another one), each with where it stands."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield name, (*path, Key(name))
            yield from _numbers_in(inner, (*path, name))
    elif isinstance(value, tuple):
        for number, inner in enumerate(value):
            yield inner, (*path, number)
    elif value:
        yield value, path


def _fields(record_type: type[Any]) -> tuple[dataclasses.Field[Any], ...]:
    return dataclasses.fields(record_type)


def _member(record_type: type[Record], field: dataclasses.Field[Any]) -> Member:
    """The member that ``field`` declares. Raises TypeError."""
    where = f"{record_type.__name__}.{field.name}"
    meaning, choices = field.metadata.get(_MEANING), field.metadata.get(_CHOICES, ())
    if not meaning:
        raise TypeError(f"{where} does not say what it means; declare it by member(…), or by apart() if no file has it")
    required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    default = None if field.default is dataclasses.MISSING else field.default
    if field.default_factory is not dataclasses.MISSING:
        default = field.default_factory()
    held = _without_none(field.type)
    several = get_origin(held) is tuple and get_args(held)[1:] == (...,)
    each = get_args(held)[0] if several else held
    inner, named = None, None
    if isinstance(each, type) and issubclass(each, Record):
        kind, inner = Kind.OBJECTS if several else Kind.OBJECT, format_of(each)
        default = () if several else {}
    elif isinstance(each, type) and issubclass(each, Enum):
        kind, named, choices = Kind.WORDS if several else Kind.WORD, each, tuple(word.value for word in each)
        default = _words(default)
    elif held in _KINDS:
        kind = _KINDS[held]
        if choices:
            kind = {Kind.TEXT: Kind.WORD, Kind.TEXTS: Kind.WORDS}[kind]
    else:
        raise TypeError(f"{where} is a {held}, which no file can hold")
    return Member(field.name, kind, meaning, default, required, choices, inner, named)


def _without_none(annotation: object) -> object:
    """What a field holds where it holds something."""
    if get_origin(annotation) in (Union, types.UnionType):
        others = [argument for argument in get_args(annotation) if argument is not types.NoneType]
        return others[0] if len(others) == 1 else annotation
    return annotation


def _told(member: Member, value: Any) -> Any:
    if member.named is not None:
        return _words(value)
    if member.format is None:
        return value
    if member.kind is Kind.OBJECT:
        return {} if value is None else members_of(value)
    return tuple(members_of(item) for item in value)


def _words(named: Any) -> Any:
    """The words of what an enumeration names, as files have them."""
    return tuple(map(_words, named)) if isinstance(named, tuple) else named.value if isinstance(named, Enum) else named
