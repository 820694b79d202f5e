"""What may be used once is used once, however many workers and requests race for it."""

import json
import secrets
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.synchronize import Barrier
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest

from tests.support.emulator import LiveServer, OverHttp
from tests.support.lanes import at_once
from tests.support.machine import ABSENT, Answer, Machine, decode
from tests.support.relying_party import PERSON, REDIRECT_URI, SCOPES, Login, RelyingParty, answer_parameters

PROCESSES = 4
#: How often something is raced for.
RACES = pytest.mark.parametrize("races", [40, pytest.param(200, marks=pytest.mark.slow)])


class Request(NamedTuple):
    """What one lane sends in one race."""

    method: str
    path: str
    body: bytes
    proof: str | None


def same_assertion(machine: Machine) -> list[Request]:
    """One assertion for everybody, a proof of one's own for each."""
    body = urlencode(machine.form(machine.assertion(lifetime=250))).encode()
    return [Request("POST", "/connect/token", body, machine.proof()) for _ in range(PROCESSES)]


def same_assertion_at(path: str) -> Callable[[Machine], list[Request]]:
    """The same where no proof is asked for."""

    def prepare(machine: Machine) -> list[Request]:
        form = {**machine.form(machine.assertion(lifetime=250)), "token": "x"}
        return [Request("POST", path, urlencode(form).encode(), None)] * PROCESSES

    return prepare


def same_proof(machine: Machine) -> list[Request]:
    """One proof for everybody, an assertion of one's own for each."""
    proof = machine.proof()
    return [
        Request("POST", "/connect/token", urlencode(machine.form(machine.assertion(lifetime=250))).encode(), proof)
        for _ in range(PROCESSES)
    ]


def end_of(answer: Answer) -> str | None:
    """Whether an answer without a rule takes the browser back to the client with a code, or to a page."""
    location = answer.headers.get("location", "")
    return "code" if "?code=" in location else "page" if location.startswith("/Account/") else None


def runner(base: str, requests: list[Request], start: Barrier) -> list[tuple[int, str | None]]:
    """One process: the same race as the others, at the same moment, again and again."""
    transport = OverHttp(base)
    found = []
    for request in requests:
        start.wait()
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if request.body else {}
        if request.proof is not None:
            headers["DPoP"] = request.proof
        answer = transport.send(request.method, request.path, headers, request.body)
        found.append((answer.status, answer.rule or end_of(answer)))
    transport.close()
    return found


def one_race(live: LiveServer, races: list[list[Request]]) -> list[Counter[tuple[int, str | None]]]:
    """Run each race in PROCESSES processes; for each the outcomes with their numbers."""
    lanes = at_once(runner, [(live.issuer, [race[lane] for race in races]) for lane in range(PROCESSES)])
    return [Counter(lane[number] for lane in lanes) for number in range(len(races))]


ONCE = "client-assertion.single-use"


@RACES
@pytest.mark.parametrize(
    ("prepare", "loser", "members"),
    [
        (same_proof, (400, "dpop.single-use"), {}),
        # fapi2 refuses a second use too, and unlike strict not the long life that so many races need.
        (same_assertion_at("/connect/introspect"), (401, ONCE), {"enforcement": "fapi2"}),
        (same_assertion_at("/connect/revocation"), (400, ONCE), {"enforcement": "fapi2"}),
    ],
    ids=["proof", "assertion at introspection", "assertion at revocation"],
)
@pytest.mark.slow
def test_four_processes_race_again_and_again(
    live: LiveServer,
    prepare: Callable[[Machine], list[Request]],
    loser: tuple[int, str],
    members: dict[str, Any],
    races: int,
) -> None:
    machine = live.client(f"racer-{secrets.token_hex(4)}", **members)
    machine.learn_nonce()
    outcomes = one_race(live, [prepare(machine) for _ in range(races)])
    expected = Counter({(200, None): 1, loser: PROCESSES - 1})
    assert [number for number, outcome in enumerate(outcomes) if outcome != expected] == []


