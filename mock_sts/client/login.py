"""A person's login over HTTP as an application and a browser do it together: a pushed request, the way through the
server, the code, the tokens.
"""

import json
import secrets
import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mock_sts.client.http import Answer, NoAnswerError, ask
from mock_sts.client.token import Caller, Fetched, TokenClientError, decode, no_answer, post, refuse_the_real_one
from mock_sts.helseid.details import AUTHORIZATION_DETAILS, ORGANIZATION
from mock_sts.protocol.jose import sha256_base64url
from mock_sts.protocol.pkce import S256
from mock_sts.protocol.terms import GrantType
from mock_sts.protocol.urls import origin_of

#: Seconds for one answer, and addresses of the server that a browser is sent on to.
_TIMEOUT, _STEPS = 10, 10

#: A request object's header ``typ`` (RFC 9101 section 10.8).
_REQUEST_OBJECT = "oauth-authz-req+jwt"


@dataclass(frozen=True, slots=True)
class Login:
    """A login that is wished: ``person`` is a short name or pid, and what ends at ``redirect_uri`` is not called.

    ``resources`` are audiences: the code is redeemed for the first, and a refresh fetches a token for each further one.
    ``level`` goes with a pid only. ``details`` stand in the assertion of every token request, and those of an
    organization with a refresh; in a ``request_object`` they stand there instead. ``refresh`` refreshes in any case,
    for ``refresh_scope`` or for all scopes.
    """

    person: str
    redirect_uri: str
    scope: str
    resources: tuple[str, ...] = ()
    details: tuple[Mapping[str, Any], ...] = ()
    level: str = ""
    acr_values: str = ""
    request_object: bool = False
    refresh: bool = False
    refresh_scope: str = ""


def log_in(caller: Caller, login: Login) -> Fetched:
    """Log the person in; the token of the code, or of the last refresh. The ID token is always that of the last answer.

    Raises TokenClientError with what the server explains.
    """
    verifier, nonce = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    code = _code(caller, login, sha256_base64url(verifier.encode()), nonce)
    details = () if login.request_object else login.details
    # HelseID takes an organization from the assertion of a refresh, not from that of a code.
    with_code = tuple(element for element in details if element.get("type") != ORGANIZATION)
    first, *others = login.resources or ("",)
    answer = caller.redeem(
        {
            "grant_type": GrantType.AUTHORIZATION_CODE.value,
            "code": code,
            "redirect_uri": login.redirect_uri,
            "code_verifier": verifier,
            "resource": first,
        },
        with_code,
    )
    id_token = answer.get("id_token")
    if isinstance(id_token, str) and decode(id_token).get("nonce") != nonce:
        raise TokenClientError("the ID token has another nonce than the request")
    again = login.refresh or with_code != details
    for resource in ([first] if again else []) + others:
        refresh_token = answer.get("refresh_token")
        if not isinstance(refresh_token, str):
            raise TokenClientError("the answer has no refresh_token; ask for the scope offline_access")
        form = {"grant_type": GrantType.REFRESH_TOKEN.value, "refresh_token": refresh_token}
        answer = caller.redeem({**form, "resource": resource, "scope": login.refresh_scope}, details)
    return caller.fetched(answer)


def _code(caller: Caller, login: Login, challenge: str, nonce: str) -> str:
    """Push the request, and go the way of a browser to the code that comes back."""
    state = secrets.token_urlsafe(32)
    if login.level:  # the TestIDP alone takes it, beside a pid
        who = {"test_pid": login.person, "test_security_level": login.level}
    else:
        who = {"login_hint": f"persona:{login.person}"}
    request: dict[str, str | Sequence[str]] = {
        "response_type": "code",
        "redirect_uri": login.redirect_uri,
        "scope": login.scope,
        "resource": login.resources,
        "acr_values": login.acr_values,
        "state": state,
        "nonce": nonce,
        "code_challenge": challenge,
        "code_challenge_method": S256,
        **who,
    }
    if login.request_object:
        inside: dict[str, Any] = {name: value for name, value in request.items() if value and name != "resource"}
        inside["client_id"] = caller.client_id
        if login.details:
            inside[AUTHORIZATION_DETAILS] = [*login.details]
        request = {"request": caller.signed(inside, _REQUEST_OBJECT), "resource": login.resources}
    endpoint = caller.endpoint("pushed_authorization_request_endpoint")
    status, headers, pushed = post(endpoint, caller.authenticated(request), None, caller.context)
    if status != 201:
        raise caller.refused(json.dumps(pushed), headers)
    query = urllib.parse.urlencode({"client_id": caller.client_id, "request_uri": pushed.get("request_uri", "")})
    answered = _walk(caller, f"{caller.endpoint('authorization_endpoint')}?{query}", login.redirect_uri)
    if answered.get("state") != state or answered.get("iss", caller.endpoint("issuer")) != caller.endpoint("issuer"):
        raise TokenClientError(f"the answer to the login is of another one: {answered}")
    return answered.get("code", "")


def _walk(caller: Caller, address: str, redirect_uri: str) -> dict[str, str]:
    """The parameters with which the server sends a browser from ``address`` to ``redirect_uri``.

    Raises TokenClientError where it shows a page instead, and for an error.
    """
    server, cookies = origin_of(address), dict[str, str]()
    for _ in range(_STEPS):
        answer = _get(caller, address, cookies)
        to = answer.headers.get("Location")
        if to is None:
            raise caller.refused(_told(answer), answer.headers)
        address = urllib.parse.urljoin(address, to)
        if address.partition("?")[0] == redirect_uri.partition("?")[0]:
            found = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(address).query))
            if "code" not in found:
                said = ": ".join(filter(None, (found.get("error", "no code"), found.get("error_description"))))
                raise caller.refused(said, answer.headers)
            return found
        if origin_of(address) != server:
            raise TokenClientError(f"the login leads to {address}, and not back to {redirect_uri}")
    raise TokenClientError(f"the login leads on and on at {server}")


def _get(caller: Caller, address: str, cookies: dict[str, str]) -> Answer:
    """What a browser gets at ``address``; ``cookies`` are sent, and kept."""
    refuse_the_real_one(address)
    headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())} if cookies else {}
    try:
        answer = ask(address, seconds=_TIMEOUT, context=caller.context, headers=headers, redirected=False)
    except NoAnswerError as error:
        raise no_answer(error) from None
    for line in answer.headers.get_all("Set-Cookie", []):
        name, _, value = line.partition(";")[0].partition("=")
        cookies[name.strip()] = value.strip()
    return answer


def _told(answer: Answer) -> str:
    """What there is to say of a page in place of an answer."""
    place = answer.url.partition("?")[0]
    if answer.status == 200:
        return f"{place} shows a page and waits for a person; this server may be no emulator, or an older one"
    return f"{place} shows a page with status {answer.status}"
