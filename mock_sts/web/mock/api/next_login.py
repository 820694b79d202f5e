"""Scripted logins: who logs in next, or how the next login ends."""

from mock_sts.services.control.next_login import LoginOrder, OrderError, forget_orders, order_login, waiting_orders
from mock_sts.services.login.automation import Outcome
from mock_sts.web.mock.api.operations import Call, Resource
from mock_sts.web.mock.api.problems import BAD_MEMBER
from mock_sts.web.mock.api.shapes import member, shape
from mock_sts.web.mock.api.tags import tag_member, tag_of

RESOURCE = Resource("next login", "Scripted logins: a queue of who logs in next, and of how the next logins end.")

#: Longer texts than these are looked at all the same, so that the answer can say what they are not.
_ANY_LENGTH = 1_000_000


@shape("match")
class Match:
    """Which logins an order is for."""

    client_id: str | None = member("a client's id; unset: any", default=None, nullable=False, longest=_ANY_LENGTH)
    redirect_uri: str | None = member("where it returns to; unset: any", default=None, nullable=False)


@shape("the order")
class Order:
    """A scripted login."""

    persona: str | None = member("a short name or a pid", default=None, longest=_ANY_LENGTH)
    match: Match = member("which logins it is for; unset: any", default=Match())
    times: int = member("How many logins it is for", default=1, low=1, high=100_000)
    outcome: Outcome = member("How the login ends", default=Outcome.SUCCESS)
    tag: str | None = tag_member()


@shape("the answer")
class OrderId:
    """The order that was made."""

    id: int = member("The order's number")


@shape("the answer")
class WaitingOrder:
    """An order that waits."""

    id: int = member("The order's number")
    client_id: str | None = member("For which client; null: any")
    redirect_uri: str | None = member("For which redirect URI; null: any")
    pid: str | None = member("Who logs in; null: the page decides")
    outcome: str = member("How the login ends")
    times: int = member("For how many logins still")


@shape("the answer")
class Orders:
    """The queue."""

    orders: tuple[WaitingOrder, ...] = member("The scripted logins that wait, the oldest first")


@shape("the answer")
class Forgotten:
    """What was forgotten."""

    forgotten: int = member("How many orders there were")


@RESOURCE.operation(
    "POST",
    "/next-login",
    "Order a login: who logs in next, or how the next login ends",
    body=Order,
    answer=OrderId,
    status=201,
    raises={OrderError: BAD_MEMBER},
)
def order(call: Call[Order, None]) -> OrderId:
    """Put it into the queue."""
    body = call.body
    match = body.match
    wanted = LoginOrder(
        body.persona, body.outcome, match.client_id, match.redirect_uri, body.times, tag_of(call.request, body.tag)
    )
    return OrderId(id=order_login(call.environment, wanted))


@RESOURCE.operation("GET", "/next-login", "The logins that are ordered and not used up", answer=Orders)
def orders(call: Call[None, None]) -> Orders:
    """Read the queue."""
    waiting = (
        WaitingOrder(
            id=one.id,
            client_id=one.client_id,
            redirect_uri=one.redirect_uri,
            pid=one.pid,
            outcome=one.outcome,
            times=one.times,
        )
        for one in waiting_orders(call.environment)
    )
    return Orders(orders=tuple(waiting))


@RESOURCE.operation("DELETE", "/next-login", "Forget all scripted logins", answer=Forgotten)
def forget(call: Call[None, None]) -> Forgotten:
    """Empty the queue."""
    return Forgotten(forgotten=forget_orders(call.environment))
