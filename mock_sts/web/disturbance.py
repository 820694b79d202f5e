"""How the application asks the server to treat a connection badly, because a fault rule says so.

Our own server puts a Disturbance into the environment of a request that a thread answers, and does what it says
afterwards: its event loop waits, so that no thread does. For a server of others the application does what it can.
"""

import time
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

#: Where the environment of a request has it.
DISTURBANCE = "mock_sts.disturbance"

#: Where it says that the request is answered in the event loop, where nothing may take long.
IN_HASTE = "mock_sts.in_haste"


class DroppedError(ConnectionError):
    """The connection is to be closed without an answer, and the server knows no other way."""


@dataclass(slots=True)
class Disturbance:
    """What is to happen to one request and its connection.

    ``wait``: wait so many seconds and ask the application again; ``kept`` is what it remembers until then. ``drop``:
    close the connection without an answer. ``cut``: close it in the middle of the body. ``middle``: wait so many
    seconds there. ``close_port``: take no connections for so many seconds.
    """

    wait: float = 0.0
    kept: Any = None
    drop: bool = False
    cut: bool = False
    middle: float = 0.0
    close_port: float = 0.0

    @property
    def breaks(self) -> bool:
        """Whether the answer does not simply leave."""
        return self.drop or self.cut or self.middle > 0


def disturbance_of(environ: MutableMapping[str, Any]) -> tuple[Disturbance, bool]:
    """That of a request, and whether the server carries it out."""
    found = environ.get(DISTURBANCE)
    return (Disturbance(), False) if found is None else (found, True)


def carry_out(disturbance: Disturbance, body: bytes) -> bytes:
    """Do what the server does not; the body that leaves. Raises DroppedError."""
    if disturbance.drop:
        raise DroppedError("a fault rule drops this connection")
    if disturbance.middle:
        time.sleep(disturbance.middle)
    return body[: len(body) // 2] if disturbance.cut else body
