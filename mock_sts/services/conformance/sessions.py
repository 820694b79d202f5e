"""Conformance sessions: an environment that is for one client, so that every request to its authority is known to be
that client's.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mock_sts.helseid.terms import EXPLAIN_IN_DESCRIPTION
from mock_sts.services.conformance.departures import Departure, read_departures
from mock_sts.services.conformance.report import Report, UnknownClientError, report_on
from mock_sts.services.control.environments import make_environment
from mock_sts.services.environment import AT_ROOT, Environment
from mock_sts.services.server import Server
from mock_sts.store.catalog import Catalog
from mock_sts.store.database import Database
from mock_sts.store.environments import ConformanceSession, EnvironmentRecord, Environments
from mock_sts.store.reset import copy_registry, reset_all


class UnknownSessionError(LookupError):
    """No session has this id; the message says so."""


class SessionConflictError(ValueError):
    """What is there does not allow it: the session has ended, or runs in a session."""


@dataclass(frozen=True, slots=True)
class Order:
    """A session that is asked for: ``settings`` are its environment's own, ``at_root`` puts its authority at
    ``/<id>`` in the place of ``/env/<id>``.
    """

    client_id: str
    at_root: bool = False
    settings: Mapping[str, Any] | None = None
    departures: Sequence[Departure] = ()
    tag: str | None = None


def start(server: Server, environment: Environment, catalog: Catalog, order: Order) -> EnvironmentRecord:
    """Make the environment of a session for a client of ``environment``, with all that was registered there at run
    time. It explains refusals. Raises UnknownClientError, SessionConflictError and EnvironmentFaultError.
    """
    if environment.session is not None:
        raise SessionConflictError("this is a conformance session already; start another one at the root")
    if catalog.client(order.client_id) is None:
        raise UnknownClientError(f"no client is registered here with the client_id {order.client_id[:100]!r}")
    session_id, wall = str(uuid.uuid4()), environment.clock.times().wall
    session = ConformanceSession(session_id, order.client_id, wall, None, _kept(order.departures))
    record = EnvironmentRecord(
        name=f"{AT_ROOT}{session_id}" if order.at_root else session_id,
        created_at=wall,
        used_at=wall,
        settings={"explain": EXPLAIN_IN_DESCRIPTION, **(order.settings or {})},
        tag=order.tag,
        session=session,
    )
    make_environment(server.store, record)
    with server.store.writing() as transaction:
        copy_registry(transaction, environment.name, record.name)
    return record


def find(store: Database, session_id: str) -> EnvironmentRecord:
    """The environment of a session. Raises UnknownSessionError."""
    environments = Environments(store)
    for name in (session_id, f"{AT_ROOT}{session_id}"):
        record = environments.find(name)
        if record is not None and record.session is not None:
            return record
    raise UnknownSessionError(
        f"no conformance session has the id {session_id[:70]!r}; one that was not used for a day is gone"
    )


def listed(store: Database) -> list[EnvironmentRecord]:
    """The environments of all sessions, the newest first."""
    found = [record for record in Environments(store).list() if record.session is not None]
    return sorted(found, key=lambda record: (-_session(record).started_at, record.name))


def end(store: Database, session_id: str, wall: int) -> EnvironmentRecord:
    """End a session at ``wall`` (seconds): its authority answers no client any more, and its result stays.

    Raises UnknownSessionError and SessionConflictError.
    """
    return _change(store, session_id, {"ended_at": wall}, runs=True)


def reset(store: Database, session_id: str, wall: int) -> EnvironmentRecord:
    """Begin a session anew at ``wall``, also one that has ended: what was seen is forgotten.

    Raises UnknownSessionError.
    """
    record = find(store, session_id)
    with store.writing() as transaction:
        reset_all(transaction, record.name, registry=False)
    return _change(store, session_id, {"started_at": wall, "ended_at": None}, runs=False)


def result(server: Server, session_id: str, departures: Sequence[Departure] | None = None) -> Report:
    """The report of a session; ``departures`` take the place of those that it was started with.

    Raises UnknownSessionError and UnknownClientError.
    """
    record = find(server.store, session_id)
    session = _session(record)
    accepted = read_departures(list(session.departures)) if departures is None else tuple(departures)
    environment, catalog = server.reach(record.name)
    return report_on(environment, catalog, session.client_id, departures=accepted, session=session.id)


def _change(store: Database, session_id: str, changes: Mapping[str, Any], *, runs: bool) -> EnvironmentRecord:
    environments = Environments(store)
    name = find(store, session_id).name
    with store.writing() as transaction:
        transaction.lock(f"environment:{name}")
        record = find(store, session_id)
        session = _session(record)
        if runs and session.ended_at is not None:
            raise SessionConflictError(
                f"the conformance session {session_id} has ended already; a reset begins it anew"
            )
        changed = replace(record, session=replace(session, **changes))
        environments.change(transaction, changed)
    return changed


def _session(record: EnvironmentRecord) -> ConformanceSession:
    if record.session is None:
        raise AssertionError("the environment has no session")
    return record.session


def _kept(departures: Sequence[Departure]) -> list[Mapping[str, str]]:
    return [{"of": one.of, "reason": one.reason} for one in departures]
