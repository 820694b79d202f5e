"""Asking a server over HTTP, for what looks at one from outside: ``doctor``, ``token`` and ``health``.

The standard library only, for containers have nothing else. Whatever the other side does, there is an answer within the
time that was given, or a NoAnswerError.
"""

import http.client
import queue
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Any, TypeVar
from urllib.parse import urljoin

from mock_sts.protocol.addresses import is_loopback
from mock_sts.protocol.json_text import JsonTextError, read_json_object
from mock_sts.protocol.urls import split_url

#: Bytes of an answer that are read, and addresses that are gone on to.
_LONGEST, _REDIRECTS = 1_000_000, 5

_MOVED = (301, 302, 303, 307, 308)

_T = TypeVar("_T")


class NoAnswerError(Exception):
    """No answer that can be used; the message says why, ``remedy`` what may mend it, where something is known."""

    def __init__(self, says: str, remedy: str = "") -> None:
        super().__init__(says)
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the body, and the address that it came from in the end."""

    status: int
    headers: Message
    body: bytes
    url: str

    def document(self) -> dict[str, Any]:
        """The JSON object in the body. Raises NoAnswerError."""
        try:
            return read_json_object(self.body)
        except JsonTextError as error:
            raise NoAnswerError(f"what {self.url} answers is no JSON object: {error}") from None


def ask(
    url: str,
    *,
    seconds: float,
    context: ssl.SSLContext | None = None,
    form: bytes | None = None,
    method: str | None = None,
    headers: Mapping[str, str] | None = None,
    proxies: bool = True,
    redirected: bool = True,
) -> Answer:
    """The answer to a GET of ``url``, or to a POST of ``form``, whatever its status, within ``seconds`` in all; or to
    another ``method``.

    A GET is redirected unless it is not to be ``redirected``, for its headers go along; a POST is not. ``context`` says
    whom to trust over https; ``proxies`` whether those of the environment count. Raises NoAnswerError.
    """

    def follow() -> Answer:
        at = url
        for _ in range(_REDIRECTS + 1):
            if not split_url(at).scheme:
                led = "" if at == url else f", where {url} leads,"
                raise NoAnswerError(f"{at[:100]!r}{led} is no http or https URL")
            request = urllib.request.Request(at, form, dict(headers or {}), method=method)  # noqa: S310  looked at above
            answer = _send(request, proxy_of(at) if proxies else "", context, seconds)
            to = answer.headers.get("Location")
            if form is not None or not redirected or answer.status not in _MOVED or not to:
                return answer
            at = urljoin(at, to)
        raise NoAnswerError(f"{url} redirects more than {_REDIRECTS} times")

    try:
        return within(seconds, follow)
    except http.client.HTTPException as error:
        # The first bytes of TLS are no status line.
        remedy = "that port may speak https: try an https URL" if split_url(url).scheme == "http" else ""
        said = f"{type(error).__name__}: {error}"[:200]
        raise NoAnswerError(f"what answers at {url} is no HTTP ({said})", remedy) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise NoAnswerError(f"no answer from {url}: {reason}", _remedy_of(reason)) from None


def _remedy_of(reason: object) -> str:
    if isinstance(reason, ssl.SSLCertVerificationError):
        return "name whom to trust: SSL_CERT_FILE, with what mock-sts ca prints"
    if isinstance(reason, ssl.SSLError):
        return "that port may speak http: try an http URL"
    return ""


class _StayHere(urllib.request.HTTPRedirectHandler):
    """Leaves redirects to ``ask``: urllib's own way would go to ftp too, and past a proxy's exceptions."""

    def http_error_302(self, *_: object) -> None:
        """Do nothing."""

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302  # type: ignore[assignment]


def _send(request: urllib.request.Request, proxy: str, context: ssl.SSLContext | None, seconds: float) -> Answer:
    through = urllib.request.ProxyHandler({split_url(request.full_url).scheme: proxy} if proxy else {})
    secure = [urllib.request.HTTPSHandler(context=context)] if context else []
    try:
        response = urllib.request.build_opener(through, _StayHere(), *secure).open(request, timeout=seconds)
    except urllib.error.HTTPError as error:
        response = error
    with response:
        return Answer(response.status, response.headers, response.read(_LONGEST), request.full_url)


def proxy_of(url: str) -> str:
    """The proxy of the environment for ``url``, or an empty string; there is none to this machine itself."""
    parts = split_url(url)
    if is_loopback(parts.hostname or "") or urllib.request.proxy_bypass(parts.netloc):
        return ""
    return urllib.request.getproxies().get(parts.scheme, "")


def within(seconds: float, work: Callable[[], _T]) -> _T:
    """What ``work`` returns or raises; TimeoutError when that takes longer.

    A thread does it that is not waited for then: a search for a name cannot be broken off, and limits of sockets begin
    anew with each byte.
    """
    done: queue.SimpleQueue[Callable[[], _T]] = queue.SimpleQueue()

    def run() -> None:
        try:
            result = work()
        except Exception as error:
            done.put(_raising(error))
        else:
            done.put(lambda: result)

    threading.Thread(target=run, daemon=True).start()
    try:
        outcome = done.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"not within {seconds:g} s") from None
    return outcome()


def _raising(error: Exception) -> Callable[[], Any]:
    def tell() -> None:
        raise error

    return tell


def printable(text: str) -> str:
    """``text`` of any server, fit for a terminal: one line, and no control characters."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
