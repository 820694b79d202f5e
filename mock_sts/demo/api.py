"""A correct API: what it checks of an access token and its proof before it answers, each check by name.

It is there twice: with DPoP, as HelseID asks of APIs today, and with Bearer, as some of NHN's still are.

A real API stops at the first check that fails. This one goes on as far as it can, and tells all of them.
"""

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mock_sts.demo.wire import Wire, WireError
from mock_sts.helseid.claims import NETWORK, ORGNR_PARENT, PID, SECURITY_LEVEL
from mock_sts.helseid.terms import SIGNING_ALGORITHMS
from mock_sts.protocol.dpop import DPoPProof, normal_target, read_dpop_proof, split_proofs
from mock_sts.protocol.jose import JoseError, Jws, PublicKey, import_public_key, read_jws, sha256_base64url
from mock_sts.protocol.signed_jwt import Signature
from mock_sts.system import take_away

AUDIENCE, SCOPE, LEVEL = "mock:demo-api", "mock:demo-api/read", "4"

DPOP, BEARER = "DPoP", "Bearer"

#: Seconds that clocks may differ, and that a proof may be old.
_LEEWAY, _PROOF_AGE = 30, 60

#: Seconds that the keys are kept; and before they may be fetched again for a key that is not known.
_KEYS_AGE, _KEYS_PAUSE = 3600, 10

_MOST_ISSUERS, _MOST_PROOFS = 16, 10_000

#: New proofs between two looks for files of old ones, and seconds for which a file stays: longer than a proof is good.
_SWEEP_EVERY, _KEPT = 64, 600

INVALID_TOKEN, INVALID_PROOF, INSUFFICIENT_SCOPE, INSUFFICIENT_LOGIN = (
    "invalid_token",
    "invalid_dpop_proof",
    "insufficient_scope",
    "insufficient_user_authentication",
)


@dataclass(frozen=True, slots=True)
class Call:
    """A request as the API sees it; ``url`` is the address that the API knows itself by."""

    method: str
    url: str
    authorization: str
    dpop: str


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what must be so, what was found, and whether it passed; None when it could not be tried."""

    id: str
    says: str
    passed: bool | None
    found: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """All checks, and the answer that follows from them: 200, or the status and error of the first that failed."""

    status: int
    error: str
    checks: tuple[Check, ...]
    claims: Mapping[str, Any]
    scheme: str

    @property
    def challenge(self) -> str:
        """The ``WWW-Authenticate`` header of a refusal (RFC 6750 section 3, RFC 9449 section 7.1, RFC 9470)."""
        failed = next(check for check in self.checks if not check.passed)
        more = ', acr_values="Level4"' if self.error == INSUFFICIENT_LOGIN else ""
        more += f', scope="{SCOPE}"' if self.error == INSUFFICIENT_SCOPE else ""
        return f'{self.scheme} error="{self.error}", error_description="{failed.id}"{more}'

    def body(self) -> dict[str, Any]:
        """The answer as JSON."""
        checks = [asdict(check) for check in self.checks]
        if self.status != 200:
            return {"error": self.error, "checks": checks}
        caller = {name: self.claims[name] for name in (PID, ORGNR_PARENT, NETWORK, "client_id") if name in self.claims}
        who = self.claims.get("name") or self.claims.get("client_id", "somebody")
        return {"hello": who, "you": caller, "checks": checks}


class KeyBook:
    """The public keys of issuers, by kid; fetched once, and again for a kid that is not known."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[float, dict[str, PublicKey]]] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, wire: Wire, issuer: str, kid: object) -> PublicKey | None:
        """The key called ``kid`` of ``issuer``. Raises WireError when the keys cannot be had."""
        now = time.monotonic()
        with self._lock:
            fetched, keys = self._kept.get(issuer, (-float(_KEYS_AGE), {}))
        if now - fetched >= _KEYS_AGE or (kid not in keys and now - fetched >= _KEYS_PAUSE):
            keys = _fetch_keys(wire, issuer)
            with self._lock:
                self._kept[issuer] = (now, keys)
                self._kept.move_to_end(issuer)
                while len(self._kept) > _MOST_ISSUERS:
                    self._kept.popitem(last=False)
        return keys.get(kid) if isinstance(kid, str) else None


