"""The keys of a client that comes by the control API, in any of the forms in which people have them.

No private key is kept: of a form that holds one only the public part is, and the one that is made here leaves with the
answer.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mock_sts.helseid.registry.documents import DocumentError
from mock_sts.protocol.jose import (
    JoseError,
    generate_private_jwk,
    import_public_key,
    private_members,
    public_jwk_of_pem,
    without_private_members,
)
from mock_sts.protocol.json_text import JsonTextError, read_json_object

#: The kinds of key that can be asked for, to their algorithms.
KEY_KINDS: Mapping[str, str] = {"RSA": "PS256", "EC": "ES256"}

#: The members of NHN's "HelseID Configuration" to those of a registration.
_MEMBERS = {
    "clientName": "client_name",
    "grantTypes": "grant_types",
    "scopes": "scope",
    "redirectUris": "redirect_uris",
    "postLogoutRedirectUris": "post_logout_redirect_uris",
}
_XML = {name: re.compile(rf"<{name}>\s*([A-Za-z0-9+/=\s]+?)\s*</{name}>") for name in ("Modulus", "Exponent")}


@dataclass(frozen=True, slots=True)
class KeyOrder:
    """Where the keys of a client come from, one of: a JWK, a PEM text, NHN's configuration, a kind of key to make."""

    jwk: Mapping[str, Any] | None = None
    pem: str | None = None
    helseid_configuration: Mapping[str, Any] | None = None
    make_key: str | None = None


@dataclass(frozen=True, slots=True)
class WithKeys:
    """A registration with its keys, and the private key where one was made for it."""

    document: Mapping[str, Any]
    private_jwk: Mapping[str, str] | None


def with_keys(client_id: str, document: Mapping[str, Any], order: KeyOrder) -> WithKeys:
    """``document`` of the client ``client_id`` with the keys that ``order`` names. Raises DocumentError."""
    named = [name for name in KeyOrder.__slots__ if getattr(order, name) is not None]
    given = [*named, *(["jwks"] if document.get("jwks") is not None else [])]
    if len(given) > 1:
        raise DocumentError(f"the body: keys come from {' and from '.join(given)}; give one of them", (given[0],))
    if order.jwk is not None:
        return WithKeys(_registered(document, _public(order.jwk)), None)
    if order.pem is not None:
        return WithKeys(_registered(document, _of_pem(order.pem)), None)
    if order.helseid_configuration is not None:
        return WithKeys(_configured(client_id, document, order.helseid_configuration), None)
    if order.make_key is not None:
        private = generate_private_jwk(KEY_KINDS[order.make_key])
        return WithKeys(_registered(document, without_private_members(private)), private)
    return WithKeys(document, None)


def _registered(document: Mapping[str, Any], jwk: Mapping[str, Any]) -> dict[str, Any]:
    return {**document, "jwks": {"keys": [dict(jwk)]}}


def _public(jwk: Mapping[str, Any]) -> Mapping[str, Any]:
    if found := private_members(jwk):
        raise DocumentError(
            f"the body: 'jwk' is a private key; register its public part only, without {', '.join(found)}",
            ("jwk", found[0]),
        )
    _check(jwk, "jwk")
    return jwk


def _check(jwk: Mapping[str, Any], name: str) -> None:
    try:
        import_public_key(jwk)
    except JoseError as error:
        raise DocumentError(f"the body: {name!r} cannot be used: {error}", (name,)) from None


def _of_pem(text: str) -> dict[str, Any]:
    try:
        return public_jwk_of_pem(text)
    except JoseError as error:
        raise DocumentError(f"the body: 'pem' cannot be used: {error}", ("pem",)) from None


def _configured(client_id: str, document: Mapping[str, Any], configuration: Mapping[str, Any]) -> dict[str, Any]:
    """A registration from what NHN's self-service hands out; what ``document`` says comes before it."""
    place = "helseid_configuration"
    named = configuration.get("clientId")
    if named is not None and named != client_id:
        raise DocumentError(
            f"the body: {place!r} is that of the client {str(named)[:80]!r}, but the path says {client_id!r}",
            (place, "clientId"),
        )
    found: dict[str, Any] = {
        member: configuration[name] for name, member in _MEMBERS.items() if configuration.get(name) is not None
    }
    for name, member in _MEMBERS.items():
        value = found.get(member)
        is_right = value is None or (
            isinstance(value, str) if name == "clientName" else isinstance(value, list) and all(map(_is_text, value))
        )
        if not is_right:
            wanted = "a text" if name == "clientName" else "a list of texts"
            raise DocumentError(f"the body: {place}.{name} must be {wanted}", (place, name))
    jwk = without_private_members(_jwk_in(configuration))
    _check(jwk, place)
    return {**found, **document, "jwks": {"keys": [jwk]}}


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _jwk_in(configuration: Mapping[str, Any]) -> Mapping[str, Any]:
    """The JWK in NHN's configuration: as a text or an object, or the numbers of .NET's XML."""
    place = "helseid_configuration"
    jwk, xml = configuration.get("privateJwk"), configuration.get("rsaPrivateKey")
    if isinstance(jwk, str):
        try:
            return read_json_object(jwk.encode("utf-8", "surrogatepass"))
        except JsonTextError as error:
            raise DocumentError(f"the body: {place}.privateJwk is no JWK: {error}", (place, "privateJwk")) from None
    if isinstance(jwk, Mapping):
        return jwk
    if isinstance(xml, str):
        numbers = {name: pattern.search(xml) for name, pattern in _XML.items()}
        if numbers["Modulus"] is not None and numbers["Exponent"] is not None:
            return {"kty": "RSA", "n": _base64url(numbers["Modulus"][1]), "e": _base64url(numbers["Exponent"][1])}
        raise DocumentError(f"the body: {place}.rsaPrivateKey has no Modulus and Exponent", (place, "rsaPrivateKey"))
    raise DocumentError(f"the body: {place} has neither privateJwk nor rsaPrivateKey", (place,))


def _base64url(text: str) -> str:
    """Base64 of .NET, in lines and padded, as a JWK has it."""
    return re.sub(r"[\s=]", "", text).replace("+", "-").replace("/", "_")
