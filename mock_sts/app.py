"""The composition root: settings and clock become an application over a prepared database."""

from functools import partial

from flask import Flask

from mock_sts.demo import CLIENT_ID
from mock_sts.demo import pages as demo
from mock_sts.server.front import Front, Step
from mock_sts.server.intake import Intake
from mock_sts.server.loopback_calls import OwnCalls, own_call_headers
from mock_sts.server.proxies import Proxies
from mock_sts.services.clock import Clock, SystemClock
from mock_sts.services.environment import Policy
from mock_sts.services.server import Hosting, Server
from mock_sts.settings.settings import Settings
from mock_sts.setup import open_store
from mock_sts.store.fixtures.files import shipped_key
from mock_sts.web import framework, health, own_side
from mock_sts.web.direct import Direct, is_direct
from mock_sts.web.environment import Environments
from mock_sts.web.errors import Errors
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
from mock_sts.web.mock.pages import automation, ca, doctor, home
from mock_sts.web.reading import SERVER
from mock_sts.web.writing import add_routes


def create_app(settings: Settings, clock: Clock | None = None) -> Flask:
    """A WSGI application over a prepared database (see ``setup``). One per process."""
    database = open_store(settings)
    server = Server(
        settings.addresses,
        Policy.of(settings),
        Hosting(settings.certificates.ca, settings.certificate_names, settings.tls_port, settings.admin_token),
        clock or SystemClock(),
        database,
    )
    app = Flask("mock_sts", static_folder=None, template_folder="web/templates")
    # A path is what it is: a redirect to a tidier one would leave before the host was looked at.
    app.url_map.merge_slashes = False
    rules = lambda: (rule.rule for rule in app.url_map.iter_rules())  # noqa: E731
    errors = Errors(rules)
    environments = Environments(Direct(app.wsgi_app, errors), server, rules)
    steps: list[Step] = [OwnCalls(server.seal)]
    if settings.trusted_proxies.count or settings.trusted_proxies.networks:
        steps += [own_side.keep_host, Proxies(settings.trusted_proxies)]
    intake = Intake(environments, max_body=settings.max_body)
    front = Front(intake, steps, environments.own_path, is_direct, database.in_haste)
    app.wsgi_app = front  # type: ignore[method-assign]
    app.extensions[SERVER] = server
    app.extensions["mock_sts_front"] = front
    framework.answer_errors(app, errors)  # first, for what is done after a request runs in the other direction
    framework.refuse_strangers(app)
    own_side.install(app)
    framework.refuse_wrong_bodies(app)
    for endpoints in (discovery, pushed_authorization, token, token_management, user_info):
        add_routes(app, endpoints.ROUTES)
    for views in (home, ca, doctor, authorization, login, testidp, automation, end_session, check_session, health):
        app.register_blueprint(views.ROUTES)
    demo.install(app, settings, shipped_key(CLIENT_ID), partial(own_call_headers, server.seal))
    control.install(app)
    return app
