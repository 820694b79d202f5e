"""HTTP that remembers: each request with its answer, so that the pages can show what really travelled."""

import http.client
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

#: Seconds until the other side is given up.
_TIMEOUT = 10

#: Bytes of an answer that are read.
_MAX_ANSWER = 1024 * 1024

Pairs = list[tuple[str, str]]

#: From the URL of a request to further headers.
Introduce = Callable[[str], Mapping[str, str]]


class WireError(Exception):
    """There was no answer that could be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. Header names are looked up in any case."""

    status: int
    headers: Pairs
    body: bytes

    def header(self, name: str) -> str | None:
        """The first header called ``name``."""
        return next((value for found, value in self.headers if found.lower() == name.lower()), None)

    def json(self) -> dict[str, Any]:
        """The JSON object in the body. Raises WireError when there is none."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise WireError(f"the answer with status {self.status} is no JSON object")
        return value


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a flow as the pages show it: why it was made, the request, and the answer if it had one.

    ``status`` is 0 for a step that the browser made.
    """

    title: str
    why: str
    method: str
    url: str
    sent_headers: Pairs = field(default_factory=list)
    sent: Pairs = field(default_factory=list)
    status: int = 0
    headers: Pairs = field(default_factory=list)
    body: str = ""

    def document(self) -> dict[str, Any]:
        """The step as JSON."""
        return asdict(self)


class Wire:
    """Sends requests and keeps them as steps.

    Every request goes to ``address``, the server's own socket, whatever host its URL names, which travels in the Host
    header (as ``curl --connect-to`` does). So the demo works where a public URL cannot be reached from inside, and
    talks to no other server. A client of your own does without.

    ``introduce`` makes headers for a URL that tell the server by which scheme and below which path it is known there.
    They are proof of who asks, so they are not kept in the steps.
    """

    def __init__(self, address: tuple[str, int], introduce: Introduce = lambda _: {}) -> None:
        self._address = address
        self._introduce = introduce
        self.steps: list[Step] = []

    def get(self, title: str, why: str, url: str, headers: Mapping[str, str] | None = None) -> Reply:
        """A GET request."""
        return self._send(title, why, "GET", url, dict(headers or {}), [])

    def post(self, title: str, why: str, url: str, body: str, headers: Mapping[str, str] | None = None) -> Reply:
        """A form, ``body``, posted."""
        sent = {**(headers or {}), "Content-Type": "application/x-www-form-urlencoded"}
        return self._send(title, why, "POST", url, sent, parse_qsl(body, keep_blank_values=True))

    def browser(self, title: str, why: str, url: str) -> None:
        """Remember a request that the browser makes or made."""
        self.steps.append(Step(title, why, "GET", url))

    def _send(
        self, title: str, why: str, method: str, url: str, headers: Mapping[str, str], form: Sequence[tuple[str, str]]
    ) -> Reply:
        parts = urlsplit(url)
        target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        sent = {"Host": parts.netloc, "Accept": "application/json", **headers}
        connection = http.client.HTTPConnection(*self._address, timeout=_TIMEOUT)
        try:
            connection.request(method, target, urlencode(form) if form else None, {**sent, **self._introduce(url)})
            with connection.getresponse() as response:
                reply = Reply(response.status, response.getheaders(), response.read(_MAX_ANSWER))
        except (OSError, http.client.HTTPException) as error:
            raise WireError(f"no answer from {url}: {error}") from None
        finally:
            connection.close()
        body = reply.body.decode("utf-8", "replace")
        self.steps.append(
            Step(title, why, method, url, list(sent.items()), list(form), reply.status, reply.headers, body)
        )
        return reply
