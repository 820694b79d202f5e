"""One process that answers: an event loop with all listeners, and how it leaves.

It runs in the main thread of a process of its own, or in any thread of a program (then without handlers of signals).
"""

import asyncio
import signal
import ssl
import sys
import threading
from asyncio import sslproto
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from socket import SHUT_RDWR, socket

from uvicorn.config import Config

from mock_sts.server.bridge import Bridge
from mock_sts.server.connections import KEEP_ALIVE, Connections
from mock_sts.server.front import Front
from mock_sts.server.limits import may_open
from mock_sts.server.ports import BACKLOG, bound_sockets

#: Seconds between two looks at what waits too long.
_TICK = 1.0

#: A worker that will be replaced: seconds in which each answer asks clients to make a new connection for the next
#: request, before those that idle are closed.
_LEAVING = 1.0

#: Seconds after which it no longer waits for requests that are slow, and the age from which on one is.
_PATIENT, _DAWDLES = 8.0, 2.0

#: Of TLS 1.2, in OpenSSL's words: those of RFC 9325 and ChaCha20. TLS 1.3 has suites of its own.
_SUITES = "ECDHE+AESGCM:ECDHE+CHACHA20"

#: Seconds that requests may still take when the server stops.
_STOPPING = 1.0

#: Seconds for which the first requests have the process to themselves.
_LATER = 1.0


@dataclass(frozen=True, slots=True)
class Listener:
    """A socket that is bound, and what it speaks: TLS with this context, or plain HTTP."""

    socket: socket
    tls: ssl.SSLContext | None = None


def tls_context(certificate: Path, key: Path, minimum: str) -> ssl.SSLContext:
    """What https is spoken with; ``minimum`` is the lowest version, ``1.2`` or ``1.3``. Raises OSError, ssl.SSLError.

    HTTP/1.1 alone is offered: a client of HTTP/2 keeps its one connection for everything, and would notice a reload.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3 if minimum == "1.3" else ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_SUITES)
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["http/1.1"])
    return context


class _TellingProtocol(sslproto.SSLProtocol):
    """asyncio's TLS, with the alert that says why a handshake failed; asyncio closes the connection without it."""

    def _on_handshake_complete(self, handshake_exc: BaseException | None) -> None:
        if handshake_exc is not None:
            with suppress(Exception):  # the client may be gone
                self._process_outgoing()  # type: ignore[attr-defined]  # asyncio has no public way
        super()._on_handshake_complete(handshake_exc)


