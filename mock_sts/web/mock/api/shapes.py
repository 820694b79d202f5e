"""Shapes: the typed requests and answers of the control API.

A shape is a frozen dataclass, each field of which says what it means and what it may hold. From that one declaration
come the reader with its errors, the JSON that is written, and the schema in the OpenAPI document.
"""

import dataclasses
import re
import types
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import Any, Protocol, TypeVar, Union, cast, dataclass_transform, get_args, get_origin, get_type_hints

from mock_sts.protocol.near_names import did_you_mean

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

#: A JSON schema (2020-12, as OpenAPI 3.1 has it).
Schema = dict[str, Any]

#: Longest text of a member that says nothing else, in characters.
LONGEST_TEXT = 4_000

#: The most that a whole number may be: what every client of ours can read, and both databases keep.
_HIGHEST = 2**53 - 1

#: So many names are listed where one is unknown and others come near it.
_MOST_LISTED = 10

#: Longest text in a query that the OpenAPI document speaks of, in characters.
_LONGEST_IN_QUERY = 500

_LIMITS = "limits"


class MisfitError(ValueError):
    """What came does not fit its shape. ``path`` leads to the culprit: names of members and positions in lists."""

    def __init__(self, message: str, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(message)
        self.path = path


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """What a member means and may hold. ``nullable`` says whether null may stand where the type allows None;
    ``left_out`` that an answer leaves the member out where it is None.
    """

    meaning: str
    low: int | None = None
    high: int | None = None
    longest: int = LONGEST_TEXT
    pattern: str | None = None
    choices: tuple[str, ...] = ()
    nullable: bool = True
    left_out: bool = False
    schema: Schema | None = None
    form: "Form[Any] | None" = None


def member(
    meaning: str,
    *,
    default: Any = dataclasses.MISSING,
    low: int | None = None,
    high: int | None = None,
    longest: int = LONGEST_TEXT,
    pattern: str | None = None,
    choices: tuple[str, ...] = (),
    nullable: bool = True,
    left_out: bool = False,
    schema: Schema | None = None,
    form: "Form[Any] | None" = None,
) -> Any:
    """A field of a shape. ``meaning`` is for people. Without a default a request must have the member.

    ``low`` and ``high`` bound a whole number, ``longest`` and ``pattern`` (of the whole text) a text. ``schema``
    describes a free mapping in the place of what follows from the type; ``form`` reads and describes it, or each of
    several.
    """
    limits = Limits(meaning, low, high, longest, pattern, choices, nullable, left_out, schema, form)
    return dataclasses.field(default=default, metadata={_LIMITS: limits})


S = TypeVar("S")


@dataclass_transform(eq_default=True, kw_only_default=True, frozen_default=True, field_specifiers=(member,))
def shape(word: str) -> Callable[[type[S]], type[S]]:
    """Make a class a shape. Messages call what has it ``word``: "the order".

    Raises TypeError for a field that is not declared by ``member``, or whose type JSON cannot hold.
    """

    def declare(cls: type[S]) -> type[S]:
        made: Any = dataclasses.dataclass(frozen=True, kw_only=True, slots=True)(cls)
        made.__shape__ = _Form(made, word)
        return cast("type[S]", made)

    return declare


class Form(Protocol[T_co]):
    """What reads and describes a JSON value: a shape's, or one of a type that describes itself."""

    @property
    def name(self) -> str:
        """What the OpenAPI document calls it."""
        ...

    def read(self, value: object, what: str = "", path: tuple[str | int, ...] = ()) -> T_co:
        """The typed value. ``what`` is the word for it in messages, ``path`` where it stands. Raises MisfitError."""
        ...

    def schema(self, components: "Components") -> Schema:
        """Its schema; what it refers to is put into ``components``."""
        ...


def form_of(kind: type[T] | Form[T]) -> Form[T]:
    """The form of a shape; a form is its own."""
    return cast("Form[T]", getattr(kind, "__shape__", kind))


class Components:
    """The named schemas of one document. A shape that requests and answers share has one for each: an answer has all
    of its members.
    """

    def __init__(self) -> None:
        self.schemas: dict[str, Schema] = {}
        self.answers = False
        self._names: dict[tuple[object, bool], str] = {}

    def refer(self, form: Form[Any], describe: Callable[[], Schema]) -> Schema:
        """A reference to the schema of ``form``, which is described where it is not there."""
        key = (form, self.answers)
        if key not in self._names:
            name = form.name if form.name not in self.schemas else f"{form.name}{'' if self.answers else 'Request'}"
            while name in self.schemas:
                name += "Answer"
            self._names[key] = name
            self.schemas[name] = {}
            self.schemas[name] = describe()
        return {"$ref": f"#/components/schemas/{self._names[key]}"}


class _Form:
    """The form of one shape."""

    def __init__(self, cls: type[Any], word: str) -> None:
        self._cls = cls
        self._word = word
        self.name = cls.__name__
        hints = get_type_hints(cls)
        self.fields = {field.name: _Field(cls, field, hints[field.name]) for field in dataclasses.fields(cls)}

    def read(self, value: object, what: str = "", path: tuple[str | int, ...] = ()) -> Any:
        what = what or self._word
        known = ", ".join(self.fields)
        if not isinstance(value, Mapping):
            raise MisfitError(f"{what} must be a JSON object with some of {known}", path)
        for name in value:
            if name not in self.fields:
                raise MisfitError(unknown_member(what, str(name), self.fields), (*path, str(name)))
        found = {}
        for name, field in self.fields.items():
            if name in value:
                found[name] = field.read(value[name], (*path, name))
            elif field.required:
                raise MisfitError(f"{dotted((*path, name))} is missing: {field.limits.meaning}", (*path, name))
        return self._cls(**found)

    def read_texts(self, values: Mapping[str, str]) -> Any:
        """The shape from texts, as a query has them. Raises MisfitError."""
        for name in values:
            if name not in self.fields:
                near = did_you_mean(name, self.fields)
                raise MisfitError(
                    f"unknown parameter {name[:40]!r}; known are {', '.join(self.fields) or 'none'}"
                    f"{near and '; '}{near}",
                    (name[:40],),
                )
        found = {}
        for name, field in self.fields.items():
            if name in values:
                found[name] = field.read(field.from_text(values[name]), (name,))
            elif field.required:
                raise MisfitError(f"{name} is missing: {field.limits.meaning}", (name,))
        return self._cls(**found)

    def write(self, value: Any) -> dict[str, Any]:
        """The shape as JSON may hold it."""
        written = {}
        for name, field in self.fields.items():
            inner = getattr(value, name)
            if not (inner is None and field.limits.left_out):
                written[name] = json_of(inner)
        return written

    def schema(self, components: Components) -> Schema:
        return components.refer(self, lambda: self._described(components))

    def _described(self, components: Components) -> Schema:
        required = [
            name
            for name, field in self.fields.items()
            if (not field.limits.left_out if components.answers else field.required)
        ]
        described: Schema = {"type": "object", "additionalProperties": False}
        if required:
            described["required"] = required
        described["properties"] = {name: field.schema(components) for name, field in self.fields.items()}
        return described


class _Field:
    """One member of a shape."""

    def __init__(self, cls: type[Any], field: "dataclasses.Field[Any]", kind: Any) -> None:
        limits = field.metadata.get(_LIMITS)
        if limits is None:
            raise TypeError(f"{cls.__name__}.{field.name} does not say what it means; declare it by member(…)")
        self.name = field.name
        self.limits: Limits = limits
        self.required = field.default is dataclasses.MISSING
        self._default = field.default
        self.kind, self.may_be_none = _without_none(kind)
        _check(self.kind, f"{cls.__name__}.{field.name}")

    def read(self, value: object, path: tuple[str | int, ...]) -> Any:
        if value is None and self.may_be_none and self.limits.nullable:
            return None
        return _read(self.kind, value, self.limits, path)

    def from_text(self, text: str) -> object:
        """What JSON would have for ``text`` of a query."""
        if self.kind is int and text.isascii() and text.isdigit() and len(text) < 20:
            return int(text)
        if self.kind is bool:
            return {"true": True, "false": False}.get(text, text)
        return text

    def schema(self, components: Components) -> Schema:
        described = dict(_described(self.kind, self.limits, components))
        nullable = self.may_be_none and (components.answers or self.limits.nullable) and not self.limits.left_out
        if nullable and "$ref" in described:
            described = {"anyOf": [described, {"type": "null"}]}
        elif nullable and "type" in described:
            described["type"] = [described["type"], "null"]
            if "enum" in described:
                described["enum"] = [*described["enum"], None]
        if not components.answers and self._default not in (dataclasses.MISSING, None, ()):
            described["default"] = json_of(self._default)
        return {**described, "description": self.limits.meaning}


def json_of(value: Any) -> Any:
    """``value`` as JSON may hold it: shapes as objects, tuples as lists, words of enumerations as texts."""
    form = getattr(type(value), "__shape__", None)
    if form is not None:
        return form.write(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {name: json_of(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [json_of(inner) for inner in value]
    return value


def unknown_member(what: str, name: str, known: Mapping[str, object]) -> str:
    """The sentence about a member that ``what`` does not have."""
    near = did_you_mean(name, known)
    listed = "" if near and len(known) > _MOST_LISTED else f"known are {', '.join(known)}"
    return f"{what} has no member {name[:40]!r}; {listed}{listed and near and '; '}{near}"


def pointer_to(path: tuple[object, ...]) -> str:
    """``path`` as a JSON pointer (RFC 6901)."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def dotted(path: tuple[str | int, ...]) -> str:
    """``path`` as people write it: match.client_id, items[3]."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def _without_none(kind: Any) -> tuple[Any, bool]:
    if get_origin(kind) in (Union, types.UnionType):
        others = [one for one in get_args(kind) if one is not types.NoneType]
        if len(others) == 1:
            return others[0], True
    return kind, False


def _check(kind: Any, where: str) -> None:
    """Raises TypeError for a type that JSON cannot hold."""
    if kind in (str, int, bool, Any) or hasattr(kind, "__shape__") or _is_enum(kind):
        return
    origin, inner = get_origin(kind), get_args(kind)
    if origin is tuple and len(inner) == 2 and inner[1] is ...:
        _check(inner[0], where)
    elif origin is not None and issubclass(origin, Mapping) and inner[0] is str:
        _check(inner[1], where)
    else:
        raise TypeError(f"{where} is a {kind}, which no shape can hold")


def _is_enum(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Enum)


def _read(kind: Any, value: object, limits: Limits, path: tuple[str | int, ...]) -> Any:
    here = dotted(path)
    if hasattr(kind, "__shape__"):
        return kind.__shape__.read(value, here, path)
    if kind is Any:
        return value if limits.form is None else limits.form.read(value, here, path)
    if kind is str or _is_enum(kind):
        choices = tuple(one.value for one in kind) if _is_enum(kind) else limits.choices
        text = _read_text(value, limits, choices, path)
        return kind(text) if _is_enum(kind) else text
    if kind is bool:
        if not isinstance(value, bool):
            raise MisfitError(f"{here} must be true or false: {limits.meaning}", path)
        return value
    if kind is int:
        low, high = _bounds(limits)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise MisfitError(f"{here} must be a whole number from {low} to {high}", path)
        return value
    if get_origin(kind) is tuple:
        if not isinstance(value, list):
            raise MisfitError(f"{here} must be a list: {limits.meaning}", path)
        return tuple(_read(get_args(kind)[0], one, limits, (*path, number)) for number, one in enumerate(value))
    if not isinstance(value, Mapping):
        raise MisfitError(f"{here} must be a JSON object: {limits.meaning}", path)
    return {name: _read(get_args(kind)[1], one, limits, (*path, name)) for name, one in value.items()}


def _read_text(value: object, limits: Limits, choices: tuple[str, ...], path: tuple[str | int, ...]) -> str:
    here = dotted(path)
    if choices and value not in choices:
        shown = repr(value[:80]) if isinstance(value, str) else "null" if value is None else "what came"
        near = did_you_mean(value, choices) if isinstance(value, str) else ""
        kind = next(step for step in reversed(path) if isinstance(step, str))
        listed = f"these are {', '.join(choices)}"
        raise MisfitError(f"{here} is wrong: {shown} is no {kind}; {near and f'{near} '}{listed}", path)
    if not isinstance(value, str):
        raise MisfitError(f"{here} must be a text: {limits.meaning}", path)
    if len(value) > limits.longest:
        raise MisfitError(f"{here} is longer than {limits.longest} characters", path)
    if limits.pattern is not None and re.fullmatch(limits.pattern, value) is None:
        raise MisfitError(f"{here} is {value[:80]!r}, but must be {limits.meaning}", path)
    return value


def _bounds(limits: Limits) -> tuple[int, int]:
    return limits.low if limits.low is not None else 0, limits.high if limits.high is not None else _HIGHEST


def _described(kind: Any, limits: Limits, components: Components) -> Schema:
    if limits.schema is not None:
        return limits.schema
    if hasattr(kind, "__shape__"):
        described: Schema = kind.__shape__.schema(components)
        return described
    if kind is Any:
        return {} if limits.form is None else limits.form.schema(components)
    if _is_enum(kind):
        return {"type": "string", "enum": [one.value for one in kind]}
    if kind is str:
        return _text_schema(limits, components)
    if kind is bool:
        return {"type": "boolean"}
    if kind is int:
        low, high = _bounds(limits)
        # An answer may hold what no request may ask for, such as an offset into the past.
        return {"type": "integer"} if components.answers else {"type": "integer", "minimum": low, "maximum": high}
    if get_origin(kind) is tuple:
        return {"type": "array", "items": _described(get_args(kind)[0], limits, components)}
    return {"type": "object", "additionalProperties": _described(get_args(kind)[1], limits, components) or True}


def _text_schema(limits: Limits, components: Components) -> Schema:
    described: Schema = {"type": "string"}
    if limits.choices:
        described["enum"] = list(limits.choices)
    elif not components.answers:
        described["maxLength"] = limits.longest
        if limits.pattern is not None:
            described["pattern"] = f"^(?:{limits.pattern})$"
    return described


def fields_of(kind: type[Any]) -> Iterator[tuple[str, bool, Limits, Schema]]:
    """The members of a shape that stands in a query: name, whether it must be there, its limits, its schema."""
    form: _Form = kind.__shape__
    for name, field in form.fields.items():
        described = field.schema(Components())
        del described["description"]
        if "maxLength" in described:
            # A longer one is read, but may make the request line too long for any server.
            described["maxLength"] = min(described["maxLength"], _LONGEST_IN_QUERY)
        if isinstance(described.get("type"), list):
            described["type"] = described["type"][0]
            if "enum" in described:
                described["enum"] = [one for one in described["enum"] if one is not None]
        yield name, field.required, field.limits, described
