"""A correct client of HelseID: discovery, PAR, PKCE, private_key_jwt, DPoP with nonce, ID token, refresh, logout.

Written to be read and copied: Authlib's client helpers and joserfc, and no HTTP framework. What it keeps between two
requests of a browser is a Login (while a person logs in) and then Tokens; both are plain JSON.
"""

import hashlib
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from authlib.common.security import generate_token
from authlib.common.urls import add_params_to_qs, add_params_to_uri
from authlib.oauth2.rfc6749.parameters import prepare_token_request
from authlib.oauth2.rfc7523 import private_key_jwt_sign
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, import_key

from mock_sts.demo.wire import Reply, Wire, WireError

SCOPES = (
    "openid profile offline_access helseid://scopes/identity/pid helseid://scopes/identity/security_level "
    "helseid://scopes/hpr/hpr_number mock:demo-api/read"
)

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

#: Seconds that an assertion lives; HelseID takes up to 60, its own samples use 10.
_ASSERTION_LIFETIME = 10

#: What ID tokens may be signed with; never what the token itself says.
_ID_TOKEN_ALGORITHMS = ["RS256", "PS256"]

#: Seconds that the clocks of two machines may differ.
_LEEWAY = 30

#: Members of the discovery document that a client needs.
_NEEDED = (
    "issuer",
    "jwks_uri",
    "authorization_endpoint",
    "token_endpoint",
    "end_session_endpoint",
    "pushed_authorization_request_endpoint",
)


class LoginError(Exception):
    """The flow cannot go on; the message says why, for a person."""


