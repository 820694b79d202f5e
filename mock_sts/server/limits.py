"""How much one process takes on at once."""

import sys
from dataclasses import dataclass

if sys.platform != "win32":
    import resource

#: Connections that may be open at once. One that idles costs a file and some kilobytes.
MOST_CONNECTIONS = 8_000

#: Files that a process needs for everything else: databases, logs, calls to itself.
_OTHER_FILES = 256


@dataclass(frozen=True, slots=True)
class Limits:
    """What one process takes on; what is above is answered with 503.

    ``connections`` that are open, requests that wait for a thread (``waiting``), bytes of bodies that are ``held``, and
    the seconds within which a request must have come (``timeout``).
    """

    connections: int = MOST_CONNECTIONS
    waiting: int = 1_024
    held: int = 64 * 1024 * 1024
    timeout: float = 30


def may_open() -> int:
    """Connections that the operating system lets this process open, after the soft limit was raised to the hard one.

    asyncio takes connections as they come; without a file for one more it would take none for a second, again and
    again. On Windows there is no such limit.
    """
    if sys.platform == "win32":
        return MOST_CONNECTIONS
    else:  # noqa: RET505  what checks types takes the rest for unreachable otherwise
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = MOST_CONNECTIONS + 2 * _OTHER_FILES
        if soft != resource.RLIM_INFINITY and soft < wanted:
            soft = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        return MOST_CONNECTIONS if soft == resource.RLIM_INFINITY else max(1, soft - 2 * _OTHER_FILES)
