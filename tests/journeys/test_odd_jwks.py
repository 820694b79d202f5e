"""JWKs as programs write them: empty members are absent, and other forms of base64 are taken with a finding."""

import json
from pathlib import Path
from typing import Any

import pytest

from mock_sts.cli.main import main
from mock_sts.helseid.registry.client import Client
from mock_sts.helseid.registry.documents import DocumentError
from mock_sts.protocol.jose import PRIVATE_MEMBERS, JoseError, PrivateKey, import_public_key, loose_members, read_jws
from mock_sts.services.registry.checks import check_world
from mock_sts.store.fixtures.rows import read_world
from tests.support.emulator import Emulator, LiveServer, Worlds
from tests.support.keys import private_jwk, public_jwk
from tests.support.machine import Answer
from tests.support.odd_jwks import EMPTY, LOOSE

KEYS = {"EC": private_jwk("ES256", 1), "RSA": private_jwk("PS256", 1, bits=2048)}


@pytest.fixture(scope="module")
def shared(shared_worlds: Worlds) -> Emulator:
    return shared_worlds.make()


def document(jwk: dict[str, Any], client_id: str = "odd") -> dict[str, Any]:
    return {
        "client_id": client_id,
        "grant_types": ["client_credentials"],
        "scope": "test:api/read",
        "jwks": {"keys": [jwk]},
    }


def token(shared: Emulator, kind: str, registered: dict[str, Any], proof: dict[str, Any]) -> tuple[Answer, list[str]]:
    """A token for a client registered with one JWK and a proof with another; and the rules that were broken."""
    from mock_sts.store.catalog import MADE, put_entry

    described = document(registered, f"odd-{kind}")
    with shared.store.writing() as transaction:
        put_entry(transaction, Client.from_document(described, "test"), described, MADE)
    machine = shared.machine(f"odd-{kind}", KEYS[kind])
    answer = machine.token(proof={"header": {"jwk": proof}, "jwk": KEYS[kind], "alg": KEYS[kind]["alg"]})
    return answer, [finding["rule"] for finding in shared.journal(limit="1")[0]["findings"]["broken"]]


@pytest.mark.covers("text.jwk-empty")
@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("case", EMPTY)
def test_empty_members_are_absent_in_registrations_and_proofs(shared: Emulator, kind: str, case: str) -> None:
    jwk = {**public_jwk(KEYS[kind]), **EMPTY[case]}
    answer, broken = token(shared, kind, jwk, jwk)
    assert answer.status == 200, answer.content
    assert {"dpop.key-public", "dpop.key-encoding", "client.keys", "client.key-encoding"}.isdisjoint(broken)
    assert answer.claims["cnf"]["jkt"] == import_public_key(public_jwk(KEYS[kind])).thumbprint


@pytest.mark.covers("text.jwk-empty")
@pytest.mark.parametrize("case", EMPTY)
def test_empty_members_are_absent_in_fixture_files(tmp_path: Path, case: str) -> None:
    (tmp_path / "clients").mkdir()
    (tmp_path / "clients" / "odd.json").write_text(json.dumps(document({**public_jwk(KEYS["EC"]), **EMPTY[case]})))
    client = read_world([tmp_path]).entries["client"]["odd"].item
    assert isinstance(client, Client) and len(client.keys) == 1 and not client.key_faults


@pytest.mark.covers("text.jwk-empty")
@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("case", ["empty oth", "empty key_ops", "empty x5c", "empty mapping", "null alg and kid"])
def test_empty_members_are_absent_in_private_keys(kind: str, case: str) -> None:
    key = KEYS[kind]
    signed = PrivateKey({**key, **EMPTY[case], "KeySize": 2048}, key["alg"]).sign({"alg": key["alg"]}, {})
    assert import_public_key(key).verify(read_jws(signed))


@pytest.mark.parametrize("value", ["AQ", [{"r": "AQ"}]], ids=["text", "list"])
@pytest.mark.parametrize("name", PRIVATE_MEMBERS)
def test_only_a_private_member_that_says_something_makes_a_key_private(
    shared: Emulator, name: str, value: object
) -> None:
    jwk = {**public_jwk(KEYS["EC"]), name: value}
    with pytest.raises(DocumentError, match=f"is a private key; register its public part only, without {name}"):
        Client.from_document(document(jwk), "test")
    answer, broken = token(shared, "EC", public_jwk(KEYS["EC"]), jwk)
    assert (answer.status, answer.rule) == (400, "dpop.key-public")
    assert "dpop.key-public" in broken


@pytest.mark.covers("text.jwk-loose")
@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("form", LOOSE)
def test_another_form_of_base64_is_taken_with_a_finding_that_names_the_members(
    shared: Emulator, kind: str, form: str
) -> None:
    strict = public_jwk(KEYS[kind])
    loose = LOOSE[form](strict)
    answer, broken = token(shared, kind, loose, loose)
    assert answer.status == 200, answer.content
    assert {"dpop.key-encoding", "client.key-encoding"} <= set(broken)
    assert answer.claims["cnf"]["jkt"] == import_public_key(strict).thumbprint
    names = [name for name, value in loose.items() if value != strict[name]]
    told = [f for f in shared.journal(limit="1")[0]["findings"]["broken"] if f["rule"].endswith(".key-encoding")]
    assert names and all(name in finding["observed"] for finding in told for name in names)


