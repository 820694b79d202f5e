"""Health, for containers and balancers; answered whatever host is asked for."""

from mock_sts.web.http import HttpRequest, HttpResponse, Route, json_response


def live(_request: HttpRequest) -> HttpResponse:
    """Whether the process answers."""
    return json_response({"status": "live"})


def ready(request: HttpRequest) -> HttpResponse:
    """Whether it can use the database too."""
    request.server.check()
    return json_response({"status": "ready"})


ROUTES = (
    Route("/health/live", ("GET",), live, answers_options=True),
    Route("/health/ready", ("GET",), ready, answers_options=True),
)
