"""The .NET programs of examples/dotnet, which were compiled and run elsewhere: every value in them is compared with a
running server, and every name of the protocol is one that it has.

A literal must be an address of the server, something registered, a claim, a word of the protocol, a route of the
program itself, or one of ITS_OWN. A literal that is none of these fails, so that no typing error stays.
"""

import re
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from mock_sts.helseid.registry.client import Client
from mock_sts.protocol.jose import ALGORITHMS
from mock_sts.protocol.terms import CLIENT_ASSERTION_TYPE, NONCE_HEADER, GrantType
from tests.house.values import shipped

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "examples" / "dotnet"

#: Words of the protocol: headers, members of JWTs and JWKs, parameters.
WORDS = {
    *("DPoP", "DPoP ", NONCE_HEADER, "at+jwt", "dpop+jwt", "client-authentication+jwt", CLIENT_ASSERTION_TYPE, "code"),
    *("sub", "jti", "htm", "htu", "ath", "iat", "nonce", "cnf", "jkt", "scope", "client_id", "client_assertion"),
    *("jwk", "kty", "crv", "x", "y", "EC", "P-256", "typ", "alg", "test_pid", *ALGORITHMS),
}

#: What means something inside a program alone: names of schemes, policies and settings, formats, texts for people.
ITS_OWN = {
    *("oidc", "machine", "practitioner", "N", " ", "logged out"),
    *("HelseId:Authority", "HelseId:Audience", "HelseId:RequireHttpsMetadata", "HelseId:ClockSkew"),
    *("the access token is not bound to a key", "one DPoP header is needed", "the proof is no JWT"),
    *("private key in the proof", "signature of the proof", "the proof is of another key"),
}


@cache
def programs() -> dict[Path, str]:
    """Every program, by its file."""
    return {file: file.read_text(encoding="utf-8") for file in sorted(FOLDER.rglob("*.cs"))}


def literals_of(text: str) -> list[str]:
    """The texts in a program, without those in comments and those that are put together when it runs."""
    code = re.sub(r"(?m)(^|\s)//.*$", "", text)
    code = re.sub(r"'(?:[^'\\\n]|\\.)'", "", code)  # one character
    code = re.sub(r'\$"(?:[^"\\]|\\.)*"', "", code)
    return re.findall(r'"((?:[^"\\]|\\.)*)"', code)


def compare_program(text: str, issuer: str) -> None:
    """Compare the literals of a program with the server at ``issuer``. AssertionError names the first that is wrong."""
    discovery = requests.get(f"{issuer}/.well-known/openid-configuration", timeout=60).json()
    literals = literals_of(text)
    clients = [entry.item for name, entry in shipped().entries["client"].items() if name in literals]
    assert len(clients) <= 1, "one client at most"
    routes = {*re.findall(r'Map(?:Get|Post)\("([^"]*)"', text), "/"}
    for literal in literals:
        fault = _fault(literal, clients[0] if clients else None, issuer, discovery, routes)
        assert fault == "", f"{literal!r}: {fault}"


def _fault(literal: str, client: Any, issuer: str, discovery: dict[str, Any], routes: set[str]) -> str:
    """Why ``literal`` is wrong, or an empty text."""
    scopes = {scope for entry in shipped().entries["api"].values() for scope in entry.document["scopes"]}
    if literal in WORDS or literal in ITS_OWN or literal in routes or literal in ("", "\\n"):
        return ""
    if literal.startswith(("http://", "https://")):
        return "" if literal == issuer else "no address of the server"
    if literal.startswith("/"):
        endpoints = {urlsplit(str(url)).path for name, url in discovery.items() if name.endswith("_endpoint")}
        ours = {urlsplit(uri).path for uri in client.redirect_uris} if isinstance(client, Client) else set()
        return "" if literal in endpoints | ours else "no endpoint, no redirect URI, no route"
    if literal.startswith("fixtures/"):
        same = isinstance(client, Client) and literal == f"fixtures/keys/clients/{client.client_id}.json"
        return "" if same and (ROOT / literal).is_file() else "not the private key of the client"
    if literal.startswith("helseid://claims/"):
        return "" if literal in discovery["claims_supported"] or "/client/claims/" in literal else "no claim"
    if isinstance(client, Client) and literal == client.client_id:
        return ""
    if re.fullmatch(r"\d{11}", literal):
        return "" if literal in shipped().entries["persona"] else "no persona"
    if re.fullmatch(r"[34]", literal):
        return ""  # a level of security
    if literal in shipped().entries["api"]:
        return ""
    if ":" in literal:
        known = set(client.scope) if isinstance(client, Client) else scopes
        strange = [word for word in literal.split() if word not in known]
        return f"no scope {strange[0]}" if strange else ""
    return "" if literal in {str(grant) for grant in GrantType} else "a value that cannot be compared"
