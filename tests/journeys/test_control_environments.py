"""Environments by the control API: made, shown, changed, emptied and ended; by hosts of their own; by fixture files."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from mock_sts.cli.main import main
from mock_sts.helseid.registry.documents import DocumentError
from mock_sts.setup import load_world, prepare_store
from tests.support.control import Control
from tests.support.emulator import Emulator, InProcess, Worlds, settings_for
from tests.support.environments import Side
from tests.support.machine import decode

DAY = 86_400


@pytest.fixture
def control(sts: Emulator) -> Control:
    return Control(sts.transport)


def issuer_at(sts: Emulator, path: str) -> str:
    answer = sts.get(f"{path}/.well-known/openid-configuration")
    return str(answer.json["issuer"]) if answer.status == 200 else str(answer.status)


@pytest.mark.covers("control.environments")
def test_one_is_made_by_name_or_at_random_and_answers_at_once(sts: Emulator, control: Control) -> None:
    made = control.ask("POST", "/environments", {"name": "w1"})
    assert (made["name"], made["issuer"]) == ("w1", "http://localhost:8080/env/w1")
    random = control.ask("POST", "/environments", {})
    assert issuer_at(sts, "/env/w1") == made["issuer"]
    assert issuer_at(sts, f"/env/{random['name']}") == random["issuer"]
    assert control.call("POST", "/environments").status == 201, "without a body too"
    names = [one["name"] for one in control.ask("GET", "/environments")["items"]]
    assert {"default", "w1", random["name"]} <= set(names) and names == sorted(names)
    first = control.ask("GET", "/environments?limit=2")
    rest = control.ask("GET", f"/environments?after={first['next']}")
    assert [one["name"] for one in (*first["items"], *rest["items"])] == names
    assert control.environment("w1") == made


@pytest.mark.covers("control.environments")
@pytest.mark.parametrize(
    ("method", "path", "body", "status", "says"),
    [
        ("POST", "/environments", {"name": "default"}, 409, "already"),
        ("POST", "/environments", {"name": "W1"}, 400, "1 to 63 of a-z"),
        ("POST", "/environments", {"name": "a" * 64}, 400, "1 to 63 of a-z"),
        ("POST", "/environments", {"nam": "w2"}, 400, "known are name"),
        ("POST", "/environments", {"settings": {"enforcement": "strictt"}}, 400, "one of observe, helseid, strict"),
        ("POST", "/environments", {"settings": {"enforcment": "strict"}}, 400, "no setting 'enforcment' of its own"),
        ("POST", "/environments", {"settings": {"port": 1}}, 400, "no setting 'port' of its own"),
        ("POST", "/environments", {"settings": {"code_lifetime": {}}}, 400, "code_lifetime is {}, but must be"),
        ("POST", "/environments", {"settings": []}, 400, "must be a JSON object"),
        ("POST", "/environments", {"preset": "fapi3"}, 400, "one of helseid, fapi2"),
        ("POST", "/environments", {"hosts": ["helseid-sts.nhn.no"]}, 400, "belongs to the real HelseID in production"),
        ("POST", "/environments", {"hosts": ["HelseID-STS.nhn.no"]}, 400, "belongs to the real HelseID in production"),
        ("POST", "/environments", {"hosts": ["https://sts.example"]}, 400, "is no host name"),
        ("POST", "/environments", {"hosts": ["sts.example:8080"]}, 400, "is no host name"),
        ("POST", "/environments", {"hosts": ["localhost"]}, 400, "is a name of the server"),
        ("POST", "/environments", {"hosts": ["x.localhost", "a b"]}, 400, "is a name of the server"),
        ("POST", "/environments", {"hosts": [f"h{n}.example" for n in range(21)]}, 400, "at most 20"),
        ("PUT", "/environments/W1", {}, 400, "1 to 63 of a-z"),
        ("PUT", "/environments/default", {}, 409, "the server's own"),
        ("PATCH", "/environments/none", {}, 404, "no environment is called 'none'"),
        ("PATCH", "/environments/w1", {"settings": {"prt": None}}, 400, "no setting 'prt' of its own"),
        ("PATCH", "/environments/default", {"hosts": ["sts.example"]}, 409, "under the names of the server"),
        ("GET", "/environments/none", None, 404, "no environment is called 'none'"),
        ("DELETE", "/environments/none", None, 404, "no environment is called 'none'"),
        ("DELETE", "/environments/default", None, 409, "the server's own"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    control: Control, method: str, path: str, body: object, status: int, says: str
) -> None:
    control.ask("POST", "/environments", {"name": "w1"})
    before = control.ask("GET", "/environments")
    found = control.refused(method, path, body)
    assert found[0] == status and says in found[1], found
    assert control.ask("GET", "/environments") == before


@pytest.mark.covers("control.environments")
def test_they_are_the_servers_and_not_there_below_one(sts: Emulator, control: Control) -> None:
    control.ask("POST", "/environments", {"name": "w1"})
    below = Control(Side(sts, "w1").transport)
    for method, path in (("GET", "/environments"), ("POST", "/environments"), ("DELETE", "/environments/w1")):
        assert below.refused(method, path)[0] == 404
    assert issuer_at(sts, "/env/w1") == "http://localhost:8080/env/w1"


@pytest.mark.covers("control.environments.settings")
def test_settings_are_its_own_and_change_one_by_one(sts: Emulator, control: Control) -> None:
    wanted = {"enforcement": "strict", "access_token_lifetime": 77, "identity_providers": ["testidp-oidc"]}
    made = control.ask("POST", "/environments", {"name": "w1", "settings": wanted})
    assert made["settings"] == wanted
    machine = Side(sts, "w1").client("m")
    machine.learn_nonce()
    assert machine.token().json["expires_in"] == 77
    changed = control.ask("PATCH", "/environments/w1", {"settings": {"access_token_lifetime": 78, "enforcement": None}})
    assert changed["settings"] == {"access_token_lifetime": 78, "identity_providers": ["testidp-oidc"]}
    assert machine.token().json["expires_in"] == 78
    control.ask("PATCH", "/environments/default", {"settings": {"access_token_lifetime": 79}})
    root = sts.client("m")
    root.learn_nonce()
    assert root.token().json["expires_in"] == 79
    assert machine.token().json["expires_in"] == 78
    assert control.ask("PUT", "/environments/w1", {})["settings"] == {}


@pytest.mark.covers("control.environments.settings")
def test_a_preset_sets_what_an_environment_can_have(worlds: Worlds) -> None:
    sts = worlds.make(preset="fapi2")
    control = Control(sts.transport)
    control.ask("POST", "/environments", {"name": "usual", "preset": "helseid"})
    control.ask("POST", "/environments", {"name": "tight", "preset": "fapi2", "settings": {"code_lifetime": 30}})
    settings = control.environment("tight")["settings"]
    assert (settings["enforcement"], settings["signing_algorithm"], settings["code_lifetime"]) == ("fapi2", "PS256", 30)
    found = {
        name: sts.get(f"/env/{name}/.well-known/openid-configuration").json["id_token_signing_alg_values_supported"]
        for name in ("usual", "tight")
    }
    assert found == {"usual": ["RS256"], "tight": ["PS256"]}


@pytest.mark.covers("control.environments")
def test_put_makes_it_or_empties_it(sts: Emulator, control: Control) -> None:
    assert control.call("PUT", "/environments/w1", {}).status == 201
    side = Side(sts, "w1")
    machine = side.client("m")
    machine.learn_nonce()
    assert machine.token().status == 200
    kid = decode(machine.token().json["access_token"])[0]["kid"]
    assert control.call("PUT", "/environments/w1", {"fresh_keys": True}).status == 200
    assert side.journal() == []
    again = side.client("m")
    again.learn_nonce()
    assert decode(again.token().json["access_token"])[0]["kid"] != kid
    control.ask("DELETE", "/environments/w1")
    assert issuer_at(sts, "/env/w1") == "404"


@pytest.mark.covers("control.environments.idle")
def test_one_that_is_not_used_for_a_day_ends(sts: Emulator, control: Control) -> None:
    for name in ("used", "idle"):
        control.ask("POST", "/environments", {"name": name})
    for _ in range(3):
        sts.clock.advance(DAY // 2)
        assert issuer_at(sts, "/env/used") == "http://localhost:8080/env/used"
    assert issuer_at(sts, "/env/idle") == "404"
    assert [one["name"] for one in control.ask("GET", "/environments")["items"]] == ["default", "used"]
    sts.clock.advance(DAY + 61)
    assert issuer_at(sts, "/env/used") == "404"


@pytest.mark.covers("control.environments.idle")
def test_a_clock_that_is_moved_ends_none_and_a_setting_says_when(worlds: Worlds) -> None:
    sts = worlds.make(environment_idle=100)
    control = Control(sts.transport)
    control.ask("POST", "/environments", {"name": "w1"})
    Control(Side(sts, "w1").transport).clock(advance="P10Y")
    assert issuer_at(sts, "/env/w1") == "http://localhost:8080/env/w1"
    sts.clock.advance(161)
    assert issuer_at(sts, "/env/w1") == "404"


# Hosts of their own


class AtHost:
    """An environment at a host of its own."""

    def __init__(self, sts: Emulator, host: str) -> None:
        self.transport = InProcess(sts.app, host)
        self.issuer = f"http://{host}"


@pytest.fixture
def qa(worlds: Worlds) -> Iterator[tuple[Emulator, AtHost]]:
    sts = worlds.configure("sts.test.example", public_url="http://sts.test.example", url_mode="fixed")
    control = Control(sts.transport)
    control.ask("POST", "/environments", {"name": "qa", "hosts": ["sts.qa.example"]})
    yield sts, AtHost(sts, "sts.qa.example")


@pytest.mark.covers("control.environments.hosts")
def test_at_its_host_its_issuer_is_that_origin_and_all_urls_follow(qa: tuple[Emulator, AtHost]) -> None:
    sts, host = qa
    for path in ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"):
        document = host.transport.send("GET", path).json
        assert document["issuer"] == "http://sts.qa.example"
        addresses = [value for value in document.values() if isinstance(value, str) and value.startswith("http")]
        assert len(addresses) > 10 and all(value.startswith("http://sts.qa.example") for value in addresses)
    assert issuer_at(sts, "") == "http://sts.test.example"
    assert issuer_at(sts, "/env/qa") == "http://sts.test.example/env/qa"
    other_port = InProcess(sts.app, "sts.qa.example:8443")
    assert other_port.send("GET", "/.well-known/openid-configuration").json["issuer"] == "http://sts.qa.example:8443"
    unknown = InProcess(sts.app, "sts.nowhere.example")
    assert unknown.send("GET", "/.well-known/openid-configuration").status == 400
    assert host.transport.send("GET", "/env/qa/.well-known/openid-configuration").status == 404


@pytest.mark.covers("control.environments.hosts")
def test_its_root_is_that_of_the_environment(qa: tuple[Emulator, AtHost]) -> None:
    sts, host = qa
    side = Side(sts, "qa")
    machine = side.client("m")
    machine.transport, machine.issuer = host.transport, host.issuer
    machine.learn_nonce()
    token = machine.token()
    assert token.status == 200, token.content
    assert decode(token.json["access_token"])[1]["iss"] == "http://sts.qa.example"
    control = Control(host.transport)
    assert len(control.ask("GET", "/journal")["entries"]) == len(side.journal()) > 0
    assert Control(sts.transport).ask("GET", "/journal")["entries"] == []
    assert control.refused("GET", "/environments")[0] == 404
    page = host.transport.send("GET", "/mock/as/kvart-grevling")
    assert page.status == 200 and all("Path=/;" in f"{cookie};" for cookie in page.cookies)
    assert all(cookie.partition("=")[0].endswith("-qa") for cookie in page.cookies)


@pytest.mark.covers("control.environments.hosts")
@pytest.mark.parametrize("enforcement", ["helseid", "observe"])
def test_an_assertion_for_anothers_issuer_is_refused(worlds: Worlds, enforcement: str) -> None:
    sts = worlds.configure("sts.test.example", public_url="http://sts.test.example", enforcement=enforcement)
    Control(sts.transport).ask("POST", "/environments", {"name": "qa", "hosts": ["sts.qa.example"]})
    qa, root = Side(sts, "qa").client("m"), sts.client("m")
    hosts = {"http://sts.qa.example": InProcess(sts.app, "sts.qa.example"), "http://sts.test.example": sts.transport}
    for machine, own, others in (
        (qa, "http://sts.qa.example", ("http://sts.test.example", "http://sts.test.example/env/w9")),
        (root, "http://sts.test.example", ("http://sts.qa.example", "http://sts.test.example/env/qa")),
    ):
        machine.transport, machine.issuer, machine.nonce = hosts[own], own, None
        machine.learn_nonce()
        assert machine.token().status == 200
        for audience in others:
            answer = machine.token(assertion={"claims": {"aud": audience}})
            assert answer.error == "invalid_client", (own, audience, answer.content)


@pytest.mark.covers("control.environments.hosts")
def test_a_host_is_of_one_environment_and_free_again_with_its_end(qa: tuple[Emulator, AtHost]) -> None:
    sts, host = qa
    control = Control(sts.transport)
    status, says = control.refused("POST", "/environments", {"name": "other", "hosts": ["STS.qa.example"]})
    assert status == 409 and "belongs to another environment" in says
    assert control.call("GET", "/environments/other").status == 404
    assert control.refused("POST", "/environments", {"hosts": ["sts.test.example"]})[0] == 400
    control.ask("PATCH", "/environments/qa", {"hosts": ["sts.qa2.example"]})
    assert host.transport.send("GET", "/health/ready").status == 200, "health is asked by any name"
    assert host.transport.send("GET", "/.well-known/openid-configuration").status == 400
    control.ask("POST", "/environments", {"name": "other", "hosts": ["sts.qa.example"]})
    assert control.environment("other")["hosts"] == ["sts.qa.example"]
    control.ask("DELETE", "/environments/other")
    assert host.transport.send("GET", "/.well-known/openid-configuration").status == 400


# By fixture files


def declared(folder: Path, entries: object) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "environments.yaml").write_text(json.dumps(entries), encoding="utf-8")  # JSON is YAML
    return folder


@pytest.mark.sqlite
@pytest.mark.covers("control.environments.declared")
def test_a_fixture_file_declares_them(tmp_path: Path) -> None:
    folder = declared(
        tmp_path / "own",
        [{"name": "qa", "hosts": ["sts.qa.example"], "preset": "fapi2", "settings": {"code_lifetime": 33}}],
    )
    settings = settings_for(tmp_path / "db.sqlite", fixtures=str(folder), environment_idle="100")
    prepare_store(settings)
    sts = Emulator(settings)
    control = Control(sts.transport)
    qa = control.environment("qa")
    assert (qa["hosts"], qa["declared"], qa["settings"]["code_lifetime"]) == (["sts.qa.example"], True, 33)
    machine = Side(sts, "qa").client("m")
    sts.clock.advance(1_000)
    assert issuer_at(sts, "/env/qa") == "http://localhost:8080/env/qa", "it does not end by itself"
    assert control.refused("DELETE", "/environments/qa")[0] == 409
    declared(folder, [{"name": "qa", "settings": {"code_lifetime": 34}}])
    load_world(settings)
    qa = control.environment("qa")
    assert (qa["hosts"], qa["settings"]) == ([], {"code_lifetime": 34})
    machine.learn_nonce()
    assert machine.token().status == 200, "what it holds stays"
    declared(folder, [])
    load_world(settings)
    assert control.refused("GET", "/environments/qa")[0] == 404
    sts.close()


@pytest.mark.sqlite
@pytest.mark.covers("control.environments.declared")
@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ({"name": "qa"}, "holds a list of environments"),
        (["qa"], "is a mapping of members"),
        ([{"hosts": []}], "needs a name"),
        ([{"name": "QA"}], "1 to 63 of a-z"),
        ([{"name": "default"}], "the settings of the server"),
        ([{"name": "qa", "host": "x"}], "unknown member 'host'; did you mean 'hosts'"),
        ([{"name": "qa", "hosts": "x.example"}], "hosts must be a list"),
        ([{"name": "qa", "hosts": ["helseid-sts.nhn.no"]}], "in production"),
        ([{"name": "qa", "preset": "x"}], "one of helseid, fapi2"),
        ([{"name": "qa", "settings": {"code_lifetime": "long"}}], "code_lifetime is 'long', but must be"),
        ([{"name": "qa", "settings": []}, {"name": "qa"}], "stands in"),
        ([{"name": "a", "hosts": ["x.example"]}, {"name": "b", "hosts": ["x.example"]}], "of two environments"),
    ],
)
def test_a_file_that_cannot_be_stops_the_start_with_a_sentence(
    tmp_path: Path,
    entries: object,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = declared(tmp_path / "own", entries)
    settings = settings_for(tmp_path / "db.sqlite", fixtures=str(folder))
    with pytest.raises(DocumentError) as refused:
        prepare_store(settings)
    assert says in str(refused.value), refused.value
    assert "environments.yaml" in str(refused.value), "the file is named"
    with pytest.raises(DocumentError):
        prepare_store(settings)
    monkeypatch.setenv("MOCK_STS_FIXTURES", str(folder))
    assert main(["fixtures", "check"]) == 2
    assert says in capsys.readouterr().err


@pytest.mark.covers("control.environments.hosts")
@pytest.mark.parametrize("path", ["/", "/mock/demo", "/mock/api/", "/mock/doctor", "/mock/journal"])
def test_its_pages_lie_at_the_root_of_its_host_and_below_its_path(qa: tuple[Emulator, AtHost], path: str) -> None:
    sts, host = qa
    for transport, root in ((host.transport, ""), (sts.transport, "/env/qa")):
        page = transport.send("GET", f"{root}{path}")
        links = re.findall(r'(?:href|action)="(/[^"]*)"', page.content.decode())
        assert page.status == 200 and len(links) > 5
        own = [link for link in links if not link.startswith("/mock/static")]
        assert all(link.startswith("/env/qa/") is bool(root) for link in own), own


@pytest.mark.covers("control.environments.hosts")
def test_a_name_of_a_real_test_environment_is_logged(
    sts: Emulator, control: Control, caplog: pytest.LogCaptureFixture
) -> None:
    control.ask("POST", "/environments", {"hosts": ["sts.own.example"]})
    assert not caplog.records
    control.ask("POST", "/environments", {"name": "qa", "hosts": ["helseid-sts.qa.nhn.no"]})
    assert "answers as helseid-sts.qa.nhn.no, and is not HelseID" in caplog.text


@pytest.mark.slow
@pytest.mark.covers("control.environments.many")
def test_a_thousand_break_nothing(sts: Emulator, control: Control) -> None:
    for number in range(1_000):
        assert control.call("POST", "/environments", {"name": f"w{number}"}).status == 201
    for _ in range(2):
        for number in range(0, 1_000, 2):  # more than one process keeps ready at a time, with those below
            assert issuer_at(sts, f"/env/w{number}") == f"http://localhost:8080/env/w{number}"
        for number in (1, 501, 999):
            assert issuer_at(sts, f"/env/w{number}") == f"http://localhost:8080/env/w{number}"
    page = control.ask("GET", "/environments?limit=1000")
    assert len(page["items"]) == 1_000 and page["next"] is not None
    assert len(control.ask("POST", "/reset?scope=server")["environments"]) == 1_001
