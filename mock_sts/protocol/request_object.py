"""Request objects: an authorization request as a JWT that the client signs, sent by value (RFC 9101)."""

from typing import Any

from mock_sts.protocol.authorization_request import PARAMETERS
from mock_sts.protocol.json_text import text_or_none
from mock_sts.protocol.params import REPEATABLE, Params
from mock_sts.protocol.signed_jwt import SignedJwt, read_signed_jwt
from mock_sts.values import value_type

#: Parameters that a request object may not hold itself (RFC 9101 section 4).
NESTED = ("request", "request_uri")

#: Lists in a request object that stand for words in a parameter.
_WORDS = ("acr_values", "prompt", "scope", "ui_locales")


@value_type
class RequestObject:
    """The facts of a request object.

    ``jwt`` has its header, times, issuer and audience; ``client_id`` is the claim, ``parameters`` the authorization
    request inside, ``nested`` which of NESTED are inside too, ``unreadable`` the names of parameters whose value is of
    a type that makes none.
    """

    jwt: SignedJwt
    client_id: str | None
    parameters: Params
    nested: tuple[str, ...]
    unreadable: tuple[str, ...] = ()

    @property
    def claimed_client(self) -> str | None:
        """Whose it claims to be, before anything is verified."""
        return self.client_id or self.jwt.issuer


def read_request_object(text: str, others: tuple[str, ...] = ()) -> RequestObject:
    """The request object in ``text``; ``others`` are names of parameters beside the standard ones.

    Raises JoseError when it is no JWT at all.
    """
    jwt = read_signed_jwt(text, SignedJwt)
    claims = jwt.jws.claims
    found = {name: _texts(name, claims[name]) for name in (*PARAMETERS, *others) if name in claims}
    return RequestObject(
        jwt=jwt,
        client_id=text_or_none(claims.get("client_id")),
        parameters=Params((name, value) for name, values in found.items() for value in values or ()),
        nested=tuple(name for name in NESTED if name in claims),
        unreadable=tuple(name for name, values in found.items() if values is None),
    )


def _texts(name: str, value: Any) -> list[str] | None:
    """The claim ``value`` as the values of a parameter: whole numbers become text, lists words or several values; None
    for anything else.
    """
    if isinstance(value, str):
        return [value]
    if isinstance(value, int) and not isinstance(value, bool):
        return [str(value)]
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        if name in REPEATABLE:
            return value
        if name in _WORDS:
            return [" ".join(value)]
    return None
