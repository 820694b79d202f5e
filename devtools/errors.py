"""The page of errors."""

from collections.abc import Iterable, Mapping
from typing import Any

from devtools.words import NOTE, fit
from mock_sts.helseid.endpoints import Endpoint
from mock_sts.helseid.profile import CHAPTERS, access_token, dpop, token_management, token_request
from mock_sts.helseid.requirement import Chapter, Enforcement, Requirement
from mock_sts.protocol.errors import ErrorCode
from mock_sts.services.tokens import resource

_BACK_CHANNEL = (Endpoint.PAR, Endpoint.TOKEN)

#: Where a client shows who it is and nothing more is asked of it.
_MANAGEMENT = (Endpoint.REVOCATION, Endpoint.INTROSPECTION)
_UNSUPPORTED_GRANTS = (Endpoint.DEVICE_AUTHORIZATION, Endpoint.CIBA)
_ASSERTED = (*_BACK_CHANNEL, *_MANAGEMENT, *_UNSUPPORTED_GRANTS)

#: Where a client shows an access token.
_RESOURCES = (Endpoint.USERINFO, Endpoint.CLIENT_INFO)

#: Name of a chapter to the endpoints that judge by it.
_JUDGED_AT: Mapping[str, tuple[Endpoint, ...]] = {
    "form": _ASSERTED,
    "client-assertion": _ASSERTED,
    "client": _ASSERTED,
    "dpop-header": _BACK_CHANNEL,
    "token-request": (Endpoint.TOKEN,),
    "dpop": (*_BACK_CHANNEL, *_RESOURCES),
    "dpop-token": _RESOURCES,
    "grant": (Endpoint.TOKEN,),
    "scope": (Endpoint.TOKEN,),
    "authorization-request": (Endpoint.PAR, Endpoint.AUTHORIZE),
    "request-uri": (Endpoint.AUTHORIZE,),
    "login-order": (Endpoint.AUTHORIZE,),
    "login": (Endpoint.AUTHORIZE,),
    "code": (Endpoint.TOKEN,),
    "refresh": (Endpoint.TOKEN,),
    "request-object": (Endpoint.PAR, Endpoint.AUTHORIZE),
    "token-exchange": (Endpoint.TOKEN,),
    "details": (Endpoint.PAR, Endpoint.AUTHORIZE, Endpoint.TOKEN),
    "api": (Endpoint.TOKEN,),
    "access-token": _RESOURCES,
    "token-use": _RESOURCES,
    "token-management": _MANAGEMENT,
    "end-session": (Endpoint.END_SESSION,),
    "ignored": (Endpoint.PAR, Endpoint.AUTHORIZE, Endpoint.TOKEN),
}


def judged_at(chapter: Chapter[Any], requirement: Requirement[Any]) -> tuple[str, ...]:
    """The endpoints that judge by ``requirement``: those of its chapter, but for a few exceptions."""
    endpoints = _JUDGED_AT[chapter.name]
    if requirement is token_management.hint:
        return (Endpoint.REVOCATION,)
    if requirement in (access_token.bound, access_token.use_scheme):
        return (resource.PATH,)
    if requirement is token_request.allowed:
        return (*endpoints, *_UNSUPPORTED_GRANTS)
    if chapter is dpop.CHAPTER and requirement not in dpop.RESOURCE_CHAPTER.requirements:
        return tuple(endpoint for endpoint in endpoints if endpoint not in _RESOURCES)
    return endpoints


