"""Answers to authorization requests: a code or an error, back to the client (RFC 6749 4.1.2, RFC 9207)."""

import hashlib
from urllib.parse import quote

from mock_sts.protocol.jose import to_base64url
from mock_sts.values import value_type


@value_type
class AuthorizationResponse:
    """Parameters on their way to ``redirect_uri``, in order, by ``mode``: query or form_post."""

    redirect_uri: str
    mode: str
    parameters: tuple[tuple[str, str], ...]

    @property
    def location(self) -> str:
        """The URL of a query response; ``state`` comes back byte for byte. Errors end with ``#_``, as at HelseID:
        a fragment of the page before would otherwise stick to the URL.
        """
        joint = "&" if "?" in self.redirect_uri else "?"
        pairs = "&".join(f"{name}={quote(value, safe='')}" for name, value in self.parameters)
        end = "#_" if any(name == "error" for name, _ in self.parameters) else ""
        return f"{self.redirect_uri}{joint}{pairs}{end}"


def session_state(client_id: str, origin: str, session_id: str, salt: str) -> str:
    """OpenID Connect Session Management section 2: a hash over client, its origin and the session, and the salt."""
    digest = hashlib.sha256(f"{client_id}{origin}{session_id}{salt}".encode()).digest()
    return f"{to_base64url(digest)}.{salt}"
