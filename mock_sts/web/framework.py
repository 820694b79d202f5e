"""The door of the framework: what every route of the Flask application passes, and what becomes of its errors."""

from flask import Flask, Response, request
from werkzeug.exceptions import BadHost, HTTPException, NotFound

from mock_sts.protocol.addresses import HostFault, UnknownHostError
from mock_sts.web.errors import Errors
from mock_sts.web.headers import EVERY_ANSWER
from mock_sts.web.http import BODY_FAULT, HttpError, HttpRequest
from mock_sts.web.writing import written

#: Headers of the framework's errors that belong to their meaning.
_KEPT_HEADERS = ("Allow", "WWW-Authenticate")


def refuse_strangers(app: Flask) -> None:
    """Refuse requests of unknown hosts and for unknown environments, whatever their path."""

    @app.before_request
    def is_strange() -> None:
        fault = HttpRequest(request.environ).fault
        if fault is not None:
            raise fault


def refuse_wrong_bodies(app: Flask) -> None:
    """Refuse requests whose body did not come as it should."""

    @app.before_request
    def is_wrong() -> None:
        if BODY_FAULT in request.environ:
            raise request.environ[BODY_FAULT]


def answer_errors(app: Flask, errors: Errors) -> None:
    """Answer every error that leaves a view, so that none ends as a page of the framework, and finish every answer."""

    @app.errorhandler(Exception)
    def on_error(error: Exception) -> Response:
        return written(errors.answer(_ours(error), HttpRequest(request.environ)))

    @app.after_request
    def finish(response: Response) -> Response:
        errors.tell_of_preflight(HttpRequest(request.environ), response.status_code, dict(response.headers))
        response.headers.update(EVERY_ANSWER)
        return response


def _ours(error: Exception) -> Exception:
    """An error of the framework as one of ours."""
    if isinstance(error, BadHost):  # the framework looks at the Host header before we do
        return UnknownHostError(request.environ.get("HTTP_HOST", "")[:100], (), HostFault.MALFORMED)
    if not isinstance(error, HTTPException):
        return error
    kept = {name: value for name, value in error.get_headers() if name in _KEPT_HEADERS}
    # What the framework says of a path that it does not know is no help.
    is_unknown = error.code == 404 and error.description == NotFound.description
    why = "" if is_unknown else error.description or ""
    return HttpError(error.code or 500, error.name, why, kept)