#: Errors that no requirement gives: code, description, where, and when.
_OTHER_ERRORS: tuple[tuple[ErrorCode, str, str | tuple[str, ...], str], ...] = (
    (ErrorCode.UNAUTHORIZED_CLIENT, "Unknown client or client not enabled", Endpoint.AUTHORIZE, "no such `client_id`"),
    (
        ErrorCode.UNAUTHORIZED_CLIENT,
        "No identity provider is available for the client",
        Endpoint.AUTHORIZE,
        "none of the registration's `identity_providers` is on offer for these `acr_values`",
    ),
    (ErrorCode.INVALID_REQUEST, "", Endpoint.AUTHORIZE, "the parameters cannot be read"),
    (
        ErrorCode.INVALID_REQUEST,
        "(says what)",
        "all",
        "no such address: status 404; a body that is too long: 413; another method at an address of ours: 405",
    ),
    (ErrorCode.INVALID_REQUEST, "(names the host)", "all", "the server is not known under the host that was asked"),
    (ErrorCode.LOGIN_REQUIRED, "", Endpoint.AUTHORIZE, "`prompt=none`, and no person is logged in"),
    (ErrorCode.LOGIN_REQUIRED, "", Endpoint.AUTHORIZE, "the outcome `login_required` was ordered"),
    (ErrorCode.INTERACTION_REQUIRED, "", Endpoint.AUTHORIZE, "the outcome `interaction_required` was ordered"),
    (
        ErrorCode.ACCESS_DENIED,
        "The login was cancelled",
        Endpoint.AUTHORIZE,
        "the person went back from the page, or the outcome `access_denied` was ordered",
    ),
    (
        ErrorCode.ACCESS_DENIED,
        "The security level of the login is too low",
        Endpoint.AUTHORIZE,
        "the outcome `level_too_low`, ordered or by its button",
    ),
    (
        ErrorCode.TEMPORARILY_UNAVAILABLE,
        "The identity provider reported an error",
        Endpoint.AUTHORIZE,
        "the outcome `provider_error`, ordered or by its button",
    ),
    (
        ErrorCode.TEMPORARILY_UNAVAILABLE,
        "The identity provider did not answer in time",
        Endpoint.AUTHORIZE,
        "the outcome `timeout`, ordered or by its button",
    ),
    (ErrorCode.INVALID_TOKEN, "", _RESOURCES, "no token, or one that is not good here: status 401"),
    (ErrorCode.INVALID_TOKEN, "The access token expired", _RESOURCES, "an old token: status 401"),
    (ErrorCode.SERVER_ERROR, "(see the log)", "all", "the database cannot be used (503), or a fault of ours (500)"),
)


def errors_page() -> str:
    """Each error code with its descriptions, where it comes, and the requirement that gives it."""
    fit("chapter", [chapter.name for chapter in CHAPTERS], _JUDGED_AT)
    rows: dict[ErrorCode, dict[tuple[str, str], list[str]]] = {code: {} for code in ErrorCode}
    for chapter in CHAPTERS:
        for requirement in chapter.requirements:
            if requirement.refused_in:
                where = _listed(judged_at(chapter, requirement))
                link = f"[{requirement.id}](requirements.md#{requirement.id})"
                helseid_too = Enforcement.HELSEID in requirement.refused_in
                strictly = " (`strict`)" if Enforcement.STRICT in requirement.refused_in and not helseid_too else ""
                rows[requirement.error].setdefault((requirement.says, where), []).append(link + strictly)
    for code, says, place, when in _OTHER_ERRORS:
        where = place if place == "all" else _listed((place,) if isinstance(place, str) else place)
        rows[code].setdefault((says, where), []).append(when)
    lines = [
        NOTE,
        "# Errors",
        "",
        "What a client hears, and which requirement says it. Back-channel errors are JSON with status 400, where",
        "nothing else is said; a description that stands here as empty is left out, as HelseID leaves it out.",
        "Userinfo and clientinfo answer with status 401 (403 for `insufficient_scope`) and the header",
        "`WWW-Authenticate`. Introspection answers a client that does not prove who it is with 401 and no body.",
        "HelseID's endpoints answer another method with 405 and no body, but for the token endpoint; revocation and",
        "introspection a body that is no form with 415 and no body.",
        "Errors of the authorize endpoint travel to the client by redirect where that is safe, and end on a page",
        "where it is not. A requirement marked `strict` refuses in strict enforcement only.",
        "",
    ]
    for code, answers in rows.items():
        if not answers:
            continue
        lines += [f"## {code.value}", "", "| description | where | given by |", "| --- | --- | --- |"]
        lines += [f"| {says} | {where} | {', '.join(given)} |" for (says, where), given in answers.items()]
        lines.append("")
    return "\n".join(lines)


def _listed(endpoints: Iterable[str]) -> str:
    return ", ".join(f"`{endpoint}`" for endpoint in endpoints)
