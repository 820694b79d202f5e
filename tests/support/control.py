"""The control API as a test calls it."""

import json
from collections.abc import Mapping
from typing import Any

from tests.support.machine import Answer, Transport

PREFIX = "/mock/api/v1"


class Control:
    """The control API of a server or of one environment."""

    def __init__(self, transport: Transport, **headers: str) -> None:
        """``headers`` are sent with every request, by their names with ``_`` for ``-``."""
        self._transport = transport
        self._headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def call(self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> Answer:
        """What is answered, whatever its status."""
        sent = b"" if body is None else json.dumps(body).encode()
        said = {"Content-Type": "application/json", **self._headers, **(headers or {})}
        return self._transport.send(method, f"{PREFIX}{path}", said, sent)

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """The content of a good answer; None where it has none."""
        answer = self.call(method, path, body)
        assert answer.status in (200, 201, 204), answer.content
        return answer.json if answer.content else None

    def refused(self, method: str, path: str, body: object = None) -> tuple[int, str]:
        """Status and sentence of a problem."""
        answer = self.call(method, path, body)
        assert answer.headers["content-type"].startswith("application/problem+json"), answer.content
        return answer.status, answer.json["detail"]

    def environment(self, name: str) -> dict[str, Any]:
        """One environment."""
        found: dict[str, Any] = self.ask("GET", f"/environments/{name}")
        return found

    def clock(self, **action: object) -> dict[str, Any]:
        """Do one thing with the clock; what it is then."""
        found: dict[str, Any] = self.ask("POST", "/clock", action)
        return found
