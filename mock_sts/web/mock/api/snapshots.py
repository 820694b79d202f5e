"""Snapshots, the way back to them and to the start, and what was made by hand as fixture files."""

from collections.abc import Mapping
from typing import Any

from mock_sts.protocol.durations import write_time
from mock_sts.services.control.snapshots import (
    NoSuchSnapshotError,
    SnapshotFaultError,
    delete_snapshot,
    end_tagged,
    find_snapshot,
    list_snapshots,
    reset,
    reset_run,
    restore_snapshot,
    take_snapshot,
)
from mock_sts.store.fixtures.export import export_rows, texts_of
from mock_sts.store.scope import DEFAULT_ENVIRONMENT
from mock_sts.store.snapshots import Snapshot
from mock_sts.web.mock.api.operations import Call, Resource
from mock_sts.web.mock.api.problems import BAD_PARAMETER, CONFLICT, ELSEWHERE, NOT_FOUND, Problem
from mock_sts.web.mock.api.shapes import member, shape
from mock_sts.web.mock.api.tags import LONGEST_TAG, checked_tag, tag_member, tag_of

RESOURCE = Resource(
    "snapshots and reset",
    "Everything back to where it was, in milliseconds: to a snapshot, or to the start. Of one environment, or of the "
    "whole server by `?scope=server` at the root.",
)

ENVIRONMENT, SERVER = "environment", "server"


def _scope() -> str:
    made: str = member(
        "environment: the one that is asked; server: all of them", default=ENVIRONMENT, choices=(ENVIRONMENT, SERVER)
    )
    return made


@shape("the query")
class Scoped:
    """How far it reaches."""

    scope: str = _scope()


@shape("the query")
class ResetQuery:
    """How far a reset reaches, and for which run."""

    scope: str = _scope()
    tag: str | None = member("only what the test run with this tag has made", default=None, longest=LONGEST_TAG)


@shape("the body")
class NewSnapshot:
    """A snapshot to be taken."""

    name: str | None = member("what people call it", default=None, longest=200)
    tag: str | None = tag_member()


@shape("the answer")
class SnapshotState:
    """A snapshot."""

    id: str = member("Its id")
    name: str | None = member("What people call it, or null")
    tag: str | None = member("The test run that took it, or null")
    scope: str = member("environment, or server")
    created_at: str = member("When it was taken, in real time")


@shape("the answer")
class SnapshotList:
    """Snapshots."""

    items: tuple[SnapshotState, ...] = member("The oldest first")
    next: str | None = member("Always null: there are at most 100")


@shape("the answer")
class Restored:
    """What was restored."""

    environments: tuple[str, ...] = member("The environments that are as they were")


@shape("the answer")
class Reset:
    """What went."""

    environments: tuple[str, ...] = member("The environments that were reset")
    ended: tuple[str, ...] = member("The environments that were made with the tag, and have ended")
    removed: Mapping[str, int] = member("How many rows went, by kind")


@shape("the query")
class ExportQuery:
    """What is exported."""

    everything: bool = member("true: also what the shipped world holds in the same words", default=False)


@shape("the answer")
class Exported:
    """Fixture files."""

    files: Mapping[str, str] = member("Their content, by their path in a folder of MOCK_STS_FIXTURES")


_RAISES: dict[type[Exception], Any] = {NoSuchSnapshotError: NOT_FOUND, SnapshotFaultError: CONFLICT}
_NAMES = {"id": "The snapshot's id"}
_SCOPED = (ELSEWHERE, BAD_PARAMETER)


@RESOURCE.operation(
    "POST",
    "/snapshots",
    "Take a snapshot",
    description="Of registry rows, keys, settings, clock, sessions, codes, tokens, what was used, and the journal.",
    body=NewSnapshot,
    body_may_be_missing=True,
    query=Scoped,
    answer=SnapshotState,
    status=201,
    problems=_SCOPED,
    raises=_RAISES,
)
def take_a_snapshot(call: Call[NewSnapshot, Scoped]) -> SnapshotState:
    """Take one."""
    wall = call.server.clock.times().wall
    tag = tag_of(call.request, call.body.tag)
    return _shown(take_snapshot(call.server.store, _of(call, call.query.scope), wall, call.body.name, tag))


