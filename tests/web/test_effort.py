"""What a stranger's words cost. Work is counted in calls of functions: a busy machine makes no more of them."""

import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from mock_sts.services.registry.lookup import LONGEST_WORD, MOST_WORDS, Wanted, find_personas, near_words, search_words
from tests.support.emulator import Emulator
from tests.support.logins import begin_plain, web
from tests.support.relying_party import Login

FORM = "application/x-www-form-urlencoded"

#: Calls that a further word may cost. To look for a word in everything that is told of everybody takes thousands.
PER_WORD = 60


def effort(action: Callable[[], Any]) -> int:
    """How many functions ``action`` calls, those of the interpreter too."""
    calls = 0

    def count(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        action()
    finally:
        sys.setprofile(before)
    return calls


def words(count: int, *, same: bool = False) -> str:
    """``count`` words: the same one, which is found at nearly everybody, or different ones, found at few."""
    return " ".join(["a"] * count if same else [f"a{number}" for number in range(count)])


def open_page(sts: Emulator) -> str:
    """The address of a login page that waits for somebody."""
    rp = web(sts, require_pushed_authorization_requests=False)
    browser = rp.browser()
    answer = begin_plain(rp, Login(), browser, {"acr_values": "idp:testidp-oidc"})
    browser.follow(answer)
    return browser.visited[-1]


def answered(sts: Emulator, method: str, path: str, **more: Any) -> int:
    """The effort of one request, made in this very thread."""

    def ask() -> None:
        with sts.app.test_request_context(path, method=method, base_url="http://localhost:8080", **more):
            sts.app.full_dispatch_request()

    ask()  # what is made at the first request only
    return effort(ask)


def searched(sts: Emulator, text: str) -> int:
    parts = urlsplit(open_page(sts))
    query = urlencode({**dict(parse_qsl(parts.query)), "q": text})
    return answered(sts, "GET", f"{parts.path}?{query}")


def typed(sts: Emulator, name: str) -> Callable[[str], int]:
    path = open_page(sts)
    return lambda text: answered(sts, "POST", path, data={name: text})


def field(path: str, name: str) -> Callable[[Emulator], Callable[[str], int]]:
    """The form field ``name``, beside the id of a client that there is."""

    def of(sts: Emulator) -> Callable[[str], int]:
        client_id = web(sts).machine.client_id
        return lambda text: answered(sts, "POST", path, data={"client_id": client_id, name: text})

    return of


def header(method: str, path: str, name: str, between: str = " ") -> Callable[[Emulator], Callable[[str], int]]:
    return lambda sts: lambda text: answered(sts, method, path, headers={name: text.replace(" ", between)})


#: Where a stranger may send many words, or one that is as long as all of them.
ROUTES: dict[str, Callable[[Emulator], Callable[[str], int]]] = {
    "search": lambda sts: lambda text: searched(sts, text),
    "search by one word": lambda sts: lambda text: searched(sts, text.replace(" ", "")),
    "pid": lambda sts: typed(sts, "Pid"),
    "persona": lambda sts: typed(sts, "persona"),
    "persona cookie": lambda sts: lambda text: answered(sts, "GET", f"/mock/as/{text.replace(' ', '')}"),
    "authorize scope": field("/connect/authorize", "scope"),
    "authorize acr_values": field("/connect/authorize", "acr_values"),
    "authorize ui_locales": field("/connect/authorize", "ui_locales"),
    "authorize prompt": field("/connect/authorize", "prompt"),
    "authorize login_hint": field("/connect/authorize", "login_hint"),
    "authorize resource": field("/connect/authorize", "resource"),
    "authorize test_pid": field("/connect/authorize", "test_pid"),
    "authorize request": field("/connect/authorize", "request"),
    "pushed scope": field("/connect/par", "scope"),
    "token scope": field("/connect/token", "scope"),
    "token grant_type": field("/connect/token", "grant_type"),
    "token client_assertion": field("/connect/token", "client_assertion"),
    "proof": header("POST", "/connect/token", "DPoP"),
    "cookie": header("GET", "/Account/Login", "Cookie", "=1; "),
    "host": header("GET", "/mock/doctor", "Host", "."),
    "rule": lambda sts: lambda text: answered(sts, "GET", f"/mock/api/v1/journal?rule={text.replace(' ', '+')}"),
}


@pytest.mark.covers("server.words")
@pytest.mark.parametrize("same", [False, True], ids=["different", "same"])
@pytest.mark.parametrize("route", ROUTES)
def test_a_strangers_words_cost_no_more_than_reading_them(sts: Emulator, route: str, same: bool) -> None:
    cost = ROUTES[route](sts)
    few, many = cost(words(MOST_WORDS, same=same)), cost(words(1_000, same=same))
    assert (many - few) / 1_000 < PER_WORD, (few, many)


@pytest.mark.parametrize("count", [1, MOST_WORDS, 1_000])
def test_what_is_told_of_a_person_is_put_together_once_however_many_words(sts: Emulator, count: int) -> None:
    """Names, professions and organizations of everybody: the words are looked for in what is there."""
    one = effort(lambda: find_personas(sts.sts.registry, Wanted(["a"])))
    more = effort(lambda: find_personas(sts.sts.registry, Wanted(["a", *words(count).split()])))
    assert more < one + 560 * 8 + 20 * count


def test_to_say_what_comes_near_takes_one_look_at_each_person(sts: Emulator) -> None:
    one = effort(lambda: near_words(sts.sts.registry, ["a"]))
    more = effort(lambda: near_words(sts.sts.registry, ["a"] * 1_000))
    assert more < one + 20 * 1_000


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ()),
        (" \t\n", ()),
        ("bever psychiatry", ("bever", "psychiatry")),
        ("a a a", ("a",)),
        (words(1_000), tuple(words(MOST_WORDS).split())),
        (words(100_000, same=True), ("a",)),
        ("x" * 100_000, ("x" * LONGEST_WORD,)),
        (" ".join(f"{'x' * 100}{number}" for number in range(20)), ("x" * LONGEST_WORD,)),
    ],
)
def test_a_search_takes_the_first_words_each_once_and_up_to_a_length(text: str, found: tuple[str, ...]) -> None:
    assert search_words(text) == found


def test_the_page_shows_the_words_that_it_looked_for(sts: Emulator) -> None:
    parts = urlsplit(open_page(sts))
    page = sts.get(f"{parts.path}?{parts.query}&q={words(1_000).replace(' ', '+')}").content.decode()
    assert f'value="{words(MOST_WORDS)}"' in page
