"""What comes before everything else: steps that say what a request means, before it is clear who answers it.

They look at the environment alone, ask no database and change it in place, so that our own server can take them in its
event loop and then choose who does the work.
"""

from collections.abc import Callable, Iterable, Sequence
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

Step = Callable[[WSGIEnvironment], None]


class Front:
    """WSGI application in front of ``app``, which takes ``steps`` first.

    ``own_path`` tells which path of ours a path is, below a base path.
    """

    def __init__(self, app: WSGIApplication, steps: Sequence[Step], own_path: Callable[[str], str]) -> None:
        self.app = app
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
        path = str(environ.get("PATH_INFO", ""))
        return path if environ.get("SCRIPT_NAME") else self._own_path(path)
