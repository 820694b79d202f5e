"""A small application that logs a person in with HelseID and calls an API, with nobody clicking.

It does what a web application has to do: a pushed authorization request with PKCE, a client assertion, DPoP-bound
tokens, an ID token that is checked before it is believed. Only the browser is missing: with ``test_pid`` HelseID's
TestIDP answers the authorize request at once, so the application follows the redirect itself.

    python app.py        logs in, shows the outcome on http://localhost:8081, and serves until stopped
    python app.py once   logs in, prints the outcome, and ends with 0 when everything went well, with 1 when not

It is told by environment variables; compose.yaml at the top of the repository has values for all of them:

    AUTHORITY      HelseID's address, the issuer
    CLIENT_ID      who this application is there
    CLIENT_KEY     the file with its private JWK
    REDIRECT_URI   an address that is registered for it
    SCOPE          what it asks for
    TEST_PID       the person whom it logs in
    API_URL        what it calls with the access token
"""

import hashlib
import json
import os
import sys
import time
import urllib.error
import urllib.request
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from authlib.common.security import generate_token
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from flask import Flask, redirect, request
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey, import_key
from markupsafe import escape
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

#: What HelseID may sign with.
ALGORITHMS = ["RS256", "PS256", "ES256"]

Json = dict[str, Any]
Key = RSAKey | ECKey


class LoginError(Exception):
    """The login or the call failed; the message says where and how."""


class RefusedError(LoginError):
    """A server refused; ``code`` is the OAuth error, or an empty text."""

    def __init__(self, url: str, status: int, headers: Message, body: bytes) -> None:
        try:
            answer = json.loads(body)
        except ValueError:
            answer = {}
        self.code = answer.get("error", "") if isinstance(answer, dict) else ""
        self.headers = headers
        # The emulator names the rule that was broken; HelseID itself has no such header.
        rule = headers.get("Mock-Sts-Rule")
        super().__init__(f"{url} answers {status} {body.decode(errors='replace')}{f', rule {rule}' if rule else ''}")


@dataclass(frozen=True)
class Configuration:
    """Where HelseID and the API are, and who this application is.

    ``issuer`` is who HelseID says it is, where that is not ``authority``. With ``browser`` nobody is logged in at the
    start: a person opens the application's page, and their browser is sent to HelseID and comes back.
    """

    authority: str
    client_id: str
    client_key: str
    redirect_uri: str
    scope: str
    test_pid: str
    api_url: str
    issuer: str = ""
    browser: str = ""

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "Configuration":
        """Read ``environ``; ends the program with a sentence when a variable is missing."""
        optional = {name: environ.get(name.upper(), "") for name in ("issuer", "browser")}
        needed = [name for name in cls.__dataclass_fields__ if name not in optional]
        missing = [name.upper() for name in needed if not environ.get(name.upper())]
        if missing:
            sys.exit(f"set {', '.join(missing)}; compose.yaml has values for all of them")
        return cls(**{name: environ[name.upper()] for name in needed}, **optional)


@dataclass
class Outcome:
    """What happened, step by step, as far as it got."""

    ok: bool = False
    error: str = ""
    steps: list[str] = field(default_factory=list)
    id_token: Json = field(default_factory=dict)
    access_token: Json = field(default_factory=dict)
    api_answer: Json = field(default_factory=dict)


@dataclass
class Login:
    """One login on its way: what HelseID told of itself, and what ties the answer to this login and application."""

    configuration: Configuration
    metadata: Json
    outcome: Outcome
    state: str = field(default_factory=lambda: generate_token(32))
    nonce: str = field(default_factory=lambda: generate_token(32))
    code_verifier: str = field(default_factory=lambda: generate_token(64))

    def authenticated(self, form: Mapping[str, str]) -> dict[str, str]:
        """``form`` with what proves that it comes from this client: a new client assertion each time."""
        client_id, key = self.configuration.client_id, _private_key(Path(self.configuration.client_key))
        return {
            **form,
            "client_id": client_id,
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": _client_assertion(key, client_id, self.metadata["issuer"]),
        }


def log_in_and_call(configuration: Configuration) -> Outcome:
    """Log the person in and call the API; what went wrong is told in the outcome."""

    def steps(outcome: Outcome) -> None:
        login = _discover(configuration, outcome)
        url = _push(login, {"test_pid": configuration.test_pid})
        # Here a real application sends the browser away; it comes back to the redirect URI with these parameters.
        _finish(login, _redirect_parameters(url, configuration.redirect_uri))

    return _attempt(Outcome(), steps)


def find_helseid(configuration: Configuration) -> Outcome:
    """Only see whether HelseID is there and who it should be."""

    def steps(outcome: Outcome) -> None:
        _discover(configuration, outcome)

    return _attempt(Outcome(), steps)


def _attempt(outcome: Outcome, steps: Callable[[Outcome], None]) -> Outcome:
    try:
        steps(outcome)
        outcome.ok = True
    except Exception as error:  # whatever it is, the page must show it
        outcome.error = f"{type(error).__name__}: {error}"
    return outcome


