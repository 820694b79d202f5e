"""One STS: what its services need. A server has one of these at its root, and may have others below it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any, Self

from mock_sts.helseid.eids import Provider
from mock_sts.helseid.profile.jwt import Skew
from mock_sts.helseid.providers import offered, providers_for
from mock_sts.helseid.registry.client import Client
from mock_sts.helseid.requirement import Enforcement
from mock_sts.protocol.addresses import Addresses, EffectiveUrls
from mock_sts.protocol.dpop import NonceMint
from mock_sts.services.clock import Clock
from mock_sts.services.keyring import KeyRing
from mock_sts.services.registry.people import People
from mock_sts.services.seal import Seal
from mock_sts.store.catalog import Catalog, CatalogHolder
from mock_sts.store.database import Database
from mock_sts.store.journal import Journal
from mock_sts.store.ledger import Ledger
from mock_sts.store.login_queue import LoginQueue
from mock_sts.store.replay import Replay
from mock_sts.store.sessions import Sessions
from mock_sts.store.sweeping import Sweeper

#: Below this path of the server every other environment lies, under its name.
ENVIRONMENTS = "/env/"


@dataclass(frozen=True, slots=True)
class Policy:
    """Choices of an environment that services follow: each has the name and the meaning of the setting that gives it.

    All times are in seconds.
    """

    enforcement: Enforcement
    explain: str
    signing_algorithm: str
    access_token_lifetime: int
    id_token_lifetime: int
    refresh_token_lifetime: int
    refresh_token_usage: str
    revoke_on_code_reuse: bool
    keep_identity_scopes: bool
    identity_providers: tuple[str, ...]
    login_mode: str
    default_persona: str
    single_sign_on_lifetime: int
    code_lifetime: int
    pushed_request_lifetime: int
    require_synthetic: bool
    invent_people: bool
    dpop_nonce_step: int
    clock_skew: int | None
    network: str
    journal_size: int

    @classmethod
    def of(cls, settings: object) -> Self:
        """The policy that ``settings`` give, which have an attribute for each field."""
        return cls(**_typed({field.name: getattr(settings, field.name) for field in fields(cls)}))

    def changed(self, own: Mapping[str, Any]) -> Self:
        """This policy with the values of ``own``, by the names of settings, over it."""
        return replace(self, **_typed(own)) if own else self

    @property
    def skew(self) -> Skew:
        """By how much a client's clock may differ."""
        return _skew(self.clock_skew)

    @property
    def empty_claims(self) -> bool:
        """Whether ID tokens and userinfo have claims that are empty."""
        return self.enforcement is not Enforcement.FAPI2


def _typed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of settings, JSON-ready or not, as a policy has them."""
    typed = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    if "enforcement" in values:
        typed["enforcement"] = Enforcement.from_word(values["enforcement"])
    return typed


@lru_cache(maxsize=64)
def _skew(seconds: int | None) -> Skew:
    return Skew() if seconds is None else Skew(seconds, seconds)


def path_of_environment(name: str) -> str:
    """The path below which the environment called ``name`` lies; an empty string for no name."""
    return f"{ENVIRONMENTS}{name}" if name else ""


@dataclass(frozen=True, slots=True)
class Environment:
    """One STS, as one process sees it.

    ``below`` is the path under which it lies on the server: an empty string at the root. ``instance`` tells servers
    apart that share a host, in cookie names; ``made_at`` is when it was first used, in seconds.
    """

    name: str
    below: str
    policy: Policy
    clock: Clock
    store: Database
    ledger: Ledger
    replay: Replay
    journal: Journal
    login_queue: LoginQueue
    sessions: Sessions
    catalog: CatalogHolder
    keyring: KeyRing
    nonces: NonceMint
    sweeper: Sweeper
    people: People
    seal: Seal
    instance: str
    made_at: int

    def providers_for(self, client: Client) -> tuple[Provider, ...]:
        """The identity providers that ``client`` may use here."""
        return providers_for(client, offered(self.policy.identity_providers))


@dataclass(frozen=True, slots=True)
class Reached:
    """An environment as a request has reached it. Catalog and addresses are of one revision.

    ``urls`` are those that count for the request, ``root`` is the path that browsers have to put before ours.
    ``addresses`` are the server's, and so without the path of an environment.
    """

    environment: Environment
    catalog: Catalog
    addresses: Addresses
    urls: EffectiveUrls
    root: str
