"""The contract of the store is the same on both databases: tests that ask for ``empty_url`` run on each."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mock_sts.store.database import Database
from mock_sts.store.opening import open_database
from tests.support.postgresql import server


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/store.sqlite"
        return
    url = server().make()
    yield url
    server().drop(url)


@pytest.fixture
def store(empty_url: str) -> Iterator[Database]:
    """A database with tables, and nothing in them."""
    made = open_database(empty_url, synchronous="off")
    made.make()
    yield made
    made.close()
