"""What the image and compose.yaml promise, checked and measured with the engine that `docker` talks to.

Run by .ci/container/run inside its sandbox, with the standard library only; the image `mock-sts` and its base are
there. Names of checks as arguments: only those. Ends with 1 when a promise is broken.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]
BASE, IMAGE = "python:3.13-slim", "mock-sts"

#: Bytes above the base image, and seconds from SIGTERM to the end, that are allowed.
SIZE_LIMIT, STOP_LIMIT = 75_000_000, 2.0

#: How the image has to work when somebody is careful; compose.yaml asks for the same.
CAREFUL = ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges")

#: A person of the synthetic series who is in no shipped file.
PID = "14838540101"

Check = Callable[[], None]
CHECKS: list[Check] = []


def check(function: Check) -> Check:
    """Mark a function as a check; they run in the order in which they are written."""
    CHECKS.append(function)
    return function


def run(*command: str, status: int | None = 0) -> subprocess.CompletedProcess[str]:
    """Run a command in the checkout; another exit status than ``status`` is an error, with what it printed."""
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    if status is not None and done.returncode != status:
        raise AssertionError(
            f"{' '.join(command)} ended with {done.returncode}, not {status}:\n{done.stdout}{done.stderr}"
        )
    return done


def docker(*arguments: str) -> str:
    """What `docker` prints."""
    return run("docker", *arguments).stdout.strip()


def logs(container: str) -> str:
    """What the container said."""
    done = run("docker", "logs", container)
    return done.stdout + done.stderr


def measured(what: str, value: str) -> None:
    """Print something that was measured."""
    print(f"  {what:<42} {value}", flush=True)


def until_healthy(container: str) -> float:
    """Wait until the engine calls the container healthy; the seconds since it was started."""
    begun = time.monotonic()
    while time.monotonic() - begun < 30:
        state = json.loads(docker("inspect", "--format", "{{json .State}}", container))
        if state["Health"]["Status"] == "healthy":
            return time.monotonic() - begun
        assert state["Running"], logs(container)
        time.sleep(0.05)
    raise AssertionError(f"{container} is not healthy after 30 s")


def stop(container: str) -> float:
    """Stop the container with SIGTERM; the seconds it took."""
    begun = time.monotonic()
    docker("stop", container)
    return time.monotonic() - begun


def memory(container: str) -> str:
    """What the container uses now."""
    return docker("stats", "--no-stream", "--format", "{{.MemUsage}}", container).split(" / ")[0]


def get(url: str) -> tuple[int, str]:
    """Status and text of the answer."""
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def volumes() -> set[str]:
    """The names of all volumes."""
    return set(docker("volume", "ls", "--quiet").split())


@contextmanager
def container(*arguments: str) -> Iterator[str]:
    """A container of the image that runs in the background; its id."""
    name = docker("run", "--detach", *arguments)
    try:
        yield name
    finally:
        docker("rm", "--force", "--volumes", name)


@check
def image_is_small() -> None:
    sizes = {name: int(docker("image", "inspect", "--format", "{{.Size}}", name)) for name in (BASE, IMAGE)}
    above = sizes[IMAGE] - sizes[BASE]
    measured("image size above the base", f"{above / 1e6:.1f} MB of {SIZE_LIMIT / 1e6:.0f} MB")
    for line in docker("history", "--format", "{{.Size}}\t{{.CreatedBy}}", IMAGE).splitlines():
        if not line.startswith("0B"):
            print(f"    {line}")
    assert above <= SIZE_LIMIT, "the image is too big"


@check
def image_says_what_it_is() -> None:
    config = json.loads(docker("image", "inspect", "--format", "{{json .Config}}", IMAGE))
    assert config["User"] == "10001:10001", config["User"]
    labels = config["Labels"]
    assert "Not affiliated" in labels["org.opencontainers.image.description"], labels
    assert labels["org.opencontainers.image.version"] == docker("run", "--rm", IMAGE, "--version"), labels


@check
def image_has_bytecode() -> None:
    program = """
