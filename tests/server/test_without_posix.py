"""Without POSIX: the server and the commands, held as a test host does.

On Linux in processes from which tests.support.windows has taken POSIX away; elsewhere as the system has them.
"""

import json
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import requests

from mock_sts.store.fixtures.files import plain_file_name
from tests.journeys.test_demo import Visitor
from tests.support.held import Held, all_end, environment_in
from tests.support.keys import private_jwk
from tests.support.machine import decode
from tests.support.relying_party import PERSON, web_client

#: Where Linux plays Windows.
PLAYED = pytest.mark.skipif(sys.platform != "linux", reason="it is what the stand-in stands for")

PROGRAM = (
    (sys.executable, "-W", "ignore", "-m", "tests.support.windows")
    if sys.platform == "linux"
    else (sys.executable, "-m", "mock_sts")
)

#: Whether one process does everything: macOS can fork.
ALONE = sys.platform != "darwin"
ROOT = Path(__file__).resolve().parents[2]


def run(folder: Path, *words: str, status: int = 0, **settings: str) -> str:
    """A command of ours; what it prints."""
    done = subprocess.run(
        [*PROGRAM, *words],
        env=environment_in(folder, **settings),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, (words, done.stderr)
    assert "Traceback" not in done.stderr
    return done.stdout + (done.stderr if status else "")


def played(code: str, *words: str) -> "subprocess.CompletedProcess[str]":
    """A program in Python that runs where POSIX is away."""
    begun = f"import sys; from tests.support.windows import stand_in, ForbiddenError; stand_in()\n{code}"
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", begun, *words], capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("windows")
    (made / "world" / "clients").mkdir(parents=True)
    return made


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Held]:
    """One process that answers, though two were asked for, where there is no fork."""
    held = Held(folder, "--tls-port", "0", program=PROGRAM, workers="2", fixtures=str(folder / "world"))
    yield held
    running = held.processes()
    assert len(running) == 1 or not ALONE
    assert held.let_go() == 0
    all_end(running)
    held.close()


@pytest.mark.covers("server.windows")
def test_a_login_and_a_token(server: Held) -> None:
    web = web_client(server)
    tokens = web.tokens().json
    assert decode(tokens["id_token"])[1]["helseid://claims/identity/pid"] == PERSON
    assert decode(tokens["access_token"])[1]["iss"] == server.told["issuer"]
    assert web.user_info(tokens["access_token"]).json["helseid://claims/identity/pid"] == PERSON
    assert web.refresh(tokens["refresh_token"]).status == 200
    assert server.client("machine").token().status == 200
    assert ("MOCK_STS_WORKERS is 2, but Windows cannot fork processes" in server.said()) is ALONE


@pytest.mark.covers("server.windows")
def test_the_demo_which_keeps_files(server: Held) -> None:
    visitor = Visitor(server.told["url"])
    visitor.open("/mock/demo")
    visitor.log_in()
    assert visitor.said("demo-logged-in")
    visitor.press("demo-call")
    assert visitor.said("demo-hello")
    visitor.press("demo-log-out")


@pytest.mark.covers("server.windows")
def test_https_and_a_certificate_that_is_made_anew_while_it_runs(server: Held) -> None:
    ca = Path(server.told["ca"])

    def ask() -> int:
        address = f"{server.told['tls_url']}/.well-known/openid-configuration"
        return requests.get(address, verify=str(ca), timeout=60).status_code

    assert ask() == 200
    before = ca.read_bytes()
    shutil.rmtree(ca.parent)
    assert requests.post(f"{server.told['control']}/reload", json={}, timeout=60).status_code == 200
    assert ca.read_bytes() != before
    assert ask() == 200
    with pytest.raises(requests.exceptions.SSLError):
        (ca.parent / "old.pem").write_bytes(before)
        requests.get(server.told["tls_url"], verify=str(ca.parent / "old.pem"), timeout=60)
    assert ssl.create_default_context(cafile=str(ca)).get_ca_certs()


@pytest.mark.covers("server.windows", "server.reload.control")
def test_reload_without_a_signal(server: Held, folder: Path) -> None:
    key = private_jwk("ES256", 7)
    public = {name: key[name] for name in ("kty", "crv", "x", "y", "kid", "alg")}
    file, address = folder / "world" / "clients" / "new.yaml", f"{server.told['control']}/reload"
    entry = "client_id: from-a-file\ngrant_types: [client_credentials]\nscope: test:api/read\n"
    file.write_text(f"{entry}jwks: {{keys: [{json.dumps(public)}]}}\n", encoding="utf-8")
    machine = server.machine("from-a-file", key)
    assert machine.token().rule == "client-assertion.registered"
    assert requests.post(address, json={}, timeout=60).json() == {"reloaded": True}
    assert machine.token().status == 200
    file.write_text(f"{entry.replace('scope', 'scoop')}jwks: {{keys: []}}\n", encoding="utf-8")
    refused = requests.post(address, json={}, timeout=60)
    assert (refused.status_code, "'scoop'" in refused.json()["detail"]) == (422, True)
    assert machine.token().status == 200
    file.unlink()
    assert requests.post(address, json={}, timeout=60).status_code == 200
    assert machine.token().rule == "client-assertion.registered"


@pytest.mark.covers("server.windows", "server.port")
def test_a_second_server_is_refused_the_port(server: Held, tmp_path: Path) -> None:
    port = server.told["url"].rpartition(":")[2]
    told = run(tmp_path, "serve", port=port, status=2)
    assert f"MOCK_STS_PORT is {port}, but something listens on 127.0.0.1:{port} already" in told


