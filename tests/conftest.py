"""Fixtures for all tests."""

import logging
import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
import yaml

from devtools.docs_site import build as build_docs_site
from tests.support import processes
from tests.support.emulator import Emulator, LiveServer, Template, Worlds
from tests.support.machine import Machine
from tests.support.world import read_shipped_files_once


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In continuous integration all that a test may miss is there: one that is skipped has failed."""
    report = yield
    if report.skipped and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"skipped, where nothing may be missing: {report.longrepr}"
    return report


def pytest_configure() -> None:
    read_shipped_files_once()
    # For yaml.safe_load of tests: the same in C, twenty times as fast.
    yaml.SafeLoader = yaml.CSafeLoader  # type: ignore[misc,assignment]


def pytest_unconfigure() -> None:
    """Nothing that a test has started goes on after it; an interrupted run has no such end, and needs none."""
    processes.close()


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Template]:
    """One prepared database that all emulators of a run are copied from."""
    made = Template(tmp_path_factory.mktemp("worlds"))
    yield made
    made.close()


@pytest.fixture
def worlds(template: Template) -> Iterator[Worlds]:
    """Makes emulators with settings of their own, for one test."""
    with Worlds(template) as made:
        yield made


@pytest.fixture(scope="module")
def shared_worlds(template: Template) -> Iterator[Worlds]:
    """The same for a module: what one of its tests leaves, the next one finds."""
    with Worlds(template) as made:
        yield made


@pytest.fixture
def sts(worlds: Worlds) -> Emulator:
    """An emulator in the process with default settings."""
    return worlds.make()


@pytest.fixture
def machine(sts: Emulator) -> Machine:
    """A correct client of it."""
    return sts.client()


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A live server with two workers."""
    server = LiveServer(tmp_path_factory.mktemp("live"), workers="2")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def docs_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The documentation's site, built for this run: the one of the clone may be old, or missing."""
    site = tmp_path_factory.mktemp("docs") / "site"
    build_docs_site(site)
    return site


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    """A test that leaves the log off silences it for all tests after it in this process."""
    yield
    off = logging.root.manager.disable
    logging.disable(logging.NOTSET)
    assert off == logging.NOTSET, "this test left logging disabled"
