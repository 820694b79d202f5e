"""A private key in every form in which a stranger may send one by mistake."""

import base64
import json
import re
from collections.abc import Callable
from urllib.parse import quote, quote_plus

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from mock_sts.protocol.jose import generate_private_jwk, to_pem
from tests.support.keys import Jwk, private_jwk

PRIVATE = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")

RSA, EC, ED = private_jwk("PS256", 77, 2048), private_jwk("ES256", 77), private_jwk("Ed25519", 77)
OCT = {"kty": "oct", "k": base64.urlsafe_b64encode(bytes(range(100, 132))).decode().rstrip("=")}
KEYS: dict[str, Jwk] = {"RSA": RSA, "EC": EC, "Ed25519": ED, "oct": OCT}


def _pem(encoding: Encoding, form: PrivateFormat, jwk: Jwk = RSA, password: bytes = b"") -> bytes:
    key = serialization.load_pem_private_key(to_pem(jwk), None)
    return key.private_bytes(encoding, form, BestAvailableEncryption(password) if password else NoEncryption())


PEM = {
    "PKCS #8, RSA": _pem(Encoding.PEM, PrivateFormat.PKCS8).decode(),
    "PKCS #8, EC": _pem(Encoding.PEM, PrivateFormat.PKCS8, EC).decode(),
    "PKCS #8, Ed25519": _pem(Encoding.PEM, PrivateFormat.PKCS8, ED).decode(),
    "PKCS #8, encrypted": _pem(Encoding.PEM, PrivateFormat.PKCS8, RSA, b"password").decode(),
    "PKCS #1": _pem(Encoding.PEM, PrivateFormat.TraditionalOpenSSL).decode(),
    "SEC 1": _pem(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, EC).decode(),
    "PKCS #8, in one line": _pem(Encoding.PEM, PrivateFormat.PKCS8).decode().replace("\n", ""),
    "OpenSSH": _pem(Encoding.PEM, PrivateFormat.OpenSSH).decode(),
}
#: One that is a single segment of a path, which few are.
PEM_WITHOUT_SLASH = next(
    pem
    for jwk in iter(lambda: generate_private_jwk("ES256"), None)
    if "/" not in (pem := _pem(Encoding.PEM, PrivateFormat.PKCS8, jwk).decode())
)
_JSON = {
    **{f"JWK, {name}": json.dumps(jwk) for name, jwk in KEYS.items()},
    "JWK, spread": json.dumps(RSA, indent=2),
    "JWK, tight": json.dumps(RSA, separators=(",", ":")),
    "JWK without kty": json.dumps({name: value for name, value in EC.items() if name != "kty"}),
    "JWK as .NET writes it": json.dumps({name.capitalize(): value for name, value in RSA.items()}),
    "JWK as Python writes it": repr(RSA),
    "JWK set": json.dumps({"keys": [EC, RSA]}),
    "JWK with more primes": json.dumps({**RSA, "oth": [{"r": RSA["p"], "d": RSA["dp"], "t": RSA["qi"]}]}),
}
#: What the texts below are made of, by name.
PLAIN = {
    **PEM,
    **_JSON,
    "YAML": "\n".join(f"{name}: {value}" for name, value in EC.items()),
    "XML": "<RSAKeyValue>" + "".join(f"<{n.upper()}>{RSA[n]}</{n.upper()}>" for n in ("n", "d", "p", "q")) + "</>",
    "DER in base64": base64.b64encode(_pem(Encoding.DER, PrivateFormat.PKCS8)).decode(),
    "DER in base64, EC": base64.b64encode(_pem(Encoding.DER, PrivateFormat.PKCS8, EC)).decode(),
    "DER in base64url": base64.urlsafe_b64encode(_pem(Encoding.DER, PrivateFormat.PKCS8)).decode(),
    "DER in base64, by lines": base64.encodebytes(_pem(Encoding.DER, PrivateFormat.PKCS8)).decode(),
}

#: Ways in which each of them may be wrapped.
WRAPPED: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "in a sentence": lambda text: f"my key is {text}, please",
    "JSON in JSON": lambda text: json.dumps({"config": text}),
    "JSON in JSON in JSON": lambda text: json.dumps({"a": json.dumps({"config": text})}),
    "in base64": lambda text: base64.b64encode(text.encode()).decode(),
    "in base64 in JSON": lambda text: json.dumps({"a": base64.b64encode(json.dumps({"x": text}).encode()).decode()}),
    "for a URL": quote,
    "for a form": quote_plus,
    "cut off": lambda text: text[: len(text) * 3 // 4],
}

#: Every text, by what it is and how it is wrapped.
TEXTS = {f"{name}; {way}": wrap(text) for name, text in PLAIN.items() for way, wrap in WRAPPED.items()}


def _public() -> str:
    """Everything about the keys above that may be seen, also as it stands in base64 of something longer."""
    values = [value for jwk in KEYS.values() for name, value in jwk.items() if name not in PRIVATE]
    texts = [json.dumps(values)]
    for value in values:
        data = base64.urlsafe_b64decode(value[: len(value) // 4 * 4].translate({58: 45, 46: 45}))
        texts += [base64.b64encode(before + data).decode() for before in (b"", b"0", b"00")]
        texts += [base64.urlsafe_b64encode(before + data).decode() for before in (b"", b"0", b"00")]
    return "\n".join(texts)


def material() -> set[str]:
    """Parts of the private keys above, in each form: none of them may be seen anywhere."""
    values = [value for jwk in KEYS.values() for name, value in jwk.items() if name in PRIVATE]
    pems = (*PEM.values(), PEM_WITHOUT_SLASH)
    bodies = [part for text in pems for part in text.splitlines() if not part.startswith("-----") and len(part) > 32]
    der = [text.replace("\n", "") for name, text in PLAIN.items() if name.startswith("DER")]
    parts = {
        text[start : start + 20]
        for text in (*values, *bodies, *(text[40:] for text in der))
        for start in range(0, max(1, len(text) - 20), 10)
    }
    public = _public()
    return {part for part in parts if len(part) == 20 and part not in public}


_MATERIAL = material()


def seen_in(text: str) -> list[str]:
    """The parts of private keys that stand in ``text``, also those that it holds in base64."""
    unwrapped = text
    for _ in range(2):
        more = []
        for word in re.findall(r"[A-Za-z0-9+/_-]{40,}", unwrapped):
            data = base64.urlsafe_b64decode(word.translate({43: 45, 47: 95})[: len(word) // 4 * 4])
            more.append(data.decode("latin-1"))
        unwrapped = "\n".join(more)
        text += "\n" + unwrapped
    plain = text.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=").replace("\\/", "/")
    return [part for part in _MATERIAL if part in plain]
