"""Effects on what a request finds: other keys, other policies, endpoints elsewhere. They come before it is judged."""

from dataclasses import dataclass, replace

from mock_sts.helseid.endpoints import paths_of
from mock_sts.helseid.faults import FaultRule
from mock_sts.helseid.terms import REUSABLE
from mock_sts.protocol.dpop import NonceMint
from mock_sts.protocol.issuer import Issuer
from mock_sts.services.control.keys import retire, rotate
from mock_sts.services.environment import Reached
from mock_sts.services.server import Server

#: Before the path of an endpoint that has moved.
MOVED_TO = "/moved"


@dataclass(frozen=True, slots=True)
class MovedIssuer(Issuer):
    """An issuer some of whose endpoints are elsewhere."""

    moved: frozenset[str] = frozenset()

    def url(self, endpoint: str) -> str:
        """The absolute URL of ``endpoint``, where it is now."""
        return f"{self.base}{MOVED_TO if str(endpoint) in self.moved else ''}{endpoint}"


class AnyNonce(NonceMint):
    """Finds every nonce good, and none as well; makes those of another mint."""

    __slots__ = ("_other",)

    def __init__(self, other: NonceMint) -> None:
        super().__init__(b"", "", other.step)
        self._other = other

    def mint(self, now: int) -> str:
        """One of the other mint, which stays good without the fault."""
        return self._other.mint(now)

    def is_good(self, nonce: str | None, now: int) -> bool:
        """True."""
        return True


def moved_paths(rule: FaultRule) -> frozenset[str]:
    """The paths that ``rule`` moves."""
    return frozenset(path for word in rule.effect.value for path in paths_of(word))


def with_moved(reached: Reached, moved: frozenset[str]) -> Reached:
    """What was ``reached``, with the endpoints of ``moved`` elsewhere: discovery and the ``htu`` of proofs follow."""
    urls = reached.urls
    changed = replace(
        urls,
        issuer=MovedIssuer(urls.issuer.base, moved),
        back_channel=MovedIssuer(urls.back_channel.base, moved),
        others=tuple(MovedIssuer(other.base, moved) for other in urls.others),
    )
    return replace(reached, urls=changed)


def with_any_nonce(reached: Reached) -> Reached:
    """What was ``reached``, where no proof needs a nonce."""
    environment = reached.environment
    return replace(reached, environment=replace(environment, nonces=AnyNonce(environment.nonces)))


def with_reusable_refresh_tokens(reached: Reached) -> Reached:
    """What was ``reached``, where a refresh token may be used again."""
    environment = reached.environment
    policy = replace(environment.policy, refresh_token_usage=REUSABLE)
    return replace(reached, environment=replace(environment, policy=policy))


def with_new_key(server: Server, reached: Reached, *, retired: bool) -> Reached:
    """What was ``reached``, after another key has begun to sign; the one before is ``retired`` or stays published."""
    environment = reached.environment
    now = environment.clock.times().now
    _, before = rotate(environment.store, environment.name, now)
    if retired:
        retire(environment.store, environment.name, before.kid)
    renewed, catalog = server.reach(environment.name)
    return replace(reached, environment=renewed, catalog=catalog)