class SeenProofs:
    """Which proofs have been used: a list of this process and, in a ``folder`` that all processes of the server share,
    an empty file for each. Without a folder it knows of this process only.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._seen: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def is_new(self, thumbprint: str, jti: str, now: float) -> bool:
        """Whether this proof comes for the first time; from now on it does not."""
        name = sha256_base64url(f"{thumbprint} {jti}".encode())
        with self._lock:
            # Neither long ago nor, by a clock that was ahead, long to come: no such proof is taken for its time either.
            while self._seen and (
                len(self._seen) >= _MOST_PROOFS or abs(now - next(iter(self._seen.values()))) > 2 * _PROOF_AGE + _LEEWAY
            ):
                self._seen.popitem(last=False)
            if name in self._seen:
                return False
            self._seen[name] = now
        return self._folder is None or self._is_new_to_all(self._folder, name)

    def _is_new_to_all(self, folder: Path, name: str) -> bool:
        """The same for all processes: of two that make a file at once, one has made it. Raises OSError."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            os.close(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            return False
        if len(self._seen) % _SWEEP_EVERY == 0:
            for file in folder.iterdir():
                with suppress(FileNotFoundError):  # another process was faster
                    if time.time() - file.stat().st_mtime > _KEPT:
                        take_away(file)
        return True


class _Checks:
    """Collects checks, each with the error that it leads to."""

    def __init__(self) -> None:
        self.made: list[tuple[str, Check]] = []

    def __call__(self, error: str, name: str, says: str, passed: bool | None, found: object) -> None:
        self.made.append((error, Check(name, says, passed, "" if found is None else str(found)[:200])))