@pytest.mark.covers("client-assertion.jti.replayed")
@RACES
@pytest.mark.parametrize(
    "prepare", [same_assertion, same_assertion_at("/connect/introspect")], ids=["token", "introspection"]
)
@pytest.mark.slow
def test_by_default_all_of_a_race_are_answered_and_all_but_one_recorded(
    live: LiveServer, prepare: Callable[[Machine], list[Request]], races: int
) -> None:
    machine = live.client(f"racer-{secrets.token_hex(4)}")
    machine.learn_nonce()
    races = min(races, 100)  # of which the journal shows each at once
    outcomes = one_race(live, [prepare(machine) for _ in range(races)])
    assert outcomes == [Counter({(200, None): PROCESSES})] * races
    path = f"/mock/api/v1/journal?limit={races * PROCESSES}&client_id={machine.client_id}"
    entries = live.transport.send("GET", path).json["entries"]
    assert len(entries) == races * PROCESSES
    found: dict[str, Counter[int]] = {}
    for entry in entries:
        times = [finding["rule"] for finding in entry["findings"]["broken"]].count(ONCE)
        found.setdefault(entry["detail"]["client_assertion"]["claims"]["jti"], Counter())[times] += 1
    assert list(found.values()) == [Counter({0: 1, 1: PROCESSES - 1})] * races


@pytest.fixture(scope="module")
def rp(live: LiveServer) -> RelyingParty:
    machine = live.client(
        f"web-racer-{secrets.token_hex(4)}",
        grant_types=["authorization_code", "refresh_token"],
        scope=SCOPES,
        redirect_uris=[REDIRECT_URI],
    )
    machine.learn_nonce()
    return RelyingParty(machine)


def by_form(rp: RelyingParty, form: dict[str, Any]) -> list[Request]:
    """The same form for everybody, with an assertion and a proof of one's own each."""
    machine = rp.machine
    return [
        Request(
            "POST",
            "/connect/token",
            urlencode(machine.form(machine.assertion(lifetime=250), {"scope": ABSENT, **form})).encode(),
            machine.proof(),
        )
        for _ in range(PROCESSES)
    ]


def code_form(rp: RelyingParty) -> dict[str, Any]:
    login = Login()
    return {
        "grant_type": "authorization_code",
        "code": rp.log_in(login)["code"],
        "redirect_uri": REDIRECT_URI,
        "code_verifier": login.verifier,
    }


def same_code(rp: RelyingParty) -> list[Request]:
    return by_form(rp, code_form(rp))


def same_refresh_token(rp: RelyingParty) -> list[Request]:
    machine = rp.machine
    tokens = machine.post(machine.form(machine.assertion(), {"scope": ABSENT, **code_form(rp)}), proof=machine.proof())
    return by_form(rp, {"grant_type": "refresh_token", "refresh_token": tokens.json["refresh_token"]})


def same_request_uri(rp: RelyingParty) -> list[Request]:
    pushed = rp.push(Login(), {"test_pid": PERSON})
    return [Request("GET", rp.authorize_path(pushed.json["request_uri"]), b"", None) for _ in range(PROCESSES)]


@RACES
@pytest.mark.parametrize(
    ("prepare", "winner", "loser"),
    [
        (same_code, (200, None), (400, "code.known")),
        (same_refresh_token, (200, None), (400, "refresh.single-use")),
        (same_request_uri, (303, "code"), (303, "request-uri.fresh")),
    ],
    ids=["code", "refresh token", "request_uri"],
)
@pytest.mark.slow
def test_what_a_login_gives_is_used_once(
    live: LiveServer,
    rp: RelyingParty,
    prepare: Callable[[RelyingParty], list[Request]],
    winner: tuple[int, str | None],
    loser: tuple[int, str | None],
    races: int,
) -> None:
    raced = []
    for number in range(races):
        if number % 50 == 0:
            rp.machine.learn_nonce()
        raced.append(prepare(rp))
    outcomes = one_race(live, raced)
    expected = Counter({winner: 1, loser: PROCESSES - 1})
    assert [number for number, outcome in enumerate(outcomes) if outcome != expected] == []


