"""What the first token needs, and what each needs: a guard of structure, for times depend on the machine."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mock_sts.protocol import jose
from mock_sts.setup import prepare_store
from mock_sts.store.sqlite.database import SqliteDatabase
from tests.support.emulator import API_SCOPE, Emulator, OverHttp, free_port, register, settings_for
from tests.support.keys import private_jwk
from tests.support.machine import Machine
from tests.support.statements import statements_of

#: A worker as the server makes it, which loads nothing in the background. It tells what it has
#: loaded as often as it is asked.
WORKER = """
import json, socket, sys, threading
from mock_sts.server import serve
from mock_sts.settings.settings import from_environ

settings = from_environ({}, json.loads(sys.argv[1]))
with socket.create_server(("127.0.0.1", settings.port)) as listener:
    worker, _ = serve._make_worker(settings, [listener], lambda: None)
    ready = threading.Event()
    threading.Thread(target=worker.run, args=(ready.set,), daemon=True).start()
    ready.wait()
    while True:
        print(json.dumps(sorted(sys.modules)), flush=True)
        if not sys.stdin.readline():
            break
"""

#: What only pages, the control API, preparation and commands need.
LATE = {
    "flask",
    "werkzeug",
    "jinja2",
    "sqlalchemy",
    "joserfc",
    "authlib",
    "requests",
    "faker",
    "yaml",
    "cryptography.x509",
    "mock_sts.routes",
    "mock_sts.setup",
    "mock_sts.client",
    "mock_sts.demo.pages",
    "mock_sts.services.registry.preparation",
}


@contextmanager
def worker(settings: dict[str, str]) -> Iterator[Callable[[], set[str]]]:
    """A worker in a process of its own; what is given asks which modules it has loaded."""
    command = [sys.executable, "-c", WORKER, json.dumps(settings)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        told = process.stdout

        def loaded(asks: bool = True) -> set[str]:
            if asks:
                process.stdin.write("\n")  # type: ignore[union-attr]
                process.stdin.flush()  # type: ignore[union-attr]
            return set(json.loads(told.readline()))

        try:
            assert LATE & loaded(asks=False) == set(), "when it is ready"
            yield loaded
        finally:
            process.kill()


@pytest.mark.covers("server.first_token")
def test_the_first_token_needs_no_framework(tmp_path: Path) -> None:
    path, port = tmp_path / "store.sqlite", free_port()
    settings = settings_for(path, port=str(port))
    prepare_store(settings)
    store = SqliteDatabase(path)
    register(store, "first", [private_jwk("ES256", 1)])
    store.close()
    given = {"database_url": f"sqlite:///{path}", "port": str(port)}
    with worker(given) as loaded:
        transport = OverHttp(f"http://127.0.0.1:{port}")
        keys = private_jwk("ES256", 1), private_jwk("ES256", 2)
        issuer = f"http://127.0.0.1:{port}"
        machine = Machine(transport, issuer, "first", *keys, lambda: int(time.time()), scope=API_SCOPE)
        machine.learn_nonce()
        assert machine.token().status == 200
        assert transport.send("GET", "/.well-known/openid-configuration").status == 200
        assert transport.send("GET", "/health/ready").status == 200
        assert LATE & loaded() == set(), "after the first token"
        assert transport.send("GET", "/").status == 200
        assert {"flask", "mock_sts.routes"} <= loaded(), "the first page needs them"
        transport.close()


def test_preparing_needs_no_sqlalchemy(tmp_path: Path) -> None:
    """Its import would take longer than all else that a first start does."""
    code = (
        "import json, sys; from mock_sts.settings.settings import from_environ; from mock_sts import setup; "
        "setup.prepare_to_serve(from_environ({}, json.loads(sys.argv[1]))); print(json.dumps(sorted(sys.modules)))"
    )
    settings = {"database_url": f"sqlite:///{tmp_path / 'store.sqlite'}"}
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(settings)], stdout=subprocess.PIPE, text=True, check=True
    )
    loaded = set(json.loads(done.stdout))
    assert "mock_sts.setup" in loaded
    assert loaded & {"sqlalchemy", "joserfc", "flask", "cryptography.x509", "faker"} == set()


def test_a_token_takes_one_transaction_and_few_statements(sts: Emulator) -> None:
    machine = sts.client("frugal")
    machine.learn_nonce()
    assert machine.token().status == 200
    statements = statements_of(sts, machine.token)
    assert [one for one in statements if one.startswith(("BEGIN", "COMMIT", "ROLLBACK"))] == [
        "BEGIN IMMEDIATE",
        "COMMIT",
    ]
    reads = [one for one in statements if one.startswith("SELECT")]
    assert (len(reads), len(statements)) <= (2, 7), statements


def test_a_token_imports_no_private_key_and_one_public_one(sts: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proof brings a new key; that of the assertion is kept from one token to the next."""
    machine = sts.client("kept")
    machine.learn_nonce()
    assert machine.token().status == 200
    imports: list[str] = []

    def counted(name: str) -> None:
        original = getattr(jose, name)

        def instead(*of: object) -> object:
            imports.append(name)
            return original(*of)

        monkeypatch.setattr(jose, name, instead)

    counted("_import_private")
    counted("EllipticCurvePublicNumbers")
    assert machine.token().status == 200
    assert imports == ["EllipticCurvePublicNumbers"]
