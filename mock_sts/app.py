"""The composition root: settings and clock become an application over a prepared database."""

from functools import partial

from flask import Flask, Response, request

from mock_sts.demo import CLIENT_ID
from mock_sts.demo import pages as demo
from mock_sts.helseid.profile.client_assertion import Skew
from mock_sts.helseid.ready import READY_CLIENT, READY_PEOPLE
from mock_sts.helseid.requirement import Enforcement
from mock_sts.server.front import Front, Step
from mock_sts.server.intake import BODY_FAULT, Intake
from mock_sts.server.loopback_calls import OwnCalls, own_call_headers
from mock_sts.server.proxies import BasePath, Proxies
from mock_sts.services.clock import Clock, SystemClock
from mock_sts.services.environment import Policy, open_environment
from mock_sts.settings.settings import Settings
from mock_sts.setup import open_store
from mock_sts.store.fixtures.files import shipped_key
from mock_sts.web import errors, health, own_side
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
    clock = clock or SystemClock()
    skew = Skew() if settings.clock_skew is None else Skew(settings.clock_skew, settings.clock_skew)
    policy = Policy(
        enforcement=Enforcement.from_word(settings.enforcement),
        skew=skew,
        access_token_lifetime=settings.access_token_lifetime,
        id_token_lifetime=settings.id_token_lifetime,
        refresh_token_lifetime=settings.refresh_token_lifetime,
        single_sign_on_lifetime=settings.single_sign_on_lifetime,
        code_lifetime=settings.code_lifetime,
        pushed_request_lifetime=settings.pushed_request_lifetime,
        require_synthetic=settings.require_synthetic,
        invent_people=settings.invent_people,
        network=settings.network,
        journal_size=settings.journal_size,
        refresh_token_usage=settings.refresh_token_usage,
        revoke_on_code_reuse=settings.revoke_on_code_reuse,
        keep_identity_scopes=settings.keep_identity_scopes,
        identity_providers=settings.identity_providers,
        login_mode=settings.login_mode,
        default_persona=settings.default_persona,
    )
    store = open_store(settings)
    environment = open_environment(
        settings.addresses, policy, clock, store, settings.dpop_nonce_step, settings.signing_algorithm
    )
    app = Flask("mock_sts", static_folder=None, template_folder="web/templates")
    # A path is what it is: a redirect to a tidier one would leave before the host was looked at.
    app.url_map.merge_slashes = False
    based = BasePath(app.wsgi_app, environment, lambda: (rule.rule for rule in app.url_map.iter_rules()))
    steps: list[Step] = [OwnCalls(environment.seal)]
    if settings.trusted_proxies.count or settings.trusted_proxies.networks:
        steps += [own_side.keep_host, Proxies(settings.trusted_proxies)]
    front = Front(Intake(based, max_body=settings.max_body), steps, based.own_path)
    app.wsgi_app = front  # type: ignore[method-assign]
    app.extensions["mock_sts"] = environment
    app.extensions["mock_sts_front"] = front
    app.register_blueprint(home.blueprint(environment, READY_PEOPLE, READY_CLIENT))
    app.register_blueprint(discovery.blueprint(environment, settings.certificates.ca))
    app.register_blueprint(
        doctor.blueprint(environment, settings.certificates.ca, settings.certificate_names, settings.tls_port)
    )
    for routes in (
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
        app.register_blueprint(routes.blueprint(environment))

    own_side.install(app, environment)

    @app.before_request
    def refuse_wrong_bodies() -> None:
        if BODY_FAULT in request.environ:
            raise request.environ[BODY_FAULT]

    introduce = partial(own_call_headers, environment.seal)
    app.register_blueprint(demo.blueprint(settings, shipped_key(CLIENT_ID), lambda: environment.addresses, introduce))
    control.install(app, environment, settings.admin_token)
    errors.install(app)

    @app.after_request
    def name_the_emulator(response: Response) -> Response:
        response.headers.update(EVERY_ANSWER)
        return response

    return app