@pytest.mark.slow
def test_two_hundred_requests_race_for_one_code(live: LiveServer, rp: RelyingParty) -> None:
    rp.machine.learn_nonce()
    form = code_form(rp)
    machine = rp.machine
    requests = [
        (machine.form(machine.assertion(lifetime=250), {"scope": ABSENT, **form}), machine.proof()) for _ in range(200)
    ]
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda request: machine.post(request[0], proof=request[1]), requests))
    assert Counter(answer.error for answer in answers) == {None: 1, "invalid_grant": 199}


def test_threads_of_one_process_race_too(live: LiveServer) -> None:
    machine = live.client(f"racer-{secrets.token_hex(4)}", enforcement="fapi2")
    machine.learn_nonce()
    assertion = machine.assertion(lifetime=60)
    requests = [(machine.form(assertion), machine.proof()) for _ in range(40)]
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda request: machine.post(request[0], proof=request[1]), requests))
    assert Counter(answer.status for answer in answers) == {200: 1, 400: 39}


@pytest.mark.covers("automation.queue.once")
@pytest.mark.parametrize(("left", "races"), [(0, 40), pytest.param(0, 200, marks=pytest.mark.slow), (1, 20)], ids=str)
def test_an_ordered_login_is_used_once(live: LiveServer, left: int, races: int) -> None:
    """Four browsers arrive at once for one order: one is logged in, the others get the page.

    Orders that were ``left`` from before are for anybody: each gives the first race one more winner, and none twice.
    """
    json_type = {"Content-Type": "application/json"}
    for _ in range(left):
        body = json.dumps({"persona": PERSON}).encode()
        assert live.transport.send("POST", "/mock/api/v1/next-login", json_type, body).status == 201
    uris = [f"{REDIRECT_URI}/{number}" for number in range(races)]
    machine = live.client(
        f"queue-racer-{secrets.token_hex(4)}",
        grant_types=["authorization_code", "refresh_token"],
        scope=SCOPES,
        redirect_uris=uris,
    )
    raced = []
    for uri in uris:
        match = {"client_id": machine.client_id, "redirect_uri": uri}
        body = json.dumps({"persona": PERSON, "match": match}).encode()
        answer = live.transport.send("POST", "/mock/api/v1/next-login", json_type, body)
        assert answer.status == 201, answer.content
        party = RelyingParty(machine, redirect_uri=uri)
        # Each process is one browser: the session of a race that it won must not answer in the next.
        pushed = [party.push(Login(), {"prompt": "login"}).json["request_uri"] for _ in range(PROCESSES)]
        raced.append([Request("GET", party.authorize_path(request_uri), b"", None) for request_uri in pushed])
    outcomes = one_race(live, raced)
    winners = [1 + left, *[1] * (races - 1)]
    assert outcomes == [Counter({(303, "code"): won, (303, "page"): PROCESSES - won}) for won in winners]
    open_orders = json.loads(live.transport.send("GET", "/mock/api/v1/next-login").content)["orders"]
    assert [order for order in open_orders if order["client_id"] in (None, machine.client_id)] == []


@pytest.mark.covers("automation.queue.once")
@pytest.mark.slow
def test_eight_browsers_in_parallel_get_eight_people(live: LiveServer) -> None:
    """Each has a client of its own, and its order is for that."""
    people = [f"{day:02}819012345" for day in range(1, 9)]

    def log_in(pid: str) -> list[str]:
        machine = live.client(
            f"parallel-{secrets.token_hex(4)}",
            grant_types=["authorization_code", "refresh_token"],
            scope=SCOPES,
            redirect_uris=[REDIRECT_URI],
        )
        party = RelyingParty(machine)
        body = json.dumps({"persona": pid, "match": {"client_id": machine.client_id}, "times": 5}).encode()
        transport = OverHttp(live.issuer)
        try:
            made = transport.send("POST", "/mock/api/v1/next-login", {"Content-Type": "application/json"}, body)
            assert made.status == 201, made.content
        finally:
            transport.close()
        found = []
        for _ in range(5):
            login = Login()
            answer = party.browser().send("GET", party.authorize_path(party.push(login).json["request_uri"]))
            tokens = party.redeem(login, answer_parameters(answer)["code"])
            found.append(str(decode(tokens.json["id_token"])[1]["helseid://claims/identity/pid"]))
        return found

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(log_in, people)) == [[pid] * 5 for pid in people]
