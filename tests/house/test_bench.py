"""What make bench-peers says of a server is so: a request that failed is counted, whatever way it failed."""

import math
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from bench.peers.__main__ import BEGIN, PAGE, with_figures
from bench.peers.__main__ import END as END_OF_FIGURES
from bench.peers.client import PAR, REDIRECT_URI, Answer, Client, PreparedLogin, log_in
from bench.peers.driver import Tally, drive, is_whole, send_all
from bench.peers.figures import Figures, median, spread
from tests.support.machine import decode

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
END = b""


@contextmanager
def server_of(answers: Sequence[bytes], seen: list[bytes] | None = None) -> Iterator[int]:
    """A server that answers one request after the other with ``answers``, each in two parts; END closes."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection = listening.accept()[0]
            for answer in answers:
                request = connection.recv(65536)
                if seen is not None:
                    seen.append(request)
                if answer == END:
                    connection.close()
                    connection = listening.accept()[0]
                connection.sendall(answer[:20])
                connection.sendall(answer[20:])
            connection.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(10)


@pytest.mark.parametrize(
    ("answer", "whole"),
    [
        (b"", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", False),
        (b"HTTP/1.1 200 OK\r\ncontent-length:2\r\n\r\n{", False),
        (GOOD, True),
        (b"HTTP/1.1 204 No Content\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", False),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", True),
    ],
)
def test_the_end_of_an_answer_is_known(answer: bytes, whole: bool) -> None:
    assert is_whole(answer) is whole


def test_every_good_answer_is_counted_and_timed() -> None:
    tally, seen = Tally(), list[bytes]()
    with server_of([GOOD] * 3, seen) as port:
        driven = drive(port, [send_all(iter([REQUEST] * 3), tally)])
    assert (tally.good, tally.failed, len(driven.latencies)) == (3, 0, 3)
    assert seen == [REQUEST] * 3
    assert 0 < sum(driven.latencies) <= driven.wall


def test_refusals_and_ended_connections_are_failures_and_the_rest_goes_on() -> None:
    tally = Tally()
    refused = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 5\r\n\r\nfault"
    with server_of([GOOD, refused, END, GOOD]) as port:
        # What END answers is nothing; the lane goes on with a new connection.
        driven = drive(port, [send_all(iter([REQUEST] * 4), tally)])
    assert (tally.good, tally.failed) == (2, 2)
    assert tally.example == refused
    assert len(driven.latencies) == 3


def test_a_server_that_is_not_there_is_told_and_not_measured() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        drive(port, [send_all(iter([REQUEST]), Tally())])


def test_a_login_follows_redirects_with_cookies_and_fails_without_a_code() -> None:
    pushed = b'HTTP/1.1 201 Created\r\nContent-Length: 21\r\n\r\n{"request_uri":"r:1"}'
    hop = b"HTTP/1.1 303 See Other\r\nLocation: /next\r\nSet-Cookie: a=1; Path=/\r\nContent-Length: 0\r\n\r\n"
    back = f"HTTP/1.1 303 See Other\r\nLocation: {REDIRECT_URI}?code=c%2F1\r\nContent-Length: 0\r\n\r\n".encode()
    tokens = b'HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{"id_token":"x"}'
    page = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage"
    login = PreparedLogin(f"POST {PAR} HTTP/1.1\r\n\r\n".encode(), {"grant_type": "authorization_code"}, "proof")
    tally, seen = Tally(), list[bytes]()
    with server_of([pushed, hop, back, tokens, pushed, page], seen) as port:
        drive(port, [log_in(port, iter([login, login]), tally)])
    assert (tally.good, tally.failed) == (1, 1)
    assert b"request_uri=r%3A1" in seen[1] and b"Cookie" not in seen[1]
    assert seen[2].startswith(b"GET /next ") and b"\r\nCookie: a=1\r\n" in seen[2]
    assert b"\r\nDPoP: proof\r\n" in seen[3] and seen[3].endswith(b"code=c%2F1")
    assert tally.example.endswith(b"page")


def test_no_two_requests_share_an_assertion_or_a_proof() -> None:
    answer = b"HTTP/1.1 400 Bad Request\r\nDPoP-Nonce: n-1\r\nContent-Length: 0\r\n\r\n"
    with server_of([answer]) as port:
        requests = [Answer.parse(request) for request in Client().token_requests(port, 5)]
    proofs = [decode(request.headers("dpop")[0]) for request in requests]
    assertions = [decode(request.body.decode().partition("client_assertion=")[2]) for request in requests]
    assert len({claims["jti"] for _, claims in proofs} | {claims["jti"] for _, claims in assertions}) == 10
    assert len({header["jwk"]["x"] for header, _ in proofs}) == 5
    assert {claims["nonce"] for _, claims in proofs} == {"n-1"}


def test_ratios_are_of_the_same_round_and_gaps_stay_gaps() -> None:
    figures = Figures()
    for mine, theirs in ((1.0, 2.0), (6.0, 2.0), (math.nan, 2.0), (1.0, 0.0)):
        figures.add("ours", "tokens/s", mine)
        figures.add("peer", "tokens/s", theirs)
    ratio = figures.ratio("ours", "peer", "tokens/s")
    assert spread(ratio, 2) == "1.75 (0.50-3.00)"
    assert median(ratio, 1) == "1.8"
    assert spread([math.nan]) == median([]) == "-"


def test_figures_take_the_place_of_older_ones_in_the_page() -> None:
    page = PAGE.read_text(encoding="utf-8")
    begin = BEGIN.format(2048)
    once = with_figures(page, 2048, "first\n\nrun\n")
    assert f"{begin}\n\n    first\n\n    run\n\n{END_OF_FIGURES}\n" in once
    assert with_figures(with_figures(once, 2048, "second\n"), 2048, "first\n\nrun\n") == once
    assert once.partition(begin)[0] == page.partition(begin)[0]
    assert BEGIN.format(3072) in once