class Worker:
    """Serves ``bridge`` at ``listeners``, which it closes at its end."""

    def __init__(self, bridge: Bridge, listeners: Sequence[Listener]) -> None:
        self._listeners = list(listeners)
        if any(listener.tls is not None for listener in listeners):
            sslproto.SSLProtocol = _TellingProtocol  # type: ignore[misc]  # where the loops take it from
        config = Config(
            bridge,
            http="httptools",
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE,
        )
        config.load()
        self._bridge = bridge
        most = min(bridge.limits.connections, may_open())
        self._connections = bridge.connections = Connections(
            config, most=most, timeout=bridge.limits.timeout, at_once=bridge.at_once
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        self._orders: asyncio.Queue[bool] = asyncio.Queue()
        self._servers: list[asyncio.Server] = []
        self._closing: asyncio.Task[None] | None = None
        bridge.close_port = self._close_port

    def run(self, on_ready: Callable[[], None], later: Callable[[], None] = lambda: None) -> None:
        """Serve until the parent asks it to stop or to leave.

        ``on_ready`` is called once, when every listener takes connections; ``later`` a little after that, beside the
        requests, for what the first of them shall not wait for.
        """
        asyncio.run(self._serve(on_ready, later))

    def stop(self) -> None:
        """Answer what is under way, within a second, and end. From any thread or handler."""
        self._order(False)

    def leave(self) -> None:
        """Take no new connections, for another worker does; end when all that is under way has been answered."""
        self._order(True)

    def renew(self, front: Front, certificate: Path, key: Path) -> None:
        """Have requests from now on answered by ``front``, and handshakes by another certificate. From any thread.

        Raises OSError where that cannot be served; then nothing is changed.
        """
        for listener in self._listeners:
            if listener.tls is not None:
                listener.tls.load_cert_chain(certificate, key)
        self._bridge.renew(front)

    def _order(self, leave: bool) -> None:
        if self._loop is not None:
            with suppress(RuntimeError):  # it has ended meanwhile
                self._loop.call_soon_threadsafe(self._orders.put_nowait, leave)

    async def _serve(self, on_ready: Callable[[], None], later: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        # https first: when http answers that it is ready, every port does.
        self._listeners.sort(key=lambda listener: listener.tls is None)
        addresses = [listener.socket.getsockname()[:2] for listener in self._listeners]
        servers = self._servers = [await self._listen(listener) for listener in self._listeners]
        if threading.current_thread() is threading.main_thread():
            self._hear_signals()
        ticks = asyncio.create_task(self._tick(servers, addresses))
        on_ready()
        self._loop.call_later(_LATER, self._bridge.do_aside, later)
        leaves = await self._orders.get()
        if self._closing is not None:
            self._closing.cancel()
        ticks.cancel()
        ticks = asyncio.create_task(self._tick([], []))
        await self._take_no_more(servers)
        if leaves:
            ending = asyncio.create_task(self._leave())
            stopped = asyncio.create_task(self._orders.get())
            await asyncio.wait((ending, stopped), return_when=asyncio.FIRST_COMPLETED)
        if not leaves or not ending.done():
            await self._stop()
        ticks.cancel()
        self._connections.abort()
        await asyncio.sleep(0.05)  # the loop has to hear of their ends

    async def _take_no_more(self, servers: Sequence[asyncio.Server]) -> None:
        """Close the listeners, after what has been taken from them is known to asyncio.

        Of a connection whose transport is not made yet when its listener closes asyncio says nothing and resets it.
        """
        loop = asyncio.get_running_loop()
        for listener in self._listeners:
            with suppress(NotImplementedError, ValueError):  # Windows' loop has no readers; or it is closed already
                loop.remove_reader(listener.socket.fileno())
        await asyncio.sleep(0.01)
        for server in servers:
            server.close()

    def _hear_signals(self) -> None:
        signal.signal(signal.SIGTERM, lambda *_: self.stop())
        signal.signal(signal.SIGINT, lambda *_: self.stop())
        if sys.platform == "win32":
            signal.signal(signal.SIGBREAK, lambda *_: self.stop())
        else:
            signal.signal(signal.SIGHUP, lambda *_: self.leave())

    async def _listen(self, listener: Listener) -> asyncio.Server:
        return await asyncio.get_running_loop().create_server(
            self._connections.factory(tls=listener.tls is not None),
            sock=listener.socket,
            ssl=listener.tls,
            backlog=BACKLOG,
        )

    async def _tick(self, servers: list[asyncio.Server], addresses: Sequence[tuple[str, int]]) -> None:
        while True:
            await asyncio.sleep(_TICK)
            self._connections.tick()
            if self._closing is not None and not self._closing.done():
                continue
            for number, server in enumerate(servers):
                if not any(one.fileno() >= 0 for one in server.sockets):
                    await self._listen_anew(number, servers, *addresses[number])

    def _close_port(self, seconds: float) -> None:
        """Take no connections for ``seconds``, because a fault rule says so. To be called in the loop."""
        if self._closing is None or self._closing.done():
            self._closing = asyncio.create_task(self._keep_closed(seconds))

    async def _keep_closed(self, seconds: float) -> None:
        """Close the port, and open it after ``seconds``.

        The parent and its children share the sockets. On Linux one that listens is shut for all of them, stays bound,
        and can listen again; elsewhere connections wait until it is open.
        """
        kept = []
        for listener, server in zip(self._listeners, self._servers, strict=True):
            again, address = listener.socket.dup(), listener.socket.getsockname()[:2]
            again.setblocking(False)
            if sys.platform == "linux":
                again.shutdown(SHUT_RDWR)
            server.close()
            kept.append((again, address, listener.tls))
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            for again, _, _ in kept:
                again.close()
            raise
        for number, (again, address, tls) in enumerate(kept):
            with suppress(OSError):  # it is bound still, if it was bound to a port that was named
                again.bind(address)
            self._listeners[number] = Listener(again, tls)
            self._servers[number] = await self._listen(self._listeners[number])

    async def _listen_anew(self, number: int, servers: list[asyncio.Server], host: str, port: int) -> None:
        """Take the place of a listener that is closed: on Windows asyncio closes it when a client has gone again before
        it was taken (python/cpython#93821).
        """
        with suppress(OSError):  # then the next time
            (bound,) = bound_sockets(host, port, 1)
            with suppress(ValueError):  # a loop with readers has none for what is closed
                servers[number].close()
            self._listeners[number] = Listener(bound, self._listeners[number].tls)
            servers[number] = await self._listen(self._listeners[number])

    async def _leave(self) -> None:
        self._connections.leaving = True
        await asyncio.sleep(_LEAVING)
        patient = True
        begun = asyncio.get_running_loop().time()
        while ages := self._closed_ages():
            patient = patient and asyncio.get_running_loop().time() - begun < _PATIENT
            if not patient and all(age > _DAWDLES for age in ages):
                return
            await asyncio.sleep(0.02)

    async def _stop(self) -> None:
        self._connections.leaving = True
        ends = asyncio.get_running_loop().time() + _STOPPING
        while self._closed_ages() and asyncio.get_running_loop().time() < ends:
            await asyncio.sleep(0.01)

    def _closed_ages(self) -> list[float]:
        """The ages of the requests that are under way, after what idles has been closed."""
        self._connections.close_idle()
        return self._connections.ages()
