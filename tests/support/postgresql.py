"""A PostgreSQL server of Debian's package, for one test process: started when first wanted, ended with it.

It lies in a folder of its own, listens on the loopback address alone, waits for no disk, and runs as an ordinary user,
for it refuses to run as root.
"""

import atexit
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import psycopg

from tests.support.warm import die_with_parent

#: Of the account that tests use.
USER, PASSWORD = "tester", "ikke-vis-meg"

#: Where Debian puts the programs of each version; they are not on PATH.
_PROGRAMS = Path("/usr/lib/postgresql")


def programs() -> Path | None:
    """The folder with ``initdb`` and ``postgres`` of the newest version, or None."""
    found = [folder / "bin" for folder in _PROGRAMS.glob("*") if (folder / "bin" / "initdb").exists()]
    return max(found, key=lambda folder: int(folder.parent.name), default=None)


class PostgresqlServer:
    """One server."""

    def __init__(self) -> None:
        found = programs()
        assert found is not None, "PostgreSQL is missing: apt-get install postgresql"
        self.folder = Path(tempfile.mkdtemp(prefix="mock-sts-pg-", dir="/tmp"))  # a socket's path must be short
        self._as: dict[str, Any] = {}
        if os.getuid() == 0:
            ordinary = _ordinary_user()
            self._as = {"user": ordinary.pw_uid, "group": ordinary.pw_gid, "extra_groups": []}
            os.chown(self.folder, ordinary.pw_uid, ordinary.pw_gid)
        password = self.folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        self._run(
            str(found / "initdb"), "-D", self.folder / "data", "-U", USER, "--pwfile", password, "-A", "scram-sha-256",
            "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions",
        )  # fmt: skip
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._postgres = found / "postgres"
        self._start()
        atexit.register(self.remove)

    def _run(self, *words: Any) -> None:
        subprocess.run(
            [str(word) for word in words], check=True, stdout=subprocess.DEVNULL, cwd=self.folder, **self._as
        )

    def _start(self) -> None:
        options = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": self.folder,
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "max_connections": 1000,
            "autovacuum": "off",
            "shared_buffers": "64MB",
        }
        words = [str(self._postgres), "-D", str(self.folder / "data")]
        words += [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        log = (self.folder / "log").open("ab")
        self.process = subprocess.Popen(
            words,
            stdout=log,
            stderr=log,
            cwd=self.folder,
            preexec_fn=die_with_parent,  # noqa: PLW1509  it calls the kernel alone
            **self._as,
        )
        log.close()
        ends = time.monotonic() + 60
        while True:
            try:
                self.run("SELECT 1")
                return
            except psycopg.OperationalError:
                if self.process.poll() is not None or time.monotonic() > ends:
                    raise
                time.sleep(0.05)

    def url(self, database: str = "postgres", user: str = USER, password: str = PASSWORD) -> str:
        """The URL of a database."""
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    def run(self, statement: str, database: str = "postgres") -> list[Any]:
        """Run one statement outside a transaction; its rows."""
        with psycopg.connect(self.url(database), autocommit=True, connect_timeout=5) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def make(self, name: str = "", template: str = "template0") -> str:
        """Make a database, a copy of ``template``; its URL."""
        name = name or f"t{secrets.token_hex(6)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template} ENCODING 'UTF8'")
        return self.url(name)

    def drop(self, url: str) -> None:
        """Drop the database at ``url``, whoever is connected."""
        self.run(f"DROP DATABASE IF EXISTS {url.rpartition('/')[2]} WITH (FORCE)")

    def stop(self) -> None:
        """Stop it, whoever is connected; what was committed stays."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(60)

    def restart(self) -> None:
        """Start it again."""
        self._start()

    def remove(self) -> None:
        """End it, and leave nothing behind."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def _ordinary_user() -> pwd.struct_passwd:
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    return known.get("postgres") or known["nobody"]


@cache
def server() -> PostgresqlServer:
    """The server of this test process."""
    return PostgresqlServer()