@RESOURCE.operation("GET", "/snapshots", "All snapshots", query=Scoped, answer=SnapshotList, problems=_SCOPED)
def all_snapshots(call: Call[None, Scoped]) -> SnapshotList:
    """List them."""
    found = list_snapshots(call.server.store, _of(call, call.query.scope))
    return SnapshotList(items=tuple(_shown(one) for one in found), next=None)


@RESOURCE.operation(
    "GET",
    "/snapshots/{id}",
    "One snapshot",
    query=Scoped,
    answer=SnapshotState,
    problems=_SCOPED,
    raises=_RAISES,
    names=_NAMES,
)
def one_snapshot(call: Call[None, Scoped]) -> SnapshotState:
    """Show one."""
    return _shown(find_snapshot(call.server.store, _of(call, call.query.scope), call.names["id"]))


@RESOURCE.operation(
    "POST",
    "/snapshots/{id}/restore",
    "Make everything as it was when the snapshot was taken",
    description="What was used since, such as codes and assertions, can be used again. A snapshot of the server brings "
    "back environments that have ended since, and ends those that were made since.",
    query=Scoped,
    answer=Restored,
    problems=_SCOPED,
    raises=_RAISES,
    names=_NAMES,
)
def restore_a_snapshot(call: Call[None, Scoped]) -> Restored:
    """Go back to one."""
    wall = call.server.clock.times().wall
    names = restore_snapshot(call.server.store, _of(call, call.query.scope), call.names["id"], wall)
    return Restored(environments=tuple(names))


@RESOURCE.operation(
    "DELETE",
    "/snapshots/{id}",
    "Forget a snapshot",
    query=Scoped,
    problems=_SCOPED,
    raises=_RAISES,
    names=_NAMES,
)
def forget_snapshot(call: Call[None, Scoped]) -> None:
    """Forget one."""
    delete_snapshot(call.server.store, _of(call, call.query.scope), call.names["id"])


@RESOURCE.operation(
    "POST",
    "/reset",
    "Take the environment back to its start, or forget what one test run has made",
    description="What was made at run time, sessions, codes, tokens, what was used, the journal and the clock's offset "
    "go, and the seed begins anew; keys, settings and host names stay. With a tag, only what was made with it goes.",
    query=ResetQuery,
    answer=Reset,
    problems=_SCOPED,
)
def reset_environment(call: Call[None, ResetQuery]) -> Reset:
    """Reset."""
    query, server = call.query, call.server
    if query.tag is not None:
        tag = checked_tag(query.tag, "tag")
        at_root = call.environment.name == DEFAULT_ENVIRONMENT
        ended = end_tagged(server.store, tag) if at_root else []
        names = _reached(call, query.scope)
        return Reset(environments=names, ended=tuple(ended), removed=reset_run(server.store, names, tag))
    names = _reached(call, query.scope)
    return Reset(environments=names, ended=(), removed=reset(server.store, names))


@RESOURCE.operation(
    "GET",
    "/export",
    "What the registry holds, as fixture files that load to the same",
    query=ExportQuery,
    answer=Exported,
)
def exported_files(call: Call[None, ExportQuery]) -> Exported:
    """Export."""
    found = export_rows(call.server.store, everything=call.query.everything, environment=call.environment.name)
    return Exported(files={path.as_posix(): text for path, text in texts_of(found).items()})


def _of(call: Call[Any, Any], scope: str) -> str:
    """The environment that a request is about, or an empty name for the server. Raises Problem."""
    if scope != SERVER:
        return call.environment.name
    if call.environment.name != DEFAULT_ENVIRONMENT:
        raise Problem(ELSEWHERE, "the server as a whole is reached at its root alone", parameter="scope")
    return ""


def _reached(call: Call[Any, Any], scope: str) -> tuple[str, ...]:
    """The environments that a request reaches. Raises Problem."""
    name = _of(call, scope)
    return (name,) if name else tuple(record.name for record in call.server.environments.list())


def _shown(one: Snapshot) -> SnapshotState:
    scope = ENVIRONMENT if one.environment else SERVER
    return SnapshotState(id=one.id, name=one.name, tag=one.tag, scope=scope, created_at=write_time(one.created_at))
