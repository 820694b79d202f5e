"""What is reported to a person of a token that the same server has issued under another name."""

from collections.abc import Iterable

#: What mends it, wherever such a token is shown.
ONE_ISSUER = (
    "ask for the token and use it by one address, or tell the server which addresses are one: MOCK_STS_PUBLIC_URL is "
    "the issuer, MOCK_STS_ALIASES are the others"
)

#: The same for a client that knows this server by an address that is none of its own.
OTHER_ADDRESS = (
    "; where that is not the address that the client knows, MOCK_STS_PUBLIC_URL sets it, and MOCK_STS_ALIASES has "
    "others"
)


def one_of(issuers: Iterable[str]) -> str:
    """The issuers that are known where the token was shown."""
    return f"{' or '.join(sorted(issuers))}, as this server is known where it was asked"
