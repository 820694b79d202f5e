"""The machine's clock jumps ahead and comes back, as clocks of virtual machines do: all that looks at it goes on."""

import os
import time
from pathlib import Path

import pytest
from cryptography import x509

from mock_sts.demo.api import SeenProofs
from mock_sts.demo.sessions import Shelf
from mock_sts.server.certificates import are_current, make_certificates
from mock_sts.settings.certificate_files import CertificateFiles
from tests.support.emulator import START, Emulator
from tests.support.logins import web
from tests.support.machine import Machine
from tests.support.relying_party import PERSON

HOUR, DAY, YEAR = 3_600, 86_400, 31_536_000

#: Where the clock is for a moment, in seconds from where it stays.
JUMPS = (61, HOUR, 2 * DAY, 10 * YEAR, -61, -HOUR, -2 * DAY, -10 * YEAR)

#: Longer than any proof or assertion of a machine is remembered.
LATER = 900


def asks_anew(machine: Machine) -> int:
    """The status of a token request of a client that learns the nonce first."""
    machine.learn_nonce()
    return machine.token().status


@pytest.mark.covers("server.clock-jumps")
@pytest.mark.parametrize("jump", JUMPS)
def test_what_is_over_is_swept_after_a_jump(sts: Emulator, machine: Machine, jump: int) -> None:
    for move in (jump, -jump):
        sts.clock.advance(move)
        assert asks_anew(machine) == 200, "a correct client, by the clock of then"
    counts = []
    for _ in range(10):
        sts.clock.advance(LATER)
        assert asks_anew(machine) == 200
        counts.append(sts.row_counts()["replay"])
    assert counts[-1] <= counts[1], counts


@pytest.mark.covers("server.clock-jumps")
@pytest.mark.parametrize("jump", JUMPS)
def test_people_log_in_after_a_jump(sts: Emulator, jump: int) -> None:
    rp = web(sts)
    for move in (0, jump, -jump):
        sts.clock.advance(move)
        rp.machine.learn_nonce()
        assert rp.tokens({"test_pid": PERSON}).status == 200


@pytest.mark.covers("server.clock-jumps")
@pytest.mark.parametrize("jump", JUMPS)
def test_a_nonce_of_another_time_is_challenged_and_the_next_one_is_good(
    sts: Emulator, machine: Machine, jump: int
) -> None:
    sts.clock.advance(jump)
    machine.learn_nonce()
    sts.clock.advance(-jump)
    answer = machine.token()
    assert answer.status == 200 or answer.error == "use_dpop_nonce"
    assert asks_anew(machine) == 200


@pytest.mark.covers("server.clock-jumps")
@pytest.mark.parametrize("jump", JUMPS)
def test_a_demo_api_remembers_proofs_after_a_jump_and_forgets_old_ones(jump: int) -> None:
    seen = SeenProofs()
    assert seen.is_new("key", "then", START + jump)
    for number in range(10):
        assert seen.is_new("key", "jti", START + number * HOUR), "the one before is long over"
        assert not seen.is_new("key", "jti", START + number * HOUR + 1)


@pytest.mark.covers("server.clock-jumps")
@pytest.mark.parametrize("jump", JUMPS)
def test_a_demo_keeps_what_is_new_after_a_jump(tmp_path: Path, jump: int) -> None:
    shelf = Shelf(tmp_path, most=5)
    for number in range(5):
        shelf.put(f"then {number}", {})
    for file in tmp_path.iterdir():
        os.utime(file, (time.time() + jump,) * 2)
    shelf.put("now", {"new": True})
    assert shelf.get("now") == {"new": True}
    assert len(list(tmp_path.iterdir())) == (5 if abs(jump) < DAY else 1)


@pytest.mark.covers("server.clock-jumps")
@pytest.mark.parametrize("jump", JUMPS)
def test_the_certificate_is_good_after_a_jump(tmp_path: Path, jump: int) -> None:
    files = CertificateFiles(tmp_path)
    make_certificates(files, ("localhost",), START + jump)
    make_certificates(files, ("localhost",), START)
    assert are_current(files, ("localhost",), START)
    for file in (files.ca, files.leaf):
        certificate = x509.load_pem_x509_certificate(file.read_bytes())
        begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        assert begins.timestamp() <= START < ends.timestamp(), file
