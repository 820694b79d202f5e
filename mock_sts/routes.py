"""The framework's application: every route of the server. It is made late, for most requests never need it."""

from functools import partial

from flask import Flask

from mock_sts.demo import CLIENT_ID
from mock_sts.demo import pages as demo
from mock_sts.server.loopback_calls import loopback_call_headers
from mock_sts.server.reloading import EXTENSION, Reload
from mock_sts.services.server import Server
from mock_sts.settings.settings import Settings
from mock_sts.store.fixtures.files import shipped_key
from mock_sts.web import admission, framework, health, own_side
from mock_sts.web.errors import Errors
from mock_sts.web.helseid import (
    authorize,
    check_session,
    discovery,
    end_session,
    error_page,
    login,
    pushed_authorization,
    testidp,
    token,
    token_management,
    user_info,
)
from mock_sts.web.mock.api.install import install as install_control
from mock_sts.web.mock.pages import (
    automation,
    ca,
    conformance,
    control,
    docs,
    doctor,
    home,
    journal,
    ordered_token,
    parts,
    read_token,
    rules,
    world,
)
from mock_sts.web.reading import SERVER
from mock_sts.web.selfservice import self_service
from mock_sts.web.testtoken import description, token_service
from mock_sts.web.writing import add_routes


def make_flask(server: Server, errors: Errors, settings: Settings, reload: Reload | None) -> Flask:
    """The application with all routes over ``server``. ``reload`` is how the server reloads, if one of ours runs it."""
    app = Flask("mock_sts", static_folder=None, template_folder="web/templates")
    # A path is what it is: a redirect to a tidier one would leave before the host was looked at.
    app.url_map.merge_slashes = False
    app.extensions[SERVER] = server
    app.extensions[EXTENSION] = reload
    framework.answer_errors(app, errors)  # first, for what is done after a request runs in the other direction
    framework.refuse_strangers(app)
    own_side.install(app)
    framework.refuse_wrong_bodies(app)
    for endpoints in (
        discovery,
        authorize,
        pushed_authorization,
        token,
        token_management,
        user_info,
        token_service,
        description,
        self_service,
        health,
    ):
        add_routes(app, endpoints.ROUTES)
    for views in (
        home,
        ca,
        docs,
        doctor,
        parts,
        admission,
        journal,
        ordered_token,
        conformance,
        world,
        control,
        read_token,
        rules,
        error_page,
        login,
        testidp,
        automation,
        end_session,
        check_session,
    ):
        app.register_blueprint(views.ROUTES)
    app.register_blueprint(description.PAGE)
    demo.install(app, settings, shipped_key(CLIENT_ID), partial(loopback_call_headers, server.seal))
    install_control(app)
    return app