import pathlib, sys, uvicorn, mock_sts.app
files = [m.__cached__ for m in list(sys.modules.values()) if "/opt/venv" in (getattr(m, "__cached__", "") or "")]
print(len(files), [file for file in files if not pathlib.Path(file).is_file()][:3])
"""
    counted, missing = docker("run", "--rm", "--entrypoint=python", IMAGE, "-c", program).split(" ", 1)
    assert int(counted) > 100 and missing == "[]", (counted, missing)


@check
def serves_with_nothing_to_write_to_but_its_data() -> None:
    for where in ("--tmpfs=/data", "--volume=/data"):
        with container(*CAREFUL, where, "--publish=127.0.0.1:8080:8080", IMAGE) as name:
            measured(f"time to healthy with {where}", f"{until_healthy(name):.2f} s")
            token = json.loads(docker("exec", name, "mock-sts", "token", "demo-machine", "--decode"))
            assert token["client_id"] == "demo-machine", token
            discovery = json.loads(get("http://localhost:8080/.well-known/openid-configuration")[1])
            assert discovery["issuer"] == "http://localhost:8080", discovery
            measured("memory after a token", memory(name))
            took = stop(name)
            measured("SIGTERM to stopped", f"{took:.2f} s of {STOP_LIMIT:.0f} s")
            assert took <= STOP_LIMIT, "it stops too slowly"
            ended = docker("inspect", "--format", "{{.State.ExitCode}}", name)
            assert ended == "0", f"it ended with {ended}: {logs(name)}"


@check
def a_token_comes_soon_after_docker_run() -> None:
    begun = time.monotonic()
    with container(*CAREFUL, "--tmpfs=/data", IMAGE) as name:
        started = time.monotonic()
        # By the program in the container that asks for it, again and again until the server is there.
        ask = "until mock-sts token demo-machine 2> /dev/null; do sleep 0.02; done"
        token = docker("exec", name, "timeout", "30", "sh", "-c", ask)
        assert token.count(".") == 2, token
        measured("docker run", f"{started - begun:.2f} s")
        measured("... to first token, its command included", f"{time.monotonic() - begun:.2f} s")


@check
def a_full_disk_is_told_and_passes() -> None:
    with container(*CAREFUL, "--tmpfs=/data:size=4m,mode=1777", "--publish=127.0.0.1:8080:8080", IMAGE) as name:
        until_healthy(name)
        docker("exec", name, "sh", "-c", "cat /dev/zero > /data/fill 2> /dev/null || true")
        refused = run("docker", "exec", name, "mock-sts", "token", "demo-machine", status=None)
        assert refused.returncode != 0 and "the disk is full" in refused.stderr + logs(name), refused.stderr
        measured("a full disk is told so", logs(name).splitlines()[-1][:160])
        assert get("http://localhost:8080/.well-known/openid-configuration")[0] == 200
        docker("exec", name, "rm", "/data/fill")
        assert json.loads(docker("exec", name, "mock-sts", "token", "demo-machine", "--decode"))


@check
def data_that_may_only_be_read_is_told() -> None:
    volume = docker("volume", "create")
    try:
        with container(*CAREFUL, f"--volume={volume}:/data", IMAGE) as name:
            until_healthy(name)
        told = run("docker", "run", "--rm", *CAREFUL, f"--volume={volume}:/data:ro", IMAGE, "prepare", status=2).stderr
        assert "cannot be made" in told and "MOCK_STS_DATABASE_URL" in told, told
    finally:
        docker("volume", "rm", "--force", volume)


@check
def stops_at_once_while_it_starts() -> None:
    for wait in (0.0, 0.1, 0.3):
        # Without an init nothing hears a signal before Python has begun.
        with container(*CAREFUL, "--init", "--tmpfs=/data", IMAGE) as name:
            time.sleep(wait)
            took = stop(name)
            measured(f"SIGTERM to stopped, {wait} s after the start", f"{took:.2f} s of {STOP_LIMIT:.0f} s")
            assert took <= STOP_LIMIT, "it stops too slowly"


class Compose:
    """compose.yaml, or the ``file`` of a recipe, with files on top."""

    def __init__(self, *on_top: Path, file: Path = CHECKOUT / "compose.yaml") -> None:
        files = [file, *on_top]
        self._command = ["docker", "compose", "--progress=quiet", *(f"--file={file}" for file in files)]

    def __call__(self, *arguments: str, status: int | None = 0) -> subprocess.CompletedProcess[str]:
        return run(*self._command, *arguments, status=status)

    def up(self) -> None:
        """Bring everything up and wait until it is healthy; what the containers said when it does not get there."""
        done = self("up", "--detach", "--no-build", "--wait", "--wait-timeout=60", status=None)
        if done.returncode != 0:
            raise AssertionError(f"up --wait ended with {done.returncode}: {done.stderr}\n{self('logs').stdout}")

    def once(self, status: int = 0) -> Any:
        """Log in and call the API once; the outcome."""
        return json.loads(self("run", "--rm", "--no-TTY", "app", "once", status=status).stdout)

    def once_alone(self) -> Any:
        """As ``once``, with the containers that run now: none that was stopped is started for it."""
        return json.loads(self("run", "--rm", "--no-TTY", "--no-deps", "app", "once").stdout)

    def sts(self, *arguments: str) -> str:
        """What a command prints inside the emulator's container."""
        return self("exec", "--no-TTY", "mock-sts", "mock-sts", *arguments).stdout

    def id_of(self, service: str) -> str:
        """The service's container."""
        return self("ps", "--quiet", service).stdout.strip()


