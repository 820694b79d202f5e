"""Environments: making one, changing its settings, hosts and clock, and ending it with all that it holds."""

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from mock_sts.helseid.hosts import is_production
from mock_sts.protocol.addresses import Addresses, host_name, is_host, is_loopback_name
from mock_sts.protocol.near_names import did_you_mean
from mock_sts.services.environment import NAME, POLICY_FIELDS
from mock_sts.store.database import Database, Transaction
from mock_sts.store.environments import EnvironmentRecord, Environments
from mock_sts.store.keys import SigningKey
from mock_sts.store.scope import DEFAULT_ENVIRONMENT
from mock_sts.store.snapshots import forget_of

#: Settings that an environment may have of its own.
OWN_SETTINGS = POLICY_FIELDS

#: Host names that one environment may have.
_MOST_HOSTS = 20


class EnvironmentFaultError(ValueError):
    """An environment that cannot be made, changed or ended so; the message says why, for a person. ``path`` leads to
    the member that is wrong, where one is.
    """

    def __init__(self, message: str, *path: str) -> None:
        super().__init__(message)
        self.path = path or None


class NoSuchEnvironmentError(EnvironmentFaultError):
    """No environment has this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"no environment is called {name[:70]!r}")


class EnvironmentConflictError(EnvironmentFaultError):
    """What is there does not allow it: a name or a host is taken, or the environment is not one that ends."""


def checked_name(name: str) -> str:
    """``name``, if it can be that of an environment. Raises EnvironmentFaultError."""
    if re.fullmatch(NAME, name) is None:
        raise EnvironmentFaultError(f"{name[:70]!r} is no name of an environment: write 1 to 63 of a-z, 0-9, -", "name")
    return name


def random_name() -> str:
    """A name that no environment has."""
    return f"e{secrets.token_hex(6)}"


def checked_hosts(hosts: Sequence[str], server: Addresses) -> tuple[str, ...]:
    """Host names as an environment of the ``server`` may have them. Raises EnvironmentFaultError."""
    if len(hosts) > _MOST_HOSTS:
        raise EnvironmentFaultError(f"an environment has at most {_MOST_HOSTS} hosts", "hosts")
    taken = {host_name(url.partition("://")[2].partition("/")[0]).rstrip(".") for url in server.named}
    found = dict.fromkeys(host.lower() for host in hosts)
    for number, host in enumerate(found):
        fault = ""
        if is_production(host):
            fault = "belongs to the real HelseID in production"
        elif not is_host(host) or ":" in host or host.endswith("."):
            fault = "is no host name: write one such as sts.qa.example, without a port, scheme or path"
        elif is_loopback_name(host) or host in taken:
            fault = "is a name of the server, where the default environment answers"
        if fault:
            raise EnvironmentFaultError(f"{host[:100]!r} {fault}", "hosts", str(number))
    return tuple(found)


def make_environment(
    store: Database, record: EnvironmentRecord, keys: Sequence[SigningKey] = (), hosts: Sequence[str] = ()
) -> None:
    """Make an environment. It begins with the signing keys of the default one unless it gets ``keys``, of which one is
    active. Raises EnvironmentFaultError.
    """
    checked_name(record.name)
    _check(record.settings)
    with store.writing() as transaction:
        environments = Environments(store)
        if not environments.make(transaction, record, keys):
            raise EnvironmentConflictError(
                f"there is an environment called {record.name!r} already; delete it, or change it", "name"
            )
        _set_hosts(environments, transaction, record.name, hosts)


def put_environment(
    store: Database, record: EnvironmentRecord, keys: Sequence[SigningKey] = (), hosts: Sequence[str] = ()
) -> bool:
    """Make an environment, or make it anew where there is one of that name; whether there was. Raises
    EnvironmentFaultError.
    """
    checked_name(record.name)
    _check(record.settings)
    with store.writing() as transaction:
        environments = Environments(store)
        transaction.lock(f"environment:{record.name}")
        _refuse_lasting(environments.find(record.name), record.name)
        was_there = environments.delete(transaction, record.name)
        forget_of(transaction, record.name)
        environments.make(transaction, record, keys)
        _set_hosts(environments, transaction, record.name, hosts)
    return was_there


def change_environment(
    store: Database,
    name: str,
    *,
    settings: Mapping[str, Any] | None = None,
    clock: tuple[int, int | None] | None = None,
    hosts: Sequence[str] | None = None,
) -> None:
    """Give the environment ``name`` these ``settings`` of its own, this ``clock`` (seconds that it is ahead of the
    real one, and the moment at which it stands still), or these ``hosts``. What is None stays. Raises
    EnvironmentFaultError.
    """
    _check(settings or {})
    with changing(store, name) as change:
        if settings is not None:
            change.set_settings(settings)
        if clock is not None:
            change.set_clock(*clock)
        if hosts is not None:
            change.set_hosts(hosts)


class Change:
    """A change of one environment under way."""

    def __init__(self, environments: Environments, transaction: Transaction, record: EnvironmentRecord) -> None:
        self._environments = environments
        self._transaction = transaction
        #: What is kept of it, with what has changed.
        self.record = record

    def set_settings(self, settings: Mapping[str, Any]) -> None:
        """Give it these settings of its own, and no others. Raises EnvironmentFaultError."""
        _check(settings)
        self.record = replace(self.record, settings=dict(settings))

    def set_clock(self, offset: int, frozen_at: int | None) -> None:
        """Let its clock be ``offset`` seconds ahead of the real one, or stand still at ``frozen_at``."""
        self.record = replace(self.record, clock_offset=offset, clock_frozen_at=frozen_at)

    def set_declared(self, declared: bool) -> None:
        """Note whether a fixture file asks for it."""
        self.record = replace(self.record, declared=declared)

    def set_hosts(self, hosts: Sequence[str]) -> None:
        """Give it these host names, and no others. Raises EnvironmentFaultError."""
        if hosts and self.record.name == DEFAULT_ENVIRONMENT:
            raise EnvironmentConflictError("the default environment answers under the names of the server", "hosts")
        _set_hosts(self._environments, self._transaction, self.record.name, hosts)


@contextmanager
def changing(store: Database, name: str) -> Iterator[Change]:
    """A change of the environment ``name``, kept at the end. Raises EnvironmentFaultError."""
    environments = Environments(store)
    with store.writing() as transaction:
        transaction.lock(f"environment:{name}")
        change = Change(environments, transaction, found(store, name))
        before = change.record
        yield change
        if change.record != before:
            environments.change(transaction, change.record)


def found(store: Database, name: str) -> EnvironmentRecord:
    """What is kept of the environment ``name``. Raises EnvironmentFaultError."""
    record = Environments(store).find(name)
    if record is None:
        raise NoSuchEnvironmentError(name)
    return record


def delete_environment(store: Database, name: str) -> None:
    """End the environment ``name`` with all that it holds. Raises EnvironmentFaultError."""
    environments = Environments(store)
    with store.writing() as transaction:
        _refuse_lasting(environments.find(name), name)
        if not environments.delete(transaction, name):
            raise NoSuchEnvironmentError(name)
        forget_of(transaction, name)


@dataclass(frozen=True, slots=True)
class Declared:
    """An environment that a fixture file asks for, validated, and where it stands."""

    name: str
    settings: Mapping[str, Any]
    hosts: tuple[str, ...]


def declare_environments(store: Database, declared: Sequence[Declared], wall: int) -> None:
    """Make and change environments as the fixture files say, and end those that none declares any more. What they hold
    stays. Raises EnvironmentFaultError.
    """
    environments = Environments(store)
    there = {record.name: record for record in environments.list()}
    wanted = {one.name for one in declared}
    for name in [name for name, record in there.items() if record.declared and name not in wanted]:
        with store.writing() as transaction:
            environments.delete(transaction, name)
            forget_of(transaction, name)
    for one in declared:
        if one.name not in there:
            record = EnvironmentRecord(one.name, wall, wall, one.settings, declared=True)
            make_environment(store, record, (), one.hosts)
        elif (
            there[one.name].settings != one.settings
            or not there[one.name].declared
            or (environments.hosts(one.name) != one.hosts)
        ):
            with changing(store, one.name) as change:
                change.set_settings(one.settings)
                change.set_declared(True)
                change.set_hosts(one.hosts)


def _set_hosts(environments: Environments, transaction: Transaction, name: str, hosts: Sequence[str]) -> None:
    taken = environments.set_hosts(transaction, name, hosts)
    if taken is not None:
        raise EnvironmentConflictError(f"the host {taken!r} belongs to another environment of this server", "hosts")


def _refuse_lasting(record: EnvironmentRecord | None, name: str) -> None:
    """Raise EnvironmentConflictError for an environment that no request can end."""
    if name == DEFAULT_ENVIRONMENT:
        raise EnvironmentConflictError(
            "the default environment cannot be deleted; it is the server's own, and a reset empties it"
        )
    if record is not None and record.declared:
        raise EnvironmentConflictError(
            f"{name!r} stands in environments.yaml, and lasts as long as it does; a reset empties it"
        )


def _check(settings: Mapping[str, Any]) -> None:
    for name in settings:
        if name not in OWN_SETTINGS:
            meant = did_you_mean(name, OWN_SETTINGS) or f"it may have {', '.join(OWN_SETTINGS)}"
            raise EnvironmentFaultError(
                f"an environment has no setting {name[:70]!r} of its own; {meant}", "settings", name[:70]
            )
