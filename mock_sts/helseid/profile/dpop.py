"""The chapter on DPoP proofs, in the order in which HelseID looks at them."""

from operator import attrgetter
from typing import cast

from mock_sts.helseid.profile.algorithms import allow_algorithms
from mock_sts.helseid.profile.issuers import OTHER_ADDRESS
from mock_sts.helseid.profile.jwt import Skew, is_usable_jti
from mock_sts.helseid.profile.key_sizes import (
    BASE64URL,
    BASE64URL_REMEDY,
    BASE64URL_SOURCE,
    GOOD_RSA_BITS,
    MIN_RSA_BITS,
    shorter_than,
)
from mock_sts.helseid.profile.sources import DPOP_PAGE, NSM, PROFILE, PROOF_PAGE
from mock_sts.helseid.requirement import (
    ALWAYS,
    FROM_HELSEID,
    FROM_STRICT,
    NEVER,
    STRICT_ONLY,
    Chapter,
    Level,
    Verdict,
    holds,
)
from mock_sts.protocol.alphabets import form_of
from mock_sts.protocol.dpop import DPoPProof, normal_target
from mock_sts.protocol.errors import ErrorCode
from mock_sts.protocol.jose import ALGORITHMS
from mock_sts.protocol.signed_jwt import Signature
from mock_sts.values import value_type

MUST, SHOULD = Level

#: What HelseID's nonces begin with; it has no meaning.
NONCE_PREFIX = "CfDJ8"

_RFC = "RFC 9449 section 4.3"
_FORM = f"RFC 9449 section 4.2; {PROOF_PAGE}"


@value_type
class ProofEvidence:
    """Everything that is known of a proof.

    ``targets`` are the URLs that ``htu`` may name, the expected one first; ``aliases`` are those that production
    would refuse. ``nonce_good`` and ``spent`` are facts: the nonce is ours and current, or none is asked for; the
    proof's jti was used.
    ``challenge_ignored``: the last request of this client with this key was a challenge, and its nonce is not here.
    """

    proof: DPoPProof | None
    fault: str
    method: str
    targets: tuple[str, ...]
    aliases: tuple[str, ...]
    now: int
    skew: Skew
    nonce_good: bool
    spent: bool = False
    challenge_ignored: bool = False

    #: The proof; only asked for after the rule that makes sure of it. Without a function, for each rule asks.
    read = cast("DPoPProof", property(attrgetter("proof")))


CHAPTER: Chapter[ProofEvidence] = Chapter("dpop", "DPoP proofs", ErrorCode.INVALID_DPOP_PROOF)


@CHAPTER.rule(
    "readable",
    "The DPoP header is a signed JWT",
    level=MUST,
    refused_in=ALWAYS,
    says="Malformed DPoP token.",
    decisive=True,
    remedy="send one compact JWS in the DPoP header",
    source=_RFC,
)
def readable(evidence: ProofEvidence) -> Verdict:
    """It could be read at all."""
    return holds(evidence.proof is not None, evidence.fault, "a compact JWS with a JSON object as payload")


@CHAPTER.rule(
    "typ",
    "The header's typ is dpop+jwt",
    level=MUST,
    refused_in=FROM_HELSEID,
    says="Invalid 'typ' value.",
    remedy='set the header typ to "dpop+jwt"',
    source=_FORM,
)
def typ(evidence: ProofEvidence) -> Verdict:
    """Tells a proof from other JWTs."""
    return holds(evidence.read.typ == "dpop+jwt", evidence.read.typ or "absent", "dpop+jwt")


@CHAPTER.rule(
    "algorithm",
    "The proof is signed with an asymmetric algorithm",
    level=MUST,
    refused_in=ALWAYS,
    says="Invalid 'alg' value.",
    decisive=True,
    remedy=f"sign with one of {', '.join(ALGORITHMS)}",
    source=f"{_RFC}; dpop_signing_alg_values_supported",
)
def algorithm(evidence: ProofEvidence) -> Verdict:
    """Neither ``none`` nor a shared secret."""
    return holds(bool(evidence.read.algorithm), evidence.read.jws.header.get("alg"), lambda: ", ".join(ALGORITHMS))


allow_algorithms(
    CHAPTER,
    lambda evidence: evidence.read.algorithm,
    says="Invalid 'alg' value.",
    source=f"{_RFC}; dpop_signing_alg_values_supported",
)