@contextmanager
def up(*on_top: Path, file: Path = CHECKOUT / "compose.yaml") -> Iterator[Compose]:
    """compose.yaml or a recipe brought up, and taken down with its volumes."""
    compose = Compose(*on_top, file=file)
    try:
        begun = time.monotonic()
        compose.up()
        measured("docker compose up --wait", f"{time.monotonic() - begun:.2f} s")
        yield compose
    finally:
        compose("down", "--volumes", "--timeout=2")


@check
def compose_file_works_with_nothing_configured() -> None:
    before = volumes()
    with up() as compose:
        outcome = compose.once()
        assert outcome["ok"] and outcome["api_answer"]["greeting"], outcome
        assert get("http://localhost:8081/health/ready") == (200, '{"ok":true}\n')
        assert "it worked" in get("http://localhost:8081/")[1]
        assert get("http://localhost:8080/health/ready")[0] == 200
        for service in ("mock-sts", "api", "app"):
            measured(f"memory of {service}", memory(compose.id_of(service)))
        took = stop(compose.id_of("mock-sts"))
        measured("SIGTERM to stopped, in compose", f"{took:.2f} s of {STOP_LIMIT:.0f} s")
        assert took <= STOP_LIMIT, "it stops too slowly"
    assert docker("ps", "--all", "--quiet") == "", "containers are left"
    assert volumes() <= before, f"volumes are left: {volumes() - before}"


@check
def reloads_on_a_signal_while_it_answers() -> None:
    with up() as compose:
        name = compose.id_of("mock-sts")
        compose("kill", "--signal=HUP", "mock-sts")
        begun, answers = time.monotonic(), 0
        while "INFO reloaded" not in logs(name):
            assert get("http://localhost:8080/.well-known/openid-configuration")[0] == 200
            answers += 1
            assert time.monotonic() - begun < 30, "it does not reload"
        measured("reloaded", f"in {time.monotonic() - begun:.1f} s, with {answers} answers meanwhile")
        assert compose.once()["ok"]


