"""OAuth errors: what the client hears, and beside it what only the developer finds."""

from collections.abc import Mapping
from enum import StrEnum


class ErrorCode(StrEnum):
    """Registered error codes (RFC 6749, 6750, 8707, 9101, 9126, 9396, 9449; OpenID Connect Core)."""

    INVALID_REQUEST = "invalid_request"
    INVALID_CLIENT = "invalid_client"
    INVALID_GRANT = "invalid_grant"
    UNAUTHORIZED_CLIENT = "unauthorized_client"
    UNSUPPORTED_GRANT_TYPE = "unsupported_grant_type"
    INVALID_SCOPE = "invalid_scope"
    INVALID_TARGET = "invalid_target"
    INVALID_DPOP_PROOF = "invalid_dpop_proof"
    USE_DPOP_NONCE = "use_dpop_nonce"
    ACCESS_DENIED = "access_denied"
    INSUFFICIENT_SCOPE = "insufficient_scope"
    INVALID_REQUEST_URI = "invalid_request_uri"
    INVALID_TOKEN = "invalid_token"
    INTERACTION_REQUIRED = "interaction_required"
    TEMPORARILY_UNAVAILABLE = "temporarily_unavailable"
    LOGIN_REQUIRED = "login_required"
    INVALID_REQUEST_OBJECT = "invalid_request_object"
    SERVER_ERROR = "server_error"
    UNSUPPORTED_TOKEN_TYPE = "unsupported_token_type"
    UNSUPPORTED_RESPONSE_TYPE = "unsupported_response_type"


class OAuthError(Exception):
    """A refusal on its way out.

    ``description`` is what HelseID would say and goes into ``error_description``; it is left out when empty.
    ``detail`` (expected, observed, remedy) and ``rule`` (the id of the requirement) are for the developer:
    journal, log line and, for the id alone, a header of its own. ``explanation`` is ``detail`` without its source.
    ``headers`` go on the response. ``error_id`` names this one refusal, where a page of ours shows it to a person.
    """

    #: Whether it goes to the client, and no page of ours shows it.
    travels = False

    def __init__(
        self,
        code: ErrorCode,
        description: str = "",
        *,
        detail: str = "",
        rule: str = "",
        explanation: str = "",
        status: int = 400,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{code}: {description or detail}")
        self.code = code
        self.description = printable(description)
        self.detail = detail
        self.rule = rule
        self.explanation = explanation
        self.status = status
        self.headers = dict(headers or {})
        self.error_id = ""
        #: Where the refusal is explained, once it has been journaled.
        self.explained_at = ""

    def tell_why(self) -> None:
        """Append rule and remedy to what the client hears, or make them the description where there is none."""
        why = f"Rule {self.rule}: {self.explanation}" if self.rule and self.explanation else self.detail
        self.description = printable(" ".join(filter(None, (self.description, why.replace("…", "...")))))

    def body(self) -> dict[str, str]:
        """The JSON members of the answer, ``error_description`` only where there is one."""
        if self.description:
            return {"error": self.code.value, "error_description": self.description}
        return {"error": self.code.value}


def quoted(value: object, longest: int = 60) -> str:
    """``value``, which a client sent, as it may be quoted to that client: as Python writes it, and short."""
    text = repr(value)
    return text if len(text) <= longest else text[:longest] + "..."


def printable(description: str) -> str:
    """``description`` with each character that RFC 6749 section 5.2 forbids replaced by ``?``."""
    return "".join(c if " " <= c <= "~" and c not in '"\\' else ("'" if c == '"' else "?") for c in description)
