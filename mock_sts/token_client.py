"""A small client of our own for ``mock-sts token``: the real flow over HTTP, with the nonce retry.

It lives beside the floors and talks to a server like any other client.
"""

import ipaddress
import json
import secrets
import socket
import ssl
import time
import urllib.parse
from collections.abc import Mapping
from email.message import Message
from pathlib import Path
from typing import Any

from mock_sts.helseid.hosts import impersonated_by, is_production
from mock_sts.helseid.profile.client_assertion import NEW_TYP
from mock_sts.http_client import Answer, NoAnswerError, ask, proxy_of
from mock_sts.protocol.errors import RULE_HEADER, ErrorCode
from mock_sts.protocol.jose import JoseError, PrivateKey, generate_private_jwk, read_jws
from mock_sts.protocol.terms import CLIENT_ASSERTION_TYPE, NONCE_HEADER, Endpoint, GrantType
from mock_sts.protocol.urls import split_url

#: Seconds for one answer.
_TIMEOUT = 10


class TokenClientError(Exception):
    """No token; the message says why, with what the server explains."""


def fetch_token(
    issuer: str,
    client_id: str,
    jwk: Mapping[str, Any],
    *,
    scope: str = "",
    resource: str = "",
    dpop: bool = True,
    ca_file: Path | None = None,
) -> str:
    """An access token for ``client_id``, with ``dpop`` bound to a key made for it.

    Over https the certificates in ``ca_file``, where there is such a file, are trusted beside those of the system.
    Raises TokenClientError, also before it would send anything to NHN's own HelseID.
    """
    context = _trusting(ca_file)
    try:
        key = PrivateKey(jwk)
        proof_key = PrivateKey(generate_private_jwk("ES256"))
    except JoseError as error:
        raise TokenClientError(f"the private key of {client_id!r} cannot be used: {error}") from None
    metadata = _get_json(issuer + Endpoint.DISCOVERY, context)
    audience, endpoint = metadata.get("issuer"), metadata.get("token_endpoint")
    if not (isinstance(audience, str) and isinstance(endpoint, str)):
        raise TokenClientError(f"what {issuer} answers is no discovery document: issuer or token_endpoint is missing")
    form = {
        "grant_type": GrantType.CLIENT_CREDENTIALS,
        "client_id": client_id,
        "scope": scope,
        "resource": resource,
    }
    nonce: str | None = None
    for _ in range(2):
        body = {
            **{name: value for name, value in form.items() if value},
            "client_assertion_type": CLIENT_ASSERTION_TYPE,
            "client_assertion": _assertion(key, jwk.get("kid"), client_id, audience),
        }
        status, headers, answer = _post(endpoint, body, _proof(proof_key, endpoint, nonce) if dpop else None, context)
        if status == 200:
            token = answer.get("access_token")
            if not isinstance(token, str):
                raise TokenClientError(f"what {endpoint} answers is no token: access_token is missing")
            return token
        nonce = headers.get(NONCE_HEADER)
        if answer.get("error") != ErrorCode.USE_DPOP_NONCE or nonce is None:
            rule = headers.get(RULE_HEADER)
            told = f"; rule {rule}, explained in the server's log and journal" if rule else ""
            raise TokenClientError(f"refused: {json.dumps(answer)}{told}")
    raise TokenClientError("the server asked for a nonce twice")


def decode(token: str) -> dict[str, Any]:
    """The claims of ``token``; its signature is not looked at. Raises TokenClientError when it has none."""
    try:
        return read_jws(token).claims
    except JoseError as error:
        raise TokenClientError(f"the token has no claims to show: {error}") from None


def _assertion(key: PrivateKey, kid: object, client_id: str, issuer: str) -> str:
    now = int(time.time())
    header = {"alg": key.algorithm, "typ": NEW_TYP, **({"kid": kid} if kid else {})}
    return key.sign(
        header,
        {
            "iss": client_id,
            "sub": client_id,
            "aud": issuer,
            "nbf": now,
            "iat": now,
            "exp": now + 10,
            "jti": secrets.token_hex(16),
        },
    )


def _proof(key: PrivateKey, endpoint: str, nonce: str | None) -> str:
    public = {name: key.public_jwk[name] for name in ("kty", "crv", "x", "y")}
    claims = {"jti": secrets.token_hex(16), "htm": "POST", "htu": endpoint, "iat": int(time.time())}
    header = {"typ": "dpop+jwt", "alg": key.algorithm, "jwk": public}
    return key.sign(header, claims if nonce is None else {**claims, "nonce": nonce})


def _trusting(ca_file: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca_file is not None and ca_file.is_file():
        try:
            context.load_verify_locations(ca_file)
        except OSError as error:
            raise TokenClientError(f"{ca_file} cannot be used: {error}") from None
    return context


def _refuse_the_real_one(url: str) -> None:
    """An emulator may go by a real name in a network of its own; from elsewhere that name leads to NHN."""
    host = split_url(url).hostname or ""
    if not (is_production(host) or impersonated_by(url)):
        return
    if proxy_of(url):
        raise TokenClientError(
            f"{host} would be asked through a proxy of the environment, where that name is NHN's own HelseID; nothing "
            "was sent: add it to NO_PROXY if it leads to the emulator"
        )
    try:
        found = {str(info[4][0]) for info in socket.getaddrinfo(host, None)}
    except OSError:
        return  # it leads nowhere
    if any(ipaddress.ip_address(address.partition("%")[0]).is_global for address in found):
        raise TokenClientError(
            f"{host} is NHN's own HelseID here, and nothing was sent to it; ask where that name leads to the emulator, "
            "or let the server name itself by another"
        )


def _ask(url: str, context: ssl.SSLContext, form: bytes | None = None, proof: str | None = None) -> Answer:
    _refuse_the_real_one(url)
    return ask(url, seconds=_TIMEOUT, context=context, form=form, headers={"DPoP": proof} if proof else {})


def _get_json(url: str, context: ssl.SSLContext) -> dict[str, Any]:
    try:
        answer = _ask(url, context)
        if answer.status != 200:
            raise NoAnswerError(f"status {answer.status}")
        return answer.document()
    except NoAnswerError as error:
        raise TokenClientError(
            f"no discovery document at {url}: {error}; {error.remedy or 'is the server running?'}"
        ) from None


def _post(
    url: str, body: Mapping[str, str], proof: str | None, context: ssl.SSLContext
) -> tuple[int, Message, dict[str, Any]]:
    form = urllib.parse.urlencode(body).encode()
    try:
        answer = _ask(url, context, form, proof)
    except NoAnswerError as error:
        raise TokenClientError(f"{error}; {error.remedy}" if error.remedy else str(error)) from None
    try:
        return answer.status, answer.headers, answer.document()
    except NoAnswerError:
        raise TokenClientError(f"status {answer.status} without JSON from {url}") from None
