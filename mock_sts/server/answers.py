"""Answers that the server gives by itself, before the application has a request or because it cannot take one."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import TypeAlias

from mock_sts.protocol.errors import ErrorCode, OAuthError
from mock_sts.protocol.json_text import write_json
from mock_sts.web.headers import EVERY_ANSWER, JSON_TYPE, NO_STORE

#: Status, headers, body.
Answer: TypeAlias = tuple[int, list[tuple[str, str]], bytes]

#: Seconds after which a client that was turned away may come again.
RETRY_AFTER = 1


def json_answer(status: int, content: Mapping[str, str]) -> Answer:
    """Status, headers and body of an answer that must not be stored; 503 names when to come again."""
    body = write_json(content)
    headers = [
        ("Content-Type", JSON_TYPE),
        ("Content-Length", str(len(body))),
        *NO_STORE.items(),
        *EVERY_ANSWER.items(),
    ]
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers.append(("Retry-After", str(RETRY_AFTER)))
    return status, headers, body


def error_answer(status: int, description: str) -> Answer:
    """A refusal in the form that the back channel's errors have."""
    code = ErrorCode.SERVER_ERROR if status >= HTTPStatus.INTERNAL_SERVER_ERROR else ErrorCode.INVALID_REQUEST
    return json_answer(status, OAuthError(code, description).body())


def raw_answer(status: int, description: str) -> bytes:
    """A refusal as it leaves on a connection that is closed after it (RFC 9112)."""
    _, headers, body = error_answer(status, description)
    head = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join([*head, "Connection: close", "", ""]).encode("latin-1") + body
