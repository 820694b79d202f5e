"""How commands steer a server: by the control API of one that runs, or, without ``--url``, by the same API over the
database that the settings name, without a server between.
"""

import argparse
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote_to_bytes, urlsplit

from mock_sts.cli.output import print_json
from mock_sts.cli.settings import CommandError, issuer_of, settings_of, tell_new_database
from mock_sts.settings.settings import Settings

if TYPE_CHECKING:
    from mock_sts.app import Application

_PREFIX = "/mock/api/v1"

#: Seconds in which a server answers; a large key takes some.
_SECONDS = 60

EPILOG = (
    "Works on the database that the settings name, also while a server runs, which follows at once; with --url by the "
    "control API of a running server. --json prints what the control API answers."
)


def add_common(parser: argparse.ArgumentParser, *, env: bool = True) -> None:
    """Add what all of these commands take."""
    parser.add_argument("--url", help="the issuer of a running server, in place of the database")
    if env:
        parser.add_argument("--env", metavar="NAME", help="an environment; default: the one at the root")
    parser.add_argument(
        "--with-admin-token", action="store_true", help="send MOCK_STS_ADMIN_TOKEN to the server of --url"
    )
    parser.add_argument("--json", action="store_true", help="as JSON")


@dataclass(frozen=True, slots=True)
class _Answered:
    status: int
    body: bytes


def steer(parsed: argparse.Namespace, method: str, path: str, body: object = None) -> Any:
    """What the control API answers to one request; None for nothing. Raises CommandError."""
    from mock_sts.services.environment import path_of_environment  # noqa: PLC0415

    settings, _ = settings_of()
    env = getattr(parsed, "env", None)
    whole = f"{path_of_environment(quote(env, safe='')) if env else ''}{_PREFIX}{path}"
    content = b"" if body is None else json.dumps(body).encode()
    if parsed.url:
        answered = _by_http(settings, parsed, method, whole, content)
    else:
        answered = _here(settings, method, whole, content)
    return _read(answered, parsed, whole)


def tell(parsed: argparse.Namespace, answer: Any, people: Callable[[Any], None]) -> int:
    """Print ``answer`` as JSON, or for people; the exit status."""
    if parsed.json:
        print_json({} if answer is None else answer)
    else:
        people(answer)
    return 0


def lines(answer: Mapping[str, Any], *names: str) -> None:
    """Print the members ``names`` of an answer, one a line."""
    width = max(map(len, names)) + 2
    for name in names:
        print(f"{name + ':':<{width}}{_said(answer[name])}".rstrip())


def _said(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={_said(inner)}" for name, inner in value.items()) or "-"
    if isinstance(value, list):
        return ", ".join(map(_said, value)) or "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value in (None, "") else str(value)


def _read(answered: _Answered, parsed: argparse.Namespace, path: str) -> Any:
    try:
        content = json.loads(answered.body) if answered.body else None
    except ValueError:
        raise CommandError(f"what answers at {path} is no mock-sts: it says no JSON") from None
    if answered.status < 300:
        return content
    says = content.get("detail", "") if isinstance(content, dict) else ""
    if answered.status == 401 and not parsed.with_admin_token:
        says = f"{says}; set MOCK_STS_ADMIN_TOKEN, and give --with-admin-token"
    raise CommandError(says or f"{path} answered {answered.status}")


def _by_http(settings: Settings, parsed: argparse.Namespace, method: str, path: str, content: bytes) -> _Answered:
    from mock_sts.client.http import NoAnswerError, ask, printable  # noqa: PLC0415
    from mock_sts.client.token import TokenClientError, trusting  # noqa: PLC0415

    url = f"{issuer_of(settings, parsed.url)}{path}"
    headers = {"Content-Type": "application/json"}
    if parsed.with_admin_token:
        headers["Authorization"] = f"Bearer {settings.admin_token}"
    try:
        context = trusting(settings.certificates.ca) if urlsplit(url).scheme == "https" else None
        answer = ask(
            url,
            seconds=_SECONDS,
            context=context,
            form=None if method == "GET" else content,
            method=method,
            headers=headers,
            redirected=False,
        )
    except (NoAnswerError, TokenClientError) as error:
        remedy = getattr(error, "remedy", "")
        raise CommandError(printable(f"{error}{remedy and '; '}{remedy}")) from None
    return _Answered(answer.status, answer.body)


def _here(settings: Settings, method: str, path: str, content: bytes) -> _Answered:
    """The same without a server: its application answers in this process, over the database."""
    from mock_sts.app import Application  # noqa: PLC0415
    from mock_sts.setup import prepared_store  # noqa: PLC0415

    tell_new_database(settings)
    with prepared_store(settings):
        pass
    quiet = logging.root.manager.disable
    logging.disable(logging.WARNING)  # the command says what a server would log
    try:
        return _answer_of(Application(settings), settings, method, path, content)
    finally:
        logging.disable(quiet)


def _answer_of(app: "Application", settings: Settings, method: str, path: str, content: bytes) -> _Answered:
    status: list[int] = []

    def start_response(line: str, _headers: object, _error: object = None) -> Callable[[bytes], object]:
        status.append(int(line.split(" ", 1)[0]))
        return lambda _data: None

    name, _, query = path.partition("?")
    environ = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(name).decode("latin-1"),
        "QUERY_STRING": query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": str(settings.port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": f"localhost:{settings.port}" if settings.port else "localhost",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(content)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(content),
        "wsgi.errors": BytesIO(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": True,
    }
    if settings.admin_token:
        environ["HTTP_AUTHORIZATION"] = f"Bearer {settings.admin_token}"
    try:
        body = b"".join(app.front(environ, start_response))
    finally:
        app.server.close()
    return _Answered(status[-1], body)
