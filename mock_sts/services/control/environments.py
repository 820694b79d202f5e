"""Environments: making one, changing its settings and its clock, and ending it with all that it holds."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from mock_sts.protocol.near_names import did_you_mean
from mock_sts.services.environment import NAME, Policy
from mock_sts.store.database import Database
from mock_sts.store.environments import EnvironmentRecord, Environments
from mock_sts.store.keys import SigningKey
from mock_sts.store.scope import DEFAULT_ENVIRONMENT

#: Settings that an environment may have of its own.
OWN_SETTINGS = tuple(field.name for field in fields(Policy))


class EnvironmentFaultError(ValueError):
    """An environment that cannot be made, changed or ended so; the message says why, for a person."""


def make_environment(store: Database, record: EnvironmentRecord, keys: Sequence[SigningKey] = ()) -> None:
    """Make an environment. It begins with the signing keys of the default one unless it gets ``keys``, of which one is
    active. Raises EnvironmentFaultError.
    """
    if re.fullmatch(NAME, record.name) is None:
        raise EnvironmentFaultError(f"{record.name[:70]!r} is no name of an environment: write 1 to 63 of a-z, 0-9, -")
    _check(record.settings)
    with store.writing() as transaction:
        made = Environments(store).make(transaction, record, keys)
    if not made:
        raise EnvironmentFaultError(f"there is an environment called {record.name!r} already; delete it, or change it")


def change_environment(
    store: Database,
    name: str,
    *,
    settings: Mapping[str, Any] | None = None,
    clock: tuple[int, int | None] | None = None,
) -> None:
    """Give the environment ``name`` these ``settings`` of its own, or this ``clock``: seconds that it is ahead of the
    real one, and the moment at which it stands still. What is None stays. Raises EnvironmentFaultError.
    """
    _check(settings or {})
    environments = Environments(store)
    with store.writing() as transaction:
        transaction.lock(f"environment:{name}")
        record = environments.find(name)
        if record is not None:
            record = record if settings is None else replace(record, settings=settings)
            record = record if clock is None else replace(record, clock_offset=clock[0], clock_frozen_at=clock[1])
            environments.change(transaction, record)
    if record is None:
        raise EnvironmentFaultError(f"no environment is called {name[:70]!r}")


def delete_environment(store: Database, name: str) -> None:
    """End the environment ``name`` with all that it holds. Raises EnvironmentFaultError."""
    if name == DEFAULT_ENVIRONMENT:
        raise EnvironmentFaultError("the default environment cannot be deleted; it is the server's own")
    with store.writing() as transaction:
        deleted = Environments(store).delete(transaction, name)
    if not deleted:
        raise EnvironmentFaultError(f"no environment is called {name[:70]!r}")


def _check(settings: Mapping[str, Any]) -> None:
    for name in settings:
        if name not in OWN_SETTINGS:
            meant = did_you_mean(name, OWN_SETTINGS) or f"it may have {', '.join(OWN_SETTINGS)}"
            raise EnvironmentFaultError(f"an environment has no setting {name[:70]!r} of its own; {meant}")
