"""Health, for containers and balancers; answered whatever host is asked for."""

from flask import Blueprint, Response

from mock_sts.web.reading import the_server
from mock_sts.web.writing import json_response

ROUTES = Blueprint("health", __name__)


@ROUTES.get("/health/live")
def live() -> Response:
    """Whether the process answers."""
    return json_response({"status": "live"})


@ROUTES.get("/health/ready")
def ready() -> Response:
    """Whether it can use the database too."""
    the_server().check()
    return json_response({"status": "ready"})
