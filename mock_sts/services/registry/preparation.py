"""Preparation: tables, keys and the world, before any worker answers. Doing it twice changes nothing."""

import gc
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from mock_sts.helseid.registry.documents import DocumentError
from mock_sts.services.clock import Clock
from mock_sts.services.keyring import make_signing_key
from mock_sts.services.registry.checks import check_before_loading, unread
from mock_sts.store.database import Database
from mock_sts.store.fixtures import rows
from mock_sts.store.fixtures.files import digest_of, shipped_signing_key_file, world_folders
from mock_sts.store.keys import Keys, SigningKey
from mock_sts.store.scope import DEFAULT_ENVIRONMENT


@dataclass(frozen=True, slots=True)
class Loading:
    """What loading came to: whether anything had changed, and a sentence for each odd thing in own folders."""

    changed: bool
    warnings: tuple[str, ...] = ()


#: Keys are made with the database, for tokens that are out must stay verifiable.
_KEPT_KEY = (
    "MOCK_STS_SIGNING_KEYS is 'fresh', but this database has the published key already, and keeps it; for a key of its "
    "own remove the database, or name another one with MOCK_STS_DATABASE_URL, and start anew"
)


def prepare(store: Database, own_fixtures: Sequence[Path], *, fresh_keys: bool, clock: Clock) -> Loading:
    """Make everything that workers need.

    Raises StoreError for the database and DocumentError for a fixture file, with a sentence that names the fault.
    """
    store.make()
    keys = Keys(store, DEFAULT_ENVIRONMENT)
    kept = keys.load()
    if not kept:
        now = clock.times().wall
        keys.keep_first(make_signing_key(now) if fresh_keys else shipped_signing_key(), now)
    loading = load_fixtures(store, own_fixtures)
    if fresh_keys and any(key.kid == shipped_signing_key().kid for key in kept):
        return replace(loading, warnings=(_KEPT_KEY, *loading.warnings))
    return loading


def load_fixtures(store: Database, own_fixtures: Sequence[Path], *, replace_made: bool = False) -> Loading:
    """Bring the registry up to date with the fixture files; with ``replace_made`` also what was made at run time.

    Raises DocumentError for what cannot be read or cannot work; then nothing has changed.
    """
    with _without_collection():
        return _load(store, own_fixtures, replace_made=replace_made)


@contextmanager
def _without_collection() -> Iterator[None]:
    """Look for no garbage meanwhile: a world is many objects, none of which goes, and they would be looked through
    again and again.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _load(store: Database, own_fixtures: Sequence[Path], *, replace_made: bool) -> Loading:
    folders = world_folders(own_fixtures)
    up_to_date = rows.is_loaded(store, digest_of(folders))
    if up_to_date and not replace_made:
        return Loading(False, unread(own_fixtures))
    world = rows.read_world(folders)
    warnings = check_before_loading(world)
    if up_to_date and not rows.hidden_entries(store, world):
        return Loading(False, warnings)
    rows.write_world(store, world, replace_made=replace_made, again=replace_made)
    return Loading(True, warnings)


def shipped_signing_key() -> SigningKey:
    """The published development key. Raises DocumentError when its file is damaged."""
    file = shipped_signing_key_file()
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        return SigningKey(content["kid"], content["jwk"], content["certificate"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DocumentError(f"{file}: is not a signing key with kid, jwk and certificate: {error}") from None
