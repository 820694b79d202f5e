"""The server connects to nothing that a request names: every attempt is seen, by the interpreter's own audit."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from mock_sts.protocol.addresses import TrustedProxies
from tests.support.emulator import Emulator, Worlds
from tests.support.logins import web
from tests.support.machine import Answer

#: What has been seen, for each of those who look; an audit hook stays for good.
_watchers: list[list[Any]] = []


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname"):
        for found in _watchers:
            found.append(arguments[1] if event == "socket.connect" else arguments[:2])


sys.addaudithook(_watch)


@contextmanager
def outgoing() -> Iterator[list[Any]]:
    """Where this process connects to meanwhile, and which names it looks up."""
    found: list[Any] = []
    _watchers.append(found)
    try:
        yield found
    finally:
        _watchers.remove(found)


#: An address of nobody, port and all, as a request may name it; and a name of nobody.
HOST, NAME = "127.0.0.9:25990", "attacker.example.test"


def tell(sts: Emulator, url: str | None) -> None:
    body = json.dumps({"url": url}).encode()
    answer = sts.transport.send("PUT", "/mock/api/v1/public-url", {"Content-Type": "application/json"}, body)
    assert answer.status == 200, answer.content


def by_host(sts: Emulator, path: str, host: str) -> Answer:
    return sts.get(path, {"Host": host})


def by_forwarded(sts: Emulator, path: str, host: str) -> Answer:
    return sts.get(path, {"X-Forwarded-Host": host, "X-Forwarded-Proto": "https"})


def by_told(sts: Emulator, path: str, host: str) -> Answer:
    tell(sts, f"https://{host}")
    return sts.get(path, {"Host": host, "X-Forwarded-Proto": "https"})


def by_told_from_elsewhere(sts: Emulator, path: str, host: str) -> Answer:
    tell(sts, f"https://{host}")
    return sts.get(path)


def by_told_before(sts: Emulator, path: str, host: str) -> Answer:
    tell(sts, f"https://{host}")
    tell(sts, None)
    return sts.get(path, {"Host": host, "X-Forwarded-Proto": "https"})


WAYS = (by_host, by_forwarded, by_told, by_told_from_elsewhere, by_told_before)

#: Pages and endpoints that make something of the address by which they are asked.
PATHS = (
    "/",
    "/mock/doctor",
    "/mock/demo",
    "/mock/demo/api",
    "/mock/demo/bearer-api",
    "/mock/api/v1/journal",
    "/.well-known/openid-configuration",
    "/connect/authorize?client_id=web&request_uri=https%3A%2F%2Fattacker.example.test%2Frequest",
    "/connect/endsession",
)


@pytest.mark.covers("doctor.page.own")
@pytest.mark.parametrize("settings", [{"host": "0.0.0.0"}, {"tls_port": 1}, {"public_url": "http://localhost:8080"}])
@pytest.mark.parametrize("host", [HOST, NAME])
@pytest.mark.parametrize("way", WAYS)
def test_no_address_of_a_request_is_connected_to(worlds: Worlds, way: Any, host: str, settings: dict[str, Any]) -> None:
    sts = Emulator(replace(worlds.make().settings, trusted_proxies=TrustedProxies(1, ()), **settings))
    try:
        web(sts)
        for path in PATHS:
            with outgoing() as found:
                way(sts, path, host)
            named = [one for one in found if host.partition(":")[0] in map(str, one) or 25990 in one]
            assert named == [], (path, found)
    finally:
        sts.close()


def test_attempts_are_seen(worlds: Worlds) -> None:
    """Else the tests above show nothing: an address of the settings is looked at."""
    sts = worlds.make(public_url=f"https://{HOST}", trusted_proxies=TrustedProxies(1, ()))
    with outgoing() as found:
        sts.get("/mock/doctor", {"Host": HOST, "X-Forwarded-Proto": "https"})
    assert ("127.0.0.9", 25990) in found
