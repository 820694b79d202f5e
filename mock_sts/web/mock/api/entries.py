"""What the four sorts of registry entries have in common over HTTP: list, read, put, delete, by the file formats."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mock_sts.helseid.registry.documents import Format
from mock_sts.services.control.registry import Registrar, UnknownEntryError
from mock_sts.store.catalog import Item
from mock_sts.store.fixtures.rows import sort_of
from mock_sts.web.mock.api.conditions import Conditions, etag_of
from mock_sts.web.mock.api.operations import Answer, Call, Page, Resource
from mock_sts.web.mock.api.problems import NOT_FOUND, Kind
from mock_sts.web.mock.api.shapes import Components, MisfitError, Schema, form_of, member, shape, unknown_member
from mock_sts.web.mock.api.tags import Tagged, tag_of


@shape("the query")
class EntryPage(Page):
    """Which part of a list of entries is asked for."""

    origin: str | None = member(
        "`made`: those that were made in this environment; `file`: those of files; unset: all",
        default=None,
        choices=("made", "file"),
    )


@dataclass(frozen=True, slots=True)
class Body:
    """A document, and what came beside its members."""

    document: Mapping[str, Any]
    beside: Any


@shape("the answer")
class Warned:
    """What an answer to a PUT has beside the entry."""

    warnings: tuple[str, ...] = member("What is odd about the entry, each in a sentence")


@dataclass(frozen=True, slots=True, eq=False)
class EntryForm:
    """The JSON of one entry: the members of its file format, and ``beside`` them those of a shape. ``by_path`` says
    that the path of the request names the entry, so that its body need not.
    """

    name: str
    of: Format[Any]
    beside: type[Any] | None = None
    by_path: bool = False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EntryForm) and self._named == other._named

    def __hash__(self) -> int:
        return hash(self._named)

    @property
    def _named(self) -> tuple[object, ...]:
        return self.name, self.of.word, self.beside, self.by_path

    @property
    def _beside(self) -> Any:
        return None if self.beside is None else form_of(self.beside)

    def read(self, value: object, what: str = "", path: tuple[str | int, ...] = ()) -> Body:
        """The document as it came: the registry reads it, as it reads a file. A member that is null is left out."""
        what = what or "the body"
        beside = {} if self._beside is None else self._beside.fields
        if not isinstance(value, Mapping):
            raise MisfitError(f"{what} must be a JSON object with the members of a {self.of.word}", path)
        known = {**{one.name: None for one in self.of.members}, **beside}
        for name in value:
            if name not in known:
                raise MisfitError(unknown_member(what, str(name), known), (*path, str(name)))
        document = {name: inner for name, inner in value.items() if name not in beside and inner is not None}
        order = {name: inner for name, inner in value.items() if name in beside}
        return Body(document, None if self._beside is None else self._beside.read(order, what, path))

    def schema(self, components: Components) -> Schema:
        """The schema of the file format, in which null may stand for nothing."""
        return components.refer(self, lambda: self._described(components))

    def _described(self, components: Components) -> Schema:
        found = _nullable(self.of.json_schema())
        described = {name: found[name] for name in ("type", "additionalProperties", "required", "properties")}
        if self.by_path:
            described["required"] = [name for name in described["required"] if name != self.of.key]
        if self._beside is not None:
            beside = Components()
            beside.answers = components.answers
            self._beside.schema(beside)
            (inner,) = beside.schemas.values()
            described["properties"] = {**described["properties"], **inner["properties"]}
            described["required"] = [*described["required"], *inner.get("required", ())]
        return described


def _nullable(schema: Schema) -> Schema:
    """``schema`` of a file format as what reads it takes it: null, in the place of what need not be there."""
    required = schema.get("required", ())
    properties = {}
    for name, inner in schema.get("properties", {}).items():
        one = {key: value for key, value in inner.items() if key != "default"}
        if "properties" in one:
            one = _nullable(one)
        if "properties" in one.get("items", ()):
            one["items"] = _nullable(one["items"])
        if name not in required:
            if "oneOf" in one:
                one["oneOf"] = [*one["oneOf"], {"type": "null"}]
            elif "type" in one:
                one["type"] = [one["type"], "null"]
            if "enum" in one:
                one["enum"] = [*one["enum"], None]
        properties[name] = one
    return {**schema, "properties": properties}


#: Makes of the body of a PUT, for the entry with a key, its document and what the answer has beside it.
Prepare = Callable[[str, Body], tuple[Mapping[str, Any], Mapping[str, Any]]]


def declare(
    resource: Resource,
    becomes: type[Item],
    word: str,
    *,
    beside: type[Tagged] = Tagged,
    answered: type[Any] = Warned,
    prepare: Prepare = lambda _key, body: (body.document, {}),
    description: str = "",
) -> None:
    """Give ``resource`` the operations of a sort of entries, one of which is called ``word``: list, read, put, delete.

    A PUT may have the members of ``beside`` beside those of the file format, of which ``prepare`` makes a document; its
    answer has those of ``answered``.
    """
    of = sort_of(becomes).format
    plural, capital = resource.name, word.capitalize()
    one, many = ("API", "APIs") if word == "api" else (word, plural)
    path = f"/{plural}/{{{of.key}}}"
    key = {of.key: f"The {of.key} of the {one}"}
    entry = EntryForm(capital, of)

    @shape("the answer")
    class Entries:
        """A page of entries."""

        items: tuple[Any, ...] = member(f"The {many}, by {of.key}", form=entry)
        next: str | None = member("Give it as `after` to get the page after this one; null: there is none")

    def find(call: Call[None, EntryPage]) -> Entries:
        query, made = call.query, None if call.query.origin is None else call.query.origin == "made"
        rows = call.environment.registry.page(becomes, after=query.after or "", limit=query.limit + 1, made=made)
        more = rows[query.limit - 1].document[of.key] if len(rows) > query.limit else None
        return Entries(items=tuple(row.document for row in rows[: query.limit]), next=more)

    def read(call: Call[None, None]) -> Answer[Mapping[str, Any]]:
        document = Registrar(call.environment, becomes).find(call.names[of.key])
        return Answer(document, etag=etag_of(document))

    def put(call: Call[Body, None]) -> Answer[dict[str, Any]]:
        name = call.names[of.key]
        document, more = prepare(name, call.body)
        kept = Registrar(call.environment, becomes).put(
            name, document, Conditions.of(call.request).check, tag_of(call.request, call.body.beside.tag)
        )
        answer = {**kept.document, "warnings": list(kept.warnings), **more}
        return Answer(answer, 201 if kept.created else 200, etag_of(kept.document))

    def delete(call: Call[None, None]) -> None:
        check = Conditions.of(call.request).check
        Registrar(call.environment, becomes).delete(call.names[of.key], check, tag_of(call.request))

    Entries.__name__ = Entries.__qualname__ = f"{capital}List"
    unknown: dict[type[Exception], Kind] = {UnknownEntryError: NOT_FOUND}
    resource.operation("GET", f"/{plural}", f"The {many}", query=EntryPage, answer=Entries, name=f"list_{plural}")(find)
    resource.operation(
        "GET", path, f"One {one}", answer=entry, names=key, raises=unknown, has_etag=True, name=f"get_{word}"
    )(read)
    resource.operation(
        "PUT",
        path,
        f"Make the {one}, or put it in the place of the one that is there",
        description=description,
        body=EntryForm(f"{capital}Body", of, beside, by_path=True),
        answer=EntryForm(f"{capital}Kept", of, answered),
        also={201: EntryForm(f"{capital}Kept", of, answered)},
        names=key,
        has_etag=True,
        name=f"put_{word}",
    )(put)
    resource.operation(
        "DELETE",
        path,
        f"Do without the {one}; one that a file describes is hidden here",
        names=key,
        raises=unknown,
        has_etag=True,
        name=f"delete_{word}",
    )(delete)
