"""Environments beside the one at the root, as tests have them."""

import time
from collections.abc import Callable
from typing import Any

from mock_sts.helseid.registry.api import ApiResource
from mock_sts.helseid.registry.persona import Persona
from mock_sts.services.control.environments import delete_environment, make_environment
from mock_sts.services.environment import path_of_environment
from mock_sts.services.keyring import make_signing_key
from mock_sts.store.catalog import MADE, put_entry
from mock_sts.store.environments import EnvironmentRecord
from mock_sts.store.scope import DEFAULT_ENVIRONMENT
from tests.support.emulator import API_SCOPE, START, Emulator, LiveServer, register
from tests.support.keys import Jwk, private_jwk
from tests.support.machine import Answer, Headers, Machine, Transport


class Below:
    """Sends requests to what lies below ``path``; redirects name the whole path already."""

    def __init__(self, transport: Transport, path: str) -> None:
        self._transport = transport
        self.path = path

    def send(self, method: str, path: str, headers: Headers = (), body: bytes = b"") -> Answer:
        whole = path if f"{path}/".startswith(f"{self.path}/") else f"{self.path}{path}"
        return self._transport.send(method, whole, headers, body)


class Side:
    """An environment of a server, at the root or below it: how it is asked, and what is registered in it."""

    def __init__(self, server: Emulator | LiveServer, name: str) -> None:
        self.server = server
        self.name = name
        self.path = "" if name == DEFAULT_ENVIRONMENT else path_of_environment(name)
        self.issuer = f"{server.issuer}{self.path}"
        self.store = server.store
        self.transport: Transport = Below(server.transport, self.path) if self.path else server.transport

    def client(self, client_id: str, jwk: Jwk | None = None, **members: Any) -> Machine:
        """Register a client here, and get the machine that acts as it."""
        key = jwk or private_jwk("ES256", 1)
        register(self.store, client_id, [key], environment=self.name, **members)
        return self.machine(client_id, key)

    def machine(self, client_id: str, jwk: Jwk) -> Machine:
        """The machine that acts as a client, known here or not."""
        now = _clock_of(self.server)
        return Machine(self.transport, self.issuer, client_id, jwk, private_jwk("ES256", 2), now, API_SCOPE)

    def api(self, audience: str, **members: Any) -> None:
        """Register an API here."""
        document = {"audience": audience, **members}
        with self.store.writing() as transaction:
            put_entry(transaction, ApiResource.from_document(document, "test"), document, MADE, self.name)

    def persona(self, pid: str, **members: Any) -> None:
        """Register a person here."""
        document = {"pid": pid, "given_name": "PRØVE", "family_name": "PERSON", **members}
        with self.store.writing() as transaction:
            put_entry(transaction, Persona.from_document(document, "test"), document, MADE, self.name)

    def get(self, path: str) -> Answer:
        return self.transport.send("GET", path)

    def post_json(self, path: str, body: bytes) -> Answer:
        return self.transport.send("POST", path, {"Content-Type": "application/json"}, body)

    def journal(self, **query: str) -> list[dict[str, Any]]:
        """The newest entries first."""
        text = "&".join(f"{name}={value}" for name, value in query.items())
        entries: list[dict[str, Any]] = self.get(f"/mock/api/v1/journal?{text}").json["entries"]
        return entries

    def delete(self) -> None:
        """End it."""
        delete_environment(self.store, self.name)


def root_of(server: Emulator | LiveServer) -> Side:
    """The environment at the root."""
    return Side(server, DEFAULT_ENVIRONMENT)


def neighbour(
    server: Emulator | LiveServer,
    name: str,
    *,
    fresh_keys: bool = False,
    offset: int = 0,
    frozen_at: int | None = None,
    **settings: Any,
) -> Side:
    """Make an environment below the root, with these settings and this clock of its own."""
    made_at = _clock_of(server)()
    record = EnvironmentRecord(name, made_at, made_at, settings, offset, frozen_at)
    make_environment(server.store, record, [make_signing_key(START)] if fresh_keys else ())
    return Side(server, name)


def _clock_of(server: Emulator | LiveServer) -> Callable[[], int]:
    if isinstance(server, Emulator):
        clock = server.clock
        return lambda: clock.wall
    return lambda: int(time.time())
