"""The ports of a server: claimed once, before anything else is done, and kept until it ends.

Uses the standard library only, for the parent process.
"""

import errno
import socket
import sys
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace

from mock_sts.settings.settings import Settings

#: Connections that wait until a worker takes them.
BACKLOG = 2_048

#: Seconds of silence after which a client is asked whether it is still there, seconds between asking again, and how
#: often in all. One that has vanished would hold its connection.
_SILENT, _ASK_AGAIN, _ASKED = 30, 10, 3

#: Free ports that are tried: another server may have claimed one that the system gives.
_TRIES = 20


class PortError(Exception):
    """A port that cannot be had; the message names the setting and what to do."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Sockets that are bound and do not listen yet, one of each kind for each worker; ``tls`` is empty without https.

    Workers may share one socket.
    """

    plain: list[socket.socket]
    tls: list[socket.socket]

    @property
    def queues(self) -> list[tuple[socket.socket, ...]]:
        """The sockets of each worker."""
        return list(zip(self.plain, self.tls, strict=True)) if self.tls else [(one,) for one in self.plain]


def claim_ports(settings: Settings, workers: int, kept: ExitStack) -> tuple[Settings, Ports]:
    """Bind the ports of ``settings`` for so many workers; the same settings with the ports that the system gave for 0.

    ``kept`` closes what was claimed. Raises PortError.
    """
    port, plain = _claim(settings, "MOCK_STS_PORT", settings.port, workers, kept)
    if settings.tls_port is None:
        return replace(settings, port=port), Ports(plain, [])
    tls_port, tls = _claim(settings, "MOCK_STS_TLS_PORT", settings.tls_port, workers, kept)
    return replace(settings, port=port, tls_port=tls_port), Ports(plain, tls)


def _claim(
    settings: Settings, setting: str, port: int, workers: int, kept: ExitStack
) -> tuple[int, list[socket.socket]]:
    for _ in range(_TRIES):
        with ExitStack() as taken:
            if port and not _is_free(settings.host, port, taken):
                break
            try:
                if port and _deals(workers):  # a socket that may be shared would share another program's port
                    with closing(_new_socket(settings.host)) as probe:
                        probe.bind((settings.host, port))
                sockets = bound_sockets(settings.host, port, workers)
            except OSError as error:
                raise PortError(_why(settings, setting, port, error)) from None
            for one in set(sockets):
                taken.callback(one.close)
            bound: int = sockets[0].getsockname()[1]
            if not port and not _is_free(settings.host, bound, taken):
                continue
            kept.push(taken.pop_all())
            return bound, sockets
    raise PortError(_is_taken(settings, setting, port))


def _is_free(host: str, port: int, kept: ExitStack) -> bool:
    """Claim ``port`` among servers of ours for as long as ``kept`` lasts; False where another one has it.

    On Linux sockets may share a port, so two servers could share it too of which neither listens yet when the other
    looks. The name of an abstract socket belongs to one process of a network namespace, and ends with it.
    """
    if sys.platform == "linux":
        claim = kept.enter_context(socket.socket(socket.AF_UNIX))
        try:
            claim.bind(f"\0mock-sts:{host}:{port}")
        except OSError:
            return False
    return True


def bound_sockets(host: str, port: int, count: int) -> list[socket.socket]:
    """``count`` sockets that are bound to one address, for a port of 0 to a free one. Raises OSError.

    On Linux the kernel deals connections out among them; from one socket for all, the first worker to look would take
    most. Elsewhere sockets that may share a port get them all or none, so there it is one socket, ``count`` times.
    """
    sockets: list[socket.socket] = []
    try:
        for _ in range(count if _deals(count) else 1):
            one = _new_socket(host)
            sockets.append(one)
            if sys.platform == "linux" and _deals(count):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            if sys.platform == "linux":
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _SILENT)
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _ASK_AGAIN)
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _ASKED)
            one.bind((host, port))
            one.setblocking(False)
            port = one.getsockname()[1]
    except OSError:
        for one in sockets:
            one.close()
        raise
    return sockets * (count // len(sockets))


def _deals(count: int) -> bool:
    """Whether so many workers get a socket each, among which the kernel deals connections out."""
    return sys.platform == "linux" and count > 1


def _new_socket(host: str) -> socket.socket:
    one = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    if sys.platform == "win32":
        # There SO_REUSEADDR would let another program take the port, and so would its absence.
        one.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
    else:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return one


def _is_taken(settings: Settings, setting: str, port: int) -> str:
    return (
        f"{setting} is {port}, but something listens on {settings.host}:{port} already; stop it or choose another port"
    )


def _why(settings: Settings, setting: str, port: int, error: OSError) -> str:
    """Why ``port`` cannot be listened on."""
    if error.errno == errno.EADDRINUSE:
        return _is_taken(settings, setting, port)
    where = f"MOCK_STS_HOST is {settings.host!r} and {setting} {port}, but this machine cannot listen there"
    if sys.platform == "win32" and isinstance(error, PermissionError):
        return (
            f"{where} ({error.strerror}); another program has the port, or Windows keeps it for itself (netsh "
            "interface ipv4 show excludedportrange protocol=tcp): choose another port"
        )
    return f"{where} ({error.strerror}); choose an address of this machine and a port above 1023"
