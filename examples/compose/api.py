"""A small API that lets in only who has an access token from HelseID.

It has a path for each sort of token: /greeting for one that is bound to a key, which the caller proves to hold (DPoP,
as HelseID asks of APIs today), and /bearer-greeting for one that is bound to none (Bearer, as older APIs take it).

    python api.py        serves on port 8082 until stopped

It is told by environment variables: AUTHORITY, HelseID's address; AUDIENCE, the name of this API there; SCOPE, the
scope that a caller must have. compose.yaml at the top of the repository has values for them.

What it checks is what HelseID asks of every API: the token's signature against HelseID's published keys, issuer,
audience, lifetime and scope; and of a DPoP proof its own signature, the method and address it was made for, that it is
new, that it was made for this token, and that its key is the one that the token is bound to. A token that is bound to a
key is not taken as Bearer: without the proof it would serve a thief as well.
"""

import hashlib
import json
import os
import sys
import time
import urllib.request
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from flask import Flask, Response, jsonify, request
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, RSAKey, import_key
from werkzeug.serving import make_server

#: What HelseID may sign with, and what this API takes in proofs: asymmetric only, for a token "signed" with a public
#: key as a shared secret must not pass.
ALGORITHMS = ["RS256", "PS256", "ES256"]
PROOF_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]

#: Bits that an RSA key in a proof must have.
RSA_BITS = 2048

#: Seconds that a proof may be old, and that clocks may differ.
PROOF_LIFETIME, LEEWAY = 60, 10


class Proofs(jws.JWSRegistry):
    """How proofs are read: they hold their key in the header, which with RSA is longer than the library's 512 bytes."""

    max_header_length = 4096


PROOFS = Proofs(algorithms=PROOF_ALGORITHMS)


class UnauthorizedError(Exception):
    """The caller is not let in; the message is for the caller."""

    def __init__(self, message: str, *, code: str = "invalid_token", status: int = 401, scheme: str = "DPoP") -> None:
        super().__init__(message)
        self.code, self.status, self.scheme = code, status, scheme


@dataclass
class Guard:
    """Decides who may call. ``authority`` is HelseID's address, ``audience`` the name of this API there; ``issuer`` is
    who HelseID says it is, where that is another address.
    """

    authority: str
    audience: str
    scope: str
    issuer: str = ""
    _keys: KeySet | None = None
    _seen: dict[str, float] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def let_in(self, authorization: str, proof: str, method: str, url: str) -> dict[str, Any]:
        """The claims of the access token; raises UnauthorizedError when the caller may not enter.

        ``authorization`` and ``proof`` are the headers Authorization and DPoP, ``method`` and ``url`` what was called.
        """
        return self._let_in("DPoP", authorization, lambda token, c: self._check_proof(proof, token, c, method, url))

    def let_bearer_in(self, authorization: str) -> dict[str, Any]:
        """The same for a token that is bound to no key."""
        return self._let_in("Bearer", authorization, lambda _, claims: _check_unbound(claims))

    def _let_in(
        self, wanted: str, authorization: str, check: Callable[[str, Mapping[str, Any]], None]
    ) -> dict[str, Any]:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != wanted.lower() or not token:
            raise UnauthorizedError(f"an access token is needed: Authorization: {wanted} ...", scheme=wanted)
        try:
            claims = self._check_token(token)
            check(token, claims)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise UnauthorizedError(f"{type(error).__name__}: {error}", scheme=wanted) from None
        if self.scope not in _scopes(claims):
            raise UnauthorizedError(
                f"the scope {self.scope} is needed", code="insufficient_scope", status=403, scheme=wanted
            )
        return claims

    def _check_token(self, token: str) -> dict[str, Any]:
        decoded = jwt.decode(token, self._helseid_keys(token), algorithms=ALGORITHMS)
        if str(decoded.header.get("typ", "")).lower() not in ("at+jwt", "application/at+jwt"):
            raise ValueError("this is no access token")
        jwt.JWTClaimsRegistry(
            leeway=LEEWAY,
            iss={"essential": True, "value": self.issuer or self.authority},
            aud={"essential": True, "value": self.audience},
            exp={"essential": True},
        ).validate(decoded.claims)
        return decoded.claims

    def _check_proof(self, proof: str, token: str, claims: Mapping[str, Any], method: str, url: str) -> None:
        header = jws.extract_compact(proof.encode(), registry=PROOFS).headers()
        if header.get("typ") != "dpop+jwt":
            raise ValueError("a DPoP proof is needed")
        key = import_key(header["jwk"])
        if not isinstance(key, ECKey | RSAKey) or key.is_private:
            raise ValueError("the proof's jwk is no public EC or RSA key")
        if isinstance(key, RSAKey) and key.raw_value.key_size < RSA_BITS:
            raise ValueError(f"the proof's RSA key has fewer than {RSA_BITS} bits")
        proven = jwt.decode(proof, key, registry=PROOFS).claims
        if (proven["htm"], proven["htu"]) != (method, url):
            raise ValueError(f"the proof is for {proven['htm']} {proven['htu']}")
        if not -LEEWAY <= time.time() - proven["iat"] <= PROOF_LIFETIME:
            raise ValueError("the proof is too old, or from the future")
        if proven["ath"] != urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode():
            raise ValueError("the proof is for another token")
        if claims["cnf"]["jkt"] != key.thumbprint():
            raise ValueError("the token is bound to another key")
        self._remember(str(proven["jti"]))

    def _remember(self, jti: str) -> None:
        """Note that this proof was used; one process only, so a dictionary will do."""
        now = time.monotonic()
        with self._lock:
            self._seen = {seen: until for seen, until in self._seen.items() if until > now}
            if jti in self._seen:
                raise ValueError("the proof was used before")
            self._seen[jti] = now + PROOF_LIFETIME + 2 * LEEWAY

    def _helseid_keys(self, token: str) -> KeySet:
        """HelseID's public keys, fetched anew when the token names one that is not known yet."""
        kid = jws.extract_compact(token.encode()).headers().get("kid")
        if self._keys is None or not any(key.kid == kid for key in self._keys):
            metadata = _get_json(f"{self.authority}/.well-known/openid-configuration")
            self._keys = KeySet.import_key_set(_get_json(metadata["jwks_uri"]))
        return self._keys