def _discover(configuration: Configuration, outcome: Outcome) -> Login:
    """Read what HelseID says of itself, and begin a login."""
    metadata = _get_json(f"{configuration.authority}/.well-known/openid-configuration")
    issuer = metadata["issuer"]
    if issuer != (configuration.issuer or configuration.authority):
        raise LoginError(f"the discovery document of {configuration.authority} is for {issuer}")
    outcome.steps.append(f"read the discovery document of {issuer}")
    return Login(configuration, metadata, outcome)


def _push(login: Login, extra: Mapping[str, str]) -> str:
    """Push the authorization request; where to send the browser."""
    configuration, metadata = login.configuration, login.metadata
    pushed = _post(
        metadata["pushed_authorization_request_endpoint"],
        login.authenticated(
            {
                "response_type": "code",
                "scope": configuration.scope,
                "redirect_uri": configuration.redirect_uri,
                "state": login.state,
                "nonce": login.nonce,
                "code_challenge": create_s256_code_challenge(login.code_verifier),
                "code_challenge_method": "S256",
                "acr_values": "idp:testidp-oidc",
                **extra,
            }
        ),
    )
    login.outcome.steps.append("pushed the authorization request")
    query = urlencode({"client_id": configuration.client_id, "request_uri": pushed["request_uri"]})
    return f"{metadata['authorization_endpoint']}?{query}"


def _finish(login: Login, answer: Mapping[str, str]) -> None:
    """Make tokens of the ``answer`` that the browser came back with, check them, and call the API."""
    configuration, metadata, outcome = login.configuration, login.metadata, login.outcome
    issuer = metadata["issuer"]
    if answer.get("state") != login.state or answer.get("iss") != issuer:
        raise LoginError(f"the answer belongs to another login: {answer}")
    if "code" not in answer:
        raise LoginError(f"no code: {answer}")
    outcome.steps.append("came back with a code")

    dpop_key = ECKey.generate_key("P-256")
    form = {
        "grant_type": "authorization_code",
        "code": answer["code"],
        "redirect_uri": configuration.redirect_uri,
        "code_verifier": login.code_verifier,
    }
    tokens = _redeem(metadata["token_endpoint"], lambda: login.authenticated(form), dpop_key)
    outcome.steps.append("exchanged the code for tokens, with a DPoP proof")

    keys = KeySet.import_key_set({"keys": _get_json(metadata["jwks_uri"])["keys"]})
    outcome.id_token = _checked_id_token(tokens["id_token"], keys, issuer, configuration.client_id, login.nonce)
    outcome.steps.append("checked the ID token: signature, issuer, audience, lifetime, nonce")
    # An application has no business in an access token; it is read here only to be shown.
    outcome.access_token = jwt.decode(tokens["access_token"], keys, algorithms=ALGORITHMS).claims

    proof = _proof(dpop_key, "GET", configuration.api_url, access_token=tokens["access_token"])
    headers = {"Authorization": f"DPoP {tokens['access_token']}", "DPoP": proof}
    outcome.api_answer = _get_json(configuration.api_url, headers)
    outcome.steps.append(f"called {configuration.api_url}")


def _private_key(file: Path) -> Key:
    jwk = json.loads(file.read_text(encoding="utf-8"))
    key = import_key(jwk)
    if not isinstance(key, RSAKey | ECKey) or not {"alg", "kid"} <= jwk.keys():
        raise LoginError(f"{file} is no private JWK, RSA or EC, with alg and kid")
    return key


def _client_assertion(key: Key, client_id: str, audience: str) -> str:
    """Proof that this is the client: signed with its key, good for ten seconds, once (RFC 7523)."""
    now = int(time.time())
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "iat": now,
        "nbf": now,
        "exp": now + 10,
        "jti": generate_token(32),
    }
    algorithm = str(key.get("alg"))
    header = {"alg": algorithm, "kid": key.kid, "typ": "client-authentication+jwt"}
    return jwt.encode(header, claims, key, algorithms=[algorithm])


def _proof(key: ECKey, method: str, url: str, *, nonce: str = "", access_token: str = "") -> str:
    """Proof that the sender holds ``key``, for this request only (RFC 9449)."""
    claims: Json = {"htm": method, "htu": url, "iat": int(time.time()), "jti": generate_token(32)}
    if nonce:
        claims["nonce"] = nonce
    if access_token:
        digest = hashlib.sha256(access_token.encode()).digest()
        claims["ath"] = urlsafe_b64encode(digest).rstrip(b"=").decode()
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": key.as_dict(private=False)}
    return jwt.encode(header, claims, key, algorithms=["ES256"])


def _redeem(url: str, form: Callable[[], dict[str, str]], dpop_key: ECKey) -> Json:
    """The answer of the token endpoint. It asks for a nonce first; then the request is repeated with it."""
    try:
        return _post(url, form(), {"DPoP": _proof(dpop_key, "POST", url)})
    except RefusedError as refusal:
        if refusal.code != "use_dpop_nonce":
            raise
        return _post(url, form(), {"DPoP": _proof(dpop_key, "POST", url, nonce=refusal.headers["DPoP-Nonce"])})


