"""The page on which a test token is ordered."""

import html
import json
import re
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from tests.support.databases import copy_database, remove_database
from tests.support.emulator import Emulator, Worlds, settings_for, shipped_database
from tests.support.machine import decode

PATH = "/mock/test-token"


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    path = tmp_path_factory.mktemp("page") / "world.sqlite"
    copy_database(shipped_database(), path)
    made = Emulator(settings_for(path))
    yield made
    made.close()
    remove_database(path)


def page(emulator: Emulator, **fields: str) -> str:
    answer = emulator.get(f"{PATH}?{urlencode(fields)}")
    assert answer.status == 200
    return answer.content.decode()


def shown(text: str, testid: str) -> str:
    found = re.search(rf'<(?:code|pre)[^>]* data-testid="{testid}">(.*?)</(?:code|pre)>', text, re.DOTALL)
    assert found is not None, testid
    return html.unescape(found[1])


@pytest.mark.covers("token-order.page")
def test_the_page_makes_a_token_and_shows_it_decoded(emulator: Emulator) -> None:
    assert 'data-testid="token"' not in page(emulator)
    text = page(
        emulator,
        audience="mock:demo-api",
        persona="kvart-grevling",
        client_id="demo-web",
        defect="wrong_audience",
        url="https://api.example/x",
    )
    header, claims = decode(shown(text, "token"))
    assert header == json.loads(shown(text, "header")) and claims == json.loads(shown(text, "claims"))
    assert claims["aud"] == "another:api" and claims["helseid://claims/identity/pid"] == "06828399789"
    assert decode(shown(text, "proof"))[1]["htu"] == "https://api.example/x"
    assert 'data-testid="defect-wrong_audience"' in text and "invalid_token" in text


@pytest.mark.covers("token-order.page")
def test_the_same_call_can_be_copied(emulator: Emulator) -> None:
    text = page(emulator, audience='a"b\\c\'d"""', scope="x y", defect="expired")
    order = {"audience": 'a"b\\c\'d"""', "scope": ["x", "y"], "defects": ["expired"]}
    python = shown(text, "code-5")
    called: list[object] = []

    class Requests:
        @staticmethod
        def post(url: str, json: object) -> "Requests":
            called.append((url, json))
            return Requests()

        @staticmethod
        def json() -> dict[str, None]:
            return {"access_token": None, "proof": None}

    exec(python.replace("import requests", ""), {"requests": Requests})
    assert called == [(f"{emulator.issuer}/mock/api/v1/test-tokens", order)]
    body = re.search(r"JSON.stringify\((.*)\),\n", shown(text, "code-4"))
    assert body is not None and json.loads(body[1]) == order
    csharp = re.search(r'"""\n(.*?)\n"""', shown(text, "code-2"), re.DOTALL)
    assert csharp is not None and json.loads(csharp[1]) == order
    assert len(re.findall('"""', shown(text, "code-3"))) == 2


def test_what_cannot_be_ordered_is_said_and_what_was_typed_is_kept(emulator: Emulator) -> None:
    text = page(emulator, audience="<b>x", persona="kvart-grevlin")
    assert 'role="alert"' in text and "did you mean kvart-grevling" in html.unescape(text)
    assert 'value="&lt;b&gt;x"' in text and "<b>x" not in text


def test_the_way_of_the_portal_leads_there(emulator: Emulator) -> None:
    answer = emulator.get("/ttt")
    assert (answer.status, answer.headers["location"]) == (302, PATH)


@pytest.mark.covers("token-order.page")
def test_the_page_asks_for_the_administration_token(worlds: Worlds) -> None:
    guarded = worlds.configure(admin_token="s3cret")
    assert 'data-testid="token"' not in guarded.get(f"{PATH}?audience=a").content.decode()
