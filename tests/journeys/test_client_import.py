"""``client import``: a client that exists elsewhere, from the file that its owner has."""

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from mock_sts.cli.main import main
from tests.support.control import Control
from tests.support.emulator import LiveServer
from tests.support.keys import private_jwk, public_jwk
from tests.support.machine import Machine
from tests.web.test_control_registry import configuration, pem_of, xml_of

pytestmark = pytest.mark.sqlite

RSA, EC = private_jwk("PS256", 1, 2048), private_jwk("ES256", 1)
BOM = "\ufeff"


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    made = LiveServer(tmp_path_factory.mktemp("import"))
    yield made
    made.stop()


def run(live: LiveServer, file: Path, text: str, *words: str) -> int:
    file.write_text(text, encoding="utf-8")
    return main(["client", "import", str(file), "--url", live.issuer, *words])


FORMS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "configuration": (json.dumps(configuration()), RSA),
    "configuration with a byte order mark": (BOM + json.dumps(configuration()), RSA),
    "configuration, XML": (json.dumps(configuration(privateJwk=None, rsaPrivateKey=xml_of(RSA))), RSA),
    "configuration without id": (json.dumps(configuration(clientId=None)), RSA),
    "private JWK": (json.dumps(EC), EC),
    "public JWK": (json.dumps(public_jwk(EC)), EC),
    "JWKS": (json.dumps({"keys": [EC]}), EC),
    "PEM": (pem_of(EC), EC),
}


@pytest.mark.covers("cli.client-import")
@pytest.mark.parametrize("form", FORMS)
def test_each_form_of_a_client_gives_one_that_gets_a_token(
    live: LiveServer, tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    text, jwk = FORMS[form]
    words = ["--client-id", "own"] if 'clientId": "own' not in text else []
    file = tmp_path / "client.json"
    assert (
        run(live, file, text, *words, "--scope", "mock:demo-api/read", "--bearer", "--organization", "213000012") == 0
    )
    printed = capsys.readouterr().out
    assert printed.startswith("client own is registered with the key ")
    assert file.read_text(encoding="utf-8") == text, "the file stays as it is"
    machine = Machine(live.transport, live.issuer, "own", dict(jwk), EC, lambda: int(time.time()), "mock:demo-api/read")
    answer = machine.post(machine.form(machine.assertion()), proof=None)
    assert answer.status == 200, answer.content
    assert jwk["d"] not in printed + live.log.read_text(encoding="utf-8")


@pytest.mark.covers("cli.client-import")
@pytest.mark.parametrize("form", ["private JWK", "JWKS", "PEM"])
def test_a_file_of_keys_leaves_the_rest_of_a_registration(
    live: LiveServer, tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    clients = Control(live.transport)
    before = clients.ask("GET", "/clients/demo-machine")
    assert run(live, tmp_path / "client.json", FORMS[form][0], "--client-id", "demo-machine") == 0
    after = clients.ask("GET", "/clients/demo-machine")
    kept = after.pop("jwks")["keys"]
    assert [key["x"] for key in kept] == [EC["x"]] and before.pop("jwks") and after == before
    capsys.readouterr()


@pytest.mark.covers("cli.client-import")
@pytest.mark.parametrize(
    ("text", "words", "says"),
    [
        ("", [], "neither PEM nor JSON"),
        ("[]", [], "must hold a JSON object"),
        ("{}", [], "holds no key"),
        (json.dumps(EC), [], "give --client-id"),
        (json.dumps(configuration()), ["--client-id", "other"], "is of the client 'own'"),
        (json.dumps(configuration(privateJwk="{", clientId="own")), [], "privateJwk is no JWK"),
        (
            json.dumps(configuration(privateJwk=None, rsaPrivateKey=None)),
            [],
            "neither privateJwk nor",
        ),
        (pem_of(EC, private=True), ["--client-id", "own"], "it is a private key"),
        ("x" * 1_000_001, [], "at most"),
    ],
    ids=["empty", "list", "nothing", "no id", "another id", "broken JWK", "no key", "private PEM", "long"],
)
def test_a_file_that_is_none_is_named_with_the_remedy(
    live: LiveServer, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, words: list[str], says: str
) -> None:
    assert run(live, tmp_path / "client.json", text, *words) == 2
    assert says in capsys.readouterr().err
    assert main(["client", "import", str(tmp_path / "none.json"), "--url", live.issuer]) == 2
