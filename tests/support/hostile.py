"""Hostile requests, made from a seed: valid ones that were broken in one of many ways."""

import base64
import json
import random
import string
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote_plus, urlencode

from tests.support.keys import private_jwk, public_jwk
from tests.support.machine import ABSENT, Machine, b64, raw_jws

AUTHORIZE_PARAMETERS = [
    "acr_values",
    "authzId",
    "client_id",
    "code_challenge",
    "dpop_jkt",
    "max_age",
    "nonce",
    "prompt",
    "redirect_uri",
    "request_uri",
    "resource",
    "response_mode",
    "response_type",
    "scope",
    "state",
    "test_pid",
    "ui_locales",
]

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Hostile:
    """One request as it goes over the wire."""

    kind: str
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Attacker:
    """Makes hostile requests around a correct ``machine``; the same seed makes the same faults."""

    def __init__(self, machine: Machine, seed: int) -> None:
        self._machine = machine
        self._random = random.Random(seed)
        self._kinds: list[Callable[[], Hostile]] = [
            self.wrong_method,
            self.wrong_content_type,
            self.broken_form,
            self.doubled_parameter,
            self.too_long_body,
            self.broken_base64,
            self.nested_json,
            self.strange_characters,
            self.huge_numbers,
            self.header_is_no_object,
            self.off_curve_key,
            self.strange_jwk,
            self.long_jti,
            self.unknown_host,
            self.random_bytes,
            self.flipped_assertion,
            self.flipped_proof,
            self.odd_claims,
            self.odd_basic,
            self.many_fields,
            self.strange_query,
            self.control_api,
            self.odd_pushed_request,
            self.odd_authorize,
            self.odd_login_page,
            self.odd_user_info,
            self.odd_end_session,
        ]

    def next(self) -> Hostile:
        return self._random.choice(self._kinds)()

    def wrong_method(self) -> Hostile:
        method = self._random.choice(["GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "BREW"])
        return Hostile("wrong method", method, "/connect/token", {"Content-Type": FORM}, self._valid_body())

    def wrong_content_type(self) -> Hostile:
        types = ["application/json", "text/plain", "multipart/form-data", "", "x" * 500, "application/x-www-form"]
        return self._post("wrong content type", self._valid_body(), content_type=self._random.choice(types))

    def broken_form(self) -> Hostile:
        bad = ["%zz", "%", "%ff%fe", "%00", "%ed%a0%80", "&&&&", "=", "a=b;c=d", "client_id", "%F0%9F%98%80"]
        return self._post("broken form", self._valid_body() + b"&x=" + self._random.choice(bad).encode())

    def doubled_parameter(self) -> Hostile:
        name = self._random.choice(["client_id", "grant_type", "scope", "client_assertion", "x"])
        return self._post("doubled parameter", self._valid_body() + f"&{name}=1&{name}=2".encode())

    def too_long_body(self) -> Hostile:
        return self._post("too long body", b"scope=" + b"a" * self._random.choice([262_145, 400_000]))

    def broken_base64(self) -> Hostile:
        parts = self._machine.assertion().split(".")
        parts[self._random.randrange(3)] += self._random.choice(["=", "*", "é", "+/", " ", "\n", "A"])
        return self._form_with("broken base64", ".".join(parts[: self._random.randrange(1, 5)]))

    def nested_json(self) -> Hostile:
        depth = self._random.choice([33, 500, 5_000, 20_000])
        opening, closing = self._random.choice([(b"[", b"]"), (b'{"a":', b"}")])
        text = opening * depth + b"1" + closing * depth
        return self._raw("nested JSON", text)

    def strange_characters(self) -> Hostile:
        bad = self._random.choice([r"\u0000", r"\ud800", r"\udc00\ud800", r"\ud83d", "\\u00", "\x00", "\x1f"])
        name = self._random.choice(["iss", "sub", "jti", "aud"])
        claims = json.dumps({"iss": "a", "sub": self._machine.client_id, "jti": "1", "aud": "b"})
        text = claims.replace(f'"{name}": "', f'"{name}": "{bad}')
        return self._raw("strange characters", text.encode())

    def huge_numbers(self) -> Hostile:
        number = self._random.choice(["1e400", "-1e999", "9" * 5000, str(2**63), "-" + str(2**64), "NaN", "Infinity"])
        name = self._random.choice(["exp", "iat", "nbf"])
        return self._raw("huge numbers", f'{{"sub":"{self._machine.client_id}","{name}":{number}}}'.encode())

    def header_is_no_object(self) -> Hostile:
        header = self._random.choice([b"[]", b"null", b'"RS256"', b"1", b"{}", b'{"alg":[]}', b'{"alg":{"a":1}}', b""])
        token = raw_jws(header, b"{}", self._machine.jwk, "ES256")
        if self._random.random() < 0.5:
            return self._form_with("header is no object", token)
        return self._post("header is no object", self._valid_body(), proof=token)

    def off_curve_key(self) -> Hostile:
        jwk = {"kty": "EC", "crv": "P-256", "x": b64(self._random.randbytes(32)), "y": b64(self._random.randbytes(32))}
        return self._proof("off-curve key", {"jwk": jwk})

    def strange_jwk(self) -> Hostile:
        valid = public_jwk(private_jwk("ES256", 2))
        jwk: object = self._random.choice(
            [
                None,
                [],
                "jwk",
                {},
                {"kty": "oct", "k": "AAAA"},
                {"kty": "OKP", "crv": "Ed25519", "x": "AAAA"},
                {"kty": "RSA", "n": "AQ", "e": "AQ"},
                {"kty": "RSA", "n": "A" * 100_000, "e": "AQAB"},
                {"kty": "RSA", "n": b64(self._random.randbytes(256)), "e": b64(self._random.randbytes(200))},
                {"kty": "EC", "crv": "P-1", "x": "AA", "y": "AA"},
                {**valid, "x": 1},
                {**valid, "x": [valid["x"]]},
                {**valid, "kty": ["EC"]},
                {**valid, "d": "AAAA"},
                {"kty": "EC", "crv": "P-256", "x": "", "y": ""},
            ]
        )
        return self._proof("strange jwk", {"jwk": jwk})

    def long_jti(self) -> Hostile:
        jti = self._random.choice(["x" * 6_000, "", 7, None, ["a"], {"a": 1}, "\n" * 2_000])
        if self._random.random() < 0.5:
            return self._form_with("long jti", self._machine.assertion(claims={"jti": jti}))
        return self._proof("long jti", {}, {"jti": jti})

    def unknown_host(self) -> Hostile:
        host = self._random.choice(
            ["evil.test", "evil.test:80", "a" * 300, "local host", "[::1", "localhost:99999", "é"]
        )
        path = self._random.choice(["/connect/token", "/.well-known/openid-configuration", "/mock/dpop-nonce"])
        headers = {"Content-Type": FORM, "Host": host}
        return Hostile("unknown host", "POST" if "token" in path else "GET", path, headers, self._valid_body())

    def random_bytes(self) -> Hostile:
        return self._post("random bytes", self._random.randbytes(self._random.randrange(2_000)))

    def flipped_assertion(self) -> Hostile:
        return self._form_with("flipped assertion", self._flip(self._machine.assertion()))

    def flipped_proof(self) -> Hostile:
        return self._post("flipped proof", self._valid_body(), proof=self._flip(self._machine.proof()))

    def odd_claims(self) -> Hostile:
        odd: list[object] = [
            None,
            True,
            -1,
            1e18,
            0,
            "",
            "x",
            [],
            {},
            [None],
            ["a", 1],
            {"a": []},
            "9" * 50,
            "\uff11\uff12",
            1.5,
            "-5",
        ]
        names = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "htm", "htu", "nonce", "typ", "kid", "alg"]
        changes = {name: self._random.choice(odd) for name in self._random.sample(names, 2)}
        if self._random.random() < 0.5:
            # Without its own key the assertion proves nothing, so nothing of it may be remembered.
            token = self._machine.assertion(claims=changes, jwk=private_jwk("ES256", 7))
            return self._form_with("odd claims", token)
        return self._proof("odd claims", {}, {"nonce": ABSENT, **changes, "htm": "no method"})

    def odd_basic(self) -> Hostile:
        text = self._random.choice([b"a:b", b":", b"\xff\xfe:", b"a", b"\x00:x", b"a" * 4_000 + b":b"])
        value = self._random.choice([base64.b64encode(text).decode(), "====", "*", ""])
        body = urlencode({"grant_type": "client_credentials"}).encode()
        return self._post("odd Basic header", body, extra={"Authorization": f"Basic {value}"})

    def many_fields(self) -> Hostile:
        return self._post("many fields", "&".join(f"f{i}=1" for i in range(5_000)).encode())

    def strange_query(self) -> Hostile:
        text = "".join(self._random.choices(string.printable, k=200))
        path = self._random.choice(["/connect/token", "/mock/api/v1/journal", "/.well-known/openid-configuration"])
        return Hostile("strange query", "GET", f"{path}?{quote_plus(text)}&limit=-1&before=x", {}, b"")

    def control_api(self) -> Hostile:
        path = self._random.choice(
            ["/mock/api/v1/journal", "/mock/api/v1/none", "/mock/api/", "/mock/api/v1/journal?limit=0"]
        )
        headers = {"Content-Type": "application/json", "Origin": "https://evil.test"}
        return Hostile("control API", self._random.choice(["POST", "DELETE", "PUT"]), path, headers, b"[" * 1_000)

    def odd_pushed_request(self) -> Hostile:
        """A correct client authentication would be remembered, so it comes with a foreign key."""
        form = self._machine.form(self._machine.assertion(jwk=private_jwk("ES256", 7)), {"grant_type": ABSENT})
        odd = {name: self._odd_text() for name in self._random.sample(AUTHORIZE_PARAMETERS, 3)}
        return self._post("odd pushed request", urlencode({**form, **odd}).encode(), path="/connect/par")

    def odd_authorize(self) -> Hostile:
        odd = {name: self._odd_text() for name in self._random.sample(AUTHORIZE_PARAMETERS, 3)}
        if self._random.random() < 0.5:
            odd["client_id"] = self._machine.client_id
        query = urlencode(odd) + self._random.choice(["", "&state=%ff", "&nonce=%00", "&scope=a&scope=b", "&%zz"])
        path = self._random.choice(["/connect/authorize", "/connect/authorize/callback"])
        if self._random.random() < 0.3:
            return self._post("odd authorize", query.encode(), path="/connect/authorize")
        return Hostile(
            "odd authorize", "GET", f"{path}?{query}", {"Cookie": f"mock-sts-session={self._odd_text()!r}"}, b""
        )

    def odd_login_page(self) -> Hostile:
        path = self._random.choice(
            [
                "/Account/Login?ReturnUrl",
                "/Account/ExternalLogin?provider=testidp-oidc&returnUrl",
                "/home/error?errorId",
                "/testidp/Account/Login?provider=testidp-oidc&returnurl",
            ]
        )
        target = self._random.choice(
            [
                "https://evil.test",
                "//evil.test",
                "/connect/authorize/callback?authzId=x",
                "%00",
                "%ff",
                "a" * 5_000,
                "/",
            ]
        )
        body = urlencode({"Pid": self._odd_text(), "__RequestVerificationToken": self._odd_text()}).encode()
        if path.startswith("/testidp") and self._random.random() < 0.5:
            return self._post("odd login page", body, path=f"{path}={quote_plus(target)}")
        return Hostile("odd login page", "GET", f"{path}={quote_plus(target)}", {}, b"")

    def odd_user_info(self) -> Hostile:
        token = self._random.choice(
            ["", "x", "a.b.c", self._machine.assertion(), self._flip(self._machine.assertion())]
        )
        scheme = self._random.choice(["Bearer", "DPoP", "bearer", "Basic", ""])
        headers = {"Authorization": f"{scheme} {token}", "DPoP": self._machine.proof()}
        return Hostile("odd userinfo", self._random.choice(["GET", "POST"]), "/connect/userinfo", headers, b"")

    def odd_end_session(self) -> Hostile:
        query = urlencode({"id_token_hint": self._odd_text(), "post_logout_redirect_uri": "https://evil.test"})
        return Hostile("odd end session", "GET", f"/connect/endsession?{query}", {}, b"")

    def _odd_text(self) -> str:
        return self._random.choice(
            [
                "",
                "x" * 20_000,
                "a b",
                "\u00e6\U0001f600",
                "<script>",
                "' OR 1=1",
                "../..",
                "9" * 40,
                "none login",
                "a.b.c",
            ]
        )

    def _flip(self, token: str) -> str:
        place = self._random.randrange(len(token))
        other = self._random.choice(string.ascii_letters + string.digits + "._-~")
        # The last character's unused bits do not change the signature, so it is left alone.
        return token[:place] + other + token[place + 1 :] + "A" * 4

    def _raw(self, kind: str, payload: bytes) -> Hostile:
        if self._random.random() < 0.5:
            header = json.dumps({"alg": "ES256", "typ": "JWT"}).encode()
            return self._form_with(kind, raw_jws(header, payload, private_jwk("ES256", 7), "ES256"))
        token = raw_jws(payload, b"{}", self._machine.proof_jwk, "ES256")
        return self._post(kind, self._valid_body(), proof=token)

    def _proof(self, kind: str, header: dict[str, object], claims: dict[str, object] | None = None) -> Hostile:
        changed = {"nonce": ABSENT, **(claims or {})}
        return self._post(kind, self._unknown_body(), proof=self._machine.proof(header=header, claims=changed))

    def _form_with(self, kind: str, assertion: str) -> Hostile:
        return self._post(kind, urlencode(self._machine.form(assertion)).encode(), proof=self._machine.proof())

    def _valid_body(self) -> bytes:
        return urlencode(self._machine.form(self._machine.assertion(claims={"aud": "https://elsewhere.test"}))).encode()

    def _unknown_body(self) -> bytes:
        return urlencode(self._machine.form(self._machine.assertion())).encode()

    def _post(
        self,
        kind: str,
        body: bytes,
        *,
        proof: str | None = None,
        content_type: str = FORM,
        extra: dict[str, str] | None = None,
        path: str = "/connect/token",
    ) -> Hostile:
        headers = {"Content-Type": content_type, **(extra or {})}
        if proof is not None:
            headers["DPoP"] = proof
        return Hostile(kind, "POST", path, headers, body)
