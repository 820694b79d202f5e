"""People, organizations, APIs and clients by the control API: what is made, what is refused, and what others see."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.emulator import Emulator, Worlds
from tests.support.environments import Below, neighbour
from tests.support.keys import private_jwk, public_jwk
from tests.support.machine import Answer, Transport
from tests.web.test_control import assert_problem, everything_kept

API = "/mock/api/v1"
JSON = {"Content-Type": "application/json"}
PID, OTHER = "15849197352", "01427927152"
MACHINE = {"grant_types": ["client_credentials"], "scope": "mock:demo-api/read", "dpop_bound_access_tokens": False}
PERSON = {"given_name": "PRØVE", "family_name": "PERSON"}


def call(
    to: Transport, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
) -> Answer:
    content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    return to.send(method, API + path, {**(JSON if content else {}), **(headers or {})}, content)


# One entry of each sort: its path, its document, one that cannot be read with the member, one that cannot work

ENTRIES: dict[str, tuple[str, dict[str, Any], tuple[dict[str, Any], str], tuple[dict[str, Any], str]]] = {
    "persona": (
        "/personas/21828410099",
        {**PERSON, "persona": "ny-person"},
        ({**PERSON, "security_level": "5"}, "/security_level"),
        ({**PERSON, "organizations": ["299999999"]}, "/organizations"),
    ),
    "organization": (
        "/organizations/222222226",
        {"name": "Prøve"},
        ({"name": 1}, "/name"),
        ({"parent": "222222226"}, "/parent"),
    ),
    "api": (
        f"/apis/{quote('https://api.test/a b', safe='')}",
        {"scopes": ["https://api.test/a/read"]},
        ({"require_dpop": "yes"}, "/require_dpop"),
        ({"scopes": ["mock:demo-api/read"]}, "/scopes"),
    ),
    "client": (
        "/clients/client%2Fone:%20%C3%B8",
        {**MACHINE, "jwks": {"keys": [public_jwk(private_jwk("ES256", 1))]}},
        ({**MACHINE, "grant_types": ["client_credential"]}, "/grant_types/0"),
        ({**MACHINE, "redirect_uris": ["http://localhost/a b"]}, "/redirect_uris"),
    ),
}
KEYS = {"persona": "pid", "organization": "number", "api": "audience", "client": "client_id"}
IDS = {"persona": "21828410099", "organization": "222222226", "api": "https://api.test/a b", "client": "client/one: ø"}


@pytest.mark.covers("control.entries")
@pytest.mark.parametrize("sort", ENTRIES)
def test_an_entry_is_made_read_replaced_and_taken_away(sts: Emulator, sort: str) -> None:
    path, document, _, _ = ENTRIES[sort]
    whole = {KEYS[sort]: IDS[sort], **document}
    assert_problem(call(sts.transport, "GET", path), 404)
    made = call(sts.transport, "PUT", path, document)
    assert made.status == 201, made.content
    assert {name: value for name, value in made.json.items() if name != "warnings"} == whole
    read = call(sts.transport, "GET", path)
    assert (read.status, read.json, read.headers["etag"]) == (200, whole, made.headers["etag"])
    again = call(sts.transport, "PUT", path, read.json)
    assert (again.status, again.headers["etag"]) == (200, read.headers["etag"])
    replaced = call(sts.transport, "PUT", path, {**document, "description": "Another."})
    assert replaced.status == 200
    assert replaced.headers["etag"] != read.headers["etag"]
    made_here = call(sts.transport, "GET", f"{path.rpartition('/')[0]}?origin=made").json
    assert made_here == {"items": [{**whole, "description": "Another."}], "next": None}
    assert call(sts.transport, "DELETE", path).status == 204
    assert_problem(call(sts.transport, "GET", path), 404)
    assert_problem(call(sts.transport, "DELETE", path), 404)


@pytest.mark.covers("control.entries.bad")
@pytest.mark.parametrize("sort", ENTRIES)
@pytest.mark.parametrize("how", ["unreadable", "cannot work", "unknown member", "other key", "no object"])
def test_what_cannot_be_is_refused_with_the_member_and_changes_nothing(sts: Emulator, sort: str, how: str) -> None:
    path, document, unreadable, impossible = ENTRIES[sort]
    key = KEYS[sort]
    body, pointer = {
        "unreadable": unreadable,
        "cannot work": impossible,
        "unknown member": ({**document, "descripton": "x"}, "/descripton"),
        "other key": ({**document, key: "other"}, f"/{key}"),
        "no object": (["x"], ""),
    }[how]
    before = sts.row_counts()
    answer = call(sts.transport, "PUT", path, body)
    detail = assert_problem(answer, 400)
    assert answer.json["member"] == pointer
    assert not pointer or pointer.split("/")[1].rstrip("s") in detail
    assert ("did you mean" in detail) is (how == "unknown member" or (sort, how) == ("client", "unreadable"))
    assert_problem(call(sts.transport, "GET", path), 404)
    assert sts.row_counts() == before


@pytest.mark.covers("control.entries.conditions")
@pytest.mark.parametrize("sort", ENTRIES)
def test_a_condition_that_does_not_fit_changes_nothing(sts: Emulator, sort: str) -> None:
    path, document, _, _ = ENTRIES[sort]
    assert_problem(call(sts.transport, "PUT", path, document, {"If-Match": "*"}), 412)
    assert_problem(call(sts.transport, "PUT", path, document, {"If-Match": '"x"'}), 412)
    first = call(sts.transport, "PUT", path, document, {"If-None-Match": "*"})
    assert first.status == 201
    assert_problem(call(sts.transport, "PUT", path, document, {"If-None-Match": "*"}), 412)
    second = call(sts.transport, "PUT", path, {**document, "description": "2"}, {"If-Match": first.headers["etag"]})
    assert second.status == 200
    for method, body in (("PUT", document), ("DELETE", None)):
        answer = call(sts.transport, method, path, body, {"If-Match": first.headers["etag"]})
        assert second.headers["etag"] in assert_problem(answer, 412)
    assert call(sts.transport, "GET", path).json["description"] == "2"
    assert call(sts.transport, "DELETE", path, None, {"If-Match": f"W/{second.headers['etag']}"}).status == 204


SHARED = {
    "personas": PID,
    "organizations": "228045489",
    "apis": "mock:demo-api",
    "clients": "demo-machine",
}


@pytest.mark.covers("control.entries.environments")
@pytest.mark.parametrize("sort", SHARED)
def test_each_environment_has_its_own_over_what_files_describe(sts: Emulator, sort: str) -> None:
    path = f"/{sort}/{SHARED[sort]}"
    sides: list[Transport] = [
        sts.transport,
        Below(sts.transport, neighbour(sts, "w1").path),
        Below(sts.transport, neighbour(sts, "w2").path),
    ]
    shared = call(sides[0], "GET", path).json
    for here in sides:
        others = [side for side in sides if side is not here]
        changed = {**shared, "description": "Changed here."}
        assert call(here, "PUT", path, changed).status == 200
        assert [call(side, "GET", path).json for side in (here, *others)] == [changed, shared, shared]
        assert call(here, "DELETE", path).status == 204
        assert [call(side, "GET", path).status for side in (here, *others)] == [404, 200, 200]
        listed = [one for one in all_of(here, f"/{sort}") if shared.items() <= one.items()]
        assert listed == []
        assert_problem(call(here, "DELETE", path), 404)
        assert call(here, "PUT", path, shared).status == 201
        assert call(here, "GET", path).json == shared


def all_of(to: Transport, path: str, limit: int = 100) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after = ""
    while True:
        page = call(to, "GET", f"{path}?limit={limit}{after}").json
        found += page["items"]
        if page["next"] is None:
            return found
        assert len(page["items"]) == limit
        after = f"&after={quote(page['next'], safe='')}"


@pytest.mark.covers("control.lists")
@pytest.mark.parametrize("sort", SHARED)
def test_a_list_can_be_read_page_by_page(sts: Emulator, sort: str) -> None:
    key = {"personas": "pid", "organizations": "number", "apis": "audience", "clients": "client_id"}[sort]
    whole = all_of(sts.transport, f"/{sort}", 1000)
    names = [one[key] for one in whole]
    assert names == sorted(names) and len(set(names)) == len(names) > 10
    assert all_of(sts.transport, f"/{sort}", 7) == whole
    exact = call(sts.transport, "GET", f"/{sort}?after={quote(names[-3], safe='')}&limit=2").json
    assert (exact["items"], exact["next"]) == (whole[-2:], None)


@pytest.mark.covers("control.lists")
@pytest.mark.parametrize(
    ("query", "parameter"),
    [("limit=0", "limit"), ("limit=1001", "limit"), ("origin=x", "origin"), ("lmit=1", "lmit"), ("after=%00", "after")],
)
def test_a_parameter_of_a_list_that_is_wrong_is_named(sts: Emulator, query: str, parameter: str) -> None:
    answer = call(sts.transport, "GET", f"/personas?{query}")
    assert parameter in assert_problem(answer, 400)
    assert answer.json["parameter"] == parameter


# What is made counts at once


def token_of(sts: Emulator, client_id: str, jwk: Mapping[str, Any]) -> Answer:
    return sts.machine(client_id, dict(jwk)).token(proof=None, form={"scope": "mock:demo-api/read"})


@pytest.mark.covers("control.clients.keys")
@pytest.mark.parametrize("kind", ["RSA", "EC"])
def test_a_key_that_is_made_leaves_with_the_answer_alone(
    sts: Emulator, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    keys = []
    for _ in range(2):
        answer = call(sts.transport, "PUT", "/clients/made", {**MACHINE, "make_key": kind})
        keys.append(answer.json["private_jwk"])
        assert keys[-1]["kty"] == kind
        assert answer.json["jwks"]["keys"] == [public_jwk(keys[-1])]
        assert token_of(sts, "made", keys[-1]).status == 200
    assert keys[0]["kid"] != keys[1]["kid"]
    assert token_of(sts, "made", keys[0]).error == "invalid_client"
    kept = everything_kept(sts, caplog) + json.dumps(call(sts.transport, "GET", "/clients/made").json)
    with sts.store.reading() as reader:
        kept += str(reader.all("SELECT document FROM client WHERE client_id = 'made'"))
    for key in keys:
        assert [key[name] for name in ("d", "p", "q") if name in key and key[name] in kept] == []


def pem_of(jwk: Mapping[str, Any], private: bool = False) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    from mock_sts.protocol.jose import to_pem

    if private:
        return to_pem(jwk).decode()
    public = load_pem_private_key(to_pem(jwk), None).public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def configuration(**changes: Any) -> dict[str, Any]:
    """As NHN's self-service hands it out."""
    jwk = private_jwk("PS256", 1, 2048)
    return {
        "clientName": "Prøve",
        "authority": "https://helseid-sts.test.nhn.no",
        "clientId": "own",
        "grantTypes": ["client_credentials"],
        "scopes": ["mock:demo-api/read"],
        "redirectUris": [],
        "postLogoutRedirectUris": [],
        "secretType": "private_key_jwt:RsaPrivateKeyJwtSecret",
        "rsaPrivateKey": "",
        "rsaKeySizeBits": 4096,
        "privateJwk": json.dumps(jwk),
        "pkceRequired": False,
    } | changes


