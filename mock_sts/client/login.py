"""A person's login over HTTP as an application and a browser do it together: a pushed request, the way through the
server, the code, the tokens.
"""

import json
import secrets
import urllib.parse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mock_sts.client.http import Answer, NoAnswerError, ask
from mock_sts.client.token import Caller, Fetched, TokenClientError, decode, meet, no_answer, post, refuse_the_real_one
from mock_sts.protocol.jose import sha256_base64url
from mock_sts.protocol.terms import GrantType
from mock_sts.protocol.urls import origin_of

#: Seconds for one answer, and addresses of the server that a browser is sent on to.
_TIMEOUT, _STEPS = 10, 10


def log_in(
    issuer: str,
    client_id: str,
    jwk: Mapping[str, Any],
    person: str,
    redirect_uri: str,
    *,
    scope: str,
    resource: str = "",
    dpop: bool = True,
    ca_file: Path | None = None,
    admin_token: str = "",
    details: Mapping[str, Any] | None = None,
) -> Fetched:
    """Log ``person`` (short name or pid) in at the client, whose login ends at ``redirect_uri``, which is not called.

    The rest is as for ``fetch_token``. Raises TokenClientError with what the server explains.
    """
    caller = meet(issuer, client_id, jwk, dpop=dpop, ca_file=ca_file, admin_token=admin_token, details=details)
    verifier, state, nonce = (secrets.token_urlsafe(32) for _ in range(3))
    request = {
        "response_type": "code",
        "redirect_uri": redirect_uri,
        "scope": scope,
        "resource": resource,
        "state": state,
        "nonce": nonce,
        "code_challenge": sha256_base64url(verifier.encode()),
        "code_challenge_method": "S256",
        "login_hint": f"persona:{person}",
    }
    endpoint = caller.endpoint("pushed_authorization_request_endpoint")
    status, headers, pushed = post(endpoint, caller.authenticated(request), None, caller.context)
    if status != 201:
        raise caller.refused(json.dumps(pushed), headers)
    query = urllib.parse.urlencode({"client_id": client_id, "request_uri": pushed.get("request_uri", "")})
    answered = _walk(caller, f"{caller.endpoint('authorization_endpoint')}?{query}", redirect_uri)
    if answered.get("state") != state or answered.get("iss", caller.endpoint("issuer")) != caller.endpoint("issuer"):
        raise TokenClientError(f"the answer to the login is of another one: {answered}")
    answer = caller.redeem(
        {
            "grant_type": GrantType.AUTHORIZATION_CODE.value,
            "code": answered.get("code", ""),
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
    )
    id_token = answer.get("id_token")
    if isinstance(id_token, str) and decode(id_token).get("nonce") != nonce:
        raise TokenClientError("the ID token has another nonce than the request")
    return caller.fetched(answer)


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
