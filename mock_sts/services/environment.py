"""The server itself: what every service needs, put together once per process."""

import secrets
from dataclasses import dataclass

from mock_sts.helseid.profile.client_assertion import Skew
from mock_sts.helseid.profile.dpop import NONCE_PREFIX
from mock_sts.helseid.providers import Provider, offered, providers_for
from mock_sts.helseid.registry import Client
from mock_sts.helseid.requirement import Enforcement
from mock_sts.protocol.addresses import Addresses
from mock_sts.protocol.dpop import NonceMint
from mock_sts.services.clock import Clock
from mock_sts.services.keyring import KeyRing
from mock_sts.services.registry.people import People
from mock_sts.services.seal import Seal
from mock_sts.store.catalog import CatalogHolder
from mock_sts.store.database import Store
from mock_sts.store.keys import load_signing_keys, server_secret
from mock_sts.store.public_url import NOTHING_TOLD, Told
from mock_sts.store.replay import Sweeper
from mock_sts.store.schema import made_at

#: The environment at the root of the server.
DEFAULT_ENVIRONMENT = "default"


@dataclass(frozen=True, slots=True)
class Policy:
    """Choices of the server that services follow; all times in seconds.

    ``refresh_token_usage`` is for all clients; empty: each client's own. ``identity_providers`` are the schemes on
    offer; empty: all.
    """

    enforcement: Enforcement
    skew: Skew
    access_token_lifetime: int
    id_token_lifetime: int
    refresh_token_lifetime: int
    single_sign_on_lifetime: int
    code_lifetime: int
    pushed_request_lifetime: int
    require_synthetic: bool
    invent_people: bool
    network: str
    journal_size: int
    refresh_token_usage: str
    revoke_on_code_reuse: bool
    keep_identity_scopes: bool
    identity_providers: tuple[str, ...]
    login_mode: str
    default_persona: str

    @property
    def empty_claims(self) -> bool:
        """Whether ID tokens and userinfo have claims that are empty."""
        return self.enforcement is not Enforcement.FAPI2


@dataclass(frozen=True, slots=True)
class Environment:
    """One process' view of the server. ``instance`` tells servers apart that share a host, in cookie names;
    ``made_at`` is when its database was first used, in seconds.
    """

    configured: Addresses
    policy: Policy
    clock: Clock
    store: Store
    catalog: CatalogHolder
    keyring: KeyRing
    nonces: NonceMint
    sweeper: Sweeper
    people: People
    seal: Seal
    instance: str
    made_at: int

    @property
    def addresses(self) -> Addresses:
        """The addresses of this server: those of the settings, under another public URL where one was told since, and
        with those that it had before.
        """
        return self._addresses_by(self.catalog.current().told)

    @property
    def latest_addresses(self) -> Addresses:
        """The same as far as this process knows without asking the database."""
        latest = self.catalog.latest
        return self._addresses_by(NOTHING_TOLD if latest is None else latest.told)

    def _addresses_by(self, told: Told) -> Addresses:
        return self.configured if told == NOTHING_TOLD else self.configured.known_as(told.public_url, told.former)

    def providers_for(self, client: Client) -> tuple[Provider, ...]:
        """The identity providers that ``client`` may use here."""
        return providers_for(client, offered(self.policy.identity_providers))


def open_environment(
    addresses: Addresses, policy: Policy, clock: Clock, store: Store, nonce_step: int, signing_algorithm: str
) -> Environment:
    """The server over a prepared ``store``; ``nonce_step`` is in seconds."""
    secret = server_secret(store, "dpop-nonce", lambda: secrets.token_bytes(32))
    return Environment(
        configured=addresses,
        policy=policy,
        clock=clock,
        store=store,
        catalog=CatalogHolder(store),
        keyring=KeyRing(load_signing_keys(store), signing_algorithm),
        nonces=NonceMint(secret, DEFAULT_ENVIRONMENT, nonce_step, NONCE_PREFIX),
        sweeper=Sweeper(),
        people=People(),
        seal=Seal(server_secret(store, "seal", lambda: secrets.token_bytes(32))),
        instance=server_secret(store, "instance", lambda: secrets.token_bytes(4)).hex(),
        made_at=made_at(store, clock.times().wall),
    )
