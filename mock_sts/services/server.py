"""The process: what all its environments share, and the environments."""

import hashlib
import hmac
import secrets
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mock_sts.helseid.profile.dpop import NONCE_PREFIX
from mock_sts.protocol.addresses import Addresses
from mock_sts.protocol.dpop import NonceMint
from mock_sts.services.clock import Clock, moved
from mock_sts.services.environment import Environment, Policy, path_of_environment
from mock_sts.services.keyring import KeyRing
from mock_sts.services.registry.people import People
from mock_sts.services.seal import Seal
from mock_sts.store.catalog import Catalog, CatalogHolder, Revision
from mock_sts.store.database import Database, StoreError
from mock_sts.store.environments import EnvironmentRecord, Environments
from mock_sts.store.fixtures.rows import Registry
from mock_sts.store.journal import Journal
from mock_sts.store.keys import Keys, SigningKey, server_secret
from mock_sts.store.ledger import Ledger
from mock_sts.store.login_queue import LoginQueue
from mock_sts.store.meta import made_at
from mock_sts.store.personas import Personas
from mock_sts.store.public_url import NO_OVERRIDE, PublicUrlOverride
from mock_sts.store.replay import Replay
from mock_sts.store.scope import DEFAULT_ENVIRONMENT
from mock_sts.store.sessions import Sessions
from mock_sts.store.snapshots import forget_of
from mock_sts.store.sweeping import Sweeper

#: Seconds between two looks for environments that are idle.
_LOOK_EVERY = 60

#: Environments that one process keeps ready, beside the default one.
_MOST_OPENED = 500


class UnknownEnvironmentError(LookupError):
    """No environment has this name; the message says so to a person."""


