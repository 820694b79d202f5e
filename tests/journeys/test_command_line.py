"""The command line, as a developer uses it on the first day."""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from mock_sts.client.token import Fetched, TokenClientError, call, fetch_token
from mock_sts.helseid.registry.documents import DocumentError
from mock_sts.protocol.jose import PrivateKey
from mock_sts.server.serve import serve
from mock_sts.settings.settings import Settings, from_environ
from mock_sts.store.fixtures.files import read_text
from tests.support import processes
from tests.support.emulator import LiveServer, free_port
from tests.support.keys import private_jwk
from tests.support.machine import decode
from tests.support.tls import takes_connections, until

#: Looks into files of SQLite, or is about commands on them.
pytestmark = pytest.mark.sqlite

NODE_MODULES = Path(__file__).parent.parent / "interop" / "node"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    made = LiveServer(tmp_path_factory.mktemp("cli"))
    yield made
    made.stop()


def run(*arguments: str, environment: dict[str, str], status: int = 0) -> subprocess.CompletedProcess[str]:
    done = processes.run(*arguments, env=environment)
    assert done.returncode == status, done.stdout + done.stderr
    return done


def bare_environment(**settings: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MOCK_STS_")}
    return kept | {f"MOCK_STS_{name.upper()}": value for name, value in settings.items()}


@pytest.mark.parametrize(("client_id", "binding"), [("demo-machine", True), ("demo-machine-bearer", False)])
def test_token_for_a_demo_client(server: LiveServer, client_id: str, binding: bool) -> None:
    extra = () if binding else ("--bearer",)
    token = run("token", client_id, *extra, environment=server.environment).stdout.strip()
    header, claims = decode(token)
    assert header["typ"] == "at+jwt"
    assert claims["iss"] == server.issuer
    assert claims["aud"] == "mock:demo-api"
    assert claims["client_id"] == client_id
    assert ("cnf" in claims) is binding
    shown = run("token", client_id, "--decode", environment=server.environment).stdout
    assert json.loads(shown)["client_id"] == client_id


@pytest.mark.covers("tls.token")
@pytest.mark.parametrize(
    "host",
    [
        "helseid-sts.nhn.no",
        "helseid-sts.test.nhn.no",
        "HELSEID-STS.QA.NHN.NO",
        "helseid-ttt.test.nhn.no",
        "api.selvbetjening.test.nhn.no",
        "selvbetjening.nhn.no",
    ],
)
@pytest.mark.parametrize(("address", "is_asked"), [("1.1.1.1", False), ("127.0.0.1", True)])
def test_token_asks_no_real_helseid(
    monkeypatch: pytest.MonkeyPatch, host: str, address: str, is_asked: bool, tmp_path: Path
) -> None:
    """A name of NHN's that leads here is the emulator's; one that leads into the world is not asked at all."""
    resolved: list[str] = []

    def resolve(name: str, port: int | None, *_: object) -> list[tuple[object, ...]]:
        resolved.append(name)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port or 0))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(TokenClientError) as caught:
        fetch_token(f"http://{host}:{free_port()}", "demo-machine", private_jwk("ES256"), ca_file=tmp_path / "none")
    assert ("no answer from" in str(caught.value)) is is_asked
    assert ("nothing was sent to it" in str(caught.value)) is not is_asked
    assert [name.lower() for name in resolved] == [host.lower()] * (2 if is_asked else 1)


@pytest.fixture
def leads_into_the_world(monkeypatch: pytest.MonkeyPatch) -> None:
    """NHN's names resolve, to an address of the world."""
    resolve = socket.getaddrinfo

    def by_name(name: str, port: int | None, *more: int, **others: int) -> list[tuple[Any, ...]]:
        if str(name).endswith("nhn.no"):
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("1.1.1.1", port or 0))]
        return list(resolve(name, port, *more, **others))

    monkeypatch.setattr(socket, "getaddrinfo", by_name)


@pytest.mark.covers("tls.token")
@pytest.mark.usefixtures("leads_into_the_world")
@pytest.mark.slow
def test_token_goes_to_no_real_helseid_that_a_discovery_document_names() -> None:
    endpoint = f"http://helseid-sts.test.nhn.no:{free_port()}/connect/token"

    class Another(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps({"issuer": "http://another.test", "token_endpoint": endpoint}).encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Another) as another:
        threading.Thread(target=another.serve_forever, daemon=True).start()
        with pytest.raises(TokenClientError, match="nothing was sent to it"):
            fetch_token(f"http://127.0.0.1:{another.server_address[1]}", "demo-machine", private_jwk("ES256"))
        another.shutdown()


