"""What comes before everything else: steps that say what a request means, before it is clear who answers it.

They look at the environment alone, ask no database and change it in place, so that our own server can take them in its
event loop and then choose who does the work.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

Step = Callable[[WSGIEnvironment], None]


class Front:
    """WSGI application in front of ``app``, which takes ``steps`` first.

    ``own_path`` tells which path of ours a path is, below a base path and that of an environment. ``is_short`` tells by
    method and path which requests are short work, that need not go to a thread as long as ``in_haste`` gives what keeps
    them from waiting: then BusyError leaves the application where one would, and nothing has come of the request.
    """

    def __init__(
        self,
        app: WSGIApplication,
        steps: Sequence[Step],
        own_path: Callable[[str], str],
        is_short: Callable[[str, str], bool] = lambda _method, _path: False,
        in_haste: Callable[[], AbstractContextManager[None] | None] = lambda: None,
    ) -> None:
        self.app = app
        self.is_short = is_short
        self.in_haste = in_haste
        self._steps = steps
        self._own_path = own_path

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        self.take_steps(environ)
        return self.app(environ, start_response)

    def take_steps(self, environ: WSGIEnvironment) -> str:
        """Take the steps; which path of ours the request is for."""
        for step in self._steps:
            step(environ)
        return self._own_path(str(environ.get("PATH_INFO", "")))
