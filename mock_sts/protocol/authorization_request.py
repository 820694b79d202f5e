"""Authorization requests: what a client asks for when it wants a person to log in (RFC 6749 4.1.1, OIDC Core 3.1.2.1).

The same request arrives pushed (RFC 9126) or on the front channel; it is read the same way.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Self

from mock_sts.protocol.params import Params
from mock_sts.values import value_type

RESPONSE_MODES = ("query", "form_post")

#: The parameters of an authorization request, apart from those that say where the rest is.
PARAMETERS = (
    "acr_values",
    "client_id",
    "code_challenge",
    "code_challenge_method",
    "dpop_jkt",
    "login_hint",
    "max_age",
    "nonce",
    "on_behalf_of",
    "prompt",
    "redirect_uri",
    "resource",
    "response_mode",
    "response_type",
    "scope",
    "state",
    "ui_locales",
)

#: RFC 9126 section 2.2
REQUEST_URI_PREFIX = "urn:ietf:params:oauth:request_uri:"


@value_type
class AuthorizationRequest:
    """The facts of a request, each as sent; None or empty where absent. ``max_age`` stays a text until it is judged."""

    client_id: str | None
    redirect_uri: str | None
    response_type: str | None
    response_mode: str | None
    scopes: tuple[str, ...]
    state: str | None
    nonce: str | None
    code_challenge: str | None
    code_challenge_method: str | None
    prompts: tuple[str, ...]
    max_age: str | None
    login_hint: str | None
    acr_values: tuple[str, ...]
    ui_locales: tuple[str, ...]
    resources: tuple[str, ...]
    dpop_jkt: str | None
    request_uri: str | None
    on_behalf_of: str | None

    def document(self) -> dict[str, Any]:
        """The facts as JSON takes them, by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """The request that ``document`` was made of, also after a way through JSON."""
        facts: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in document.items()
        }
        return cls(**facts)


def read_authorization_request(params: Params) -> AuthorizationRequest:
    """The request in ``params``; nothing is judged."""
    return AuthorizationRequest(
        client_id=params.one("client_id"),
        redirect_uri=params.one("redirect_uri"),
        response_type=params.one("response_type"),
        response_mode=params.one("response_mode"),
        scopes=params.words("scope"),
        state=params.one("state"),
        nonce=params.one("nonce"),
        code_challenge=params.one("code_challenge"),
        code_challenge_method=params.one("code_challenge_method"),
        prompts=params.words("prompt"),
        max_age=params.one("max_age"),
        login_hint=params.one("login_hint"),
        acr_values=params.words("acr_values"),
        ui_locales=params.words("ui_locales"),
        resources=params.many("resource"),
        dpop_jkt=params.one("dpop_jkt"),
        request_uri=params.one("request_uri"),
        on_behalf_of=params.one("on_behalf_of"),
    )
