"""What the test-token service does with a request: its registers, its plan, its one journal row."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mock_sts.helseid.registry.persona import Persona
from mock_sts.helseid.token_orders.claims import Frame, ordered_claims
from mock_sts.helseid.token_orders.members import ProofDefect, word_of
from mock_sts.helseid.token_orders.request import OrderError, TokenRequest
from mock_sts.protocol.defects import Defect, find_defects
from mock_sts.protocol.drafts import Spoiled
from mock_sts.protocol.errors import ErrorCode, OAuthError
from mock_sts.protocol.jose import JoseError, import_public_key
from mock_sts.protocol.json_text import JsonTextError, read_json_object
from mock_sts.services.environment import Reached
from mock_sts.services.registry.people import UnknownPersonError, sub_of
from mock_sts.services.request_context import RequestContext
from mock_sts.services.tokens.issuing import ACCESS_TOKEN_TYP, ID_TOKEN_TYP, new_jti
from mock_sts.services.tokens.ordered import (
    Made,
    ProofKeyError,
    ProofPlan,
    TokenPlan,
    carry_out,
    new_proof_key,
    read_proof_key,
)

#: The service's defects of a token to ours; the one of its audience and so on are switches of the request.
_SWITCHES = {
    "signJwtWithInvalidSigningKey": "unknown_key",
    "setInvalidIssuer": "wrong_issuer",
    "setInvalidAudience": "wrong_audience",
}

#: The service's defects of a proof to ours.
PROOF_DEFECTS: Mapping[ProofDefect, str] = {
    ProofDefect.DontSetHtuClaimValue: "proof_without_htu",
    ProofDefect.DontSetHtmClaimValue: "proof_without_htm",
    ProofDefect.SetIatValueInThePast: "proof_from_the_past",
    ProofDefect.SetIatValueInTheFuture: "proof_from_the_future",
    ProofDefect.DontSetAthClaimValue: "proof_without_ath",
    ProofDefect.DontSetAlgHeader: "proof_without_alg",
    ProofDefect.DontSetJwkHeader: "proof_without_jwk",
    ProofDefect.DontSetJtiClaim: "proof_without_jti",
    ProofDefect.SetAlgHeaderToASymmetricAlgorithm: "proof_with_symmetric_alg",
    ProofDefect.SetPrivateKeyInJwkHeader: "proof_with_private_key",
    ProofDefect.SetInvalidTypHeaderValue: "proof_with_wrong_typ",
    ProofDefect.SetAnInvalidSignature: "proof_with_wrong_signature",
    ProofDefect.SetAnInvalidJktValueInToken: "other_confirmation",
}

#: The values that ``typ`` may be ordered with, in small letters, to what stands in the header.
_TYPES = {ID_TOKEN_TYP.lower(): ID_TOKEN_TYP, ACCESS_TOKEN_TYP: ACCESS_TOKEN_TYP}

#: What a request shows in the journal in the place of a private key.
_REMOVED = "(a private key, not kept)"


@dataclass(frozen=True, slots=True)
class Ordering:
    """How a request came: its path, for which audience where a header says so, and whether by version 1."""

    path: str
    audience: str = ""
    of_version_1: bool = False


class EnvironmentRegisters:
    """The registers behind HelseID: personas of the environment, and people invented from their pid."""

    def __init__(self, reached: Reached) -> None:
        self._environment = reached.environment
        self._catalog = reached.catalog

    def person(self, pid: str) -> Persona:
        """The person with ``pid``. Raises LookupError."""
        if not (pid.isascii() and pid.isdigit() and len(pid) == _PID_LENGTH):
            raise LookupError(f"no register has a person with the pid {pid[:40]!r}: a pid has {_PID_LENGTH} digits")
        try:
            return self._environment.people.find(pid, invent=self._environment.policy.invent_people)
        except UnknownPersonError as error:
            raise LookupError(str(error)) from None

    def hpr_number(self, pid: str) -> str:
        """The HPR number of the person with ``pid``; that of an invented person follows from their pid. Raises
        LookupError.
        """
        person = self.person(pid)
        if person.hpr_number is not None:
            return person.hpr_number
        if person.persona is not None or not self._is_invented(pid):
            raise LookupError(f"the person with the pid {pid!r} has no HPR number")
        # Nine digits, as the numbers of all synthetic people have.
        return str(100_000_000 + int.from_bytes(hashlib.sha256(pid.encode()).digest()[:6], "big") % 900_000_000)

    def sub(self, pid: str) -> str:
        """The pseudonym of ``pid``, as a login has it."""
        return sub_of(pid)

    def organization_name(self, number: str) -> str | None:
        """The name of the organization ``number``, None for an unknown one."""
        return self._catalog.organization_name(number)

    def _is_invented(self, pid: str) -> bool:
        try:
            self._environment.people.find(pid, invent=False)
        except UnknownPersonError:
            return True
        return False


_PID_LENGTH = 11


def issue_ordered(context: RequestContext, request: TokenRequest, ordering: Ordering) -> Made:
    """Make the token that ``request`` orders, and its proof; the journal has both, decoded.

    Raises OrderError, which the journal has as well.
    """
    try:
        plan = _plan(context, request, ordering)
        made = carry_out(plan, context.environment.keyring)
    except OrderError as error:
        refuse(context, error)
        raise
    note_request(context, request)
    note_made(context, made, plan.defects)
    context.finish()
    return made


def refuse(context: RequestContext, error: OrderError) -> None:
    """Let the journal and the log have a request that was refused."""
    code = ErrorCode.INVALID_TOKEN if error.status in (401, 403) else ErrorCode.INVALID_REQUEST
    context.refuse(OAuthError(code, detail=str(error), status=error.status))


def note_request(context: RequestContext, request: TokenRequest) -> None:
    """Let the journal show what was ordered, without private keys, and what of it was left."""
    members = dict(request.members)
    proof = members.get("dPoPProofParameters")
    if proof and "privateKeyForProofCreation" in proof:
        members["dPoPProofParameters"] = {**proof, "privateKeyForProofCreation": _REMOVED}
    context.detail["order"] = members
    if request.ignored:
        context.detail["ignored_members"] = list(request.ignored)


def note_made(context: RequestContext, made: Made, defects: tuple[Defect, ...]) -> None:
    """Let the journal show the token and the proof that were made, decoded, and what is wrong with them."""
    context.client_id = made.token.claims.get("client_id") if _is_text(made.token.claims.get("client_id")) else None
    context.detail["access_token"] = dict(made.token.claims)
    if made.proof_parts is not None:
        context.detail["dpop_proof"] = _shown(made.proof_parts)
    if defects:
        context.detail["defects"] = [defect.name for defect in defects]


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _shown(parts: Spoiled) -> dict[str, Any]:
    return {"header": dict(parts.header), "claims": dict(parts.claims)}


def _plan(context: RequestContext, request: TokenRequest, ordering: Ordering) -> TokenPlan:
    now = context.times.wall
    audience = ordering.audience if ordering.of_version_1 else request.text("audience")
    if not audience:
        raise OrderError(
            400,
            {"Audience": "the header is missing: it names the API"}
            if ordering.of_version_1
            else {"audience": "is missing: the name of the API that the token is for"},
        )
    proof, jkt = _proof(request, now)
    defects = _defects(request, with_proof=proof is not None)
    frame = Frame(_issuer(context), audience, now, new_jti, ordering.of_version_1)
    claims = ordered_claims(request, frame, EnvironmentRegisters(context.reached), jkt)
    return TokenPlan(claims, _typ(context, request), now, defects, proof)


def _issuer(context: RequestContext) -> str:
    chosen = context.environment.policy.test_token_issuer
    return f"{chosen}{context.environment.below}" if chosen else context.urls.issuer.base


def _typ(context: RequestContext, request: TokenRequest) -> str:
    typ = request.text("headerParameters", "typ")
    if not typ:
        return context.environment.policy.test_token_typ
    if typ.lower() not in _TYPES:
        raise OrderError(400, {"headerParameters.typ": f"is {typ[:40]!r}, expected {' or '.join(_TYPES)}"})
    return _TYPES[typ.lower()]


def _defects(request: TokenRequest, *, with_proof: bool) -> tuple[Defect, ...]:
    names = [name for switch, name in _SWITCHES.items() if request.says(switch)]
    if request.says("expirationParameters", "setExpirationTimeAsExpired"):
        names.append("expired")
    of_proof = request.group("dPoPProofParameters").get("invalidDPoPProofParameters")
    # Programs of NHN's send a defect of the proof also where they order none.
    if with_proof and of_proof:
        names.append(PROOF_DEFECTS[of_proof])
    return find_defects(names)


def _proof(request: TokenRequest, now: int) -> tuple[ProofPlan | None, str | None]:
    """The proof that is ordered, and the thumbprint to which the token is bound; None where there is none."""
    jkt = _given_thumbprint(request)
    if not request.says("createDPoPTokenWithDPoPProof"):
        return None, jkt
    if jkt is not None:
        raise OrderError(
            400,
            {
                "clientClaimsParameters": "has cnfJkt or cnfPublicKey beside createDPoPTokenWithDPoPProof, which binds "
                "the token to the key of its proof; privateKeyForProofCreation names that key"
            },
        )
    parameters = request.group("dPoPProofParameters")
    missing = {
        "htuClaimValue": ProofDefect.DontSetHtuClaimValue,
        "htmClaimValue": ProofDefect.DontSetHtmClaimValue,
    }
    faults = {
        f"dPoPProofParameters.{name}": f"is missing; createDPoPTokenWithDPoPProof needs it, except with "
        f"invalidDPoPProofParameters {word_of(unless)}"
        for name, unless in missing.items()
        if not parameters.get(name) and parameters.get("invalidDPoPProofParameters") is not unless
    }
    if faults:
        raise OrderError(400, faults)
    key_text = parameters.get("privateKeyForProofCreation", "")
    try:
        key = read_proof_key(key_text) if key_text else new_proof_key()
    except ProofKeyError as error:
        raise OrderError(400, {"dPoPProofParameters.privateKeyForProofCreation": str(error)}) from None
    plan = ProofPlan(
        parameters.get("htmClaimValue", ""), parameters.get("htuClaimValue", ""), key, jti=new_jti(), issued_at=now
    )
    return plan, plan.thumbprint


def _given_thumbprint(request: TokenRequest) -> str | None:
    jkt = request.text("clientClaimsParameters", "cnfJkt")
    key = request.text("clientClaimsParameters", "cnfPublicKey")
    if jkt and key:
        raise OrderError(
            400, {"clientClaimsParameters.cnfJkt": "is given beside cnfPublicKey; leave one of the two out"}
        )
    if not key:
        return jkt or None
    try:
        return import_public_key(read_json_object(key.encode())).thumbprint
    except (JsonTextError, JoseError) as error:
        raise OrderError(400, {"clientClaimsParameters.cnfPublicKey": f"is no JWK in a JSON text: {error}"}) from None