@pytest.mark.covers("server.windows")
def test_the_commands(server: Held, folder: Path, tmp_path: Path) -> None:
    url, own = server.told["url"], str(folder / "world")
    assert json.loads(run(folder, "token", "demo-machine", "--url", url, "--decode", fixtures=own))["iss"] == url
    assert run(folder, "health", "--url", url) == ""
    assert PERSON in run(folder, "persona", "list")
    assert "demo-machine" in run(folder, "client", "list")
    words = ("client", "new", "--client-id", "nytt-system", "--scope", "mock:demo-api/read")
    assert "nytt-system" in run(folder, *words)
    assert json.loads(run(folder, "token", "nytt-system", "--url", url, "--decode"))["client_id"] == "nytt-system"
    run(folder, "fixtures", "check", fixtures=own)
    run(folder, "fixtures", "load", fixtures=own)
    out = tmp_path / "out"
    run(folder, "fixtures", "export", str(out))
    assert b"\r" not in b"".join(file.read_bytes() for file in out.rglob("*.yaml"))
    assert run(folder, "ca").startswith("-----BEGIN CERTIFICATE-----")
    assert "is http" in run(folder, "doctor", "--from", url, status=1), "some clients refuse that"


@pytest.mark.covers("server.windows")
def test_the_first_start_makes_everything_in_one_process(tmp_path: Path) -> None:
    with closing(
        Held(tmp_path, program=PROGRAM, database_url=f"sqlite:///{tmp_path}/new/first.sqlite", log_requests="true")
    ) as server:
        assert requests.get(f"{server.told['url']}/health/ready", timeout=60).status_code == 200
        assert len(server.processes()) == 1 or not ALONE
        running = server.processes()
        assert server.let_go() == 0
        all_end(running)


def test_a_world_that_cannot_be_read_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "personas.yaml").write_text("[", encoding="utf-8")
    told = run(tmp_path, "serve", "--port", "0", fixtures=str(tmp_path), status=2)
    assert "personas.yaml: is not YAML" in told


@pytest.mark.covers("server.windows")
@pytest.mark.parametrize("key", ["con", "NUL", "Aux", "com1", "lpt9.system"])
def test_no_key_is_kept_in_a_file_that_windows_takes_for_a_device(key: str) -> None:
    assert key.lower() not in plain_file_name(key).lower()
    assert plain_file_name(f"{key}x".replace(".", "-")) == f"{key}x".replace(".", "-")


@PLAYED
@pytest.mark.covers("server.windows")
def test_a_file_that_is_open_is_waited_for(tmp_path: Path) -> None:
    done = played(
        """
import threading
from pathlib import Path
from mock_sts.system import put_in_place, take_away
folder = Path(sys.argv[1])
file, new = folder / "file", folder / "new"
file.write_text("old")
new.write_text("new")
opened = file.open()
try:
    new.replace(file)
except PermissionError as error:
    assert error.winerror == 32
else:
    raise AssertionError("the stand-in lets it be replaced")
threading.Timer(0.3, opened.close).start()
put_in_place(new, file)
assert file.read_text() == "new" and opened.closed
opened = file.open()
threading.Timer(0.3, opened.close).start()
take_away(file)
assert not file.exists()
take_away(file)
""",
        str(tmp_path),
    )
    assert done.returncode == 0, done.stderr


@PLAYED
@pytest.mark.covers("server.windows")
def test_a_lock_is_one_process_at_a_time(tmp_path: Path) -> None:
    """Each adds one to a number, with a moment between reading and writing."""
    program = f"""
import sys, time
sys.path.insert(0, {str(ROOT)!r})
if sys.argv[2] == "windows":
    from tests.support.windows import stand_in
    stand_in()
from pathlib import Path
from mock_sts.system import locked
folder = Path(sys.argv[1])
for _ in range(5):
    with locked(folder / "lock"):
        now = int((folder / "number").read_text())
        time.sleep(0.02)
        (folder / "number").write_text(str(now + 1))
"""
    for how in ("windows", "as it is"):
        (tmp_path / "number").write_text("0")
        words = [sys.executable, "-W", "ignore", "-c", program, str(tmp_path), how]
        started = [subprocess.Popen(words) for _ in range(3)]
        assert [one.wait(120) for one in started] == [0, 0, 0]
        assert (tmp_path / "number").read_text() == "15", how


@PLAYED
@pytest.mark.parametrize(
    "code",
    [
        "import fcntl",
        "import resource",
        "import pwd",
        "import grp",
        "import termios",
        "import os; os.fork",
        "import signal; signal.SIGHUP",
        "import signal; signal.signal(1, print)",
        "import socket; socket.AF_UNIX",
        "import os; os.kill(os.getpid(), 0)",
        "import socket; socket.socket().bind(('127.0.0.1', 0))",
        "import select; select.select([0], [], [], 0)",
        "import mock_sts.server.supervisor",
        "import mock_sts.server.children",
    ],
)
def test_the_stand_in_has_nothing_of_posix(code: str) -> None:
    done = played(code)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].partition(":")[0].rpartition(".")[2] in (
        *("ModuleNotFoundError", "ImportError", "AttributeError", "ValueError", "OSError", "ForbiddenError"),
        "AssertionError",
    )
