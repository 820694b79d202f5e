"""Scripted logins: what a test orders for the logins to come."""

from dataclasses import dataclass

from mock_sts.services.environment import Environment
from mock_sts.services.login.automation import Outcome, pid_of
from mock_sts.services.registry.people import UnknownPersonError
from mock_sts.store.records import ScriptedLogin


class OrderError(ValueError):
    """A login that cannot be ordered; the message says why, ``path`` leads to the member of the order that is wrong."""

    def __init__(self, message: str, *path: str) -> None:
        super().__init__(message)
        self.path = path


@dataclass(frozen=True, slots=True)
class LoginOrder:
    """What is ordered: who logs in (a short name or a pid, None for any person), how it ends, for which client and
    redirect URI (None: any), how often, and by which test run.
    """

    persona: str | None
    outcome: Outcome = Outcome.SUCCESS
    client_id: str | None = None
    redirect_uri: str | None = None
    times: int = 1
    tag: str | None = None


def order_login(environment: Environment, order: LoginOrder) -> int:
    """Put ``order`` at the end of the queue; its id. Raises OrderError."""
    try:
        pid = None if order.persona is None else pid_of(environment, order.persona)
    except UnknownPersonError as error:
        raise OrderError(str(error), "persona") from None
    if order.outcome is Outcome.SUCCESS and pid is None:
        raise OrderError("persona is missing: a login that succeeds needs a person", "persona")
    if order.client_id is not None and environment.catalog.current().client(order.client_id) is None:
        raise OrderError(f"no client has the id {order.client_id[:100]!r}", "match", "client_id")
    with environment.store.writing() as transaction:
        return environment.login_queue.put(
            transaction,
            order.client_id,
            order.redirect_uri,
            pid,
            order.outcome.value,
            order.times,
            order.tag,
            now=environment.clock.times().now,
            lifetime=environment.policy.scripted_login_lifetime,
        )


def waiting_orders(environment: Environment) -> list[ScriptedLogin]:
    """The orders that wait, the oldest first."""
    return environment.login_queue.read(environment.clock.times().now)


def forget_orders(environment: Environment) -> int:
    """Forget all orders; how many there were."""
    with environment.store.writing() as transaction:
        return environment.login_queue.clear(transaction)