@dataclass(frozen=True, slots=True)
class Login:
    """What a client keeps of a login that it has begun. ``proof_key`` is a private JWK."""

    metadata: Mapping[str, Any]
    redirect_uri: str
    state: str
    nonce: str
    code_verifier: str
    proof_key: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a client keeps of a login that succeeded. ``dpop_nonce`` is the newest one that the server gave."""

    metadata: Mapping[str, Any]
    proof_key: Mapping[str, Any]
    dpop_nonce: str | None
    access_token: str
    id_token: str
    refresh_token: str | None

    def document(self) -> dict[str, Any]:
        """The tokens as JSON."""
        return asdict(self)


class RelyingParty:
    """One client, ``client_id`` with its private ``key`` (a JWK), that sends its requests by ``wire``."""

    def __init__(self, wire: Wire, client_id: str, key: Mapping[str, Any]) -> None:
        self._wire = wire
        self._client_id = client_id
        self._key = key

    # Logging in

    def begin(self, authority: str, redirect_uri: str, **more: str) -> tuple[Login, str]:
        """Begin a login: what to keep until the browser comes back, and where to send the browser.

        ``more`` are further parameters of the request, such as ``acr_values``.
        """
        metadata = self._discover(authority)
        login = Login(
            metadata=metadata,
            redirect_uri=redirect_uri,
            state=generate_token(32),
            nonce=generate_token(32),
            code_verifier=generate_token(64),
            proof_key=ECKey.generate_key("P-256").as_dict(private=True),
        )
        request = {
            "response_type": "code",
            "scope": SCOPES,
            "redirect_uri": redirect_uri,
            "state": login.state,
            "nonce": login.nonce,
            "code_challenge": create_s256_code_challenge(login.code_verifier),
            "code_challenge_method": "S256",
            **more,
        }
        reply = self._wire.post(
            "Push the authorization request",
            "All parameters of the login go straight to the server, signed for by the client (PAR). The browser never "
            "sees them, so they cannot be changed on the way.",
            metadata["pushed_authorization_request_endpoint"],
            add_params_to_qs("", [*request.items(), *self._authentication(metadata)]),
        )
        if reply.status != 201:
            raise LoginError(f"the pushed request was refused: {_told(reply)}")
        location: str = add_params_to_uri(
            metadata["authorization_endpoint"],
            [("client_id", self._client_id), ("request_uri", reply.json()["request_uri"])],
        )
        self._wire.browser(
            "Send the browser to log in", "The address holds nothing but a reference to what was pushed.", location
        )
        return login, location

    def finish(self, login: Login, callback_url: str) -> Tokens:
        """End a login with the URL that the browser came back to."""
        self._wire.browser(
            "The browser comes back",
            "The client checks that state is its own and that iss names the server that it asked, before it uses the "
            "code.",
            callback_url,
        )
        answer = dict(parse_qsl(urlsplit(callback_url).query, keep_blank_values=True))
        if answer.get("state") != login.state:
            raise LoginError("state is not that of this login: the answer may be forged")
        if answer.get("iss") != login.metadata["issuer"]:
            raise LoginError("iss does not name the server that was asked: the answer may come from another (RFC 9207)")
        if "error" in answer:
            raise LoginError(f"{answer['error']}: {answer.get('error_description', 'no description')}")
        if not answer.get("code"):
            raise LoginError("the answer has neither a code nor an error")
        form = {
            "code": answer["code"],
            "code_verifier": login.code_verifier,
            "redirect_uri": login.redirect_uri,
        }
        found, nonce = self._ask_for_tokens("Redeem the code", login, None, "authorization_code", form)
        self._check_id_token(login, found, login.nonce)
        return Tokens(
            metadata=login.metadata,
            proof_key=login.proof_key,
            dpop_nonce=nonce,
            access_token=found["access_token"],
            id_token=found["id_token"],
            refresh_token=found.get("refresh_token"),
        )

    # With tokens

    def refresh(self, tokens: Tokens) -> Tokens:
        """New tokens for the old ones' refresh token, which may be used once only: keep what comes back."""
        if tokens.refresh_token is None:
            raise LoginError("there is no refresh token: offline_access was not granted")
        form = {"refresh_token": tokens.refresh_token}
        found, nonce = self._ask_for_tokens("Refresh", tokens, tokens.dpop_nonce, "refresh_token", form)
        if "id_token" in found:
            self._check_id_token(tokens, found, None)
        return replace(
            tokens,
            dpop_nonce=nonce,
            access_token=found["access_token"],
            id_token=found.get("id_token", tokens.id_token),
            refresh_token=found.get("refresh_token", tokens.refresh_token),
        )

    def call_api(self, tokens: Tokens, url: str) -> Reply:
        """GET ``url`` with the access token and a proof for exactly this request and this token."""
        return self._wire.get(
            "Call the API",
            "The token goes with a new proof, which names the method, the address and the hash of the token. Who "
            "steals the token cannot use it without the key.",
            url,
            {
                "Authorization": f"DPoP {tokens.access_token}",
                "DPoP": _proof(tokens.proof_key, "GET", url, access_token=tokens.access_token),
            },
        )

    def log_out_url(self, tokens: Tokens, return_to: str) -> str:
        """Where the browser goes to log out at the server too; it comes back to ``return_to`` if that is registered."""
        url: str = add_params_to_uri(
            tokens.metadata["end_session_endpoint"],
            [("id_token_hint", tokens.id_token), ("post_logout_redirect_uri", return_to)],
        )
        return url

    # How it is done

    def _discover(self, authority: str) -> dict[str, Any]:
        """The server's metadata. Keep it for a day, as HelseID asks; the demo fetches it anew to show it."""
        metadata = self._wire.get(
            "Find the server's addresses",
            "A client knows the server's address only and learns the rest here; it keeps the answer for a day.",
            f"{authority}/.well-known/openid-configuration",
        ).json()
        missing = [name for name in _NEEDED if not isinstance(metadata.get(name), str)]
        if missing:
            raise LoginError(f"the discovery document lacks {', '.join(missing)}")
        if metadata["issuer"] != authority:
            raise LoginError(f"the discovery document is that of {metadata['issuer']}, not of {authority}")
        return metadata

    def _authentication(self, metadata: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Who the client is: an assertion signed with its key (private_key_jwt), made anew for each request."""
        now = int(time.time())
        assertion = private_key_jwt_sign(
            import_key(dict(self._key)),
            self._client_id,
            metadata["issuer"],  # the audience: the issuer, not the endpoint
            alg=self._key["alg"],
            header={"kid": self._key["kid"], "typ": "client-authentication+jwt"},
            claims={"nbf": now},
            issued_at=now,
            expires_in=_ASSERTION_LIFETIME,
        )
        return [
            ("client_id", self._client_id),
            ("client_assertion_type", _ASSERTION_TYPE),
            ("client_assertion", assertion),
        ]

    def _ask_for_tokens(
        self, title: str, keeper: Login | Tokens, nonce: str | None, grant_type: str, form: Mapping[str, str]
    ) -> tuple[dict[str, Any], str | None]:
        """The token endpoint's answer, and the newest nonce. A request without a good nonce is sent once more."""
        endpoint = keeper.metadata["token_endpoint"]
        for attempt in ("", ", now with the nonce"):
            body = prepare_token_request(grant_type, **form)
            reply = self._wire.post(
                title + attempt,
                "The proof (DPoP) binds the tokens to a key that only the client has. The server answers the first "
                "one with a nonce, and wants to see that in the next: a new proof and a new assertion.",
                endpoint,
                add_params_to_qs(body, self._authentication(keeper.metadata)),
                {"DPoP": _proof(keeper.proof_key, "POST", endpoint, nonce=nonce)},
            )
            nonce = reply.header("DPoP-Nonce") or nonce
            if reply.status == 200:
                return reply.json(), nonce
            if reply.json().get("error") != "use_dpop_nonce":
                break
        raise LoginError(f"no tokens: {_told(reply)}")

    def _check_id_token(self, keeper: Login | Tokens, found: Mapping[str, Any], nonce: str | None) -> None:
        """Signature by a published key, issuer, audience, lifetime, nonce, and the hash of the access token."""
        keys = self._wire.get(
            "Fetch the keys of the server",
            "The client checks the ID token: signature, issuer, audience, lifetime, nonce, hash of the access token. "
            "It keeps the keys until it meets one that it does not know.",
            keeper.metadata["jwks_uri"],
        ).json()
        try:
            token = jwt.decode(
                found["id_token"], KeySet.import_key_set({"keys": keys["keys"]}), algorithms=_ID_TOKEN_ALGORITHMS
            )
            claims = CodeIDToken(
                token.claims,
                token.header,
                {
                    "iss": {"essential": True, "value": keeper.metadata["issuer"]},
                    "aud": {"essential": True, "value": self._client_id},
                },
                {"nonce": nonce, "client_id": self._client_id, "access_token": found["access_token"]},
            )
            claims.validate(leeway=_LEEWAY)
        except (JoseError, KeyError, ValueError) as error:
            raise LoginError(f"the ID token is not good: {error}") from None


def _proof(
    key: Mapping[str, Any], method: str, url: str, *, nonce: str | None = None, access_token: str | None = None
) -> str:
    """A DPoP proof (RFC 9449 section 4.2) for one request, and for ``access_token`` where that goes along."""
    signing = ECKey.import_key(dict(key))
    claims = {"jti": generate_token(32), "htm": method, "htu": url, "iat": int(time.time())}
    if nonce is not None:
        claims["nonce"] = nonce
    if access_token is not None:
        digest = hashlib.sha256(access_token.encode()).digest()
        claims["ath"] = urlsafe_b64encode(digest).rstrip(b"=").decode()
    return jwt.encode({"typ": "dpop+jwt", "alg": "ES256", "jwk": signing.as_dict(private=False)}, claims, signing)


def _told(reply: Reply) -> str:
    """What the server says of a refusal, and the rule that the emulator names."""
    try:
        said = json.dumps(reply.json())
    except WireError as error:
        said = str(error)
    rule = reply.header("Mock-Sts-Rule")
    return f"{said}, rule {rule}" if rule else said
