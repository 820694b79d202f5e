"""The composition root: settings and clock become an application over a prepared database.

What most requests are for is answered without the framework. Its application, with all routes, is made late: when the
first request asks for it, or by the server in the background.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from mock_sts.late import Late, late
from mock_sts.server.front import Front, Step
from mock_sts.server.intake import Intake
from mock_sts.server.loopback_calls import LoopbackCalls
from mock_sts.server.proxies import Proxies
from mock_sts.server.reloading import Reload
from mock_sts.services.clock import Clock, SystemClock
from mock_sts.services.environment import Policy
from mock_sts.services.server import Hosting, Server
from mock_sts.settings.own import read_own_settings
from mock_sts.settings.settings import Settings
from mock_sts.storage import open_store
from mock_sts.web.direct import DIRECT, Direct, is_direct
from mock_sts.web.environment import Environments
from mock_sts.web.errors import Errors
from mock_sts.web.faults import Faults
from mock_sts.web.http import keep_host

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask


class Application:
    """What answers in one process. ``front`` is what a server calls; ``flask`` makes the framework's application, or
    returns the one that it has made.
    """

    def __init__(self, settings: Settings, clock: Clock | None = None, reload: Reload | None = None) -> None:
        """Over a prepared database (see ``setup``). ``reload`` is how the server reloads, if one of ours runs this.

        Raises StoreError.
        """
        self._settings = settings
        self._reload = reload
        database = open_store(settings)
        self.server = Server(
            settings.addresses,
            Policy.of(settings),
            Hosting(
                settings.certificates.ca,
                settings.certificate_names,
                settings.tls_port,
                settings.admin_token,
                settings.shown,
            ),
            clock or SystemClock(),
            database,
            idle=settings.environment_idle,
            read_settings=read_own_settings,
        )
        self._errors = Errors(self._rules)
        environments = Environments(Faults(Direct(self._by_framework, self._errors)), self.server, DIRECT, self._rules)
        steps: list[Step] = [LoopbackCalls(self.server.seal)]
        if settings.trusted_proxies.count or settings.trusted_proxies.networks:
            steps += [keep_host, Proxies(settings.trusted_proxies)]
        intake = Intake(environments, max_body=settings.max_body)
        self.front = Front(intake, steps, environments.own_path, is_direct, database.in_haste)
        self.flask = Late(self._make_flask)

    def _make_flask(self) -> "Flask":
        app = _flask_maker()(self.server, self._errors, self._settings, self._reload)
        self._routed: WSGIApplication = app.wsgi_app
        app.wsgi_app = self.front  # type: ignore[method-assign]
        return app

    def _by_framework(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        self.flask()
        return self._routed(environ, start_response)

    def _rules(self) -> Iterable[str]:
        return (rule.rule for rule in self.flask().url_map.iter_rules())


def create_app(settings: Settings, clock: Clock | None = None) -> "Flask":
    """A WSGI application over a prepared database (see ``setup``). One per process."""
    return Application(settings, clock).flask()


@late
def _flask_maker() -> "Callable[[Server, Errors, Settings, Reload | None], Flask]":
    from mock_sts.routes import make_flask  # noqa: PLC0415

    return make_flask