@CHAPTER.rule(
    "key",
    "The header carries the public key (jwk), RSA or EC",
    level=MUST,
    refused_in=ALWAYS,
    says="Invalid 'jwk' value.",
    decisive=True,
    remedy="put the public JWK of the proof's key into the header member jwk",
    source=_FORM,
)
def key(evidence: ProofEvidence) -> Verdict:
    """It makes a key, and its type fits the algorithm."""
    proof = evidence.read
    fits = proof.key is not None and proof.key.fits(proof.algorithm)
    return holds(fits, proof.key_fault or "the key's type does not fit alg", "an RSA or EC key that fits alg")


@CHAPTER.rule(
    "key-public",
    "The jwk in the header holds no private key",
    level=MUST,
    refused_in=FROM_HELSEID,
    says="'jwk' value contains a private key.",
    remedy="export the public part only; a private key that was sent is no longer private, make a new one",
    source=_RFC,
)
def key_public(evidence: ProofEvidence) -> Verdict:
    """Some JWK libraries export everything by default."""
    found = evidence.read.private_members
    return holds(not found, lambda: f"the jwk has private members: {', '.join(found)}", "public members only")


@CHAPTER.rule(
    "key-encoding",
    "The members of the jwk are base64url without padding",
    level=SHOULD,
    refused_in=NEVER,
    remedy=BASE64URL_REMEDY,
    source=BASE64URL_SOURCE,
)
def key_encoding(evidence: ProofEvidence) -> Verdict:
    """A thumbprint is that of the right form, whatever form came."""
    loose = evidence.read.key.loose if evidence.read.key is not None else ()
    return holds(not loose, lambda: f"{', '.join(loose)} in standard base64 or padded", BASE64URL)


@CHAPTER.rule(
    "signature",
    "The key in the header verifies the signature",
    level=MUST,
    refused_in=ALWAYS,
    says="Invalid signature on DPoP token.",
    decisive=True,
    remedy="sign with the private key that belongs to the jwk in the header",
    source=_RFC,
)
def signature(evidence: ProofEvidence) -> Verdict:
    """With the key it carries itself."""
    return holds(evidence.read.signature is Signature.VERIFIED, "the signature does not verify", "a valid signature")


@CHAPTER.rule(
    "key-size",
    f"An RSA key has at least {MIN_RSA_BITS} bits",
    level=MUST,
    refused_in=FROM_HELSEID,
    says="Invalid 'jwk' value.",
    remedy=f"make an RSA key of {GOOD_RSA_BITS} bits or an EC key",
    source=f"{PROFILE}, cryptographic requirements; RFC 7518 section 3.3",
)
def key_size(evidence: ProofEvidence) -> Verdict | None:
    """EC keys are long enough by their curves."""
    return _rsa_bits_at_least(evidence, MIN_RSA_BITS)


@CHAPTER.rule(
    "key-size-advice",
    f"An RSA key has at least {GOOD_RSA_BITS} bits",
    level=SHOULD,
    refused_in=NEVER,
    remedy=f"make an RSA key of {GOOD_RSA_BITS} bits or an EC key",
    source=NSM,
)
def key_size_advice(evidence: ProofEvidence) -> Verdict | None:
    """Good practice."""
    return _rsa_bits_at_least(evidence, GOOD_RSA_BITS)


@CHAPTER.rule(
    "curve",
    "An EC key signs with the algorithm of its curve: ES256 P-256, ES384 P-384, ES512 P-521",
    level=MUST,
    refused_in=FROM_STRICT,
    says="Invalid 'jwk' value.",
    remedy="sign with the algorithm that belongs to the key's curve",
    source="RFC 7518 section 3.4",
)
def curve(evidence: ProofEvidence) -> Verdict | None:
    """As for assertions."""
    proof = evidence.read
    if proof.key is None:
        return None
    return holds(
        proof.key.curve_fits(proof.algorithm), lambda: f"{proof.algorithm} with {proof.key.crv}", "its own curve"
    )


@CHAPTER.rule(
    "jti",
    "The proof has an id (jti)",
    level=MUST,
    refused_in=FROM_HELSEID,
    says="Invalid 'jti' value.",
    remedy="add jti, a new random value for each proof",
    source=_FORM,
)
def jti(evidence: ProofEvidence) -> Verdict:
    """A short text."""
    return holds(
        is_usable_jti(evidence.read.jti), lambda: f"jti is {evidence.read.jws.claims.get('jti')!r}", "a short text"
    )


@CHAPTER.rule(
    "htm",
    "htm is the method of the request",
    level=MUST,
    refused_in=FROM_HELSEID,
    says="Invalid 'htm' value.",
    remedy='set htm to the HTTP method in capitals, "POST" at the token endpoint',
    source=_FORM,
)
def htm(evidence: ProofEvidence) -> Verdict:
    """Methods are case-sensitive."""
    return holds(evidence.read.method == evidence.method, lambda: f"htm is {evidence.read.method!r}", evidence.method)


