"""Sealed texts: small values that travel through a browser and come back unchanged, without being stored."""

import hashlib
import hmac
from collections.abc import Mapping

from mock_sts.protocol.jose import JoseError, from_base64url, to_base64url
from mock_sts.protocol.json_text import JsonTextError, read_json_object, write_plain_json

_SIZE = 32


class Seal:
    """Seals JSON objects with a secret of the server, each for one purpose."""

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def close(self, purpose: str, value: Mapping[str, object]) -> str:
        """``value`` as an opaque URL-safe text; it can be read without the secret, but not changed."""
        data = write_plain_json(value)
        return to_base64url(self._mark(purpose, data) + data)

    def open(self, purpose: str, text: str) -> dict[str, object] | None:
        """The value that was sealed for ``purpose``, or None for anything else."""
        try:
            data = from_base64url(text)
            if not hmac.compare_digest(data[:_SIZE], self._mark(purpose, data[_SIZE:])):
                return None
            return read_json_object(data[_SIZE:])
        except (JoseError, JsonTextError):
            return None

    def _mark(self, purpose: str, data: bytes) -> bytes:
        return hmac.digest(self._secret, purpose.encode() + b"\0" + data, hashlib.sha256)
