"""What may be used once is used once, however many workers and requests race for it."""

import multiprocessing
import secrets
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.synchronize import Barrier
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.support.emulator import LiveServer, OverHttp
from tests.support.machine import Machine

PROCESSES = 4
RACES = 200


def same_assertion(machine: Machine) -> list[tuple[bytes, str]]:
    """One assertion for everybody, a proof of one's own for each."""
    assertion = machine.assertion(lifetime=60)
    return [(urlencode(machine.form(assertion)).encode(), machine.proof()) for _ in range(PROCESSES)]


def same_proof(machine: Machine) -> list[tuple[bytes, str]]:
    """One proof for everybody, an assertion of one's own for each."""
    proof = machine.proof()
    return [(urlencode(machine.form(machine.assertion(lifetime=60))).encode(), proof) for _ in range(PROCESSES)]


def runner(base: str, requests: list[tuple[bytes, str]], start: Barrier, results: Any) -> None:
    """One process: the same race as the others, at the same moment, again and again."""
    transport = OverHttp(base)
    found = []
    for body, proof in requests:
        start.wait()
        headers = {"Content-Type": "application/x-www-form-urlencoded", "DPoP": proof}
        answer = transport.send("POST", "/connect/token", headers, body)
        found.append((answer.status, answer.rule))
    transport.close()
    results.put(found)


@pytest.mark.parametrize(
    ("prepare", "loser"),
    [(same_assertion, "client-assertion.single-use"), (same_proof, "dpop.single-use")],
    ids=["assertion", "proof"],
)
def test_four_processes_race_two_hundred_times(
    live: LiveServer, prepare: Callable[[Machine], list[tuple[bytes, str]]], loser: str
) -> None:
    machine = live.client(f"racer-{secrets.token_hex(4)}")
    machine.learn_nonce()
    races = [prepare(machine) for _ in range(RACES)]
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(PROCESSES)
    results = context.Queue()
    processes = [
        context.Process(target=runner, args=(live.issuer, [race[lane] for race in races], start, results))
        for lane in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    lanes = [results.get(timeout=120) for _ in processes]
    for process in processes:
        process.join(10)
    for number in range(RACES):
        outcome = Counter(lane[number] for lane in lanes)
        assert outcome == {(200, None): 1, (400, loser): PROCESSES - 1}, f"race {number}"


def test_threads_of_one_process_race_too(live: LiveServer) -> None:
    machine = live.client(f"racer-{secrets.token_hex(4)}")
    machine.learn_nonce()
    assertion = machine.assertion(lifetime=60)
    requests = [(machine.form(assertion), machine.proof()) for _ in range(40)]
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda request: machine.post(request[0], proof=request[1]), requests))
    assert Counter(answer.status for answer in answers) == {200: 1, 400: 39}