@CHAPTER.rule(
    "htu",
    "htu is the URL of the endpoint",
    level=MUST,
    refused_in=FROM_HELSEID,
    says="Invalid 'htu' value.",
    remedy="set htu to the endpoint's URL as the discovery document writes it" + OTHER_ADDRESS,
    source=_RFC,
)
def htu(evidence: ProofEvidence) -> Verdict:
    """Compared after normalisation: case of scheme and host, default port, no query, no fragment."""
    found = normal_target(evidence.read.target or "")
    allowed = {normal_target(url) for url in (*evidence.targets, *evidence.aliases)}
    return holds(found in allowed and found != "", lambda: f"htu is {evidence.read.target!r}", evidence.targets[0])


@CHAPTER.rule(
    "htu-plain",
    "htu has no query and no fragment",
    level=MUST,
    refused_in=STRICT_ONLY,
    says="Invalid 'htu' value.",
    remedy="cut the URL before ? and #",
    source=_FORM,
)
def htu_plain(evidence: ProofEvidence) -> Verdict:
    """HelseID ignores them."""
    target = evidence.read.target or ""
    return holds("?" not in target and "#" not in target, lambda: f"htu is {target!r}", "without query and fragment")


@CHAPTER.rule(
    "htu-alias",
    "htu is the address that the discovery document names, not an alias of it",
    level=SHOULD,
    refused_in=NEVER,
    remedy="take the URL from the discovery document; HelseID has one address and would refuse this",
    source="choice of this emulator, which may have several addresses",
)
def htu_alias(evidence: ProofEvidence) -> Verdict | None:
    """Only where aliases are set at all."""
    if not evidence.aliases:
        return None
    found = normal_target(evidence.read.target or "")
    return holds(
        found not in {normal_target(url) for url in evidence.aliases},
        lambda: f"htu is {found!r}",
        evidence.targets[0],
    )


@CHAPTER.rule(
    "issued-at",
    "The proof says when it was made (iat), as a number",
    level=MUST,
    refused_in=FROM_HELSEID,
    says="Missing 'iat' value.",
    remedy="add iat, a number: seconds since 1970",
    source=_FORM,
)
def issued_at(evidence: ProofEvidence) -> Verdict:
    """Its age is not judged where a nonce shows freshness."""
    return holds(
        evidence.read.issued_at is not None, lambda: f"iat is {evidence.read.jws.claims.get('iat')!r}", "a number"
    )


@CHAPTER.rule(
    "clock",
    "The proof is fresh: iat is not more than a minute old and not ahead of time, and nbf and exp agree",
    level=MUST,
    refused_in=FROM_STRICT,
    says="Invalid 'iat' value.",
    remedy="make a new proof for each request, and synchronise the clock (ntp.nhn.no)",
    source=f"{PROFILE}, FK4; RFC 9449 section 11.1",
)
def clock(evidence: ProofEvidence) -> Verdict | None:
    """HelseID looks at the nonce instead."""
    proof, now, skew = evidence.read, evidence.now, evidence.skew.strict
    if proof.not_before is not None and proof.not_before > now + skew:
        return holds(False, f"nbf lies {proof.not_before - now:.0f} s ahead", f"{skew} s", "Invalid 'nbf' value.")
    if proof.expires_at is not None and proof.expires_at <= now - skew:
        return holds(False, f"exp lies {now - proof.expires_at:.0f} s back", f"{skew} s", "Invalid 'exp' value.")
    if proof.issued_at is None:
        return None
    age = now - proof.issued_at
    return holds(
        -skew <= age <= 60 + skew, lambda: f"iat lies {age:.0f} s back", lambda: f"between {-skew} and {60 + skew} s"
    )


@CHAPTER.rule(
    "nonce",
    "The proof carries a nonce from the server",
    level=MUST,
    refused_in=ALWAYS,
    error=ErrorCode.USE_DPOP_NONCE,
    says="Missing 'nonce' value.",
    decisive=True,
    is_challenge=True,
    remedy="repeat the request with a new proof (new jti) that carries the nonce of the DPoP-Nonce header",
    source=f"RFC 9449 section 8; {DPOP_PAGE}",
)
def nonce(evidence: ProofEvidence) -> Verdict:
    """HelseID always challenges a proof without one. No client knows a nonce before: only a second time is a breach."""
    return holds(
        evidence.nonce_good or evidence.read.nonce is not None or not evidence.read.nonce_is_text,
        lambda: "no nonce, after a challenge that brought one" if evidence.challenge_ignored else "no nonce",
        "a server nonce",
        step=not evidence.challenge_ignored,
    )


