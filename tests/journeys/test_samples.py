"""Every registered public sample works: with a key of ours in its place it fetches a token, or logs a person in."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.emulator import Emulator, Worlds
from tests.support.keys import private_jwk
from tests.support.logins import begin_plain
from tests.support.machine import Answer, Machine
from tests.support.relying_party import (
    PERSON,
    REDIRECT_URI,
    Login,
    RelyingParty,
    answer_parameters,
)

ROOT = Path(__file__).resolve().parents[2]
KEY = private_jwk("ES256", 3)
CODE, MACHINE, EXCHANGE = (
    "authorization_code",
    "client_credentials",
    "urn:ietf:params:oauth:grant-type:token-exchange",
)
PID, PARENT = "helseid://claims/identity/pid", "helseid://claims/client/claims/orgnr_parent"

#: For whom each sample that only exchanges tokens does so.
CALLERS = {
    "token_exchange_actor_client": "token_exchange_subject_client",
    "helseid-sample-token-exchange-actor-client": "helseid-sample-token-exchange-subject-client",
}
#: A placeholder that the sample has in the place of its address: nobody can be sent there.
NO_ADDRESS = ("some_client_id",)

#: Machines without a scope, and with those of a login only: of each HelseID refuses every request.
NO_TOKEN = ("5c43298d-e3da-4fcc-8328-7b24ed821bdb", "294c7ab7-a22e-4a79-aea3-34edddf5b85d")

DOCUMENTS: dict[str, dict[str, Any]] = {
    document["client_id"]: document
    for document in (
        yaml.safe_load(file.read_text(encoding="utf-8"))
        for file in sorted((ROOT / "fixtures" / "clients" / "samples").glob("*.yaml"))
    )
}


@pytest.fixture(scope="module")
def shared(shared_worlds: Worlds) -> Emulator:
    return shared_worlds.make()


def as_published(sts: Emulator, client_id: str) -> Machine:
    """The sample, with a key of ours: those of the samples are theirs."""
    members = {name: value for name, value in DOCUMENTS[client_id].items() if name not in ("client_id", "jwks")}
    if client_id in NO_ADDRESS:
        members["redirect_uris"] = [REDIRECT_URI]
    return replace(sts.client(client_id, jwk=KEY, **members), scope=None)


def with_its_proof(machine: Machine, form: dict[str, Any]) -> Answer:
    """A token request, with a proof where the sample is registered for DPoP."""
    if DOCUMENTS[machine.client_id]["dpop_bound_access_tokens"]:
        return machine.token(form=form)
    return machine.post(machine.form(machine.assertion(), form))


def log_in(machine: Machine, scopes: list[str]) -> Answer:
    """A login at the first address of the sample, by PAR where it is registered so; the answer to the code."""
    document = DOCUMENTS[machine.client_id]
    uri = REDIRECT_URI if machine.client_id in NO_ADDRESS else document["redirect_uris"][0]
    rp, login = RelyingParty(machine, scopes=" ".join(scopes), redirect_uri=uri), Login()
    asked = {"test_pid": PERSON}
    if document["require_pushed_authorization_requests"]:
        code = rp.log_in(login, asked)["code"]
    else:
        code = answer_parameters(begin_plain(rp, login, rp.browser(), asked))["code"]
    redeemed = {"grant_type": CODE, "code": code, "redirect_uri": uri, "code_verifier": login.verifier}
    return with_its_proof(machine, redeemed)


def assert_acts(machine: Machine, answer: Answer, scopes: list[str]) -> None:
    document = DOCUMENTS[machine.client_id]
    assert answer.status == 200, answer.content
    claims = answer.claims
    assert claims["client_id"] == machine.client_id
    assert set(claims["scope"]) == set(scopes)
    assert ("cnf" in claims, answer.json["token_type"]) == (
        (True, "DPoP") if document["dpop_bound_access_tokens"] else (False, "Bearer")
    )
    if document["tenancy"] == "single-tenant" and "organization" in document:
        assert claims[PARENT] == document["organization"]


@pytest.mark.covers("samples.all")
@pytest.mark.parametrize("client_id", DOCUMENTS)
def test_a_sample_works_with_a_key_of_ours(shared: Emulator, client_id: str) -> None:
    document, machine = DOCUMENTS[client_id], as_published(shared, client_id)
    grants, scopes = document["grant_types"], document["scope"]
    if CODE in grants:
        answer = log_in(machine, scopes)
        assert_acts(machine, answer, scopes)
        assert shared.get("/connect/userinfo", {"Authorization": f"Bearer {answer.json['access_token']}"}).status == 200
    elif MACHINE in grants:
        answer = with_its_proof(machine, {"grant_type": MACHINE, "scope": " ".join(scopes)})
        if client_id in NO_TOKEN:
            assert answer.error == "invalid_scope"
        else:
            assert_acts(machine, answer, scopes)
    else:
        assert grants == [EXCHANGE]
        caller = as_published(shared, CALLERS[client_id])
        wanted = next(scope for scope in DOCUMENTS[caller.client_id]["scope"] if "token-exchange" in scope)
        if CODE in DOCUMENTS[caller.client_id]["grant_types"]:
            first = log_in(caller, ["openid", "helseid://scopes/identity/pid", wanted])
        else:
            first = with_its_proof(caller, {"grant_type": MACHINE, "scope": wanted})
        assert first.status == 200, first.content
        subject = {
            "subject_token": first.json["access_token"],
            "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
        }
        answer = with_its_proof(machine, {"grant_type": EXCHANGE, "scope": scopes[0], **subject})
        assert_acts(machine, answer, scopes[:1])


@pytest.mark.covers("samples.all")
def test_every_grant_of_a_sample_is_one_that_is_tried() -> None:
    assert {grant for document in DOCUMENTS.values() for grant in document["grant_types"]} == {
        CODE,
        MACHINE,
        EXCHANGE,
        "refresh_token",
    }
    assert len(DOCUMENTS) == 35


@pytest.mark.covers("samples.all")
def test_the_newest_samples_say_what_their_apis_read(shared: Emulator) -> None:
    """The login client of Kjernejournal names its unit; the machine of VKP has the fixed claim that its API reads."""
    vkp = as_published(shared, "64bcf495-19e8-491c-9d05-6dd6c40c838e")
    claims = with_its_proof(vkp, {"grant_type": MACHINE}).claims
    assert (claims["aud"], claims["nhn:vkp/client/claims/vkp-id"]) == ("nhn:vkp", "leverandor-kommune")
    journal = as_published(shared, "0fe6139e-850c-4132-969d-2e240fe38d29")
    claims = log_in(journal, ["openid", "helseid://scopes/identity/pid", "nhn:kjernejournal/innlogging"]).claims
    assert (claims["aud"], claims[PID], claims[PARENT]) == ("nhn:kjernejournal", PERSON, "994919806")