def xml_of(jwk: Mapping[str, Any]) -> str:
    import base64

    def standard(text: str) -> str:
        return base64.b64encode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))).decode()

    return (
        f"<RSAKeyValue><Modulus>{standard(jwk['n'])}</Modulus><Exponent>{standard(jwk['e'])}</Exponent></RSAKeyValue>"
    )


@pytest.mark.covers("control.clients.keys")
@pytest.mark.parametrize(
    ("jwk", "keys"),
    [
        (private_jwk("ES256", 1), lambda jwk: {"jwk": public_jwk(jwk)}),
        (private_jwk("ES256", 1), lambda jwk: {"jwks": {"keys": [public_jwk(jwk)]}}),
        (private_jwk("ES384", 1), lambda jwk: {"pem": pem_of(jwk)}),
        (private_jwk("PS256", 1, 2048), lambda jwk: {"pem": pem_of(jwk)}),
        (private_jwk("PS256", 1, 2048), lambda jwk: {"helseid_configuration": configuration()}),
        (
            private_jwk("PS256", 1, 2048),
            lambda jwk: {"helseid_configuration": configuration(privateJwk=jwk, clientId=None)},
        ),
        (
            private_jwk("PS256", 1, 2048),
            lambda jwk: {"helseid_configuration": configuration(privateJwk=None, rsaPrivateKey=xml_of(jwk))},
        ),
    ],
    ids=["JWK", "JWKS", "PEM of EC", "PEM of RSA", "configuration", "configuration, object", "configuration, XML"],
)
def test_a_key_may_come_in_any_form(sts: Emulator, jwk: Any, keys: Any, caplog: pytest.LogCaptureFixture) -> None:
    body = keys(jwk)
    members = {"dpop_bound_access_tokens": False} if "helseid_configuration" in body else MACHINE
    answer = call(sts.transport, "PUT", "/clients/own", {**members, **body})
    assert answer.status == 201, answer.content
    assert "private_jwk" not in answer.json
    assert token_of(sts, "own", jwk).status == 200
    assert jwk["d"] not in everything_kept(sts, caplog) + answer.content.decode()
    if "helseid_configuration" in body:
        assert answer.json["client_name"] == "Prøve"