@CHAPTER.rule(
    "nonce-current",
    "The nonce is HelseID's and not too old",
    level=MUST,
    refused_in=ALWAYS,
    error=ErrorCode.USE_DPOP_NONCE,
    says="Invalid 'nonce' value.",
    decisive=True,
    is_challenge=True,
    remedy="repeat the request with a new proof (new jti) that carries the nonce of the DPoP-Nonce header",
    source=f"RFC 9449 section 8; {DPOP_PAGE}",
)
def nonce_current(evidence: ProofEvidence) -> Verdict:
    """An outdated one is an ordinary event: the client learns the new one. A finding is who does not take that."""
    return holds(
        evidence.nonce_good,
        lambda: f"nonce is {evidence.read.jws.claims.get('nonce')!r}",
        "a current server nonce",
        step=not evidence.challenge_ignored,
    )


@CHAPTER.rule(
    "single-use",
    "The proof is used once",
    level=MUST,
    refused_in=FROM_HELSEID,
    says="Detected replay of DPoP proof token.",
    remedy="make a new proof, with a new jti, for each request",
    source=f"{PROOF_PAGE}; RFC 9449 section 11.1",
)
def single_use(evidence: ProofEvidence) -> Verdict:
    """Looked at last, so a challenged proof is not used up. The store also decides races."""
    return holds(not evidence.spent, "a proof with this jti has been used before", "a new jti")


def _rsa_bits_at_least(evidence: ProofEvidence, bits: int) -> Verdict | None:
    key = evidence.read.key
    if key is None or key.kty != "RSA":
        return None
    short = shorter_than(bits, (key,))
    return holds(not short, lambda: f"{short} bits", lambda: f"at least {bits} bits")


#: The same for proofs beside an access token, where HelseID asks for no nonce.
RESOURCE_CHAPTER = CHAPTER.without_challenges()


@value_type
class TokenProofEvidence:
    """A good proof and the access token beside it: the token's hash, and the thumbprint it is bound to (or None)."""

    proof: DPoPProof
    token_hash: str
    bound_to: str | None
    now: int
    skew: Skew


TOKEN_CHAPTER: Chapter[TokenProofEvidence] = Chapter(
    "dpop-token", "DPoP proofs beside an access token", ErrorCode.INVALID_TOKEN
)


@TOKEN_CHAPTER.rule(
    "key",
    "The proof is made with the key that the access token is bound to",
    level=MUST,
    refused_in=FROM_HELSEID,
    remedy="use the key of the token request for every call with the token",
    source=f"RFC 9449 section 7.1; {DPOP_PAGE}",
)
def token_key(evidence: TokenProofEvidence) -> Verdict:
    """``cnf.jkt``."""
    return holds(evidence.proof.thumbprint == evidence.bound_to, lambda: evidence.proof.thumbprint, evidence.bound_to)


@TOKEN_CHAPTER.rule(
    "ath",
    "The proof carries the hash of the access token (ath)",
    level=MUST,
    refused_in=FROM_HELSEID,
    error=ErrorCode.INVALID_DPOP_PROOF,
    says="Invalid 'ath' value.",
    remedy="add ath = base64url(SHA-256(access token))",
    source=f"RFC 9449 section 4.2; {PROOF_PAGE}",
)
def token_hash(evidence: TokenProofEvidence) -> Verdict:
    """So that a proof serves one token."""
    found = evidence.proof.jws.claims.get("ath")
    return holds(
        found == evidence.token_hash,
        lambda: f"ath is {found!r}{_in_another_form(found, evidence.token_hash)}",
        evidence.token_hash,
    )


@TOKEN_CHAPTER.rule(
    "fresh",
    "The proof was made just now",
    level=MUST,
    refused_in=FROM_HELSEID,
    error=ErrorCode.INVALID_DPOP_PROOF,
    says="Invalid 'iat' value.",
    remedy="make a new proof for each call, and synchronise the clock (ntp.nhn.no)",
    source="RFC 9449 section 11.1; HelseID's sample APIs",
)
def token_proof_fresh(evidence: TokenProofEvidence) -> Verdict:
    """Without a nonce only its time shows that. However small the skew, a proof may be as old as ``clock`` says."""
    age, skew = evidence.now - (evidence.proof.issued_at or 0), evidence.skew
    oldest = max(skew.usual, 60 + skew.strict)
    return holds(
        -skew.usual <= age <= oldest,
        lambda: f"iat lies {age:.0f} s back",
        lambda: f"between {-skew.usual} and {oldest} s",
    )


def _in_another_form(found: object, expected: str) -> str:
    form = form_of(found, expected) if isinstance(found, str) else ""
    return f", the right hash as {form}" if form else ""