def _checked_id_token(text: str, keys: KeySet, issuer: str, client_id: str, nonce: str) -> Json:
    """The claims of the ID token. Raises JoseError for one that must not be believed."""
    token = jwt.decode(text, keys, algorithms=ALGORITHMS)
    jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": client_id},
        nonce={"essential": True, "value": nonce},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
    ).validate(token.claims)
    return token.claims


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Leaves redirects to the caller."""

    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({}))


def _send(url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> tuple[int, Message, bytes]:
    """Status, headers and body of the answer, redirects not followed. Raises RefusedError from status 400 on."""
    try:
        request = urllib.request.Request(url, body, dict(headers or {}))  # noqa: S310  addresses of the configuration
        with _OPENER.open(request, timeout=10) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        with error:
            content = error.read()
        if error.code < 400:
            return error.code, error.headers, content
        raise RefusedError(url, error.code, error.headers, content) from None
    except OSError as error:
        raise LoginError(f"no answer from {url}: {error}") from None


def _get_json(url: str, headers: Mapping[str, str] | None = None) -> Json:
    return dict(json.loads(_send(url, None, headers)[2]))


def _post(url: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None) -> Json:
    return dict(json.loads(_send(url, urlencode(form).encode(), headers)[2]))


def _redirect_parameters(url: str, redirect_uri: str) -> dict[str, str]:
    """The parameters with which ``url`` sends the browser back to ``redirect_uri``."""
    status, headers, body = _send(url)
    target = headers.get("Location", "")
    if not target.startswith(f"{redirect_uri}?"):
        raise LoginError(f"{url} answers {status} and leads to {target or 'a page'}: {body[:500].decode()}")
    return {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}


_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>A login with HelseID</title>
<style>body {{ font: 1rem/1.5 sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }}
pre {{ background: #f3f3f3; padding: 1rem; overflow-x: auto }}</style></head>
<body>
<h1>A login with HelseID: <span data-testid="outcome">{outcome}</span></h1>
<p>Everything here is synthetic. The server is an emulator, not HelseID.</p>
<form method="post" action="/login"><button>Log in</button></form>
{parts}
</body></html>"""


def web(configuration: Configuration, outcome: Outcome) -> Flask:
    """The application's own pages, with ``outcome`` to begin with."""
    app = Flask(__name__)
    latest = {"outcome": outcome}
    begun: dict[str, Login] = {}  # by state; a real application keeps this in the browser's session

    @app.get("/")
    def home() -> str:
        shown = latest["outcome"]
        parts = {
            "What happened": "\n".join([*shown.steps, *([shown.error] if shown.error else [])]),
            "What the API answered": json.dumps(shown.api_answer, indent=2, ensure_ascii=False),
            "ID token": json.dumps(shown.id_token, indent=2, ensure_ascii=False),
            "Access token": json.dumps(shown.access_token, indent=2, ensure_ascii=False),
        }
        return _PAGE.format(
            outcome="it worked" if shown.api_answer else "it did not work" if shown.error else "nobody yet",
            parts="\n".join(f"<h2>{escape(name)}</h2>\n<pre>{escape(text)}</pre>" for name, text in parts.items()),
        )

    @app.post("/login")
    def login() -> Response:
        if not configuration.browser:
            latest["outcome"] = log_in_and_call(configuration)
            return redirect("/", 303)
        latest["outcome"] = outcome = Outcome()
        away: list[str] = []

        def steps(outcome: Outcome) -> None:
            login = _discover(configuration, outcome)
            away.append(_push(login, {}))
            begun[login.state] = login

        _attempt(outcome, steps)
        return redirect(away[0] if away else "/", 303)

    @app.get("/callback")
    def callback() -> Response:
        login = begun.pop(request.args.get("state", ""), None)
        if login is not None:
            latest["outcome"] = _attempt(login.outcome, lambda _: _finish(login, request.args))
        return redirect("/", 303)

    @app.get("/outcome.json")
    def as_json() -> Json:
        return asdict(latest["outcome"])

    @app.get("/health/ready")
    def health() -> tuple[Json, int]:
        return {"ok": latest["outcome"].ok}, 200 if latest["outcome"].ok else 503

    return app


def main(arguments: list[str]) -> int:
    """Run the application; the exit status."""
    configuration = Configuration.from_environ(os.environ)
    outcome = find_helseid(configuration) if configuration.browser else log_in_and_call(configuration)
    print(json.dumps(asdict(outcome), indent=2, ensure_ascii=False), flush=True)
    if arguments == ["once"]:
        return 0 if outcome.ok else 1
    # In a container all interfaces are its own; compose.yaml publishes the port on this machine only.
    make_server("0.0.0.0", 8081, web(configuration, outcome), threaded=True).serve_forever()  # noqa: S104
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
