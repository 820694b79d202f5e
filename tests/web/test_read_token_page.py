"""The page that reads a token."""

import re
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from tests.support.databases import copy_database, remove_database
from tests.support.emulator import Emulator, settings_for, shipped_database
from tests.support.machine import Answer

PATH = "/mock/token"


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    path = tmp_path_factory.mktemp("token") / "world.sqlite"
    copy_database(shipped_database(), path)
    made = Emulator(settings_for(path))
    yield made
    made.close()
    remove_database(path)


def post(emulator: Emulator, token: str, *, forged: bool = False) -> Answer:
    shown = emulator.get(PATH)
    assert shown.status == 200
    field = re.search(r'name="__RequestVerificationToken" value="([^"]+)"', shown.content.decode())
    assert field is not None
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Cookie": "; ".join(cookie.partition(";")[0] for cookie in shown.cookies),
    }
    body = {"token": token, "__RequestVerificationToken": "forged" if forged else field[1]}
    return emulator.transport.send("POST", PATH, headers, urlencode(body).encode())


@pytest.mark.covers("pages.read-token")
def test_a_token_of_this_server_is_decoded_and_found_good(emulator: Emulator) -> None:
    machine = emulator.client("reader", scope="test:api/read", grant_types=["client_credentials"])
    token = machine.token().json["access_token"]
    text = post(emulator, f"DPoP {token[:40]}\n{token[40:]}").content.decode()
    for testid in ("is-signed", "is-issuer", "is-fresh", "is-bound", "claims", "header"):
        assert f'data-testid="{testid}"' in text
    header, claims, _ = token.split(".")
    spoilt = post(emulator, f"{header}.{claims}.{'A' * 342}").content.decode()
    assert 'data-testid="is-foreign"' in spoilt
    emulator.clock.advance(100_000)
    assert 'data-testid="is-expired"' in post(emulator, token).content.decode()


@pytest.mark.covers("pages.read-token")
@pytest.mark.parametrize(
    ("token", "said"),
    [
        ("", "Paste a token first"),
        ("<script>alert(1)</script>", "The text is no JWT"),
        ("a.b", "it has 2 parts where a JWS has three"),
        ("x" * 100_000, "it is longer than 65536 characters"),
    ],
)
def test_what_is_no_token_says_why(emulator: Emulator, token: str, said: str) -> None:
    answer = post(emulator, token)
    assert answer.status == 400
    assert said in answer.content.decode()
    assert "<script>alert" not in answer.content.decode()


@pytest.mark.covers("pages.read-token")
def test_a_token_of_a_megabyte_is_refused_by_its_length(emulator: Emulator) -> None:
    answer = post(emulator, "x" * 1_000_000)
    assert answer.status == 413
    assert "the body is longer than 262144 bytes" in answer.content.decode()


@pytest.mark.covers("pages.read-token")
def test_a_form_of_another_browser_reads_nothing(emulator: Emulator) -> None:
    assert post(emulator, "a.b.c", forged=True).status == 403
