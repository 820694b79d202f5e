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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import Any, TypeAlias

from mock_sts.client.http import Answer, NoAnswerError, ask, proxy_of
from mock_sts.client.journal import read_journal
from mock_sts.helseid.details import ASSERTION_DETAILS
from mock_sts.helseid.endpoints import RULE_HEADER, Endpoint
from mock_sts.helseid.hosts import impersonated_by, is_production
from mock_sts.helseid.profile import find
from mock_sts.helseid.profile.client_assertion import NEW_TYP
from mock_sts.helseid.requirement import Verdict, explain
from mock_sts.protocol.errors import ErrorCode
from mock_sts.protocol.jose import JoseError, PrivateKey, generate_private_jwk, read_jws, sha256_base64url
from mock_sts.protocol.terms import CLIENT_ASSERTION_TYPE, NONCE_HEADER, GrantType
from mock_sts.protocol.urls import split_url

#: Seconds for one answer.
_TIMEOUT = 10

#: What is posted: a value for each name, or several.
Form: TypeAlias = Mapping[str, str | Sequence[str]]


class TokenClientError(Exception):
    """No token; the message says why, with what the server explains."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """An access token, the key that it is bound to (None for a Bearer token), and all that came with it."""

    token: str
    key: PrivateKey | None
    answer: Mapping[str, Any] = field(default_factory=dict)


def fetch_token(
    issuer: str,
    client_id: str,
    jwk: Mapping[str, Any],
    *,
    scope: str = "",
    resource: str = "",
    dpop: bool = True,
    ca_file: Path | None = None,
    admin_token: str = "",
) -> Fetched:
    """An access token for the machine ``client_id``; the rest is as for ``meet``. Raises TokenClientError."""
    caller = meet(issuer, client_id, jwk, dpop=dpop, ca_file=ca_file, admin_token=admin_token)
    form = {"grant_type": GrantType.CLIENT_CREDENTIALS.value, "scope": scope, "resource": resource}
    return caller.fetched(caller.redeem(form))


@dataclass(frozen=True, slots=True)
class Caller:
    """A client that knows its server: its id and key, the key of its proofs (None for Bearer tokens), and the server's
    metadata.
    """

    issuer: str
    client_id: str
    key: PrivateKey
    kid: object
    proof_key: PrivateKey | None
    metadata: Mapping[str, Any]
    context: ssl.SSLContext
    admin_token: str = ""

    def endpoint(self, name: str) -> str:
        """The address that the metadata have by ``name``. Raises TokenClientError."""
        address = self.metadata.get(name)
        if not isinstance(address, str):
            raise TokenClientError(f"what {self.issuer} answers is no discovery document: {name} is missing")
        return address

    def signed(self, claims: Mapping[str, Any], typ: str = NEW_TYP) -> str:
        """A JWT of the client for the server that lives ten seconds: an assertion, or a request object."""
        now = int(time.time())
        header = {"alg": self.key.algorithm, "typ": typ, **({"kid": self.kid} if self.kid else {})}
        usual = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.endpoint("issuer"),
            "nbf": now,
            "iat": now,
            "exp": now + 10,
            "jti": secrets.token_hex(16),
        }
        return self.key.sign(header, {**usual, **claims})

    def authenticated(self, form: Form, details: Sequence[Mapping[str, Any]] = ()) -> dict[str, str | Sequence[str]]:
        """``form`` without what is empty, with the client's id and a new assertion that has ``details``."""
        claims = {ASSERTION_DETAILS: [*details] if len(details) > 1 else details[0]} if details else {}
        said = {"client_id": self.client_id, **{name: value for name, value in form.items() if value}}
        assertion = {"client_assertion_type": CLIENT_ASSERTION_TYPE, "client_assertion": self.signed(claims)}
        return {**said, **assertion}

    def redeem(self, form: Form, details: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
        """What the token endpoint answers to ``form``, which has an access token; once more with a nonce where it asks
        for one. ``details`` stand in the assertion. Raises TokenClientError.
        """
        endpoint = self.endpoint("token_endpoint")
        nonce: str | None = None
        for _ in range(2):
            proof = _proof(self.proof_key, endpoint, nonce) if self.proof_key is not None else None
            status, headers, answer = post(endpoint, self.authenticated(form, details), proof, self.context)
            if status == 200:
                if not isinstance(answer.get("access_token"), str):
                    raise TokenClientError(f"what {endpoint} answers is no token: access_token is missing")
                return answer
            nonce = headers.get(NONCE_HEADER)
            if answer.get("error") != ErrorCode.USE_DPOP_NONCE or nonce is None:
                raise self.refused(json.dumps(answer), headers)
        raise TokenClientError("the server asked for a nonce twice")

    def fetched(self, answer: Mapping[str, Any]) -> Fetched:
        """The token in what ``redeem`` gave."""
        return Fetched(answer["access_token"], self.proof_key, answer)

    def refused(self, said: str, headers: Message) -> TokenClientError:
        """A refusal that the server has answered with ``said``, with what its rule asks where ``headers`` name one."""
        rule = headers.get(RULE_HEADER)
        why = (
            f"; rule {rule}: {_why(self.issuer, self.client_id, rule, self.admin_token, self.context)}" if rule else ""
        )
        return TokenClientError(f"refused: {said}{why}")


def meet(
    issuer: str,
    client_id: str,
    jwk: Mapping[str, Any],
    *,
    dpop: bool = True,
    ca_file: Path | None = None,
    admin_token: str = "",
) -> Caller:
    """A client with the private key ``jwk`` that has read the metadata of ``issuer``, with ``dpop`` for tokens that are
    bound to a key made for them.

    Over https the certificates in ``ca_file``, where there is such a file, are trusted beside those of the system.
    ``admin_token`` opens the server's journal, which is asked about a refusal. Raises TokenClientError, also before it
    would send anything to NHN's own HelseID.
    """
    context = trusting(ca_file)
    try:
        key = PrivateKey(jwk)
        proof_key = PrivateKey(generate_private_jwk("ES256")) if dpop else None
    except JoseError as error:
        raise TokenClientError(f"the private key of {client_id!r} cannot be used: {error}") from None
    metadata = _get_json(issuer + Endpoint.DISCOVERY, context)
    caller = Caller(issuer, client_id, key, jwk.get("kid"), proof_key, metadata, context, admin_token)
    caller.endpoint("issuer")
    caller.endpoint("token_endpoint")
    return caller


def call(url: str, fetched: Fetched, *, ca_file: Path | None = None) -> Answer:
    """What the API at ``url`` answers to a GET with the token, and a proof where it is bound to a key; once more with a
    nonce where the API asks for one. It is not redirected. Raises TokenClientError.
    """
    context = trusting(ca_file)
    nonce: str | None = None
    while True:
        headers = {"Authorization": f"{'DPoP' if fetched.key else 'Bearer'} {fetched.token}"}
        if fetched.key is not None:
            hashed = sha256_base64url(fetched.token.encode())
            headers["DPoP"] = _proof(fetched.key, url, nonce, method="GET", ath=hashed)
        refuse_the_real_one(url)
        try:
            answer = ask(url, seconds=_TIMEOUT, context=context, headers=headers, redirected=False)
        except NoAnswerError as error:
            raise no_answer(error) from None
        asked = answer.headers.get(NONCE_HEADER)
        if answer.status != 401 or asked is None or nonce is not None or fetched.key is None:
            return answer
        nonce = asked


def _why(issuer: str, client_id: str, rule: str, admin_token: str, context: ssl.SSLContext) -> str:
    """What ``rule`` asks, what was seen instead, and the remedy: from the rule book of this program, which is the
    server's too, with what the journal has seen where it can be read.
    """
    requirement = find(rule)
    if requirement is None:
        return "unknown to this version of mock-sts; the server's log and journal explain it"
    wanted: dict[str, str | int] = {"client_id": client_id, "rule": rule, "limit": 1}
    verdict = Verdict(False)
    try:
        entry = next(iter(read_journal(issuer, wanted, admin_token, context)), {})
        for finding in entry.get("findings", {}).get("broken", ()):
            if finding["rule"] == rule:
                verdict = Verdict(False, str(finding["observed"]), str(finding["expected"]))
    except (NoAnswerError, KeyError, TypeError, ValueError, AttributeError):
        pass  # it explains less, and is no reason to hide the refusal
    return explain(requirement, verdict)


def decode(token: str) -> dict[str, Any]:
    """The claims of ``token``; its signature is not looked at. Raises TokenClientError when it has none."""
    try:
        return read_jws(token).claims
    except JoseError as error:
        raise TokenClientError(f"the token has no claims to show: {error}") from None


def _proof(key: PrivateKey, url: str, nonce: str | None, *, method: str = "POST", ath: str | None = None) -> str:
    public = {name: key.public_jwk[name] for name in ("kty", "crv", "x", "y")}
    target = urllib.parse.urlsplit(url)._replace(query="", fragment="").geturl()
    claims = {"jti": secrets.token_hex(16), "htm": method, "htu": target, "iat": int(time.time())}
    if ath is not None:
        claims["ath"] = ath
    header = {"typ": "dpop+jwt", "alg": key.algorithm, "jwk": public}
    return key.sign(header, claims if nonce is None else {**claims, "nonce": nonce})


def trusting(ca_file: Path | None) -> ssl.SSLContext:
    """What trusts the system's authorities, and those in ``ca_file`` where there is such a file.

    Raises TokenClientError.
    """
    context = ssl.create_default_context()
    if ca_file is not None and ca_file.is_file():
        try:
            context.load_verify_locations(ca_file)
        except OSError as error:
            raise TokenClientError(f"{ca_file} cannot be used: {error}") from None
    return context


def refuse_the_real_one(url: str) -> None:
    """Raise TokenClientError where ``url`` leads to NHN: an emulator may go by a real name in a network of its own, and
    from elsewhere that name is NHN's.
    """
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
    refuse_the_real_one(url)
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


def post(url: str, body: Form, proof: str | None, context: ssl.SSLContext) -> tuple[int, Message, dict[str, Any]]:
    """Status, headers and JSON of the answer to ``body``, posted with a proof where there is one.

    Raises TokenClientError.
    """
    form = urllib.parse.urlencode(body, doseq=True).encode()
    try:
        answer = _ask(url, context, form, proof)
    except NoAnswerError as error:
        raise no_answer(error) from None
    try:
        return answer.status, answer.headers, answer.document()
    except NoAnswerError:
        raise TokenClientError(f"status {answer.status} without JSON from {url}") from None


def no_answer(error: NoAnswerError) -> TokenClientError:
    """``error`` with its remedy."""
    return TokenClientError(f"{error}; {error.remedy}" if error.remedy else str(error))
