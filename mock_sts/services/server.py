"""The process: what all its environments share, and the environments."""

import secrets
from dataclasses import dataclass
from pathlib import Path

from mock_sts.helseid.profile.dpop import NONCE_PREFIX
from mock_sts.protocol.addresses import Addresses
from mock_sts.protocol.dpop import NonceMint
from mock_sts.services.clock import Clock
from mock_sts.services.environment import Environment, Policy
from mock_sts.services.keyring import KeyRing
from mock_sts.services.registry.people import People
from mock_sts.services.seal import Seal
from mock_sts.store.catalog import Catalog, CatalogHolder
from mock_sts.store.database import Database
from mock_sts.store.journal import Journal
from mock_sts.store.keys import Keys, server_secret
from mock_sts.store.ledger import Ledger
from mock_sts.store.login_queue import LoginQueue
from mock_sts.store.meta import made_at
from mock_sts.store.personas import Personas
from mock_sts.store.public_url import NOTHING_TOLD, Told
from mock_sts.store.replay import Replay
from mock_sts.store.scope import DEFAULT_ENVIRONMENT
from mock_sts.store.sessions import Sessions
from mock_sts.store.sweeping import Sweeper


class UnknownEnvironmentError(LookupError):
    """No environment has this name; the message says so to a person."""


@dataclass(frozen=True, slots=True)
class Hosting:
    """How the process is reached and guarded, for pages that tell of it: where the certificate of the local CA lies, if
    there is one; names and addresses for which there is a certificate on ``tls_port``; the control API's bearer token,
    empty for none.
    """

    ca: Path
    certificate_names: tuple[str, ...]
    tls_port: int | None
    admin_token: str


class Server:
    """One process over a prepared database."""

    def __init__(self, addresses: Addresses, policy: Policy, hosting: Hosting, clock: Clock, store: Database) -> None:
        """``addresses`` and ``policy`` are those that the settings give. Raises StoreError."""
        self.configured = addresses
        self.policy = policy
        self.hosting = hosting
        self.clock = clock
        self.store = store
        #: What only processes of this server can seal and open.
        self.seal = Seal(server_secret(store, "seal", lambda: secrets.token_bytes(32)))
        self._environments = {DEFAULT_ENVIRONMENT: self._open(DEFAULT_ENVIRONMENT)}

    @property
    def default(self) -> Environment:
        """The environment at the root."""
        return self._environments[DEFAULT_ENVIRONMENT]

    def environment(self, name: str) -> Environment:
        """The environment called ``name``. Raises UnknownEnvironmentError."""
        found = self._environments.get(name)
        if found is None:
            raise UnknownEnvironmentError(f"no environment is called {name!r}")
        return found

    def below_root(self, name: str) -> Environment:
        """The environment that lies below the root under ``name``. Raises UnknownEnvironmentError."""
        if name == DEFAULT_ENVIRONMENT:
            raise UnknownEnvironmentError("the default environment lies at the root of the server")
        return self.environment(name)

    def addresses(self, catalog: Catalog) -> Addresses:
        """The addresses of the server as of ``catalog``, which is the default environment's: those of the settings,
        under another public URL where one was told since, and with those that it had before.
        """
        return self._known_as(catalog.told)

    @property
    def latest_addresses(self) -> Addresses:
        """The addresses as far as this process knows without asking the database."""
        latest = self.default.catalog.latest
        return self._known_as(NOTHING_TOLD if latest is None else latest.told)

    def _known_as(self, told: Told) -> Addresses:
        return self.configured if told == NOTHING_TOLD else self.configured.known_as(told.public_url, told.former)

    def check(self) -> None:
        """Raises StoreError where the server cannot answer."""
        self.store.check()
        self.default.catalog.current()

    def close(self) -> None:
        """Give back files and connections."""
        self.store.close()

    def _open(self, name: str) -> Environment:
        store, policy = self.store, self.policy
        secret = server_secret(store, "dpop-nonce", lambda: secrets.token_bytes(32))
        return Environment(
            name=name,
            below="",
            policy=policy,
            clock=self.clock,
            store=store,
            ledger=Ledger(store, name),
            replay=Replay(store, name),
            journal=Journal(store, name),
            login_queue=LoginQueue(store, name),
            sessions=Sessions(store, name),
            catalog=CatalogHolder(store, name),
            keyring=KeyRing(Keys(store, name).load(), policy.signing_algorithm),
            nonces=NonceMint(secret, name, policy.dpop_nonce_step, NONCE_PREFIX),
            sweeper=Sweeper(name),
            people=People(Personas(store, name)),
            seal=self.seal,
            instance=server_secret(store, "instance", lambda: secrets.token_bytes(4)).hex(),
            made_at=made_at(store, self.clock.times().wall),
        )
