"""The chapter on client registrations: what the registration alone shows."""

from urllib.parse import urlsplit

from mock_sts.helseid.profile.key_sizes import (
    BASE64URL,
    BASE64URL_REMEDY,
    BASE64URL_SOURCE,
    GOOD_RSA_BITS,
    MIN_RSA_BITS,
    shorter_than,
)
from mock_sts.helseid.profile.sources import FAPI, NSM, PROFILE
from mock_sts.helseid.registry.client import Client, ClientKey
from mock_sts.helseid.requirement import FROM_HELSEID, FROM_STRICT, NEVER, STRICT_ONLY, Chapter, Level, Verdict, holds
from mock_sts.helseid.terms import MULTI_TENANT
from mock_sts.protocol.addresses import is_loopback_name
from mock_sts.protocol.errors import ErrorCode
from mock_sts.protocol.terms import GrantType
from mock_sts.values import value_type

MUST, SHOULD = Level


@value_type
class Registration:
    """A client, other clients that hold one of its keys, and the key that it used (None: look at all)."""

    client: Client
    key_sharers: tuple[Client, ...] = ()
    used: ClientKey | None = None


CHAPTER: Chapter[Registration] = Chapter("client", "Client registration", ErrorCode.INVALID_CLIENT)


@CHAPTER.rule(
    "keys",
    "The client has a key, and each of its keys can be used",
    level=MUST,
    refused_in=STRICT_ONLY,
    remedy="register the public JWK, RSA or EC",
    source=PROFILE,
)
def keys(evidence: Registration) -> Verdict:
    """Without a key the client cannot authenticate."""
    faults = evidence.client.key_faults or (() if evidence.client.keys else ("no key is registered",))
    return holds(not faults, lambda: "; ".join(faults), "at least one RSA or EC public key")


@CHAPTER.rule(
    "key-size",
    f"RSA keys have at least {MIN_RSA_BITS} bits",
    level=MUST,
    refused_in=FROM_HELSEID,
    remedy=f"make an RSA key of {GOOD_RSA_BITS} bits or an EC key, and register it",
    source=f"{PROFILE}, cryptographic requirements; RFC 7518 section 3.3",
)
def key_size(evidence: Registration) -> Verdict:
    """EC keys are long enough by their curves."""
    return _rsa_bits_at_least(evidence, MIN_RSA_BITS)


@CHAPTER.rule(
    "key-size-advice",
    f"RSA keys have at least {GOOD_RSA_BITS} bits",
    level=SHOULD,
    refused_in=NEVER,
    remedy=f"make an RSA key of {GOOD_RSA_BITS} bits or an EC key, and register it",
    source=NSM,
)
def key_size_advice(evidence: Registration) -> Verdict:
    """Good practice."""
    return _rsa_bits_at_least(evidence, GOOD_RSA_BITS)


@CHAPTER.rule(
    "key-own",
    "No other client has the same key, but the components of one system: clients of the same organization",
    level=MUST,
    refused_in=STRICT_ONLY,
    remedy="make a key pair of its own for each client; for components of one system register their organization",
    source=f"{PROFILE}; HelseID documentation, Håndtering av hemmeligheter",
)
def key_own(evidence: Registration) -> Verdict:
    """NHN's samples share one key among ten clients. A registration does not name its system, but its owner."""
    owner = evidence.client.organization
    foreign = [c.client_id for c in evidence.key_sharers if owner is None or c.organization != owner]
    return holds(not foreign, lambda: f"shared with {', '.join(foreign)}", "a key of its own")


@CHAPTER.rule(
    "key-named",
    "Each registered key has a kid and an alg",
    level=SHOULD,
    refused_in=NEVER,
    remedy="add kid (the RFC 7638 thumbprint will do) and alg to the JWK",
    source="HelseID documentation, Selvbetjening",
)
def key_named(evidence: Registration) -> Verdict:
    """Self-service asks for the alg."""
    nameless = sum(1 for key in evidence.client.keys if not key.kid or not key.alg)
    return holds(nameless == 0, lambda: f"{nameless} without kid or alg", "kid and alg in each")


