"""The values in blocks that cannot be run here (.NET, Java, configuration files), compared with a running server.

Every literal must be one that can be compared: an address of the server, a registered client with its scopes,
redirect URIs and key, or a registered API, a persona, or a word of the protocol. A literal that is none of these
fails, so that no typing error stays.
"""

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import requests

from mock_sts.helseid.registry.client import Client
from mock_sts.protocol.terms import CLIENT_ASSERTION_TYPE, OFFLINE_ACCESS, OPENID, PROFILE
from mock_sts.store.fixtures.files import shipped_world
from mock_sts.store.fixtures.rows import World, read_world

#: Words that mean the same for every server: of the protocol, and names of things inside a program.
_WORDS = {CLIENT_ASSERTION_TYPE, "code", "oidc", "cookie", "test_pid", "client-authentication+jwt", "dpop+jwt"}

#: The same in a program that checks access tokens.
_WORDS_OF_APIS = {"at+jwt", "aud"}

_KEYS = "fixtures/keys/clients/"


@lru_cache(maxsize=1)
def shipped() -> World:
    """The shipped world."""
    return read_world([shipped_world()])


def compare_values(language: str, text: str, issuer: str) -> None:
    """Compare the literals of a block. AssertionError names the first that is wrong."""
    literals = list(_literals(language, text))
    assert issuer in literals, f"the authority {issuer} is missing"
    registered = shipped().entries["client"]
    named = {literal for literal in literals if literal in registered}
    apis = {literal for literal in literals if literal in shipped().entries["api"]}
    assert len(named or apis) == 1, f"one registered client or API must be named, not {sorted(named or apis)}"
    if not named:
        strange = [literal for literal in literals if literal not in {issuer, *apis, *_WORDS_OF_APIS}]
        assert strange == [], f"{strange[0]!r}: a value that nobody can compare"
        return
    client = registered[named.pop()].item
    assert isinstance(client, Client)
    discovery = requests.get(f"{issuer}/.well-known/openid-configuration", timeout=60).json()
    for literal in literals:
        fault = _fault(literal, client, discovery)
        assert fault is None, f"{literal!r}: {fault}"


def _literals(language: str, text: str) -> Iterator[str]:
    if language == "json":
        yield from _strings(json.loads(text))
    elif language == "properties":
        for line in text.splitlines():
            if line.strip() and not line.startswith("#"):
                yield line.partition("=")[2].strip()
    else:
        code = re.sub(r"(?m)(^|\s)//.*$", "", text)
        yield from re.findall(r'"((?:[^"\\]|\\.)*)"', code)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
    elif isinstance(value, str):
        yield value


def _fault(literal: str, client: Client, discovery: dict[str, Any]) -> str | None:
    """Why ``literal`` is wrong, or None."""
    addresses = (*client.redirect_uris, *client.post_logout_redirect_uris)
    if literal in _WORDS or literal == client.client_id or literal in discovery.values() or literal in addresses:
        return None
    if literal.startswith(("http://", "https://")):
        return "no address of the server, and no redirect URI of the client"
    if literal.startswith("/"):
        return None if literal in {urlsplit(uri).path for uri in addresses} else "no path of a redirect URI"
    if literal.startswith(_KEYS):
        same = literal == f"{_KEYS}{client.client_id}.json" and (shipped_world().parent / literal).is_file()
        return None if same else "not the private key of the client"
    if literal.startswith("{"):
        return _key_fault(json.loads(literal), client)
    if re.fullmatch(r"[RPE]S\d{3}", literal):
        return None if literal in {key.alg for key in client.keys} else "not the algorithm of the client's key"
    if re.fullmatch(r"\d{11}", literal):
        return None if literal in shipped().entries["persona"] else "no persona"
    if all(":" in word or word in (OPENID, PROFILE, OFFLINE_ACCESS) for word in literal.split()):
        strange = [word for word in literal.split() if word not in client.scope]
        return f"the client has no scope {strange[0]}" if strange else None
    return "a value that nobody can compare"


def _key_fault(jwk: dict[str, Any], client: Client) -> str | None:
    """A private key may be shown with ``...`` in place of what is secret."""
    public = [{name: key.get(name) for name in ("kty", "kid")} for key in client.public_jwks]
    return None if {name: jwk.get(name) for name in ("kty", "kid")} in public else "not the key of the client"
