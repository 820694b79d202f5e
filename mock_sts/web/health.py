"""Health, for containers and balancers; answered whatever host is asked for."""

from flask import Blueprint, Response

from mock_sts.services.environment import Environment
from mock_sts.web.writing import json_response


def blueprint(environment: Environment) -> Blueprint:
    """The routes."""
    routes = Blueprint("health", __name__)

    @routes.get("/health/live")
    def live() -> Response:
        return json_response({"status": "live"})

    @routes.get("/health/ready")
    def ready() -> Response:
        environment.store.check()
        environment.catalog.current()
        return json_response({"status": "ready"})

    return routes
