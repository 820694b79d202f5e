"""Token requests and whole logins, signed before the clock runs; the same for every server.

By ``cryptography`` alone: what drives several servers leans on none of them.
"""

import base64
import hashlib
import json
import re
import secrets
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import unquote, urlencode

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from bench.peers.driver import PATIENCE, Lane, Tally, is_whole

MACHINE, WEB = "bench-machine", "bench-web"
AUDIENCE, SCOPE = "bench:api", "bench:api/read"
REDIRECT_URI = "http://localhost:8089/callback"
PERSON_SCOPES = ("helseid://scopes/identity/pid", "helseid://scopes/identity/security_level")
LOGIN_SCOPE = " ".join(["openid", "profile", *PERSON_SCOPES, SCOPE])
#: A person of the shipped world, named in the request so that no page is shown; peers do not know the parameter.
PERSON = "06828399789"
TOKEN, PAR, AUTHORIZE = "/connect/token", "/connect/par", "/connect/authorize"
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_KID = "bench"
MOST_REDIRECTS = 6


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _number(value: int, size: int | None = None) -> str:
    return b64(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


def rsa_jwk(key: rsa.RSAPrivateKey, *, private: bool) -> dict[str, str]:
    numbers = key.private_numbers()
    public = {"n": numbers.public_numbers.n, "e": numbers.public_numbers.e}
    secret = {
        "d": numbers.d,
        "p": numbers.p,
        "q": numbers.q,
        "dp": numbers.dmp1,
        "dq": numbers.dmq1,
        "qi": numbers.iqmp,
    }
    members = {name: _number(value) for name, value in {**public, **(secret if private else {})}.items()}
    return {"kty": "RSA", "kid": _KID, "use": "sig", "alg": "RS256", **members}


def _signing_input(header: dict[str, Any], claims: dict[str, Any]) -> str:
    return f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}"


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; ``head`` with its status line."""

    head: str
    body: bytes

    @classmethod
    def parse(cls, answer: bytes) -> "Answer":
        head, _, body = answer.partition(b"\r\n\r\n")
        return cls(head.decode("latin-1"), body)

    @property
    def status(self) -> int:
        words = self.head.split(" ", 2)
        return int(words[1]) if len(words) > 1 else 0

    def headers(self, name: str) -> list[str]:
        return re.findall(rf"(?im)^{name}: *(.*?)\r?$", self.head)

    def member(self, name: str) -> str:
        """A member of a JSON object, or ``""``."""
        try:
            return str(json.loads(self.body)[name])
        except (ValueError, KeyError, TypeError):
            return ""


def exchange(port: int, request: bytes) -> bytes:
    """One request on a connection of its own; ``b""`` where the answer did not come whole."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.sendall(request)
        while not is_whole(received):
            data = connection.recv(65536)
            if not data:
                return b""
            received += data
    return received


