"""A correct HelseID client for machine-to-machine, whose every property can be turned.

It signs with joserfc through its own few lines, not with the emulator's code, so that one fault cannot hide another.
"""

import base64
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateNumbers, RSAPublicNumbers
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from tests.support.keys import Jwk, public_jwk

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TOKEN_PATH = "/connect/token"


class _Absent:
    """The type of ABSENT: it looks the same in every process, for the names of tests."""

    def __repr__(self) -> str:
        return "ABSENT"


#: Stands for "leave this member out".
ABSENT = _Absent()


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; header names in lower case."""

    status: int
    headers: dict[str, str]
    content: bytes
    #: Every Set-Cookie header; ``headers`` has room for one.
    cookies: tuple[str, ...] = ()

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def error(self) -> str | None:
        return None if self.status == 200 else str(self.json.get("error"))

    @property
    def description(self) -> str | None:
        found = self.json.get("error_description")
        return None if found is None else str(found)

    @property
    def rule(self) -> str | None:
        return self.headers.get("mock-sts-rule")

    @property
    def claims(self) -> dict[str, Any]:
        return decode(self.json["access_token"])[1]


#: By name, or as pairs where a name comes twice.
Headers = Mapping[str, str] | Sequence[tuple[str, str]]


class Transport(Protocol):
    """How requests travel: in the process or over a socket."""

    def send(self, method: str, path: str, headers: Headers = (), body: bytes = b"") -> Answer: ...


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a JWT, unverified."""
    header, payload, _ = (base64.urlsafe_b64decode(p + "==") for p in token.split("."))
    return json.loads(header), json.loads(payload)


def raw_jws(header: bytes, payload: bytes, jwk: Jwk, alg: str) -> str:
    """A JWS over any bytes; ``none`` has an empty signature, HS256 uses the public key's JSON as secret."""
    signing_input = f"{b64(header)}.{b64(payload)}"
    if alg == "none":
        return signing_input + "."
    key: Any
    if alg.startswith("HS"):
        key = OctKey.import_key(json.dumps(public_jwk(jwk)))
    else:
        key = _import_key(tuple((n, v) for n, v in jwk.items() if n not in ("alg", "use", "kid")))
    signature = JWSRegistry.algorithms[alg].sign(signing_input.encode(), key)
    return f"{signing_input}.{b64(signature)}"


@lru_cache(maxsize=4096)
def _import_key(members: tuple[tuple[str, str], ...]) -> Any:
    """Kept, for importing an RSA key costs far more than signing with it."""
    jwk = dict(members)
    if jwk["kty"] == "EC":
        return ECKey.import_key(jwk)  # type: ignore[arg-type]
    if jwk["kty"] == "OKP":
        return OKPKey.import_key(jwk)  # type: ignore[arg-type]
    # Not RSAKey.import_key: it warns of short keys, which some tests want, and proves the primes anew each time.
    n, e, d, p, q, dp, dq, qi = (
        int.from_bytes(base64.urlsafe_b64decode(jwk[name] + "===")) for name in (*"nedpq", "dp", "dq", "qi")
    )
    private = RSAPrivateNumbers(p=p, q=q, d=d, dmp1=dp, dmq1=dq, iqmp=qi, public_numbers=RSAPublicNumbers(e, n))
    return RSAKey(private.private_key(unsafe_skip_rsa_key_validation=True), None)


def merge(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with ``changes``; ABSENT removes."""
    merged = {**base, **changes}
    return {name: value for name, value in merged.items() if value is not ABSENT}


@dataclass
class Machine:
    """One client against one emulator. ``now`` tells its clock in seconds; ``advance`` moves all clocks, where the
    emulator runs in the process.
    """

    transport: Transport
    issuer: str
    client_id: str
    jwk: Jwk
    proof_jwk: Jwk
    now: Callable[[], int]
    scope: str | None = None
    nonce: str | None = field(default=None)
    advance: Callable[[int], None] | None = None

    def assertion(
        self,
        *,
        header: Mapping[str, Any] | None = None,
        claims: Mapping[str, Any] | None = None,
        lifetime: int = 10,
        jwk: Jwk | None = None,
        alg: str | None = None,
    ) -> str:
        """A client assertion as HelseID wants it today, with changes."""
        key = jwk or self.jwk
        alg = alg or key["alg"]
        now = self.now()
        base_header = {"alg": alg, "kid": self.jwk.get("kid", ABSENT), "typ": "client-authentication+jwt"}
        base_claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.issuer,
            "nbf": now,
            "iat": now,
            "exp": now + lifetime,
            "jti": secrets.token_hex(16),
        }
        return raw_jws(
            json.dumps(merge(base_header, header or {})).encode(),
            json.dumps(merge(base_claims, claims or {})).encode(),
            key,
            alg,
        )

    def proof(
        self,
        *,
        header: Mapping[str, Any] | None = None,
        claims: Mapping[str, Any] | None = None,
        jwk: Jwk | None = None,
        alg: str | None = None,
    ) -> str:
        """A DPoP proof with the nonce learned last, with changes."""
        key = jwk or self.proof_jwk
        alg = alg or key["alg"]
        public = {name: value for name, value in public_jwk(key).items() if name in ("kty", "crv", "x", "y", "n", "e")}
        base_header = {"typ": "dpop+jwt", "alg": alg, "jwk": public}
        base_claims = {
            "jti": secrets.token_hex(16),
            "htm": "POST",
            "htu": self.issuer + TOKEN_PATH,
            "iat": self.now(),
            "nonce": self.nonce if self.nonce is not None else ABSENT,
        }
        return raw_jws(
            json.dumps(merge(base_header, header or {})).encode(),
            json.dumps(merge(base_claims, claims or {})).encode(),
            key,
            alg,
        )

    def form(self, assertion: str, changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
        base = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
            "scope": self.scope if self.scope is not None else ABSENT,
        }
        return merge(base, changes or {})

    def post(
        self,
        form: Mapping[str, Any] | list[tuple[str, str]] | bytes,
        *,
        proof: str | None = None,
        headers: Mapping[str, str] | None = None,
        path: str = TOKEN_PATH,
    ) -> Answer:
        """One request to the token endpoint, exactly as given."""
        body = form if isinstance(form, bytes) else urlencode(form).encode()
        sent = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
        if proof is not None:
            sent["DPoP"] = proof
        return self.transport.send("POST", path, sent, body)

    def learn_nonce(self) -> str:
        """Fetch a nonce from where only the emulator gives one, and keep it."""
        self.nonce = self.transport.send("GET", "/mock/dpop-nonce").headers["dpop-nonce"]
        return self.nonce

    def meet_challenge(self, form: Mapping[str, Any] | None = None) -> Answer:
        """A request whose proof has no nonce; the nonce of the answer is kept."""
        answer = self.post(self.form(self.assertion(), form), proof=self.proof(claims={"nonce": ABSENT}))
        self.nonce = answer.headers.get("dpop-nonce")
        return answer

    def token(
        self,
        *,
        form: Mapping[str, Any] | None = None,
        assertion: Mapping[str, Any] | None = None,
        proof: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """A token request with a nonce, with changes for each part (keyword arguments of the methods above)."""
        if self.nonce is None:
            self.learn_nonce()
        return self.post(
            self.form(self.assertion(**(assertion or {})), form), proof=self.proof(**(proof or {})), headers=headers
        )
