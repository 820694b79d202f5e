"""Everything of the control API, put into the application."""

from flask import Flask

from mock_sts.web.mock.api import (
    clock,
    conformance,
    environments,
    faults,
    guards,
    journal,
    keys,
    next_login,
    ordered_tokens,
    provocation,
    public_url,
    registry,
    reload,
    reports,
    sessions,
    settings,
    snapshots,
    token_service_keys,
    verification,
)
from mock_sts.web.mock.api.description import Description
from mock_sts.web.mock.api.operations import Resource
from mock_sts.web.mock.api.serving import routes_of

#: All resources, in the order in which the documentation has them.
RESOURCES: tuple[Resource, ...] = (
    registry.PERSONAS,
    registry.ORGANIZATIONS,
    registry.APIS,
    registry.CLIENTS,
    registry.WORLD,
    environments.RESOURCE,
    clock.RESOURCE,
    keys.RESOURCE,
    snapshots.RESOURCE,
    faults.RESOURCE,
    verification.RESOURCE,
    next_login.RESOURCE,
    sessions.SESSIONS,
    sessions.PENDING,
    journal.RESOURCE,
    reports.RESOURCE,
    conformance.RESOURCE,
    provocation.RESOURCE,
    settings.RESOURCE,
    public_url.RESOURCE,
    ordered_tokens.RESOURCE,
    token_service_keys.RESOURCE,
    reload.RESOURCE,
)


def described() -> tuple[Resource, ...]:
    """All resources, the description itself among them."""
    return (*RESOURCES, Description(RESOURCES).resource)


def install(app: Flask) -> None:
    """The guards, also for paths that do not exist, and the routes."""
    guards.install(app)
    described = Description(RESOURCES)
    app.register_blueprint(routes_of((*RESOURCES, described.resource)))
    app.register_blueprint(described.page)
