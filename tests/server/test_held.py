"""A test host holds the server: free ports, one line when it is ready, and no process that outlives the host.

Runs on every system, without what tests.support.processes needs.
"""

import json
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import psutil
import pytest
import requests

from mock_sts.server.holder import end_of_holder, is_launcher
from mock_sts.settings.settings import SettingError, from_environ
from tests.support.held import HOLD, PROGRAM, Held, all_end, environment_in, in_time
from tests.support.keys import private_jwk
from tests.support.processes import until

MEMBERS = ["issuer", "url", "tls_url", "control", "ca", "pid"]

#: Holds a server as a test host does, tells what that has said, and waits to be killed. The words after ``--`` are the
#: server's; with ``thread`` the thread that starts it ends.
HOST = """
import subprocess, sys, threading
def start():
    global server
    given = subprocess.PIPE if "--exit-with-stdin" in sys.argv else subprocess.DEVNULL
    server = subprocess.Popen(sys.argv[2:], stdin=given, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
if sys.argv[1] == "thread":
    one = threading.Thread(target=start)
    one.start()
    one.join()
else:
    start()
print(server.stdout.readline().decode(), end="", flush=True)
threading.Event().wait()
"""


def host(folder: Path, *words: str, how: str = "process", **settings: str) -> tuple["subprocess.Popen[bytes]", int]:
    """A test host that holds a server, and the process that the server names."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOST, how, *PROGRAM, "serve", "--port", "0", "--json", *words],
        env=environment_in(folder, **settings),
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    return process, json.loads(in_time(process.stdout))["pid"]


def below(pid: int) -> list[psutil.Process]:
    one = psutil.Process(pid)
    return [one, *one.children(recursive=True)]


def end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Held:
    """One for the tests that do not end it; the last of them does."""
    return Held(tmp_path_factory.mktemp("held"), "--tls-port", "0", workers="2")


@pytest.mark.covers("server.held")
def test_one_line_tells_where_it_is_when_every_port_answers(held: Held) -> None:
    told = held.told
    assert list(told) == MEMBERS
    assert told["issuer"] == told["url"] and told["url"].startswith("http://localhost:")
    for address, trusted in ((told["url"], None), (told["tls_url"], told["ca"])):
        answer = requests.get(f"{address}/.well-known/openid-configuration", verify=trusted or True, timeout=60)
        assert answer.json()["issuer"] == address
    assert requests.get(f"{told['control']}/journal", timeout=60).json()["next_before"] is None
    said = held.said()
    assert f"listens on   http://127.0.0.1:{told['url'].rpartition(':')[2]}, https://127.0.0.1:" in said


@pytest.mark.covers("server.reload.control")
def test_reload_by_the_control_api_reads_the_world_anew(tmp_path: Path) -> None:
    world = tmp_path / "world"
    (world / "clients").mkdir(parents=True)
    key = private_jwk("ES256", 1)
    public = {name: key[name] for name in ("kty", "crv", "x", "y", "kid", "alg")}
    file = world / "clients" / "new.yaml"
    entry = (
        "client_id: from-a-file\ngrant_types: [client_credentials]\nscope: test:api/read\n"
        f"jwks: {{keys: [{json.dumps(public)}]}}\n"
    )
    with closing(Held(tmp_path, fixtures=str(world), workers="2")) as server:
        machine, address = server.machine("from-a-file", key), f"{server.told['control']}/reload"
        server.client("other")  # brings the API
        assert machine.token().rule == "client-assertion.registered"

        file.write_text(entry, encoding="utf-8")
        answer = requests.post(address, json={}, timeout=60)
        assert (answer.status_code, answer.json()) == (200, {"reloaded": True})
        assert machine.token().status == 200, "the first request after the answer"

        file.write_text(entry.replace("scope:", "scoop:"), encoding="utf-8")
        refused = requests.post(address, headers={"Content-Type": "application/json"}, timeout=60)
        assert refused.status_code == 422
        assert "'scoop'" in refused.json()["detail"] and "the server goes on as it was" in refused.json()["detail"]
        assert machine.token().status == 200
        assert "'scoop'" in server.said(), "the log tells it too"

        form = {"Content-Type": "application/x-www-form-urlencoded"}
        assert requests.post(address, data="now=1", headers=form, timeout=60).status_code == 415
        assert requests.post(address, json={"now": True}, timeout=60).status_code == 400
        file.write_text(entry, encoding="utf-8")
        with ThreadPoolExecutor(4) as pool:
            statuses = [one.status_code for one in pool.map(lambda _: requests.post(address, json={}), range(4))]
        assert set(statuses) <= {200, 409} and 200 in statuses, "one at a time"
        assert machine.token().status == 200


@pytest.mark.covers("server.held")
def test_two_servers_that_start_at_once_get_ports_of_their_own(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("a", "b")]
    for folder in folders:
        folder.mkdir()
        environment_in(folder)
    with ExitStack() as stack, ThreadPoolExecutor(2) as pool:
        started = [
            stack.enter_context(closing(one))
            for one in pool.map(lambda folder: Held(folder, "--tls-port", "0", workers="2"), folders)
        ]
        addresses = {server.told[name] for server in started for name in ("url", "tls_url")}
        assert len(addresses) == 4
        for number, server in enumerate(started):
            assert server.client(f"client-{number}").token().status == 200
        assert started[0].machine("client-1", private_jwk("ES256", 1)).token().rule == "client-assertion.registered"


@pytest.mark.covers("server.held.end")
def test_a_server_ends_when_its_standard_input_does(held: Held) -> None:
    running = held.processes()
    assert len(running) >= (1 if sys.platform == "win32" else 3)
    assert held.process.stdin is not None
    held.process.stdin.write(b"what is written there is passed over\n")
    held.process.stdin.flush()
    assert requests.get(f"{held.told['url']}/health/ready", timeout=60).status_code == 200
    assert held.let_go() == 0
    all_end(running)
    assert "its standard input has closed" in held.said()
    held.close()


@pytest.mark.covers("server.held.end")
@pytest.mark.parametrize("how", ["--exit-with-stdin", "--exit-with-parent"])
def test_a_killed_host_leaves_no_process(tmp_path: Path, how: str) -> None:
    process, pid = host(tmp_path, how, workers="2")
    running = below(pid)
    end(process)
    all_end(running)


@pytest.mark.covers("server.held.end")
@pytest.mark.slow
def test_the_end_of_the_thread_that_started_it_ends_nothing(tmp_path: Path) -> None:
    """.NET starts processes from threads of its pool, which end when they idle."""
    process, pid = host(tmp_path, "--exit-with-parent", how="thread", workers="2")
    running = below(pid)
    threading.Event().wait(1)  # some looks of the server's
    assert all(one.is_running() for one in running)
    end(process)
    all_end(running)


@pytest.mark.covers("server.held.end")
def test_a_server_that_nobody_asked_to_end_outlives_its_host(tmp_path: Path) -> None:
    process, pid = host(tmp_path)
    running = below(pid)
    end(process)
    threading.Event().wait(1)
    assert all(one.is_running() for one in running)
    running[0].terminate()
    all_end(running)


@pytest.mark.covers("server.held.end")
@pytest.mark.skipif(sys.platform == "win32", reason="there the process is the only one")
def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    server = Held(tmp_path, workers="2")
    running = server.processes()
    running[0].send_signal(signal.SIGKILL)
    all_end(running)
    server.close()


def test_a_start_that_fails_says_nothing_on_standard_output(tmp_path: Path) -> None:
    done = subprocess.run(
        [*PROGRAM, "serve", *HOLD, "--port", "http"],
        env=environment_in(tmp_path),
        stdin=subprocess.PIPE,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"MOCK_STS_PORT is 'http'" in done.stderr


@pytest.mark.covers("server.held")
@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"port": "0", "public_url": "http://localhost:8080"}, "set MOCK_STS_PORT to 8080"),
        ({"port": "0", "public_url": "http://127.0.0.1:9000/base"}, "set MOCK_STS_PORT to 9000"),
        ({"port": "0", "public_url": "http://sts.localhost:9000"}, "set MOCK_STS_PORT to 9000"),
        ({"tls_port": "0", "public_url": "https://localhost:8443"}, "set MOCK_STS_TLS_PORT to 8443"),
        ({"port": "0", "tls_port": "0", "public_url": "https://[::1]:8443"}, "set MOCK_STS_TLS_PORT to 8443"),
        ({"port": "0", "public_url": "http://localhost"}, ""),
        ({"port": "0", "public_url": "http://sts.test:8080"}, ""),
        ({"port": "0", "public_url": "https://helseid-sts.test.nhn.no"}, ""),
        ({"port": "0", "tls_port": "8443", "public_url": "https://localhost:8443"}, ""),
        ({"tls_port": "0", "public_url": "http://localhost:8080"}, ""),
        ({"port": "0", "tls_port": "0"}, ""),
    ],
    ids=str,
)
def test_a_free_port_and_an_address_that_names_another_do_not_go_together(settings: dict[str, str], told: str) -> None:
    if not told:
        from_environ({}, settings)
        return
    with pytest.raises(SettingError) as refused:
        from_environ({}, settings)
    assert str(refused.value).endswith(told) and "\n" not in str(refused.value)
    assert settings["public_url"] in str(refused.value)


@pytest.mark.parametrize(
    ("words", "option"), [(("health",), "--url"), (("token", "demo-machine"), "--url"), (("doctor",), "--from")]
)
def test_commands_do_not_guess_the_port(tmp_path: Path, words: tuple[str, ...], option: str) -> None:
    done = subprocess.run(
        [*PROGRAM, *words], env=environment_in(tmp_path, port="0"), capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "MOCK_STS_PORT is 0" in done.stderr and f"printed, with {option}" in done.stderr


@pytest.mark.parametrize(
    ("program", "stands_between"),
    [
        ("/venv/Scripts/mock-sts.exe", True),
        ("/base/Scripts/mock-sts.exe", True),
        ("/venv/Scripts/python.exe", True),
        ("/base/python.exe", False),
        ("/dotnet/testhost.exe", False),
    ],
)
def test_what_stands_between_on_windows_is_known(program: str, stands_between: bool) -> None:
    assert is_launcher(Path(program), Path("/venv"), Path("/base")) is stands_between
    if program == "/base/python.exe":
        assert not is_launcher(Path(program), Path("/base"), Path("/base"))


def test_the_holder_that_windows_is_asked_for_is_this_test(tmp_path: Path) -> None:
    """The way of Windows, which works elsewhere too."""
    program = """
import sys, time
from pathlib import Path
from mock_sts.server.holder import end_of_holder
has_ended = end_of_holder(Path(sys.prefix), Path(sys.prefix))
print(has_ended(), flush=True)
while not has_ended():
    time.sleep(0.05)
Path(sys.argv[1]).touch()
"""
    starter = "import subprocess, sys; subprocess.run([sys.executable, '-c', *sys.argv[1:]])"
    with subprocess.Popen(
        [sys.executable, "-c", starter, program, str(tmp_path / "ended")], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == b"False"
        process.kill()
    until((tmp_path / "ended").exists, "it does not notice")
    assert not end_of_holder(Path("/venv"), Path("/base"))()