@check
def proxies_of_the_environment_are_not_asked() -> None:
    # docker hands the proxies of its client to every container; here one that nobody answers at.
    names = [name for upper in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY") for name in (upper, upper.lower())]
    services = {one: {"environment": dict.fromkeys(names, "http://127.0.0.1:9")} for one in ("mock-sts", "api", "app")}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({"services": services}, file)
        file.flush()
        with up(Path(file.name)) as compose:
            assert compose.once()["ok"]


@check
def compose_builds_what_is_missing_and_pulls_nothing() -> None:
    # The build is the one that made the image, so all of it is cached, and no network is needed for it.
    same_build = {"services": {"mock-sts": {"build": {"network": "host"}}}}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(same_build, file)
        file.flush()
        docker("image", "rm", IMAGE)
        compose = Compose(Path(file.name))
        try:
            said = compose("--progress=plain", "up", "--detach", "--wait", "--wait-timeout=60").stderr
            assert "pull" not in said.lower(), said
        finally:
            compose("down", "--volumes", "--timeout=2")


#: An own world: one person, one client, one API. Braces are for the client's published key.
OWN_PERSONA = f"""\
- pid: "{PID}"
  given_name: Torbjørg
  family_name: Prøvesen
"""
OWN_API = """\
- audience: own:api
  name: An API of ours
  scopes: [own:api/read]
  claims: [helseid://claims/identity/pid]
"""
OWN_CLIENT = """\
client_id: own-client
client_name: A client of ours
grant_types: [authorization_code]
redirect_uris: ["http://localhost:8089/callback"]
scope: openid profile helseid://scopes/identity/pid own:api/read
jwks: {{"keys": [{jwk}]}}
"""


@contextmanager
def own_world() -> Iterator[tuple[Path, Path]]:
    """A folder of own fixtures, and a file for compose that mounts it and has the application use it."""
    folder = Path(tempfile.mkdtemp())
    try:
        folder.chmod(0o755)  # the container's user must be able to read what is mounted
        world = folder / "world"
        (world / "clients").mkdir(parents=True)
        private = json.loads((CHECKOUT / "fixtures/keys/clients/demo-web-api.json").read_text(encoding="utf-8"))
        jwk = {
            name: value for name, value in private.items() if name in ("kty", "kid", "alg", "n", "e", "crv", "x", "y")
        }
        (world / "personas.yaml").write_text(OWN_PERSONA, encoding="utf-8")
        (world / "apis.yaml").write_text(OWN_API, encoding="utf-8")
        (world / "clients" / "own-client.yaml").write_text(OWN_CLIENT.format(jwk=json.dumps(jwk)), encoding="utf-8")
        scope = "openid profile helseid://scopes/identity/pid own:api/read"
        services = {
            "mock-sts": {"volumes": [f"{world}:/fixtures:ro"]},
            "api": {"environment": {"AUDIENCE": "own:api", "SCOPE": "own:api/read"}},
            "app": {"environment": {"CLIENT_ID": "own-client", "SCOPE": scope, "TEST_PID": PID}},
        }
        on_top = folder / "compose.own.json"
        on_top.write_text(json.dumps({"services": services}), encoding="utf-8")
        yield world, on_top
    finally:
        shutil.rmtree(folder)


@check
def own_world_lies_on_top_and_survives() -> None:
    with own_world() as (world, on_top), up(on_top) as compose:

        def client_ids() -> set[str]:
            return {client["client_id"] for client in json.loads(compose.sts("client", "list", "--json"))}

        first = compose.once()
        assert first["id_token"]["family_name"] == "Prøvesen", first
        assert first["api_answer"]["person"] == PID, first
        assert {"own-client", "demo-machine"} <= client_ids()
        compose.sts("client", "new", "--client-id", "made-here", "--scope", "own:api/read")

        # It survives a restart, and so does what was registered while it ran.
        compose("restart", "mock-sts")
        compose.up()
        assert compose.once()["id_token"]["sub"] == first["id_token"]["sub"]
        assert {"own-client", "made-here"} <= client_ids()

        # ... and a new container: the data is in the volume.
        compose("rm", "--stop", "--force", "mock-sts")
        compose.up()
        assert {"own-client", "made-here"} <= client_ids()

        # A file that goes takes its entry along, and that only.
        client = world / "clients" / "own-client.yaml"
        text = client.read_text(encoding="utf-8")
        client.unlink()
        assert "own-client" in client_ids()
        compose.sts("fixtures", "load")
        assert "own-client" not in client_ids()
        assert {"demo-machine", "made-here"} <= client_ids()
        refused = compose.once(status=1)
        assert "invalid_client" in refused["error"], refused
        compose("restart", "mock-sts")
        assert "invalid_client" in compose.once(status=1)["error"]

        # A typo stops the start, and is explained.
        client.write_text(text.replace("redirect_uris", "redirct_uris"), encoding="utf-8")
        compose("stop", "mock-sts")
        told = compose("run", "--rm", "--no-TTY", "mock-sts", status=2).stderr
        said = [line for line in told.splitlines() if "redirct_uris" in line]
        assert said and "'redirect_uris'" in said[0] and "own-client.yaml" in said[0], told
        measured("a typo is told so", said[0])


@check
def an_own_world_that_cannot_be_read_stops_the_start() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o700)
        done = run("docker", "run", "--rm", f"--volume={folder}:/fixtures:ro", "--tmpfs=/data", IMAGE, status=2)
        assert "MOCK_STS_FIXTURES" in done.stderr and "change its permissions" in done.stderr, done.stderr


@check
def faker_still_works() -> None:
    generate = "mock-sts fixtures generate --seed 1 --folder made > said"
    program = f"cd /tmp && mkdir made && {generate} && cat made/names.generated.json"
    made = json.loads(docker("run", "--rm", "--entrypoint=sh", IMAGE, "-c", program))
    committed = json.loads((CHECKOUT / "fixtures" / "names.generated.json").read_text(encoding="utf-8"))
    assert made == committed, made


def carry_out(checks: list[Check]) -> int:
    """Run all ``checks``, or those that the command line names; 1 when one fails."""
    wanted = sys.argv[1:]
    failed = 0
    chosen = [one for one in checks if not wanted or one.__name__ in wanted]
    for one in chosen:
        begun = time.monotonic()
        print(f"{one.__name__.replace('_', ' ')}:", flush=True)
        try:
            one()
        except Exception:  # the others are still worth knowing about
            failed += 1
            traceback.print_exc()
        print(f"  {time.monotonic() - begun:.1f} s, {failed} failed so far", flush=True)
    print(f"{len(chosen) - failed} passed, {failed} failed")
    return 1 if failed else 0


def main() -> int:
    """Run the checks of the image and of compose.yaml."""
    os.environ["COMPOSE_PROJECT_NAME"] = "mock-sts-checks"
    return carry_out(CHECKS)


if __name__ == "__main__":
    sys.exit(main())
