"""Whom a request is for: from its scheme, host and path to an environment and the addresses that count.

This is done once for each request, before everything that answers it. No route can leave it out: a request whose host
or environment is unknown is refused whatever its path, save those of health, which containers and balancers ask by any
name. Endpoints find it with their request.
"""

from collections.abc import Callable, Collection, Iterable
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from mock_sts.helseid.endpoints import Endpoint
from mock_sts.protocol.addresses import Addresses, EffectiveUrls, UnknownHostError, host_name
from mock_sts.services.environment import Environment, Reached, path_of_environment
from mock_sts.services.server import Server, UnknownEnvironmentError
from mock_sts.store.database import StoreError
from mock_sts.store.scope import DEFAULT_ENVIRONMENT
from mock_sts.web.http import FAULT, REACHED, SERVER, HttpError
from mock_sts.web.paths import Paths, below, environment_in, is_emulated

#: Origins whose URLs are kept.
_MOST_KNOWN = 1_024

_METADATA_BELOW = f"{Endpoint.OAUTH_METADATA}/"


class Environments:
    """WSGI middleware that finds out whom a request is for.

    It takes what stands before our paths off: the path of a public URL, which requests may come with or without, for
    some proxies cut it off, and then that of an environment. It brings the rest into the letters of its route, so that
    nothing behind it need know that HelseID's paths may come in others.

    A path that begins like one of our own may mean either. What is a route as it stands is taken as it stands.
    """

    def __init__(
        self, app: WSGIApplication, server: Server, known: Collection[str], rules: Callable[[], Iterable[str]]
    ) -> None:
        """``app`` is what stands behind; ``rules`` are the paths of its routes. Those that are ``known`` before them
        are among them: who asks for one need not wait for all.
        """
        self._app = app
        self._server = server
        self._early = frozenset(known)
        self._rules = rules
        self._paths: Paths | None = None
        # The URLs of those who asked, for as long as the addresses are the same.
        self._known: tuple[Addresses | None, dict[tuple[str, ...], tuple[EffectiveUrls, str]]] = (None, {})

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        environ[SERVER] = self._server
        try:
            environ[REACHED] = self._reach(environ)
        except UnknownEnvironmentError as fault:
            environ[FAULT] = HttpError(404, "Not Found", str(fault))
        except (UnknownHostError, StoreError) as fault:
            environ[FAULT] = fault
        return self._app(environ, start_response)

    def own_path(self, path: str) -> str:
        """What ``path`` is without all that stands before ours, for threads that must not wait for the database: to
        tell by, not to answer by, for another worker may just have set an override.
        """
        return self._split(path, lambda: self._server.latest_addresses)[2]

    def _reach(self, environ: WSGIEnvironment) -> Reached:
        """Whom the request is for; ``environ`` gets the path of ours, and what stands before it."""
        server, broken = self._server, None
        try:
            environment, catalog = server.reach(DEFAULT_ENVIRONMENT)
            addresses = server.addresses(catalog)
        except StoreError as error:
            broken, addresses = error, server.configured
        host = environ.get("HTTP_HOST", "")
        if broken is None and catalog.hosts and (owner := catalog.hosts.get(host_name(host).rstrip("."))):
            return self._reach_by_host(environ, owner, addresses)
        prefix, name, path = self._split(str(environ.get("PATH_INFO", "")), lambda: addresses)
        if prefix:
            environ["SCRIPT_NAME"] = prefix
        root = _script_root(environ)
        if path.startswith(_METADATA_BELOW) and not name:
            root, name, path = _issuer_at_end(path, root, addresses)
        if name:
            environ["SCRIPT_NAME"] = f"{root}{path_of_environment(name)}"
        environ["PATH_INFO"] = path
        if broken is not None:
            raise broken
        urls, root = self._urls(addresses, environ["wsgi.url_scheme"], host, root, path_of_environment(name))
        if name:
            environment, catalog = server.below_root(name)
            _refuse_ended(environment, path)
        return Reached(environment, catalog, addresses, urls, root)

    def _reach_by_host(self, environ: WSGIEnvironment, owner: str, addresses: Addresses) -> Reached:
        """The same where the host belongs to the environment ``owner``, which lies at its root."""
        path = str(environ.get("PATH_INFO", ""))
        paths = self._paths = self._paths or Paths(self._rules())
        environ["PATH_INFO"] = path if path in self._early else paths.written(path) or path
        root, within = _script_root(environ), path_of_environment(owner)
        urls = addresses.declared(environ["wsgi.url_scheme"], environ["HTTP_HOST"], root, within)
        environment, catalog = self._server.below_root(owner)
        return Reached(environment, catalog, addresses, urls, root)

    def _urls(
        self, addresses: Addresses, scheme: str, host: str, prefix: str, within: str
    ) -> tuple[EffectiveUrls, str]:
        """The URLs for a request with ``prefix`` before ``within``, the path of its environment, and the path that
        browsers have to put before ours. Raises UnknownHostError.
        """
        kept = self._known
        if kept[0] is not addresses:
            kept = self._known = (addresses, {})
        known, asked = kept[1], (scheme, host, prefix, within)
        found = known.get(asked)
        if found is None:
            urls = addresses.of(scheme, host, prefix).below(within)
            found = (urls, f"{prefix}{within}" if prefix else urlsplit(urls.issuer.base).path)
            if len(known) >= _MOST_KNOWN:  # where every host is taken, a stranger chooses how many there are
                known.clear()
            known[asked] = found
        return found

    def _split(self, path: str, addresses: Callable[[], Addresses]) -> tuple[str, str, str]:
        """The base path of ``path``, the name of the environment (an empty string for the one at the root), and what
        comes after both in the letters of its route.
        """
        if path in self._early:
            return "", "", path
        paths = self._paths = self._paths or Paths(self._rules())
        if path in paths.fixed:
            return "", "", path
        prefix = addresses().prefix_of(path)
        if not (prefix and paths.lies_below(path, prefix)):
            prefix = ""
        name, own = environment_in(below(path, prefix) if prefix else path)
        return prefix, name, paths.written(own) or own


def _refuse_ended(environment: Environment, path: str) -> None:
    """Raise UnknownEnvironmentError for a request of a client to a conformance session that has ended."""
    session = environment.session
    if session is not None and session.ended_at is not None and is_emulated(path):
        raise UnknownEnvironmentError(
            f"the conformance session {session.id} has ended; its result is at /mock/conformance/{session.id}, and a "
            "reset begins it anew"
        )


def _script_root(environ: WSGIEnvironment) -> str:
    """What stands before the path of a request, as text without a slash at its end."""
    script = str(environ.get("SCRIPT_NAME", "")).strip("/")
    return f"/{script.encode('latin-1').decode(errors='replace')}" if script else ""


def _issuer_at_end(path: str, root: str, addresses: Addresses) -> tuple[str, str, str]:
    """The same path with that of the issuer where other endpoints have it: what stands before, the name of the
    environment, and the rest. RFC 8414 section 3.1 puts the issuer's path at the end; one that is no issuer's is left.
    """
    issuer = path.removeprefix(Endpoint.OAUTH_METADATA)
    for before in (root, addresses.prefix_of(issuer)):
        name, _ = environment_in(issuer.removeprefix(before))
        if issuer == f"{before}{path_of_environment(name)}":
            return before, name, Endpoint.OAUTH_METADATA.value
    return root, "", path