@CHAPTER.rule(
    "key-algorithm",
    "The alg of each registered key is one that the key can sign with",
    level=SHOULD,
    refused_in=NEVER,
    remedy="set alg of the JWK to one that belongs to the key's type and curve, in the private key too",
    source="RFC 7517 section 4.4; RFC 7518 sections 3.1 and 3.4",
)
def key_algorithm(evidence: Registration) -> Verdict:
    """HelseID looks at the key alone; libraries will not sign with such a key. NHN's JwkGenerator writes ES512 for all
    curves.
    """
    wrong = [key for key in evidence.client.keys if key.alg and key.alg not in key.key.algorithms]
    return holds(
        not wrong,
        lambda: ", ".join(f"{key.alg} for {key.kid or 'a key'} ({key.key.crv or key.key.kty})" for key in wrong),
        lambda: ", ".join(dict.fromkeys(name for key in wrong for name in key.key.algorithms)),
    )


@CHAPTER.rule(
    "key-encoding",
    "The members of each registered key are base64url without padding",
    level=SHOULD,
    refused_in=NEVER,
    remedy=BASE64URL_REMEDY,
    source=BASE64URL_SOURCE,
)
def key_encoding(evidence: Registration) -> Verdict:
    """Such a key is taken; other programs may not take it."""
    loose = [f"{name} of {key.kid or 'a key without kid'}" for key in evidence.client.keys for name in key.key.loose]
    return holds(not loose, lambda: f"{', '.join(loose)} in standard base64 or padded", BASE64URL)


@CHAPTER.rule(
    "dpop",
    "The client is registered for DPoP (dpop_bound_access_tokens)",
    level=MUST,
    refused_in=STRICT_ONLY,
    remedy="register dpop_bound_access_tokens: true",
    source=f"{PROFILE}; {FAPI} section 5.3.2.1",
)
def dpop(evidence: Registration) -> Verdict:
    """Older clients may run without."""
    return holds(evidence.client.dpop_bound_access_tokens, "false", "true")


@CHAPTER.rule(
    "par",
    "A client that logs people in is registered for PAR (require_pushed_authorization_requests)",
    level=MUST,
    refused_in=STRICT_ONLY,
    remedy="register require_pushed_authorization_requests: true",
    source=f"{PROFILE}; {FAPI} section 5.3.2.2",
)
def par(evidence: Registration) -> Verdict | None:
    """Machines need none."""
    if GrantType.AUTHORIZATION_CODE not in evidence.client.grant_types:
        return None
    return holds(evidence.client.require_pushed_authorization_requests, "false", "true")


@CHAPTER.rule(
    "redirect-uris",
    "Redirect URIs use https, or http on the loopback interface",
    level=MUST,
    refused_in=FROM_STRICT,
    remedy="register an https address; http is for localhost and 127.0.0.1 only",
    source=f"{PROFILE}; RFC 8252 section 8.3",
)
def redirect_uris(evidence: Registration) -> Verdict | None:
    """Whatever has another host could be read on its way."""
    uris = evidence.client.redirect_uris
    if not uris:
        return None
    wrong = [uri for uri in uris if not _is_safe_redirect(uri)]
    return holds(not wrong, wrong, "https, or http on localhost")


@CHAPTER.rule(
    "organization",
    "A multi-tenant client names its owner's organization number",
    level=SHOULD,
    refused_in=NEVER,
    remedy="register organization; it becomes orgnr_supplier in the tokens",
    source="HelseID documentation, Organisasjonsnumre",
)
def organization(evidence: Registration) -> Verdict | None:
    """The supplier."""
    if evidence.client.tenancy != MULTI_TENANT:
        return None
    return holds(bool(evidence.client.organization), "none", "an organization number")


def _rsa_bits_at_least(evidence: Registration, bits: int) -> Verdict:
    keys = evidence.client.keys if evidence.used is None else (evidence.used,)
    short = shorter_than(bits, (key.key for key in keys))
    return holds(not short, lambda: f"{short} bits", lambda: f"at least {bits} bits")


def _is_safe_redirect(uri: str) -> bool:
    try:
        parts = urlsplit(uri)
    except ValueError:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback_name(parts.hostname or ""))