#: How settings of an environment's own are read: JSON values by name, and a preset or None. Raises ValueError.
ReadSettings = Callable[[Mapping[str, object], str | None], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Hosting:
    """How the process is reached and guarded, for pages that tell of it: where the certificate of the local CA lies, if
    there is one; names and addresses for which there is a certificate on ``tls_port``; the control API's bearer token,
    empty for none. ``settings`` are those of the server as texts, by name, without secrets.
    """

    ca: Path
    certificate_names: tuple[str, ...]
    tls_port: int | None
    admin_token: str
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Source:
    """What an environment is made from: when it differs, the environment is another."""

    record: EnvironmentRecord
    keys: list[SigningKey]
    seal: bytes
    nonce_secret: bytes
    instance: bytes


@dataclass(frozen=True, slots=True)
class _Opened:
    """An environment, its source, and the revision at which that was read."""

    environment: Environment
    source: _Source
    revision: Revision


class Server:
    """One process over a prepared database."""

    def __init__(
        self,
        addresses: Addresses,
        policy: Policy,
        hosting: Hosting,
        clock: Clock,
        store: Database,
        *,
        idle: int = 0,
        read_settings: ReadSettings = lambda values, preset: dict(values),
    ) -> None:
        """``addresses`` and ``policy`` are those that the settings give; an environment ends that was not used for
        ``idle`` seconds, 0: none does. ``read_settings`` reads an environment's own. Raises StoreError.
        """
        self.read_settings = read_settings
        self.idle = idle
        self._looked_at = -_LOOK_EVERY  # of no moment yet
        self.configured = addresses
        self.policy = policy
        self.hosting = hosting
        self.clock = clock
        self.store = store
        self.environments = Environments(store)
        self._opened: dict[str, _Opened] = {}
        self._lock = threading.Lock()
        #: What only processes of this server can seal and open.
        self.seal = self.environment(DEFAULT_ENVIRONMENT).seal

    @property
    def default(self) -> Environment:
        """The environment at the root, as it was when it was last asked for."""
        return self._opened[DEFAULT_ENVIRONMENT].environment

    def environment(self, name: str) -> Environment:
        """The environment called ``name``. Raises UnknownEnvironmentError and StoreError."""
        return self.reach(name)[0]

    def reach(self, name: str) -> tuple[Environment, Catalog]:
        """The environment called ``name`` and its current catalog (4 µs, where nothing has changed).

        Other processes make, change and end environments. Whatever they do moves the environment's revision, and then
        what it is made from is read again. Raises UnknownEnvironmentError and StoreError.
        """
        opened = self._opened.get(name)
        if opened is not None:
            catalog = opened.environment.catalog.current()
            if catalog.revision == opened.revision:
                return opened.environment, catalog
        elif self.environments.find(name) is None:
            raise UnknownEnvironmentError(f"no environment is called {name!r}")
        with self._lock:
            return self._open(name)

    def below_root(self, name: str) -> tuple[Environment, Catalog]:
        """The same for one that lies below the root, under its name; it notes that it is used."""
        if name == DEFAULT_ENVIRONMENT:
            raise UnknownEnvironmentError("the default environment lies at the root of the server")
        wall = self.clock.times().wall
        with suppress(StoreError):  # another request will
            self.end_idle(wall)
        found = self.reach(name)
        with suppress(StoreError):  # that it is in use may be noted later
            self.environments.note_use(name, wall)
        return found

    def end_idle(self, wall: int) -> None:
        """End the environments that are idle, if the last look was long enough ago (``wall`` in seconds, real time).
        Raises StoreError.
        """
        if self.idle and not 0 <= wall - self._looked_at < _LOOK_EVERY:
            self._looked_at = wall
            for name in self.environments.idle(wall - self.idle):
                with self.store.writing() as transaction:
                    self.environments.delete(transaction, name)
                    forget_of(transaction, name)

    def addresses(self, catalog: Catalog) -> Addresses:
        """The addresses of the server as of ``catalog``, whichever environment's: those of the settings,
        under another public URL where one was set since, and with those that it had before.
        """
        return self._known_as(catalog.override)

    @property
    def latest_addresses(self) -> Addresses:
        """The addresses as far as this process knows without asking the database."""
        latest = self.default.catalog.latest
        return self._known_as(NO_OVERRIDE if latest is None else latest.override)

    def _known_as(self, override: PublicUrlOverride) -> Addresses:
        if override == NO_OVERRIDE:
            return self.configured
        return self.configured.known_as(override.public_url, override.former)

    def check(self) -> None:
        """Raises StoreError where the server cannot answer."""
        self.store.check()
        self.environment(DEFAULT_ENVIRONMENT)

    def close(self) -> None:
        """Give back files and connections."""
        self.store.close()

    def _open(self, name: str) -> tuple[Environment, Catalog]:
        """Read what ``name`` is made from, and make it where that is new or has changed."""
        opened = self._opened.get(name)
        if opened is not None:
            holder = opened.environment.catalog
        else:
            root = self._opened.get(DEFAULT_ENVIRONMENT)
            holder = CatalogHolder(self.store, name, root.environment.catalog if root is not None else None)
        # The revision is older than what is read after it, so that a change in between is noticed at the next question.
        catalog = holder.current()
        source = self._source(name)
        if source is None:
            self._opened.pop(name, None)
            raise UnknownEnvironmentError(f"no environment is called {name!r}")
        environment = self._make(source, holder) if opened is None or opened.source != source else opened.environment
        self._opened[name] = _Opened(environment, source, catalog.revision)
        if opened is None:
            self._forget_surplus()
        return environment, catalog

    def _forget_surplus(self) -> None:
        """Give up what was opened the longest ago where that is too much; it is made anew when it is asked for."""
        names = [name for name in self._opened if name != DEFAULT_ENVIRONMENT]
        for name in names[: max(0, len(names) - _MOST_OPENED)]:
            del self._opened[name]

    def _source(self, name: str) -> _Source | None:
        record, keys = self.environments.find(name), Keys(self.store, name).load()
        if record is None:
            return None
        if name == DEFAULT_ENVIRONMENT:
            seal, nonces, instance = (
                server_secret(self.store, purpose, lambda: secrets.token_bytes(32))
                for purpose in ("seal", "dpop-nonce", "instance")
            )
        else:
            secret = self.environments.secret(name)
            if secret is None:
                return None
            seal, nonces, instance = (
                hmac.digest(secret, purpose, hashlib.sha256) for purpose in (b"seal", b"dpop-nonce", b"instance")
            )
        return _Source(replace(record, used_at=0), keys, seal, nonces, instance[:4])

    def _make(self, source: _Source, catalog: CatalogHolder) -> Environment:
        record, store = source.record, self.store
        name, policy = record.name, self.policy.changed(record.settings)
        is_default = name == DEFAULT_ENVIRONMENT
        return Environment(
            name=name,
            below="" if is_default else path_of_environment(name),
            policy=policy,
            clock=moved(self.clock, record.clock_offset, record.clock_frozen_at),
            store=store,
            ledger=Ledger(store, name),
            replay=Replay(store, name),
            journal=Journal(store, name),
            login_queue=LoginQueue(store, name),
            sessions=Sessions(store, name),
            registry=Registry(store, name),
            catalog=catalog,
            keyring=KeyRing(source.keys, policy.signing_algorithm),
            nonces=NonceMint(source.nonce_secret, name, policy.dpop_nonce_step, NONCE_PREFIX),
            sweeper=Sweeper(name),
            people=People(Personas(store, name)),
            seal=Seal(source.seal),
            instance=source.instance.hex(),
            made_at=made_at(store, self.clock.times().wall) if is_default else record.created_at,
            session=record.session,
        )