def http(
    port: int, method: str, target: str, form: dict[str, str] | None = None, headers: dict[str, str] | None = None
) -> bytes:
    """A whole request, for a connection that is kept."""
    body = urlencode(form).encode() if form else b""
    lines = [f"{method} {target} HTTP/1.1", f"Host: localhost:{port}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if form:
        lines += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


class Client:
    """Both registered clients, with one RSA-2048 key; each proof has a fresh P-256 key."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(65537, 2048)

    @cached_property
    def registrations(self) -> list[dict[str, Any]]:
        """What every server is told of the two clients."""
        jwks = {"keys": [rsa_jwk(self.key, private=False)]}
        return [
            {
                "client_id": MACHINE,
                "client_name": "Bench",
                "grant_types": ["client_credentials"],
                "redirect_uris": [],
                "scope": [SCOPE],
                "jwks": jwks,
            },
            {
                "client_id": WEB,
                "client_name": "Bench",
                "grant_types": ["authorization_code"],
                "redirect_uris": [REDIRECT_URI],
                "scope": LOGIN_SCOPE.split(),
                "jwks": jwks,
            },
        ]

    def assertion(self, port: int, client_id: str) -> str:
        now = int(time.time())
        signing_input = _signing_input(
            {"alg": "RS256", "kid": _KID, "typ": "client-authentication+jwt"},
            {
                "iss": client_id,
                "sub": client_id,
                "aud": f"http://localhost:{port}",
                "nbf": now,
                "iat": now,
                "exp": now + 280,
                "jti": secrets.token_hex(16),
            },
        )
        return f"{signing_input}.{b64(self.key.sign(signing_input.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    def proof(self, port: int, nonce: str | None) -> str:
        key = ec.generate_private_key(ec.SECP256R1())
        numbers = key.public_key().public_numbers()
        jwk = {"kty": "EC", "crv": "P-256", "x": _number(numbers.x, 32), "y": _number(numbers.y, 32)}
        claims = {
            "jti": secrets.token_hex(16),
            "htm": "POST",
            "htu": f"http://localhost:{port}{TOKEN}",
            "iat": int(time.time()),
            **({"nonce": nonce} if nonce else {}),
        }
        signing_input = _signing_input({"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk}, claims)
        r, s = decode_dss_signature(key.sign(signing_input.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{signing_input}.{b64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"

    def authentication(self, port: int, client_id: str) -> dict[str, str]:
        return {
            "client_id": client_id,
            "client_assertion_type": _ASSERTION_TYPE,
            "client_assertion": self.assertion(port, client_id),
        }

    def token_request(self, port: int, nonce: str | None) -> bytes:
        form = {"grant_type": "client_credentials", "scope": SCOPE, **self.authentication(port, MACHINE)}
        return http(port, "POST", TOKEN, form, {"DPoP": self.proof(port, nonce)})

    def nonce(self, port: int) -> str | None:
        """The nonce of a challenge; None from a server that asks for none."""
        found = Answer.parse(exchange(port, self.token_request(port, None))).headers("dpop-nonce")
        return found[0] if found else None

    def token_requests(self, port: int, count: int) -> list[bytes]:
        nonce = self.nonce(port)
        return [self.token_request(port, nonce) for _ in range(count)]

    def logins(self, port: int, count: int) -> list["PreparedLogin"]:
        nonce = self.nonce(port)
        return [self._login(port, nonce) for _ in range(count)]

    def _login(self, port: int, nonce: str | None) -> "PreparedLogin":
        verifier = b64(secrets.token_bytes(32))
        pushed = {
            "response_type": "code",
            "scope": LOGIN_SCOPE,
            "redirect_uri": REDIRECT_URI,
            "code_challenge": b64(hashlib.sha256(verifier.encode()).digest()),
            "code_challenge_method": "S256",
            "state": secrets.token_hex(16),
            "nonce": secrets.token_hex(16),
            "test_pid": PERSON,
            **self.authentication(port, WEB),
        }
        redeemed = {
            "grant_type": "authorization_code",
            "redirect_uri": REDIRECT_URI,
            "code_verifier": verifier,
            **self.authentication(port, WEB),
        }
        return PreparedLogin(http(port, "POST", PAR, pushed), redeemed, self.proof(port, nonce))


@dataclass(frozen=True)
class PreparedLogin:
    """A login whose signatures are made; the code is not signed, so it can come later."""

    pushed: bytes
    form: dict[str, str]
    proof: str


def log_in(port: int, logins: Iterator[PreparedLogin], tally: Tally) -> Lane:
    """A lane of whole logins: pushed request, authorize with its redirects, code to tokens. No page is looked at."""
    for login in logins:
        answer = Answer.parse((yield login.pushed))
        cookies: dict[str, str] = {}
        query = urlencode({"client_id": WEB, "request_uri": answer.member("request_uri")})
        location = f"{AUTHORIZE}?{query}"
        for _ in range(MOST_REDIRECTS):
            if answer.status not in (201, 302, 303) or location.startswith(REDIRECT_URI):
                break
            target = location.removeprefix(f"http://localhost:{port}")
            sent = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())} if cookies else {}
            answer = Answer.parse((yield http(port, "GET", target, headers=sent)))
            for cookie in answer.headers("set-cookie"):
                name, _, value = cookie.partition(";")[0].partition("=")
                cookies[name] = value
            location = next(iter(answer.headers("location")), "")
        code = re.search(r"[?&]code=([^&]+)", location)
        if code is None:
            tally.fail(f"{answer.head}\r\n\r\n".encode() + answer.body)
            continue
        form = {**login.form, "code": unquote(code[1])}
        answer = Answer.parse((yield http(port, "POST", TOKEN, form, {"DPoP": login.proof})))
        if answer.status == 200 and answer.member("id_token"):
            tally.good += 1
        else:
            tally.fail(f"{answer.head}\r\n\r\n".encode() + answer.body)