@pytest.mark.covers("text.jwk-loose")
@pytest.mark.parametrize("form", LOOSE)
def test_another_form_of_base64_in_a_fixture_file_is_told(tmp_path: Path, form: str) -> None:
    (tmp_path / "clients").mkdir()
    (tmp_path / "clients" / "odd.json").write_text(json.dumps(document(LOOSE[form](public_jwk(KEYS["RSA"])))))
    report = check_world([tmp_path])
    assert not [error for error in report.errors if "odd.json" in error and "key" in error]
    assert any("found n of " in warning and "base64url" in warning for warning in report.warnings)


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("form", LOOSE)
def test_a_private_key_in_another_form_signs(kind: str, form: str) -> None:
    key = KEYS[kind]
    odd = LOOSE[form](key)
    assert loose_members(odd) and not loose_members(key)
    made = PrivateKey(odd)
    assert import_public_key(key).verify(read_jws(made.sign({"alg": key["alg"]}, {})))
    assert made.public_jwk == public_jwk(key)


def test_what_is_no_base64_is_told_by_its_member_and_a_private_one_is_not_quoted() -> None:
    with pytest.raises(JoseError, match=r"^its member n is not base64url: there is 'ø' in it$"):
        import_public_key({**public_jwk(KEYS["RSA"]), "n": "ø"})
    with pytest.raises(JoseError, match=r"^its member d is not base64url$"):
        PrivateKey({**KEYS["EC"], "d": "sécret"})
    with pytest.raises(JoseError, match=r": p, q missing or not a string$"):
        PrivateKey({**KEYS["RSA"], "p": None, "q": ""})


@pytest.mark.covers("text.byte-order-mark")
def test_token_takes_a_key_file_of_an_editor_and_of_dotnet(
    live: LiveServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    live.client("key-file", KEYS["EC"])
    file = tmp_path / "key.json"
    key = {**LOOSE["padded"](KEYS["EC"]), "oth": [], "key_ops": [], "x5c": [], "p": None, "KeySize": 256}
    file.write_text(json.dumps(key), encoding="utf-8-sig")
    assert main(["token", "key-file", "--key", str(file), "--url", live.issuer]) == 0
    out, err = capsys.readouterr()
    assert out.count(".") == 2
    assert "the key has x, y, d in standard base64 or padded" in err


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (json.dumps(public_jwk(KEYS["EC"])).encode("utf-16"), "is not UTF-8 (byte 1); save it as UTF-8"),
        (b"{", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[]", "holds no JWK"),
        (json.dumps({**KEYS["EC"], "d": "s\u00e9cret"}).encode(), "cannot be used: its member d is not base64url"),
        (json.dumps(public_jwk(KEYS["EC"])).encode(), "cannot be used: it is not a usable private JWK"),
    ],
)
def test_token_says_what_is_wrong_with_a_key_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, says: str
) -> None:
    file = tmp_path / "key.json"
    file.write_bytes(content)
    assert main(["token", "x", "--key", str(file), "--url", "http://localhost:9"]) == 2
    err = capsys.readouterr().err
    assert says in err and "cret" not in err


#: A key, the alg that its JWK names, and those that would be right (empty: nothing is wrong).
ALGS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "RSA and HS256": ("RSA", "HS256", ("RS256", "PS512")),
    "RSA and ES256": ("RSA", "ES256", ("RS256", "PS512")),
    "RSA and RSA-OAEP": ("RSA", "RSA-OAEP", ("RS256", "PS512")),
    "P-256 and ES512": ("EC", "ES512", ("ES256",)),
    "P-256 and ES384": ("EC", "ES384", ("ES256",)),
    "P-256 and RS256": ("EC", "RS256", ("ES256",)),
    "P-256 and none": ("EC", "none", ("ES256",)),
    "RSA and PS384": ("RSA", "PS384", ()),
    "P-256 and ES256": ("EC", "ES256", ()),
    "P-256 and nothing": ("EC", "", ()),
}


@pytest.mark.covers("text.jwk-alg")
@pytest.mark.parametrize("case", ALGS)
def test_an_alg_that_its_key_cannot_sign_with_is_told(shared: Emulator, tmp_path: Path, case: str) -> None:
    """By fixtures check and by the journal, with those that are right; HelseID looks at the key alone."""
    kind, alg, right = ALGS[case]
    jwk = {**public_jwk(KEYS[kind]), "alg": alg}
    (tmp_path / "clients").mkdir()
    (tmp_path / "clients" / "odd.json").write_text(json.dumps(document(jwk)))
    told = [
        warning for warning in check_world([tmp_path]).warnings if "odd.json" in warning and "alg of each" in warning
    ]
    answer, broken = token(shared, kind, jwk, public_jwk(KEYS[kind]))
    assert answer.status == 200
    assert ("client.key-algorithm" in broken) is bool(right)
    assert len(told) == bool(right)
    for warning in told:
        assert f"found {alg} for" in warning and "To mend it: set alg" in warning
        assert all(name in warning for name in right)


@pytest.mark.covers("text.jwk-alg")
@pytest.mark.parametrize("case", [case for case in ALGS if ALGS[case][1]])
def test_the_command_that_fetches_a_token_names_a_wrong_alg(
    live: LiveServer, tmp_path: Path, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    """It signs where it can, and says that others will not; where it cannot, it says what would be right."""
    kind, alg, right = ALGS[case]
    live.client("wrong-alg", KEYS[kind])
    (file := tmp_path / "key.json").write_text(json.dumps({**KEYS[kind], "alg": alg}))
    status = main(["token", "wrong-alg", "--key", str(file), "--url", live.issuer])
    assert (status == 0) is (not right or (kind == "EC" and alg.startswith("ES")))
    said = capsys.readouterr().err
    assert (f"{alg!r}" in said or f"cannot sign {alg}" in said) is bool(right)
    assert ("mend alg" in said) is bool(right)
    assert all(name in said for name in right)