@pytest.mark.covers("control.clients.keys")
@pytest.mark.parametrize(
    ("body", "pointer", "says"),
    [
        ({"jwk": private_jwk("ES256", 1)}, "/jwk/d", "private key"),
        ({"jwks": {"keys": [private_jwk("ES256", 1)]}}, "/jwks/keys/0/d", "private key"),
        ({"jwk": {"kty": "RSA"}}, "/jwk", "its member n is missing"),
        ({"jwk": {}}, "/jwk", "kty"),
        ({"jwk": "x"}, "/jwk", "JSON object"),
        ({"pem": "x"}, "/pem", "no public key"),
        ({"pem": pem_of(private_jwk("ES256", 1), private=True)}, "/pem", "private key"),
        ({"make_key": "DSA"}, "/make_key", "RSA, EC"),
        ({"make_key": "EC", "pem": "x"}, "/pem", "one of them"),
        ({"make_key": "EC", "jwks": {"keys": []}}, "/make_key", "one of them"),
        ({"helseid_configuration": {}}, "/helseid_configuration", "neither"),
        ({"helseid_configuration": configuration(clientId="other")}, "/helseid_configuration/clientId", "'other'"),
        ({"helseid_configuration": configuration(scopes="x")}, "/helseid_configuration/scopes", "list of texts"),
        ({"helseid_configuration": configuration(privateJwk="{")}, "/helseid_configuration/privateJwk", "no JWK"),
    ],
)
def test_a_key_that_cannot_be_used_is_refused(
    sts: Emulator, body: dict[str, Any], pointer: str, says: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = call(sts.transport, "PUT", "/clients/own", {**MACHINE, **body})
    assert says in assert_problem(answer, 400)
    assert answer.json["member"] == pointer
    assert private_jwk("ES256", 1)["d"] not in answer.content.decode() + caplog.text
    assert_problem(call(sts.transport, "GET", "/clients/own"), 404)


@pytest.mark.covers("control.entries")
def test_what_is_odd_is_a_warning(sts: Emulator) -> None:
    answer = call(sts.transport, "PUT", "/clients/odd", {**MACHINE, "scope": "nowhere:api/read"})
    assert answer.status == 201
    assert any("nowhere:api is implied" in one for one in answer.json["warnings"])
    assert any("key" in one for one in answer.json["warnings"])


@pytest.mark.covers("control.entries")
def test_a_persona_that_is_no_synthetic_one_is_warned_of_or_refused(worlds: Worlds) -> None:
    for required in (False, True):
        sts = worlds.make(require_synthetic=required)
        answer = call(sts.transport, "PUT", "/personas/13116900216", PERSON)
        if required:
            assert "MOCK_STS_REQUIRE_SYNTHETIC" in assert_problem(answer, 400)
        else:
            assert any("no synthetic series" in one for one in answer.json["warnings"])


@pytest.mark.covers("control.entries.bad")
def test_a_name_that_another_has_is_refused(sts: Emulator) -> None:
    answer = call(sts.transport, "PUT", "/personas/21828410099", {**PERSON, "persona": "livstrett-bever"})
    assert PID in assert_problem(answer, 400)
    assert call(sts.transport, "DELETE", f"/personas/{PID}").status == 204
    assert call(sts.transport, "PUT", "/personas/21828410099", {**PERSON, "persona": "livstrett-bever"}).status == 201
    ordered = call(sts.transport, "POST", "/next-login", {"persona": "livstrett-bever"})
    assert ordered.status == 201
    assert call(sts.transport, "GET", "/next-login").json["orders"][0]["pid"] == "21828410099"


@pytest.mark.parametrize("name", ["x" * 501, "%00", "%FF"])
def test_a_name_that_cannot_be_kept_is_refused(sts: Emulator, name: str) -> None:
    assert_problem(call(sts.transport, "PUT", f"/clients/{name}", MACHINE), 400)


# A whole world


@pytest.mark.covers("control.world")
def test_a_whole_world_is_put_and_read_back(sts: Emulator) -> None:
    world = {
        "organizations": [{"number": "222222226", "name": "Mor"}, {"number": "333333334", "parent": "222222226"}],
        "personas": [{"pid": "21828410099", **PERSON, "organizations": ["333333334"]}],
        "apis": [{"audience": "own:api", "scopes": ["own:api/read"]}],
        "clients": [{"client_id": "own", **MACHINE, "organization": "222222226", "tenancy": "single-tenant"}],
    }
    for _ in range(2):
        answer = call(sts.transport, "PUT", "/world", world)
        assert answer.status == 200, answer.content
        assert [answer.json[name] for name in world] == [2, 1, 1, 1]
        assert call(sts.transport, "GET", "/world").json == world
    assert call(sts.transport, "DELETE", "/clients/demo-machine").status == 204
    answer = call(sts.transport, "PUT", "/world", {"clients": [{"client_id": "second", **MACHINE}]})
    assert answer.json["personas"] is None
    there = call(sts.transport, "GET", "/world").json
    assert [one["client_id"] for one in there["clients"]] == ["second"]
    assert there["personas"] == world["personas"]
    assert call(sts.transport, "GET", "/clients/own").status == 404
    assert call(sts.transport, "GET", "/clients/demo-machine").status == 200, "no longer hidden"


@pytest.mark.covers("control.world")
@pytest.mark.parametrize(
    ("world", "pointer"),
    [
        ({"clients": [MACHINE | {"client_id": "a"}, {"client_id": "b", "scopee": "x"}]}, "/clients/1/scopee"),
        ({"clients": [MACHINE | {"client_id": "a"}, MACHINE]}, "/clients/1"),
        ({"clients": [{"client_id": "a"}, {"client_id": "a"}]}, "/clients/1/client_id"),
        ({"clients": [{"client_id": "a", "organization": "222222226"}]}, "/clients/0/organization"),
        ({"apis": [{"audience": "a"}], "personas": [{"pid": "1", **PERSON}]}, "/personas/0/pid"),
        ({"apis": [{"audience": "a", "scopes": ["x"]}, {"audience": "b", "scopes": ["x"]}]}, "/apis/1/scopes"),
        ({"client": []}, "/client"),
        ({"clients": {}}, "/clients"),
        ({"clients": ["x"]}, "/clients/0"),
        ([], ""),
    ],
    ids=str,
)
def test_a_world_with_a_fault_changes_nothing(sts: Emulator, world: object, pointer: str) -> None:
    assert call(sts.transport, "PUT", "/world", {"clients": [{"client_id": "before", **MACHINE}]}).status == 200
    before = call(sts.transport, "GET", "/world").json
    answer = call(sts.transport, "PUT", "/world", world)
    assert_problem(answer, 400)
    assert answer.json["member"] == pointer
    assert call(sts.transport, "GET", "/world").json == before


@pytest.mark.covers("control.world")
def test_a_body_that_is_too_long_is_refused(worlds: Worlds) -> None:
    sts = worlds.make(max_body=2_000)
    answer = call(sts.transport, "PUT", "/world", {"clients": [{"client_id": "x" * 3_000}]})
    assert "2000" in assert_problem(answer, 413)


@pytest.mark.covers("control.entries")
def test_a_test_run_forgets_what_it_has_made_alone(sts: Emulator) -> None:
    run, other = {"Mock-Sts-Tag": "run-1"}, {"Mock-Sts-Tag": "run-2"}
    assert call(sts.transport, "PUT", "/clients/one", MACHINE, run).status == 201
    assert call(sts.transport, "PUT", "/clients/two", MACHINE, other).status == 201
    assert call(sts.transport, "DELETE", "/clients/demo-machine", None, run).status == 204
    assert_problem(call(sts.transport, "PUT", "/clients/three", MACHINE, {"Mock-Sts-Tag": "a b"}), 400)
    assert call(sts.transport, "POST", "/reset?tag=run-1").status == 200
    assert [one["client_id"] for one in call(sts.transport, "GET", "/clients?origin=made").json["items"]] == ["two"]
    assert call(sts.transport, "GET", "/clients/demo-machine").status == 200
