"""The control API of a server, as a client of it has it. The standard library only."""

import http.client
import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

#: Seconds in which a server answers; making an RSA key takes some on a busy machine.
_SECONDS = 60


class ControlError(Exception):
    """The server refuses, or does not answer; the message says why. ``status`` is that of its answer, 0 for none;
    ``problem`` is its problem document (RFC 9457): ``detail``, ``member`` and the like.
    """

    def __init__(self, message: str, status: int = 0, problem: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.problem = dict(problem or {})


class ControlApi:
    """The control API at ``url``. Safe to share between threads."""

    def __init__(self, url: str, admin_token: str = "", tag: str | None = None) -> None:
        """``url`` ends in ``/mock/api/v1``. ``tag`` is that of the test run, for all that it makes."""
        self.url = url.rstrip("/")
        self._parts = urlsplit(self.url)
        self._headers = {"Authorization": f"Bearer {admin_token}"} if admin_token else {}
        if tag is not None:
            self._headers["Mock-Sts-Tag"] = tag

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """What the server answers at ``path`` (``/clients/x``, its names percent-encoded), as JSON; None for nothing.

        Raises ControlError.
        """
        given = {name: value for name, value in (query or {}).items() if value is not None}
        target = f"{self._parts.path}{path}{'?' + urlencode(given) if given else ''}"
        sent = {**self._headers, **(headers or {})}
        content = None
        if body is not None:
            content, sent["Content-Type"] = json.dumps(body).encode(), "application/json"
        status, answer = self._send(method, target, content, sent)
        try:
            read = json.loads(answer) if answer else None
        except ValueError:
            raise ControlError(f"{method} {target} answers {status}, and no JSON", status) from None
        if status >= 400:
            detail = read.get("detail", "") if isinstance(read, dict) else ""
            raise ControlError(
                f"{method} {target}: {status}: {detail}", status, read if isinstance(read, dict) else None
            )
        return read

    def beside(self, url: str) -> "ControlApi":
        """That of another environment of the same server, at ``url``."""
        made = ControlApi(url)
        made._headers = self._headers
        return made

    def items(self, path: str, **query: object) -> Iterator[Any]:
        """All items of the list at ``path``, page by page. Raises ControlError."""
        after: str | None = None
        while True:
            page = self.call("GET", path, query={**query, "limit": 1000, "after": after})
            yield from page["items"]
            after = page["next"]
            if after is None:
                return

    def _send(self, method: str, target: str, content: bytes | None, headers: Mapping[str, str]) -> tuple[int, bytes]:
        kind = http.client.HTTPSConnection if self._parts.scheme == "https" else http.client.HTTPConnection
        # A connection for each call: none is left open behind a test, and none has idled for too long.
        connection = kind(self._parts.hostname or "", self._parts.port, timeout=_SECONDS)
        try:
            connection.request(method, target, content, {**headers, "Connection": "close"})
            with connection.getresponse() as response:
                return response.status, response.read()
        except (http.client.HTTPException, OSError) as error:
            raise ControlError(f"no answer from {self.url}: {error!r}") from None
        finally:
            connection.close()


def segment(name: str) -> str:
    """``name`` as it stands in a path."""
    return quote(name, safe="")