@pytest.mark.covers("tls.token")
@pytest.mark.usefixtures("leads_into_the_world")
def test_no_token_is_sent_to_a_real_helseid() -> None:
    fetched = Fetched("a.b.c", PrivateKey(private_jwk("ES256")))
    with pytest.raises(TokenClientError, match="nothing was sent to it"):
        call(f"http://helseid-sts.test.nhn.no:{free_port()}/connect/userinfo", fetched)


@pytest.mark.covers("tls.token")
def test_token_asks_no_real_helseid_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind a proxy the name need not resolve here, and still leads into the world."""
    with closing(socket.create_server(("127.0.0.1", 0))) as proxy:
        proxy.settimeout(0)
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.getsockname()[1]}")
        with pytest.raises(TokenClientError, match="add it to NO_PROXY"):
            fetch_token("https://helseid-sts.test.nhn.no", "demo-machine", private_jwk("ES256"))
        with pytest.raises(BlockingIOError):
            proxy.accept()


def test_token_says_why_there_is_none(server: LiveServer) -> None:
    refused = run("token", "demo-machine", "--scope", "no:such/scope", environment=server.environment, status=2)
    assert "invalid_scope" in refused.stderr and "scope.allowed" in refused.stderr
    nobody = run("token", "no-such-client", environment=server.environment, status=2)
    assert "no private key for 'no-such-client'" in nobody.stderr and "did you mean" not in nobody.stderr
    misspelt = run("token", "demo-machin", environment=server.environment, status=2)
    assert "did you mean 'demo-machine'" in misspelt.stderr
    unreachable = run(
        "token", "demo-machine", "--url", f"http://localhost:{free_port()}", environment=server.environment, status=2
    )
    assert "is the server running?" in unreachable.stderr


@pytest.mark.covers("cli.token.remedy")
@pytest.mark.parametrize(
    ("words", "rule", "says"),
    [
        (
            ("demo-machine", "--scope", "mock:demo-api/raed"),
            "scope.allowed",
            ("registered scopes: mock:demo-api/read", "mock:demo-api/raed", "Remedy: add the scope"),
        ),
        (("demo-machine", "--resource", "no-uri"), "token-request.resource-form", ("no-uri", "Remedy: send the API's")),
        (("demo-machine", "--bearer"), "token-request.proof", ("no DPoP header", "Remedy: send a DPoP header")),
        (("demo-web",), "grant.allowed", ("client_credentials", "Remedy: ")),
        (
            ("demo-machine", "--key", "fixtures/keys/clients/demo-web.json"),
            "client-assertion.signature",
            ("Remedy: ", "Source: "),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_token_prints_the_remedy_of_a_refusal(
    server: LiveServer, words: tuple[str, ...], rule: str, says: tuple[str, ...]
) -> None:
    told = run("token", *words, environment=server.environment, status=2).stderr
    assert f"; rule {rule}: " in told
    for word in (*says, "Expected: ", "Observed: "):
        assert word in told
    assert len(told.strip().splitlines()) == 1


@pytest.mark.covers("cli.token.remedy")
@pytest.mark.parametrize("given", [True, False], ids=["token given", "token not given"])
def test_the_remedy_is_printed_when_the_journal_is_closed(tmp_path: Path, given: bool) -> None:
    live = LiveServer(tmp_path, admin_token="secret")
    environment = {name: value for name, value in live.environment.items() if given or name != "MOCK_STS_ADMIN_TOKEN"}
    try:
        told = run("token", "demo-machine", "--scope", "no:such/scope", environment=environment, status=2).stderr
    finally:
        live.stop()
    assert "; rule scope.allowed: " in told and "Remedy: add the scope" in told
    assert ("Observed: ['no:such/scope']" in told) is given
    assert "secret" not in told


@pytest.mark.covers("cli.token.call")
@pytest.mark.parametrize("path", ["/mock/demo/api", "/mock/demo/api?x=1", "/mock/resource"])
def test_a_token_can_be_tried_on_the_api_that_it_is_for(server: LiveServer, path: str) -> None:
    told = run("token", "demo-machine", "--call", server.issuer + path, environment=server.environment).stdout
    answer = json.loads(told)
    assert (answer.get("hello") or answer["client_id"]) == "demo-machine"
    assert all(check["passed"] for check in answer.get("checks", ()))


@pytest.mark.covers("demo.bearer-api")
@pytest.mark.parametrize("path", ["/mock/demo/bearer-api", "/mock/resource"])
def test_the_ready_client_without_dpop_has_apis_to_call(server: LiveServer, path: str) -> None:
    command = ("token", "demo-machine-bearer", "--bearer", "--call", server.issuer + path)
    answer = json.loads(run(*command, environment=server.environment).stdout)
    assert (answer.get("hello") or answer["client_id"]) == "demo-machine-bearer"


@pytest.mark.covers("cli.token.call")
@pytest.mark.slow
def test_what_an_api_refuses_is_told(server: LiveServer) -> None:
    api = f"{server.issuer}/mock/demo/api"
    wrong = run(
        "token",
        "demo-machine",
        "--scope",
        "mock:demo-api/write",
        "--call",
        api,
        environment=server.environment,
        status=2,
    )
    assert f'{api} answered 403 DPoP error="insufficient_scope"' in wrong.stderr
    assert '"id":"scope"' in wrong.stderr.replace(" ", "")
    bearer = run("token", "demo-machine-bearer", "--bearer", "--call", api, environment=server.environment, status=2)
    assert 'answered 401 DPoP error="invalid_token"' in bearer.stderr
    bound = run(
        "token",
        "demo-machine",
        "--call",
        f"{server.issuer}/mock/demo/bearer-api",
        environment=server.environment,
        status=2,
    )
    assert 'answered 401 Bearer error="invalid_token", error_description="scheme"' in bound.stderr
    gone = run(
        "token", "demo-machine", "--call", f"http://localhost:{free_port()}/", environment=server.environment, status=2
    )
    assert "no answer from" in gone.stderr


@pytest.mark.covers("cli.token.call")
@pytest.mark.slow
def test_an_api_may_ask_for_a_nonce_and_redirects_nobody() -> None:
    """The token goes nowhere but where the person said."""
    asked: list[dict[str, str]] = []

    class Api(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append({name.lower(): value for name, value in self.headers.items()})
            if self.path == "/moved":
                self.send_response(302)
                self.send_header("Location", "/elsewhere")
            elif len(asked) == 1:
                self.send_response(401)
                self.send_header("DPoP-Nonce", "n1")
            else:
                self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Api) as api:
        threading.Thread(target=api.serve_forever, daemon=True).start()
        base = f"http://127.0.0.1:{api.server_address[1]}"
        fetched = Fetched("a.b.c", PrivateKey(private_jwk("ES256")))
        assert call(f"{base}/x", fetched).status == 200
        assert [decode(one["dpop"])[1].get("nonce") for one in asked] == [None, "n1"]
        assert call(f"{base}/moved", fetched).status == 302
        api.shutdown()
    assert len(asked) == 3
    assert asked[0]["authorization"] == "DPoP a.b.c"
    assert decode(asked[0]["dpop"])[1]["htu"] == f"{base}/x"


@pytest.mark.parametrize("extra", [(), ("--bearer",), ("--alg", "ES256", "--organization", "213000012")])
@pytest.mark.slow
def test_a_new_client_gets_tokens_at_once(server: LiveServer, extra: tuple[str, ...]) -> None:
    made = json.loads(run("client", "new", "--json", *extra, environment=server.environment).stdout)
    claims = json.loads(
        run("token", made["client_id"], "--url", server.issuer, "--decode", environment=server.environment).stdout
    )
    assert claims["client_id"] == made["client_id"]
    assert claims["scope"] == ["mock:demo-api/read"]
    key_file = server.database.parent / "client-keys" / f"{made['client_id']}.json"
    assert key_file.stat().st_mode & 0o077 == 0
    assert made["client_id"] in run("client", "list", environment=server.environment).stdout
    assert "private_jwk" not in run("client", "list", "--json", environment=server.environment).stdout


@pytest.mark.covers("fapi.algorithms")
@pytest.mark.parametrize("algorithm", ["Ed25519", "EdDSA"])
@pytest.mark.slow
def test_a_new_client_may_have_a_key_of_edwards_curve(tmp_path: Path, algorithm: str) -> None:
    """FAPI 2.0 allows it, HelseID does not know it."""
    live = LiveServer(tmp_path, enforcement="fapi2")
    try:
        made = json.loads(
            run(
                *("client", "new", "--json", "--alg", algorithm.lower(), "--url", live.issuer),
                environment=live.environment,
            ).stdout
        )
        assert made["private_jwk"]["alg"] == algorithm
        token = run("token", made["client_id"], "--url", live.issuer, environment=live.environment).stdout
        assert decode(token.strip())[1]["client_id"] == made["client_id"]
        printed = processes.run_program(made["python"] + "\nprint(token.access_token)")
        assert printed.returncode == 0, printed.stderr
        assert decode(printed.stdout.strip())[1]["client_id"] == made["client_id"]
    finally:
        live.stop()


def new_for(server: LiveServer, platform: str, *words: str) -> str:
    """What is printed for one platform."""
    return run(
        "client", "new", "--url", server.issuer, "--for", platform, *words, environment=server.environment
    ).stdout


@pytest.mark.covers("cli.client.new")
def test_a_new_client_is_two_lines_and_a_file(server: LiveServer) -> None:
    name = "a b's $(client)"
    done = run("client", "new", "--client-id", name, "--url", server.issuer, environment=server.environment)
    first, second = done.stdout.splitlines()
    file = Path(first.partition("private key: ")[2])
    assert json.loads(file.read_text(encoding="utf-8"))["d"]
    command = second.partition("try it: mock-sts ")[2].partition(";")[0]
    assert shlex.split(command) == ["token", name, "--url", server.issuer]
    claims = run(*shlex.split(command), "--decode", environment=server.environment).stdout
    assert json.loads(claims)["client_id"] == name
    printed = new_for(server, "python", "--client-id", f"{name} again")
    again = processes.run_program(printed + "\nprint(token.access_token)")
    assert again.returncode == 0, again.stderr
    assert decode(again.stdout.strip())[1]["client_id"] == f"{name} again"


@pytest.mark.covers("cli.client.new")
def test_a_new_client_for_logins_is_tried_by_what_is_printed(server: LiveServer) -> None:
    words = ("client", "new", "--redirect-uri", "http://localhost:3000/callback", "--url", server.issuer)
    said = run(*words, environment=server.environment).stdout.splitlines()[1]
    command = said.partition("try it: mock-sts ")[2].partition(";")[0]
    claims = json.loads(run(*shlex.split(command), "--id-token", environment=server.environment).stdout)
    assert claims["name"] == "KVART GREVLING"
    for platform, part in (
        ("node", "authorizationCodeGrant"),
        ("python", "authorization_request"),
        ("dotnet", "RedirectUri"),
    ):
        assert part in new_for(server, platform, *words[2:4])


@pytest.mark.covers("cli.client.new")
def test_what_a_check_calls_an_error_is_not_made_without_a_reason(server: LiveServer) -> None:
    odd = ("client", "new", "--client-id", "odd", "--redirect-uri", "http://app.example/callback")
    refused = run(*odd, environment=server.environment, status=2).stderr
    assert "Redirect URIs use https, or http on the loopback interface" in refused
    assert "--oddity" in refused
    assert "no client has the id 'odd'" in run("client", "show", "odd", environment=server.environment, status=2).stderr
    run(*odd, "--oddity", "a name of our compose network", environment=server.environment)
    shown = json.loads(run("client", "show", "odd", "--json", environment=server.environment).stdout)
    assert shown["members"]["oddities"] == ["a name of our compose network"]


def test_each_platform_has_a_configuration_of_a_new_client(server: LiveServer) -> None:
    settings = json.loads(new_for(server, "dotnet", "--client-id", "for-all"))["HelseID"]
    assert settings["IssuerUri"] == server.issuer
    assert json.loads(settings["PrivateJwk"])["d"]
    values = dict(line.split("=", 1) for line in new_for(server, "java").splitlines())
    assert values["helseid.sts.uri"] == server.issuer
    assert settings["ClientId"] == "for-all"
    assert json.loads(values["helseid.client.jwk"])["d"]
    assert "openid-client" in new_for(server, "node")
    assert "requests_oauth2client" in new_for(server, "python")


@pytest.mark.parametrize("extra", [(), ("--bearer",)], ids=["dpop", "bearer"])
@pytest.mark.slow
def test_the_python_configuration_works_as_printed(server: LiveServer, extra: tuple[str, ...]) -> None:
    made = json.loads(
        run("client", "new", "--json", "--url", server.issuer, *extra, environment=server.environment).stdout
    )
    done = processes.run_program(made["python"] + "\nprint(token.access_token)")
    assert done.returncode == 0, done.stderr
    claims = decode(done.stdout.strip())[1]
    assert claims["client_id"] == made["client_id"]
    assert ("cnf" in claims) is (not extra)


@pytest.mark.node
@pytest.mark.parametrize("extra", [(), ("--bearer",)], ids=["dpop", "bearer"])
def test_the_node_configuration_works_as_printed(server: LiveServer, extra: tuple[str, ...]) -> None:
    made = json.loads(
        run("client", "new", "--json", "--url", server.issuer, *extra, environment=server.environment).stdout
    )
    node = shutil.which("node")
    assert node is not None
    done = subprocess.run(
        [node, "--input-type=module", "--eval", made["node"] + "\nconsole.log(tokens.access_token)"],
        cwd=NODE_MODULES,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    claims = decode(done.stdout.strip())[1]
    assert claims["client_id"] == made["client_id"]
    assert ("cnf" in claims) is (not extra)


def test_a_client_id_is_registered_once(server: LiveServer) -> None:
    refused = run("client", "new", "--client-id", "demo-machine", environment=server.environment, status=2)
    assert "registered already" in refused.stderr
    wrong = run("client", "new", "--alg", "HS256", environment=server.environment, status=2)
    assert "HS256" in wrong.stderr and "PS256" in wrong.stderr


def test_health(server: LiveServer) -> None:
    run("health", environment=server.environment)
    unhealthy = run("health", "--url", f"http://127.0.0.1:{free_port()}", environment=server.environment, status=1)
    assert "not healthy" in unhealthy.stderr


@pytest.mark.slow
def test_commands_ask_the_host_that_the_server_listens_on(tmp_path: Path) -> None:
    port = free_port()
    environment = bare_environment(
        host="127.0.0.5", port=str(port), database_url=f"sqlite:///{tmp_path / 'live.sqlite'}"
    )
    log = tmp_path / "log"
    with log.open("wb") as output:
        server = processes.start("serve", env=environment, output=output)
    try:
        until(lambda: processes.run("health", env=environment).returncode == 0, "the server does not answer")
        issuer = next(line for line in log.read_text().splitlines() if "issuer" in line).split()[-1]
        shown = run("token", "demo-machine", "--decode", environment=environment)
        seen = json.loads(run("doctor", "--json", environment=environment, status=1).stdout)
        told = [issuer, json.loads(shown.stdout)["iss"], seen["authority"]]
        assert told == [f"http://127.0.0.5:{port}"] * 3
    finally:
        server.terminate()
        server.wait()


@pytest.mark.slow
def test_fixtures_are_reloaded_while_the_server_runs(tmp_path: Path) -> None:
    world = tmp_path / "world"
    (world / "clients").mkdir(parents=True)
    live = LiveServer(tmp_path, start="first", fixtures=str(world))
    try:
        # Whoever loads need not know the folders that the server was started with.
        without_fixtures = {k: v for k, v in live.environment.items() if k != "MOCK_STS_FIXTURES"}
        machine = live.client("probe")
        public = {name: machine.jwk[name] for name in ("kty", "crv", "x", "y", "kid", "alg")}
        (world / "clients" / "new.yaml").write_text(
            f"client_id: from-a-file\ngrant_types: [client_credentials]\nscope: test:api/read\n"
            f"jwks: {{keys: [{json.dumps(public)}]}}\n"
        )
        machine.client_id = "from-a-file"
        assert machine.token().rule == "client-assertion.registered"
        loaded = run("fixtures", "load", environment=without_fixtures).stdout
        assert loaded == f"loaded the shipped world with {world} on top\n"
        assert machine.token().status == 200
        assert "nothing has changed" in run("fixtures", "load", environment=live.environment).stdout
        (world / "clients" / "new.yaml").unlink()
        run("fixtures", "load", environment=live.environment)
        assert machine.token().rule == "client-assertion.registered"
        machine.client_id = "probe"
        assert machine.token().status == 200, "a client made at run time survives"
    finally:
        live.stop()


def test_the_shipped_world_has_no_errors() -> None:
    done = run("fixtures", "check", "--strict", environment=bare_environment())
    assert done.stdout.endswith("; 0 warnings, 0 errors\n") and done.stdout.count("\n") == 1
    done = run("fixtures", "check", "--strict", "--verbose", environment=bare_environment())
    assert "assumed" in done.stdout


@pytest.mark.covers("server.wrong-settings")
@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"port": "http"}, "MOCK_STS_PORT is 'http', but must be a whole number from 0 to 65535"),
        ({"public_url": "http://localhost:8080/"}, "without the trailing slash: http://localhost:8080"),
        ({"public_url": "https://helseid-sts.nhn.no"}, "belongs to the real HelseID"),
        ({"public_url": "https://helseid-sts.nhn.no."}, "belongs to the real HelseID"),
        ({"aliases": "https://helseid-sts.nhn.no"}, "MOCK_STS_ALIASES"),
        ({"enforcement": "strickt"}, "one of observe, helseid, strict"),
        ({"signing_algorithm": "HS256"}, "MOCK_STS_SIGNING_ALGORITHM is 'HS256', but must be one of RS256, PS256"),
        ({"refresh_token_usage": "Twice"}, "one of OneTimeUseOnly, Reusable"),
        ({"identity_providers": "testidp"}, "some of testidp-oidc, "),
        ({"revoke_on_code_reuse": "yes"}, "MOCK_STS_REVOKE_ON_CODE_REUSE is 'yes', but must be true or false"),
        ({"url_mode": "split"}, "set MOCK_STS_PUBLIC_URL"),
        ({"fixtures": "/no/such/folder"}, "'/no/such/folder' is none"),
        ({"database_url": "sqlite:///:memory:"}, "a file, sqlite:///PATH"),
        ({"database_url": "sqlite:////proc/none/x.sqlite"}, "cannot be made"),
        ({"prot": "1"}, "MOCK_STS_PROT is no setting; did you mean MOCK_STS_PORT?"),
        ({"zzzz": "1"}, "MOCK_STS_ZZZZ is no setting; the settings are MOCK_STS_ACCESS_TOKEN_LIFETIME, "),
        ({"default_persona": "kvart-grevlin"}, "'kvart-grevlin'; did you mean kvart-grevling"),
        ({"default_persona": "", "login_mode": "auto"}, "MOCK_STS_DEFAULT_PERSONA is '', but no persona is called ''"),
        (
            {"default_persona": "13116900216", "invent_people": "false"},
            "MOCK_STS_DEFAULT_PERSONA is '13116900216', but no persona has this pid",
        ),
        ({"host": "nonsense.invalid"}, "an IP address of this machine, localhost, or 0.0.0.0 for all"),
        ({"host": "192.0.2.1"}, "this machine cannot listen there"),
        ({"database_url": "sqlite:///x.sqlite?mode=ro"}, "without parameters"),
    ],
)
@pytest.mark.slow
def test_a_wrong_setting_stops_the_start(tmp_path: Path, settings: dict[str, str], says: str) -> None:
    values = {"database_url": f"sqlite:///{tmp_path}/x.sqlite", "port": str(free_port()), **settings}
    done = run("serve", environment=bare_environment(**values), status=2)
    assert says in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.covers("server.wrong-settings")
def test_wrong_settings_are_told_all_at_once(tmp_path: Path) -> None:
    values = {"database_url": f"sqlite:///{tmp_path}/x.sqlite", "workers": "0", "prot": "1", "enforcement": "strickt"}
    told = run("serve", environment=bare_environment(**values), status=2).stderr.splitlines()
    assert sorted(line.split()[0] for line in told) == ["MOCK_STS_ENFORCEMENT", "MOCK_STS_PROT", "MOCK_STS_WORKERS"]


@pytest.mark.covers("server.wrong-settings")
@pytest.mark.slow
def test_a_default_persona_who_is_gone_stops_the_next_start(tmp_path: Path) -> None:
    """Also where database and world are as they were, and nothing has to be made."""
    values = {"database_url": f"sqlite:///{tmp_path}/x.sqlite", "port": str(free_port())}
    run("prepare", environment=bare_environment(**values))
    values["default_persona"] = "nobody-here"
    done = run("serve", environment=bare_environment(**values), status=2)
    told = "not started: MOCK_STS_DEFAULT_PERSONA is 'nobody-here', but no persona is called 'nobody-here'"
    assert told in done.stderr
    assert "mock-sts persona list shows who there is" in done.stderr
    # The commands that could make such a person do not ask for them.
    assert run("persona", "list", "kvart-grevling", environment=bare_environment(**values)).stdout


def test_kubernetes_service_links_are_no_settings(server: LiveServer) -> None:
    links = {"MOCK_STS_SERVICE_HOST": "10.0.0.1", "MOCK_STS_PORT_8080_TCP": "tcp://10.0.0.1:8080"}
    run(
        "health",
        "--url",
        server.issuer,
        environment=bare_environment() | links | {"MOCK_STS_PORT": "tcp://10.0.0.1:80"},
    )


def test_a_preset_is_a_bundle_and_single_settings_win() -> None:
    fapi2 = from_environ({"MOCK_STS_PRESET": "fapi2"})
    assert (fapi2.enforcement, fapi2.signing_algorithm, fapi2.code_lifetime) == ("fapi2", "PS256", 60)
    assert from_environ({"MOCK_STS_PRESET": "fapi2", "MOCK_STS_ENFORCEMENT": "observe"}).enforcement == "observe"
    assert from_environ({}).enforcement == "helseid"


@pytest.mark.parametrize("client_id", ["../../evil", "/tmp/evil", "https://client.test/a", "x" * 300])
@pytest.mark.slow
def test_a_private_key_stays_in_its_folder(server: LiveServer, client_id: str) -> None:
    run("client", "new", "--client-id", client_id, environment=server.environment)
    token = run("token", client_id, "--url", server.issuer, environment=server.environment).stdout
    assert decode(token.strip())[1]["client_id"] == client_id
    assert list((server.database.parent / "client-keys").rglob("*evil*")) == []
    assert not (server.database.parent.parent / "evil.json").exists()


def test_requests_are_logged_when_asked_for(tmp_path: Path) -> None:
    live = LiveServer(tmp_path, log_requests="true")
    live.transport.send("GET", "/.well-known/openid-configuration")
    live.stop()
    assert "/.well-known/openid-configuration" in live.log.read_text()


@pytest.mark.slow
def test_a_fixture_fault_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "clients").mkdir()
    (tmp_path / "clients" / "mine.yaml").write_text("client_id: mine\nredirect_uri: http://localhost/\n")
    values = {"database_url": f"sqlite:///{tmp_path}/x.sqlite", "fixtures": str(tmp_path), "port": str(free_port())}
    done = run("serve", environment=bare_environment(**values), status=2)
    assert "mine.yaml, client 'mine': unknown member 'redirect_uri'; did you mean 'redirect_uris'?" in done.stderr


@pytest.mark.slow
@pytest.mark.covers("server.not-started")
def test_a_refused_fixture_leaves_one_line_of_the_log(tmp_path: Path) -> None:
    """Also where it has several faults: in a container one looks into its log, and filters it by lines."""
    (tmp_path / "world").mkdir()
    person = '- {pid: "01815012345", given_name: A, family_name: B, organizations: ["999999999", "999999998"]}\n'
    (tmp_path / "world" / "personas.yaml").write_text(person)
    environment = bare_environment(
        database_url=f"sqlite:///{tmp_path / 'a.sqlite'}", fixtures=str(tmp_path / "world"), port="0"
    )
    (line,) = run("serve", environment=environment, status=2).stderr.splitlines()
    assert re.match(r"[\d-]+ [\d:,]+ ERROR not started: ", line)
    assert "names 999999999, which no file describes (line 1); " in line
    assert "names 999999998, which no file describes (line 1)" in line


@pytest.mark.covers("server.not-started")
def test_a_folder_of_root_leaves_one_line_with_whom_it_belongs_to() -> None:
    """As a mount does that Docker has made; the image runs as another user."""
    if os.getuid() != 0:
        pytest.skip("only root can become another user")
    place = Path(tempfile.mkdtemp(prefix="mock-sts-root-"))  # that of the test is closed to others
    try:
        place.chmod(0o755)
        environment = bare_environment(database_url=f"sqlite:///{place / 'a.sqlite'}", port="0")
        # What is needed is imported before: Python may be closed to others too.
        code = (
            "import os, sys; from mock_sts.cli.main import main; import encodings.ascii, mock_sts.server.serve, "
            "mock_sts.setup; os.setgroups([]); os.setgid(10001); os.setuid(10001); sys.exit(main())"
        )
        done = processes.run_program(code, "serve", env=environment, cwd=place)
    finally:
        shutil.rmtree(place)
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    assert "ERROR not started: " in line
    assert "belongs to user 0, and this is user 10001: chown 10001 it" in line


@pytest.mark.covers("server.not-started")
def test_a_fixture_that_another_user_keeps_says_whose_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "personas.yaml"
    file.write_text("[]")

    def closed(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", closed)
    owner = os.getuid()
    with pytest.raises(DocumentError) as own:
        read_text(file)
    assert "belongs to" not in str(own.value)
    monkeypatch.setattr(os, "getuid", lambda: owner + 10_001)
    with pytest.raises(DocumentError) as others:
        read_text(file)
    told = f"{str(file)!r} belongs to user {owner}, and this is user {owner + 10_001}: chown {owner + 10_001} it"
    assert f"let this user read it, or remove it; {told}" in str(others.value)


def test_what_cannot_work_stops_the_start_and_the_rest_is_warned_of(tmp_path: Path) -> None:
    people = tmp_path / "personas.yaml"
    person = '- {pid: "01015012345", given_name: A, family_name: B, organizations: ["%s"]}\n'
    people.write_text(person % "222222222")
    values = {"database_url": f"sqlite:///{tmp_path}/x.sqlite", "fixtures": str(tmp_path), "port": str(free_port())}
    done = run("serve", environment=bare_environment(**values), status=2)
    told = f"{people}, 01015012345: organizations names 222222222, which no file describes"
    assert told in done.stderr and "Traceback" not in done.stderr
    assert told in run("fixtures", "check", environment=bare_environment(**values), status=1).stderr
    people.write_text(person % "213000012")
    (tmp_path / "api.yaml").write_text("[]")
    for first in (True, False):
        live = LiveServer(tmp_path, start="first", fixtures=str(tmp_path))
        live.stop()
        log = live.log.read_text()
        assert f"warning: {tmp_path}/api.yaml is not read; did you mean apis.yaml?" in log
        assert ("warning: " in log and "the pid lies in no synthetic series" in log) is first


def test_a_preparation_that_is_killed_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def killed(_settings: Settings, _at_start: bool) -> str:
        os.kill(os.getpid(), signal.SIGKILL)
        return ""

    usual = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    values = {"database_url": f"sqlite:///{tmp_path}/x.sqlite", "port": "0"}
    assert serve(from_environ({}, values), killed) == 2
    for number, handler in usual.items():
        signal.signal(number, handler)
    assert "could not be prepared" in capsys.readouterr().err


@pytest.mark.slow
def test_deep_yaml_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "personas.yaml").write_text("[" * 100_000)
    values = {"database_url": f"sqlite:///{tmp_path}/x.sqlite", "fixtures": str(tmp_path), "port": str(free_port())}
    for command in (("fixtures", "check"), ("fixtures", "load"), ("serve",)):
        done = run(*command, environment=bare_environment(**values), status=2)
        assert "personas.yaml: is not YAML: it is nested deeper than 100 levels, line 1" in done.stderr


@pytest.mark.covers("server.port")
def test_an_occupied_port_stops_the_start(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        values = {"database_url": f"sqlite:///{tmp_path}/x.sqlite", "port": str(port)}
        done = run("serve", environment=bare_environment(**values), status=2)
    assert f"something listens on 127.0.0.1:{port}" in done.stderr


@pytest.mark.covers("server.port")
@pytest.mark.parametrize("setting", ["port", "tls_port"])
@pytest.mark.slow
def test_of_two_servers_that_start_together_one_gets_the_port(tmp_path: Path, setting: str) -> None:
    """Neither listens yet when the other looks, for both make their database first."""
    shared, started = str(free_port()), []
    for name in ("a", "b"):
        values = {"database_url": f"sqlite:///{tmp_path}/{name}.sqlite", "port": str(free_port()), setting: shared}
        with (tmp_path / f"{name}.log").open("wb") as log:
            started.append(processes.start("serve", env=bare_environment(**values), output=log))
    try:
        until(lambda: any(process.poll() is not None for process in started), "both go on")
        until(lambda: takes_connections(int(shared)), "neither goes on")
        assert sorted(process.poll() is None for process in started) == [False, True]
        loser = next(number for number, process in enumerate(started) if process.poll() is not None)
        assert started[loser].returncode == 2
        told = (tmp_path / f"{'ab'[loser]}.log").read_text(encoding="utf-8")
        assert f"MOCK_STS_{setting.upper()} is {shared}, but something listens on 127.0.0.1:{shared} already" in told
    finally:
        for process in started:
            process.terminate()
            process.wait()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_the_server_stops_when_told(tmp_path: Path, how: signal.Signals) -> None:
    live = LiveServer(tmp_path, workers="2")
    live.process.send_signal(how)
    assert live.process.wait(processes.PATIENCE) == 0
    live.stop()


def test_the_log_names_rule_and_remedy_and_no_secrets(tmp_path: Path) -> None:
    live = LiveServer(tmp_path)
    try:
        machine = live.client("logged")
        assert machine.token(assertion={"claims": {"aud": "https://elsewhere.test\nforged line"}}).status == 400
        assertion = machine.assertion()
        assert machine.post(machine.form(assertion, {"client_secret": "hush-hush"}), proof="x").status == 400
    finally:
        live.stop()
    log = live.log.read_text()
    refused = [line for line in log.splitlines() if "refused" in line]
    assert len(refused) == 2
    assert "client-assertion.audience" in refused[0] and "Remedy: set aud to the issuer" in refused[0]
    assert "client-assertion.sole" in refused[1]
    assert "hush-hush" not in log and assertion not in log
    assert "\nforged line" not in log