class DemoApi:
    """The API, for tokens of the ``scheme`` DPoP or Bearer; ``keys`` and ``proofs`` outlive a request."""

    def __init__(self, scheme: str = DPOP, proofs: Path | None = None) -> None:
        """``proofs`` is the folder in which the processes of a server share which proofs were used."""
        self._scheme = scheme
        self._keys = KeyBook()
        self._proofs = SeenProofs(proofs)

    def judge(self, call: Call, wire: Wire, issuer: str, now: float) -> Judgement:
        """Check ``call`` against ``issuer``, whose keys are fetched by ``wire``; ``now`` in seconds."""
        check = _Checks()
        scheme, _, text = call.authorization.partition(" ")
        check(
            INVALID_TOKEN,
            "scheme",
            f"The access token comes in the Authorization header, with the scheme {self._scheme}",
            scheme.lower() == self._scheme.lower() and bool(text.strip()),
            scheme,
        )
        token = _read(text.strip())
        self._check_token(check, token, wire, issuer, now)
        claims = token.claims if token is not None else {}
        if self._scheme == DPOP:
            self._check_proof(check, call, text.strip(), claims, now)
        else:
            self._check_unbound(check, token)
        self._check_rights(check, token, claims)
        failed = next((error for error, found in check.made if not found.passed), "")
        status = {"": 200, INSUFFICIENT_SCOPE: 403}.get(failed, 401)
        return Judgement(status, failed, tuple(found for _, found in check.made), claims, self._scheme)

    def _check_token(self, check: _Checks, token: Jws | None, wire: Wire, issuer: str, now: float) -> None:
        header, claims = (token.header, token.claims) if token is not None else ({}, {})
        tried = token is not None
        check(
            INVALID_TOKEN,
            "typ",
            "The type is at+jwt, or JWT as of NHN's test-token service; an ID token fails by its aud",
            tried and header.get("typ") in ("at+jwt", "JWT"),
            header.get("typ"),
        )
        key, found = None, ""
        if token is not None and token.algorithm in SIGNING_ALGORITHMS:
            try:
                key = self._keys.find(wire, issuer, header.get("kid"))
                found = f"kid {header.get('kid')}" if key else f"no key with kid {header.get('kid')}"
            except WireError as error:
                found = str(error)
        check(
            INVALID_TOKEN,
            "signature",
            f"A key of the issuer's JWKS, named by kid, made the signature, with {' or '.join(SIGNING_ALGORITHMS)}",
            (key is not None and token is not None and key.verify(token)) if tried else None,
            found,
        )
        check(
            INVALID_TOKEN,
            "iss",
            f"iss is the issuer that the API trusts, {issuer}",
            claims.get("iss") == issuer if tried else None,
            claims.get("iss"),
        )
        check(
            INVALID_TOKEN,
            "aud",
            f"aud names this API, {AUDIENCE}",
            AUDIENCE in _texts(claims.get("aud")) if tried else None,
            claims.get("aud"),
        )
        expires: Any = claims.get("exp")
        begins: Any = claims.get("nbf", 0)
        check(
            INVALID_TOKEN,
            "exp",
            f"The token lives: nbf has come and exp has not passed, with {_LEEWAY} seconds for clocks that differ",
            (_is_time(expires) and _is_time(begins) and begins - _LEEWAY <= now < expires + _LEEWAY) if tried else None,
            f"exp {expires}, now {int(now)}",
        )

    def _check_proof(self, check: _Checks, call: Call, text: str, claims: Mapping[str, Any], now: float) -> None:
        proofs = split_proofs(call.dpop)
        proof = _read_proof(proofs[0]) if len(proofs) == 1 else None
        good = proof is not None and proof.signature is Signature.VERIFIED and not proof.key_is_private
        check(
            INVALID_PROOF,
            "proof",
            "There is one DPoP proof, a JWT of the type dpop+jwt, signed with the public key that it carries",
            good and proof is not None and proof.typ == "dpop+jwt",
            f"{len(proofs)} proofs" if len(proofs) != 1 else proof.typ if proof is not None else "no JWT",
        )
        confirmation = claims.get("cnf")
        bound = confirmation.get("jkt") if isinstance(confirmation, dict) else None
        # Not the proof's fault: the token is another client's, or bound to nothing.
        check(
            INVALID_TOKEN,
            "jkt",
            "The token is bound to that key: cnf.jkt is its thumbprint",
            proof.thumbprint == bound if proof is not None and good else None,
            bound,
        )
        check(
            INVALID_PROOF,
            "htm",
            f"htm is the method of this request, {call.method}",
            proof.method == call.method if proof is not None else None,
            proof and proof.method,
        )
        check(
            INVALID_PROOF,
            "htu",
            f"htu is the address of this API, {call.url}",
            normal_target(proof.target or "") == normal_target(call.url) if proof is not None else None,
            proof and proof.target,
        )
        ath = proof.jws.claims.get("ath") if proof is not None else None
        check(
            INVALID_PROOF,
            "ath",
            "ath is the hash of this access token, so that the proof fits no other",
            ath == sha256_base64url(text.encode()) if proof is not None else None,
            ath,
        )
        issued = proof.issued_at if proof is not None else None
        check(
            INVALID_PROOF,
            "iat",
            f"The proof is new: iat lies at most {_PROOF_AGE} seconds back",
            (issued is not None and -_LEEWAY <= now - issued <= _PROOF_AGE) if proof is not None else None,
            issued,
        )
        jti = proof.jti if proof is not None else None
        check(
            INVALID_PROOF,
            "jti",
            "The proof has not been used before: its jti is new",
            bool(jti) and self._proofs.is_new(proof.thumbprint, jti or "", now) if proof is not None and good else None,
            jti,
        )

    @staticmethod
    def _check_unbound(check: _Checks, token: Jws | None) -> None:
        """RFC 9449 section 7.2: a bound token that is taken without proof is as good for a thief as for its owner."""
        confirmation = token.claims.get("cnf") if token is not None else None
        check(
            INVALID_TOKEN,
            "unbound",
            "The token is bound to no key: it has no cnf. A bound one belongs to an API with DPoP",
            "cnf" not in token.claims if token is not None else None,
            confirmation,
        )

    @staticmethod
    def _check_rights(check: _Checks, token: Jws | None, claims: Mapping[str, Any]) -> None:
        tried = token is not None
        check(
            INSUFFICIENT_SCOPE,
            "scope",
            f"The scope {SCOPE} was granted",
            SCOPE in _texts(claims.get("scope")) if tried else None,
            " ".join(_texts(claims.get("scope"))),
        )
        check(
            INSUFFICIENT_SCOPE,
            "organization",
            f"The client acts for an organization: {ORGNR_PARENT}",
            bool(_texts(claims.get(ORGNR_PARENT))) if tried else None,
            claims.get(ORGNR_PARENT),
        )
        # A machine's token has no sub: no person has logged in, and there is no level to ask for.
        is_machine = tried and "sub" not in claims
        check(
            INSUFFICIENT_LOGIN,
            "level",
            f"A person, if there is one, has logged in at level {LEVEL}: {SECURITY_LEVEL}",
            is_machine or claims.get(SECURITY_LEVEL) == LEVEL if tried else None,
            "a machine" if is_machine else claims.get(SECURITY_LEVEL),
        )


def _fetch_keys(wire: Wire, issuer: str) -> dict[str, PublicKey]:
    metadata = wire.get(
        "The API finds its issuer", "Once, and then kept.", f"{issuer}/.well-known/openid-configuration"
    ).json()
    if metadata.get("issuer") != issuer or not isinstance(metadata.get("jwks_uri"), str):
        raise WireError(f"the discovery document is not that of {issuer}")
    document = wire.get("The API fetches the keys", "Once, and then kept.", metadata["jwks_uri"]).json()
    members = document.get("keys")
    keys = {}
    for jwk in members if isinstance(members, list) else []:
        try:
            keys[str(jwk["kid"])] = import_public_key(jwk)
        except (JoseError, KeyError, TypeError):  # a key of a sort that the API does not know is no reason to stop
            continue
    return keys


def _read(text: str) -> Jws | None:
    try:
        return read_jws(text)
    except JoseError:
        return None


def _read_proof(text: str) -> DPoPProof | None:
    try:
        return read_dpop_proof(text)
    except JoseError:
        return None


def _texts(value: object) -> list[str]:
    """A claim that is one text, or a list of them."""
    found = [value] if isinstance(value, str) and value else value
    return [item for item in found if isinstance(item, str)] if isinstance(found, list) else []


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
