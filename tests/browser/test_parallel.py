"""Eight browsers at the same time, eight people: nobody is mixed up."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import BrowserContext, async_playwright

from tests.browser.conftest import PATIENCE, Client, launch_options
from tests.support.emulator import LiveServer
from tests.support.relying_party import Login

#: Short name to pid.
PEOPLE = {
    "gp-two-offices": "14837512280",
    "gp-one-office": "02768334962",
    "hospital-psychiatrist": "21866912502",
    "doctor-two-specialities": "30496128660",
    "doctor-on-helsenett": "09818826432",
    "doctor-in-first-year": "17859905110",
    "doctor-licensed": "28679003579",
    "doctor-visiting": "52887931623",
}
ROUNDS = 2

Step = Callable[[BrowserContext, str, str], Awaitable[None]]


def side_by_side(steps: list[tuple[Step, str, list[str]]]) -> None:
    """Run each step in a context of its own, all at the same time, once for each of its addresses in turn.

    In a thread, for the synchronous Playwright of the other tests has this one's event loop.
    """
    failed: list[BaseException] = []

    async def alone(browser: Any, step: Step, name: str, addresses: list[str], gate: asyncio.Barrier) -> None:
        context = await browser.new_context()
        context.set_default_timeout(PATIENCE)
        for address in addresses:
            await gate.wait()
            await step(context, name, address)
        await context.close()

    async def together() -> None:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(**launch_options())
            gate = asyncio.Barrier(len(steps))
            async with asyncio.timeout(120), asyncio.TaskGroup() as group:
                for step, name, addresses in steps:
                    group.create_task(alone(browser, step, name, addresses, gate))
            await browser.close()

    def run() -> None:
        try:
            asyncio.run(together())
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]


async def arrive(context: BrowserContext, address: str) -> None:
    page = await context.new_page()
    await page.goto(address)
    await page.locator("#client").wait_for()
    await page.close()


def everybody_is_themselves(client: Client, logins: dict[str, list[Login]]) -> None:
    seen: dict[str, set[str]] = {}
    for name, own in logins.items():
        for login in own:
            person = client.person(login)
            assert person["helseid://claims/identity/pid"] == PEOPLE[name], name
            assert person["nonce"] == login.nonce
            seen.setdefault(name, set()).add(person["sid"])
    # One session each, and none is shared.
    assert all(len(sids) == 1 for sids in seen.values()), seen
    assert len(set.union(*seen.values())) == len(PEOPLE)


def begin(
    client: Client, rounds: int, **changes: dict[str, str]
) -> tuple[dict[str, list[Login]], dict[str, list[str]]]:
    logins: dict[str, list[Login]] = {}
    addresses: dict[str, list[str]] = {}
    for name in PEOPLE:
        for _ in range(rounds):
            login, address = client.begin(**{parameter: value[name] for parameter, value in changes.items()})
            logins.setdefault(name, []).append(login)
            addresses.setdefault(name, []).append(address)
    return logins, addresses


@pytest.mark.covers("browser.parallel")
def test_by_cookie(live: LiveServer, client: Client) -> None:
    logins, addresses = begin(client, ROUNDS)

    async def step(context: BrowserContext, name: str, address: str) -> None:
        page = await context.new_page()
        await page.goto(f"{live.issuer}/mock/as/{name}")
        await page.close()
        await arrive(context, address)

    side_by_side([(step, name, addresses[name]) for name in PEOPLE])
    everybody_is_themselves(client, logins)


@pytest.mark.covers("browser.parallel")
def test_by_parameters(client: Client) -> None:
    logins, addresses = begin(client, ROUNDS, test_pid=PEOPLE)

    async def step(context: BrowserContext, name: str, address: str) -> None:
        await arrive(context, address)

    side_by_side([(step, name, addresses[name]) for name in PEOPLE])
    everybody_is_themselves(client, logins)


@pytest.mark.covers("browser.parallel")
def test_by_pages(client: Client) -> None:
    logins, addresses = begin(client, 1)

    async def step(context: BrowserContext, name: str, address: str) -> None:
        page = await context.new_page()
        await page.goto(address)
        await page.get_by_test_id("provider-testidp-oidc").click()
        await page.get_by_test_id("search").fill(name)
        await page.get_by_test_id("find").click()
        await page.get_by_test_id(f"log-in-as-{PEOPLE[name]}").click()
        await page.locator("#client").wait_for()

    side_by_side([(step, name, addresses[name]) for name in PEOPLE])
    everybody_is_themselves(client, logins)


@pytest.mark.covers("browser.parallel")
def test_by_queue(live: LiveServer, make_client: Callable[..., Client]) -> None:
    """Each of eight clients has its order; and eight orders for one client are eight logins, each once."""
    clients = {name: make_client() for name in PEOPLE}
    begun = {name: client.begin() for name, client in clients.items()}
    for name, client in clients.items():
        order(live, name, client)

    async def step(context: BrowserContext, name: str, address: str) -> None:
        await arrive(context, address)

    side_by_side([(step, name, [begun[name][1]]) for name in PEOPLE])
    for name, client in clients.items():
        assert client.person(begun[name][0])["helseid://claims/identity/pid"] == PEOPLE[name]


@pytest.mark.covers("browser.parallel")
def test_by_one_queue(live: LiveServer, client: Client) -> None:
    for name in PEOPLE:
        order(live, name, client)
    logins, addresses = begin(client, 1)

    async def step(context: BrowserContext, name: str, address: str) -> None:
        await arrive(context, address)

    side_by_side([(step, name, addresses[name]) for name in PEOPLE])
    pids = [client.person(own[0])["helseid://claims/identity/pid"] for own in logins.values()]
    assert sorted(pids) == sorted(PEOPLE.values())


def order(live: LiveServer, name: str, client: Client) -> None:
    body = {"persona": name, "match": {"client_id": client.rp.machine.client_id}}
    answer = live.transport.send(
        "POST", "/mock/api/v1/next-login", {"Content-Type": "application/json"}, json.dumps(body).encode()
    )
    assert answer.status == 201, answer.content
