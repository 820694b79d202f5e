"""How a resource of the control API is declared: its operations, each with its types, and what each may answer."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from mock_sts.protocol.durations import read_time
from mock_sts.services.environment import Environment, Reached
from mock_sts.services.server import Server
from mock_sts.web.http import HttpRequest
from mock_sts.web.mock.api.problems import BAD_PARAMETER, NOT_FOUND, Kind, Problem
from mock_sts.web.mock.api.shapes import Form, form_of, member, shape
from mock_sts.web.reading import the_server

B = TypeVar("B")
Q = TypeVar("Q")
T = TypeVar("T")

#: Longest body of an operation that says nothing else, in bytes; MOCK_STS_MAX_BODY may be less.
LONGEST_BODY = 1_048_576

#: The parts of a path that vary: ``{name}``.
_PART = re.compile(r"{(\w+)}")


@shape("the query")
class Nothing:
    """No parameters, or no members."""


@shape("the query")
class Page:
    """Which part of a list is asked for."""

    limit: int = member("How many items at most", default=100, low=1, high=1000)
    after: str | None = member("What `next` of the page before says; unset: from the beginning", default=None)


@dataclass(frozen=True, slots=True)
class Call(Generic[B, Q]):
    """One request as an operation gets it: typed, and allowed.

    ``names`` are the parts of the path that vary, decoded.
    """

    request: HttpRequest
    reached: Reached
    body: B
    query: Q
    names: Mapping[str, str]

    @property
    def environment(self) -> Environment:
        """The environment that the request is for."""
        return self.reached.environment

    @property
    def server(self) -> Server:
        """The process."""
        return the_server()


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """An answer that is not just its content: another status than usual, an ETag, or headers of its own."""

    content: T
    status: int | None = None
    etag: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Text:
    """The content of an answer that is no JSON."""

    media_type: str
    text: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path, with everything that is known of it.

    ``answers`` has the form of each good answer by status; None for one without content, the usual one first.
    """

    method: str
    path: str
    summary: str
    description: str
    act: Callable[[Call[Any, Any]], object]
    body: Form[Any] | None
    body_may_be_missing: bool
    query: type[Any]
    answers: Mapping[int, Form[Any] | None]
    problems: tuple[Kind, ...]
    raises: Mapping[type[Exception], Kind]
    names: Mapping[str, str]
    at_root: bool
    has_etag: bool
    longest: int
    caller: str
    #: Media types in which it may answer beside JSON.
    texts: tuple[str, ...]
    #: What the OpenAPI document calls it, and the framework its route.
    name: str

    @property
    def rule(self) -> str:
        """The path as the framework writes it. Names may hold slashes, which come as %2F."""
        return _PART.sub(r"<path:\1>", self.path)


class Resource:
    """A resource: a heading in the documentation, and its operations."""

    def __init__(self, name: str, meaning: str) -> None:
        """``meaning`` is a sentence or two about it, for people."""
        self.name = name
        self.meaning = meaning
        self.operations: list[Operation] = []

    def operation(
        self,
        method: str,
        path: str,
        summary: str,
        *,
        description: str = "",
        body: type[Any] | Form[Any] | None = None,
        body_may_be_missing: bool = False,
        query: type[Any] = Nothing,
        answer: type[Any] | Form[Any] | None = None,
        status: int | None = None,
        also: Mapping[int, type[Any] | Form[Any] | None] | None = None,
        problems: Sequence[Kind] = (),
        raises: Mapping[type[Exception], Kind] | None = None,
        names: Mapping[str, str] | None = None,
        at_root: bool = False,
        has_etag: bool = False,
        longest: int = LONGEST_BODY,
        caller: str = "your tests",
        texts: Sequence[str] = (),
        name: str = "",
    ) -> Callable[[Callable[[Call[Any, Any]], object]], Callable[[Call[Any, Any]], object]]:
        """Declare the decorated function as what answers ``method`` at ``path``, below the control API's prefix.

        It gets a ``Call`` and returns the content of its answer (a shape, or what its form describes), an ``Answer``,
        or None for none. ``status`` is 200 unless it is given, 204 where there is no content; ``also`` are further
        statuses. ``raises`` says which problem an exception of the services is; its text becomes the detail, and
        its ``path``, where it has one, leads to the member that is wrong.
        ``names`` says what the variable parts of the path are. ``at_root`` is for what is the server's: below an
        environment it is not there. ``texts`` are the media types of a ``Text`` that it may return in the place of its
        content. ``name`` is its id where that is not the function's name.
        """
        usual = status or (204 if answer is None else 200)
        answers = {usual: answer, **(also or {})}
        mapped = dict(raises or {})
        parts = _PART.findall(path)
        if set(parts) != set(names or {}):
            raise TypeError(f"{method} {path}: say what {', '.join(parts) or 'no part'} is, by names")

        def declare(act: Callable[[Call[Any, Any]], object]) -> Callable[[Call[Any, Any]], object]:
            made = Operation(
                method=method,
                path=path,
                summary=summary,
                description=description,
                act=act,
                body=None if body is None else form_of(body),
                body_may_be_missing=body_may_be_missing,
                query=query,
                answers={code: None if kind is None else form_of(kind) for code, kind in answers.items()},
                problems=tuple(dict.fromkeys((*problems, *mapped.values()))),
                raises=mapped,
                names=dict(names or {}),
                at_root=at_root,
                has_etag=has_etag,
                longest=longest,
                caller=caller,
                texts=tuple(texts),
                name=name or act.__name__,
            )
            self.operations.append(made)
            return act

        return declare


def page_of(items: Sequence[T], page: Page, key: Callable[[T], str]) -> tuple[tuple[T, ...], str | None]:
    """The part of ``items``, which are sorted by ``key``, that ``page`` asks for; and what its ``next`` says."""
    if page.after is not None:
        items = [item for item in items if key(item) > page.after]
    found = tuple(items[: page.limit])
    return found, key(found[-1]) if len(items) > page.limit else None


def not_found(what: str, name: str, near: str = "") -> Problem:
    """The problem that there is no ``what`` called ``name``; ``near`` ends the sentence."""
    return Problem(NOT_FOUND, f"no {what} is called {name[:100]!r}{near}")


def bad_parameter(name: str, detail: str) -> Problem:
    """The problem that the parameter ``name`` is wrong."""
    return Problem(BAD_PARAMETER, detail, parameter=name)


def second_of(text: str | None, name: str) -> int | None:
    """The second that the parameter ``name`` names, an ISO 8601 time; None where it is not given. Raises Problem."""
    if text is None:
        return None
    try:
        return read_time(text)
    except ValueError as error:
        raise bad_parameter(name, f"{name} is {text[:60]!r}, but must be {error}") from None
