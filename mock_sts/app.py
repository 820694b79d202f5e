"""The composition root: settings and clock become an application over a prepared database."""

from functools import partial

from flask import Flask, Response, request

from mock_sts.demo import CLIENT_ID
from mock_sts.demo import pages as demo
from mock_sts.server.front import Front, Step
from mock_sts.server.intake import BODY_FAULT, Intake
from mock_sts.server.loopback_calls import OwnCalls, own_call_headers
from mock_sts.server.proxies import Proxies
from mock_sts.services.clock import Clock, SystemClock
from mock_sts.services.environment import Policy
from mock_sts.services.server import Hosting, Server
from mock_sts.settings.settings import Settings
from mock_sts.setup import open_store
from mock_sts.store.fixtures.files import shipped_key
from mock_sts.web import environment, errors, health, own_side
from mock_sts.web.environment import Environments
from mock_sts.web.headers import EVERY_ANSWER
from mock_sts.web.helseid import (
    authorization,
    check_session,
    discovery,
    end_session,
    login,
    pushed_authorization,
    testidp,
    token,
    token_management,
    user_info,
)
from mock_sts.web.mock.api import control
from mock_sts.web.mock.pages import automation, doctor, home


def create_app(settings: Settings, clock: Clock | None = None) -> Flask:
    """A WSGI application over a prepared database (see ``setup``). One per process."""
    server = Server(
        settings.addresses,
        Policy.of(settings),
        Hosting(settings.certificates.ca, settings.certificate_names, settings.tls_port, settings.admin_token),
        clock or SystemClock(),
        open_store(settings),
    )
    app = Flask("mock_sts", static_folder=None, template_folder="web/templates")
    # A path is what it is: a redirect to a tidier one would leave before the host was looked at.
    app.url_map.merge_slashes = False
    environments = Environments(app.wsgi_app, server, lambda: (rule.rule for rule in app.url_map.iter_rules()))
    steps: list[Step] = [OwnCalls(server.seal)]
    if settings.trusted_proxies.count or settings.trusted_proxies.networks:
        steps += [own_side.keep_host, Proxies(settings.trusted_proxies)]
    front = Front(Intake(environments, max_body=settings.max_body), steps, environments.own_path)
    app.wsgi_app = front  # type: ignore[method-assign]
    app.extensions[environment.SERVER] = server
    app.extensions["mock_sts_front"] = front
    environment.install(app)
    own_side.install(app)

    @app.before_request
    def refuse_wrong_bodies() -> None:
        if BODY_FAULT in request.environ:
            raise request.environ[BODY_FAULT]

    for routes in (
        home,
        discovery,
        doctor,
        pushed_authorization,
        authorization,
        login,
        testidp,
        automation,
        token,
        token_management,
        user_info,
        end_session,
        check_session,
        health,
    ):
        app.register_blueprint(routes.ROUTES)
    demo.install(app, settings, shipped_key(CLIENT_ID), partial(own_call_headers, server.seal))
    control.install(app)
    errors.install(app)

    @app.after_request
    def name_the_emulator(response: Response) -> Response:
        response.headers.update(EVERY_ANSWER)
        return response

    return app
