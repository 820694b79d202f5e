"""The proof phase: read the proof, gather the facts about it, let the chapter judge, challenge where it must be."""

from dataclasses import replace

from mock_sts.helseid.endpoints import Endpoint
from mock_sts.helseid.profile import dpop as chapter
from mock_sts.helseid.profile.dpop import ProofEvidence
from mock_sts.protocol.dpop import DPoPProof, dpop_proof_in
from mock_sts.protocol.errors import ErrorCode, OAuthError
from mock_sts.protocol.signed_jwt import Signature
from mock_sts.protocol.terms import NONCE_HEADER
from mock_sts.services.back_channel.client_authentication import AuthenticatedClient
from mock_sts.services.back_channel.received_proof import ReceivedProof
from mock_sts.services.request_context import RequestContext
from mock_sts.store.replay import Once


def check_proof(
    context: RequestContext,
    caller: AuthenticatedClient,
    received: ReceivedProof | None,
    endpoint: Endpoint,
    method: str,
) -> str | None:
    """The thumbprint (``jkt``) of the key of the proof that was ``received``, or None when there is no proof.

    The shared phases have seen to it that there is at most one. Raises OAuthError; a challenge carries the nonce. Until
    the proof is found good nothing is used up, for clients repeat the same assertion after a challenge; from then on
    the request uses up both.
    """
    if received is None:
        context.use_up(caller.use)
        return None
    evidence = gather(context, received, endpoint, method, spent=caller.proof_spent)
    key = _key_of(caller, evidence.proof)
    if key is not None and not evidence.nonce_good:
        evidence = replace(evidence, challenge_ignored=_has_ignored_challenge(context, key, evidence.read))
    try:
        context.judge(chapter.CHAPTER, evidence)
    except OAuthError as error:
        if error.code is ErrorCode.USE_DPOP_NONCE:
            error.headers[NONCE_HEADER] = context.environment.nonces.mint(context.times.now)
            context.note_challenged(caller.use.once)
            if key is not None:
                context.note_proof_key(key)
        raise
    context.keep_apart(chapter.htu, (evidence.read.target or "",))
    if key is not None:
        context.note_proof_key(key)
    context.use_up(caller.use)
    context.use_up(received.use)
    return evidence.read.thumbprint


def _key_of(caller: AuthenticatedClient, proof: DPoPProof | None) -> Once | None:
    """What tells one client's key from all others; None for a proof that shows no key."""
    if proof is None or proof.signature is not Signature.VERIFIED:
        return None
    return Once("proof-key", (caller.client.client_id, proof.thumbprint), 0)


def _has_ignored_challenge(context: RequestContext, key: Once, proof: DPoPProof) -> bool:
    """Whether the request before this one, of the same client with the same ``key``, ended in a challenge.

    A nonce that came too late is not ignored, however old it is by now. Requests that a client sends side by side
    before it has read an answer look the same as one that does not read it.
    """
    challenged_at = context.environment.journal.unanswered_challenge(key)
    if challenged_at is None:
        return False
    return proof.nonce is None or context.times.wall < challenged_at + context.environment.nonces.step


def gather(
    context: RequestContext, received: ReceivedProof, endpoint: str, method: str, *, spent: bool
) -> ProofEvidence:
    """What is known of the proof that was ``received``; ``spent`` says that it was used before."""
    proof = dpop_proof_in(received.jws) if received.jws is not None else None
    if proof is not None:
        context.show("dpop_proof", proof.jws)
    urls = context.urls
    return ProofEvidence(
        proof=proof,
        fault=received.fault,
        method=method,
        targets=tuple(dict.fromkeys((urls.back_channel.url(endpoint), urls.issuer.url(endpoint)))),
        aliases=tuple([other.url(endpoint) for other in urls.others]),
        now=context.times.wall,
        skew=context.environment.policy.skew,
        nonce_good=context.environment.nonces.is_good(proof.nonce if proof else None, context.times.now),
        spent=spent,
    )
