"""The keys of a client as it manages them itself: listed, and added beside those that are there.

When a key ends stands in the registered JWK, as the member ``exp`` (seconds since 1970); one without never ends.
"""

from collections.abc import Mapping
from typing import Any

from mock_sts.helseid.profile.key_sizes import MIN_RSA_BITS
from mock_sts.helseid.registry.client import Client
from mock_sts.protocol.errors import ErrorCode, OAuthError
from mock_sts.protocol.jose import JoseError, import_public_key, private_members
from mock_sts.services.control.registry import lock_registry
from mock_sts.services.request_context import RequestContext
from mock_sts.services.tokens.access_token import Presented, check_access_token, check_use
from mock_sts.store.catalog import MADE, put_entry

#: The service as an API of HelseID.
AUDIENCE = "nhn:selvbetjening"
SCOPE = f"{AUDIENCE}/client"

#: How long a key lives that comes by the API. The end is midnight UTC after that.
KEY_DAYS = 90

_DAY = 86_400


class KeyRefusedError(ValueError):
    """A key that is not taken; the message says why and what to send."""


def calling_client(context: RequestContext, presented: Presented, path: str) -> Client:
    """The client whose own access token is ``presented`` at ``path``. Raises OAuthError, 401 or 403."""
    token = check_access_token(context, presented, path, personal=False)
    if AUDIENCE not in token.audiences:
        raise OAuthError(
            ErrorCode.INVALID_TOKEN,
            detail=f"the access token is for {', '.join(token.audiences)}, not for {AUDIENCE}; ask for {SCOPE}",
            status=401,
        )
    check_use(context, token, scope=SCOPE)
    client = context.catalog.client(token.client_id)
    if client is None:
        raise OAuthError(
            ErrorCode.INVALID_TOKEN,
            detail=f"the client {token.client_id[:100]!r} of the access token is no longer registered",
            status=401,
        )
    return client


def checked_key(jwk: Mapping[str, Any]) -> dict[str, Any]:
    """``jwk`` without members that are empty, which count as absent. Raises KeyRefusedError for what is no public key
    that a client may have.
    """
    found = {name: value for name, value in jwk.items() if value not in (None, "", [], {})}
    if "keys" in found:
        raise KeyRefusedError("the body is a JWK set (it has the member 'keys'); send one public JWK alone")
    if private := private_members(found):
        raise KeyRefusedError(
            f"the key is a private key: it has {', '.join(private)}; send its public part only, and make another key "
            "if this one left your system"
        )
    try:
        key = import_public_key(found)
    except JoseError as error:
        raise KeyRefusedError(f"the body is no public JWK: {error}") from None
    if key.kty == "RSA" and key.bits < MIN_RSA_BITS:
        raise KeyRefusedError(f"the RSA key has {key.bits} bits; make one of {MIN_RSA_BITS} or more")
    found.pop("exp", None)
    return found


def add_key(context: RequestContext, client: Client, jwk: Mapping[str, Any]) -> int:
    """Register ``jwk``, which ``checked_key`` gave, beside the keys that ``client`` has; when it ends, in seconds.

    It counts at the token endpoint at once. A key that the client has already gets the new end. Raises KeyRefusedError
    for a key of another client.
    """
    environment = context.environment
    thumbprint = import_public_key(jwk).thumbprint
    for other in context.catalog.clients():
        if other.client_id != client.client_id and any(key.key.thumbprint == thumbprint for key in other.keys):
            raise KeyRefusedError(
                f"the key is registered for another client ({other.client_id}); each client has keys of its own"
            )
    ends = (context.times.now // _DAY + KEY_DAYS) * _DAY
    with environment.store.writing() as transaction:
        lock_registry(transaction, environment)
        # Read again behind the lock: another request may just have added one.
        row = environment.registry.find(Client, client.client_id)
        if row is None:
            raise KeyRefusedError("the client is no longer registered")
        kept = [one for one in row.item.public_jwks if not _is_key(one, thumbprint)]
        keys = [*(dict(one) for one in kept), {**jwk, "exp": ends}]
        document = {**row.document, "jwks": {"keys": keys}}
        put_entry(transaction, Client.from_document(document, "self-service"), document, MADE, environment.name)
    return ends


def _is_key(jwk: Mapping[str, Any], thumbprint: str) -> bool:
    try:
        return import_public_key(jwk).thumbprint == thumbprint
    except JoseError:
        return False
