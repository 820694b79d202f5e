"""One STS: what its services need. A server has one of these at its root, and may have others below it."""

import re
from collections.abc import Mapping
from dataclasses import fields, replace
from functools import lru_cache
from typing import Any, Protocol, Self

from mock_sts.helseid.eids import Provider
from mock_sts.helseid.profile.jwt import Skew
from mock_sts.helseid.providers import offered, providers_for
from mock_sts.helseid.registry.client import Client
from mock_sts.helseid.requirement import Enforcement
from mock_sts.protocol.addresses import Addresses, EffectiveUrls
from mock_sts.protocol.authorization_response import AuthorizationResponse
from mock_sts.protocol.dpop import NonceMint
from mock_sts.protocol.urls import split_url
from mock_sts.services.chance import SYSTEM, Chance, Drawn
from mock_sts.services.clock import Clock
from mock_sts.services.keyring import KeyRing
from mock_sts.services.registry.people import People
from mock_sts.services.seal import Seal
from mock_sts.store.catalog import Catalog, CatalogHolder
from mock_sts.store.database import Database
from mock_sts.store.environments import ConformanceSession, Environments
from mock_sts.store.fixtures.rows import Registry
from mock_sts.store.journal import Journal
from mock_sts.store.ledger import Ledger
from mock_sts.store.login_queue import LoginQueue
from mock_sts.store.replay import Replay
from mock_sts.store.sessions import Sessions
from mock_sts.store.sweeping import Sweeper
from mock_sts.values import value_type

#: Below this path of the server every other environment lies, under its name.
ENVIRONMENTS = "/env/"

#: The name of one, as a regular expression.
NAME = "[a-z0-9-]{1,63}"

#: A GUID as paths have it: HelseID's conformance service gives each session an authority of that path. One here has it
#: too, where it was asked for; the name of its environment begins so.
GUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
AT_ROOT = "at-root-"


@value_type
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
    scripted_login_lifetime: int
    test_token_issuer: str
    test_token_typ: str
    test_token_keys: str
    seed: str

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


#: The names of all choices, which are those of settings.
POLICY_FIELDS = tuple(field.name for field in fields(Policy))


def _typed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of settings, JSON-ready or not, as a policy has them."""
    typed = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    if "enforcement" in values:
        typed["enforcement"] = Enforcement.from_word(values["enforcement"])
    return typed


@lru_cache(maxsize=64)
def _skew(seconds: int | None) -> Skew:
    return Skew() if seconds is None else Skew(seconds, seconds)


_AT_ROOT = re.compile(f"{AT_ROOT}{GUID}")


def path_of_environment(name: str) -> str:
    """The path below which the environment called ``name`` lies; an empty string for no name."""
    if name.startswith(AT_ROOT) and _AT_ROOT.fullmatch(name):
        return f"/{name[len(AT_ROOT) :]}"
    return f"{ENVIRONMENTS}{name}" if name else ""


@value_type
class Environment:
    """One STS, as one process sees it.

    ``below`` is the path under which it lies on the server: an empty string at the root. ``instance`` tells servers
    apart that share a host, in cookie names; ``made_at`` is when it was first used, in seconds. ``session`` says that
    it is for one client.
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
    registry: Registry
    catalog: CatalogHolder
    keyring: KeyRing
    nonces: NonceMint
    sweeper: Sweeper
    people: People
    seal: Seal
    instance: str
    made_at: int
    session: ConformanceSession | None = None

    def chance(self) -> Chance:
        """What a request makes ids, codes and handles from. Where there is a seed, requests are counted, and that
        takes a write.
        """
        if not self.policy.seed:
            return SYSTEM
        with self.store.writing() as transaction:
            number = Environments.draw(transaction, self.name)
        return Drawn(self.policy.seed, self.name, number)

    def providers_for(self, client: Client) -> tuple[Provider, ...]:
        """The identity providers that ``client`` may use here."""
        return providers_for(client, offered(self.policy.identity_providers))


class Disturbed(Protocol):
    """What fault rules do to one request, as the services see it (see ``services.faults``)."""

    def note_entry(self, entry_id: int, client_id: str | None) -> None:
        """The journal has the request as ``entry_id``, and names ``client_id``."""

    def authorization_response(self, response: AuthorizationResponse) -> AuthorizationResponse:
        """``response`` as it is to leave."""
        ...

    def logout_token(self, client_id: str, token: str) -> tuple[str, str]:
        """The logout ``token`` for ``client_id`` as it is to be sent, empty for not at all; and the effect on it, empty
        for none.
        """
        ...


@value_type
class Reached:
    """An environment as a request has reached it. Catalog and addresses are of one revision.

    ``urls`` are those that count for the request, ``root`` is the path that browsers have to put before ours.
    ``addresses`` are the server's, and so without the path of an environment. ``faults`` are what fault rules do to the
    request; None where there are no rules, which is nearly always.
    """

    environment: Environment
    catalog: Catalog
    addresses: Addresses
    urls: EffectiveUrls
    root: str
    faults: "Disturbed | None" = None

    def is_anothers(self, url: str) -> bool:
        """Whether ``url``, an issuer or what lies below it, is that of another environment of this server."""
        own = self.urls.back_channel.base
        if f"{url}/".startswith(f"{own}/") and _ENVIRONMENT.match(url, len(own)) is None:
            return False  # nearly always
        if (owner := self._owner_of(url)) is not None:
            return owner != self.environment.name
        within = self.environment.below
        roots = {base.removesuffix(within) for base in self.urls.issuers}
        root = max((one for one in roots if f"{url}/".startswith(f"{one}/")), key=len, default=None)
        return root is not None and _path_in(url[len(root) :]) != within

    def is_anothers_issuer(self, issuer: str) -> bool:
        """Whether ``issuer``, of a token that a key of this environment verifies, is that of another environment.

        They may share keys. Which host an issuer has does not tell: a server may have many, each with its issuer.
        """
        if (owner := self._owner_of(issuer)) is not None:
            return owner != self.environment.name
        at_end = _ENVIRONMENT_AT_END.search(issuer)
        return issuer not in self.urls.issuers and (at_end[0] if at_end else "") != self.environment.below

    def _owner_of(self, url: str) -> str | None:
        """The environment that has declared the host of ``url``, or None."""
        if not self.catalog.hosts:
            return None
        return self.catalog.hosts.get((split_url(url).hostname or "").rstrip("."))


_ENVIRONMENT = re.compile(f"(?:{ENVIRONMENTS}{NAME}|/{GUID})(?=/|\\Z)")
_ENVIRONMENT_AT_END = re.compile(f"(?:{ENVIRONMENTS}{NAME}|/{GUID})\\Z")


def _path_in(path: str) -> str:
    """The path of the environment with which ``path`` begins; an empty string for the one at the root."""
    found = _ENVIRONMENT.match(path)
    return found[0] if found else ""
