"""Run a program in which NHN's address is a constant: its calls to that name reach the emulator on this machine.

    python with_proxy.py --to localhost:8443 PROGRAM ARGUMENT...

A proxy on a free port of the loopback interface leads the one name on, and refuses every other. It is named to the
program by the variables that .NET, Python, Go, Node.js, curl and Java read, and ends with it. What goes through is TLS
between program and emulator, so the program has to trust the emulator's CA. Standard library only.
"""

import argparse
import os
import socket
import subprocess
import sys
import threading
from contextlib import suppress

#: The name that is led to the emulator; that of NHN's production never is.
NAME = "helseid-sts.test.nhn.no"


def main() -> int:
    """The exit status of the program."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--to", default="localhost:8443", help="host and port at which the emulator speaks https")
    parser.add_argument("program", nargs=argparse.REMAINDER)
    parsed = parser.parse_args()
    if not parsed.program:
        parser.error("name the program to run, with its arguments")
    host, _, port = parsed.to.rpartition(":")
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        threading.Thread(target=_accept, args=(proxy, (host, int(port))), daemon=True).start()
        return subprocess.call(parsed.program, env=_environment(proxy.getsockname()[1]))  # noqa: S603  the caller's own


def _environment(port: int) -> dict[str, str]:
    address = f"http://127.0.0.1:{port}"
    java = f"-Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort={port}"
    return {
        **os.environ,
        "HTTPS_PROXY": address,
        "https_proxy": address,
        "NODE_USE_ENV_PROXY": "1",  # Node.js from 24
        "JAVA_TOOL_OPTIONS": f"{os.environ.get('JAVA_TOOL_OPTIONS', '')} {java}".strip(),
    }


def _accept(proxy: socket.socket, to: tuple[str, int]) -> None:
    while True:
        try:
            connection, _ = proxy.accept()
        except OSError:
            return  # the program has ended
        threading.Thread(target=_serve, args=(connection, to), daemon=True).start()


def _serve(connection: socket.socket, to: tuple[str, int]) -> None:
    """Answer CONNECT (RFC 9110 section 9.3.6), then pass bytes on both ways."""
    with connection:
        head = b""
        while b"\r\n\r\n" not in head and len(head) < 65_536:
            read = connection.recv(4096)
            if not read:
                return
            head += read
        method, _, rest = head.partition(b" ")
        if method != b"CONNECT" or rest.partition(b" ")[0] != f"{NAME}:443".encode():
            connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        try:
            server = socket.create_connection(to)
        except OSError as error:
            print(f"no emulator answers at {to[0]}:{to[1]}: {error}", file=sys.stderr)
            connection.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        with server:
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=_pass_on, args=(server, connection), daemon=True)
            back.start()
            _pass_on(connection, server)
            back.join()


def _pass_on(source: socket.socket, to: socket.socket) -> None:
    with suppress(OSError):
        while read := source.recv(65_536):
            to.sendall(read)
    with suppress(OSError):
        to.shutdown(socket.SHUT_WR)


if __name__ == "__main__":
    sys.exit(main())