def _check_unbound(claims: Mapping[str, Any]) -> None:
    if "cnf" in claims:
        raise ValueError("the token is bound to a key: call the path that takes DPoP")


def _scopes(claims: Mapping[str, Any]) -> list[str]:
    """The token's scopes; HelseID writes them as a list, others as one text."""
    scope = claims.get("scope", "")
    return scope.split() if isinstance(scope, str) else list(scope)


#: The emulator is near: docker hands the proxies of its client to every container, and none of them knows the way.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _get_json(url: str) -> Any:
    with _OPENER.open(url, timeout=10) as response:
        return json.load(response)


def web(guard: Guard) -> Flask:
    """The API."""
    app = Flask(__name__)

    @app.get("/greeting")
    def greeting() -> Response:
        headers = request.headers
        return greet(
            guard.let_in(headers.get("Authorization", ""), headers.get("DPoP", ""), request.method, request.base_url)
        )

    @app.get("/bearer-greeting")
    def bearer_greeting() -> Response:
        return greet(guard.let_bearer_in(request.headers.get("Authorization", "")))

    def greet(claims: Mapping[str, Any]) -> Response:
        return jsonify(
            greeting="Hello from the API",
            person=claims.get("helseid://claims/identity/pid", claims.get("sub")),
            client=claims.get("client_id"),
            scope=_scopes(claims),
        )

    @app.get("/health/ready")
    def health() -> Response:
        return jsonify(ok=True)

    @app.errorhandler(UnauthorizedError)
    def refused(error: UnauthorizedError) -> Response:
        answer = jsonify(error=error.code, error_description=str(error))
        answer.status_code = error.status
        algorithms = f', algs="{" ".join(PROOF_ALGORITHMS)}"' if error.scheme == "DPoP" else ""
        answer.headers["WWW-Authenticate"] = f'{error.scheme} error="{error.code}"{algorithms}'
        return answer

    return app


def main() -> None:
    """Serve until stopped."""
    names = ("AUTHORITY", "AUDIENCE", "SCOPE")
    missing = [name for name in names if not os.environ.get(name)]
    if missing:
        sys.exit(f"set {', '.join(missing)}; compose.yaml has values for all of them")
    authority, audience, scope = (os.environ[name] for name in names)
    guard = Guard(authority, audience, scope, os.environ.get("ISSUER", ""))
    make_server("0.0.0.0", 8082, web(guard), threaded=True).serve_forever()  # noqa: S104  a container's own


if __name__ == "__main__":
    main()
