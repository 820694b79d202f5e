"""The store that settings name, for what serves and for what prepares."""

from mock_sts.settings.settings import Settings
from mock_sts.store.database import Database
from mock_sts.store.opening import open_database


def open_store(settings: Settings) -> Database:
    """The store that ``settings`` name; nothing is opened yet."""
    return open_database(settings.database_url, synchronous=settings.sqlite_synchronous)
