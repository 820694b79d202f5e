"""Client assertions: a JWT that a client signs to authenticate itself (RFC 7523 section 3, OpenID Connect Core 9)."""

from mock_sts.protocol.signed_jwt import SignedJwt, read_signed_jwt
from mock_sts.values import value_type

#: The parameters by which a client says who it is (RFC 6749 section 2.3, RFC 7521 section 4.2).
PARAMETERS = ("client_id", "client_secret", "client_assertion", "client_assertion_type")


@value_type
class ClientAssertion(SignedJwt):
    """A JWT that came as ``client_assertion``. A type of its own: no other JWT may prove who a client is."""


def read_client_assertion(text: str) -> ClientAssertion:
    """The assertion in ``text``. Raises JoseError when it is no JWT at all: then there is nothing to judge."""
    return read_signed_jwt(text, ClientAssertion)
