"""What all commands share: their faults, the settings, and where private keys lie."""

import argparse
import os
from pathlib import Path
from typing import Literal, overload

from mock_sts.settings import SETTINGS, Settings, from_environ, texts_of


class CommandError(Exception):
    """A command that cannot be carried out; the message says why and what to do."""


def settings_of(parsed: argparse.Namespace | None = None) -> tuple[Settings, dict[str, str]]:
    """The settings, and their texts. Raises SettingError."""
    given = {} if parsed is None else {s.name: getattr(parsed, s.name) for s in SETTINGS if getattr(parsed, s.name)}
    return from_environ(os.environ, given), texts_of(os.environ, given)


def issuer_of(settings: Settings, url: str | None) -> str:
    """The issuer to talk to: ``url`` where one was given, else what the settings say."""
    return (url or settings.public_url or f"http://localhost:{settings.port}").rstrip("/")


def key_folder(settings: Settings) -> Path:
    """Where ``client new`` leaves private keys: beside the database, never in it."""
    return settings.database_path.parent / "client-keys"


def key_places(settings: Settings, client_id: str) -> list[Path]:
    """The files in which a client's private key may lie: those of ``client new``, then the published ones."""
    from mock_sts.store.fixture_files import plain_file_name, shipped_world  # noqa: PLC0415

    name = f"{plain_file_name(client_id)}.json"
    return [key_folder(settings) / name, shipped_world() / "keys" / "clients" / name]


@overload
def client_key_file(settings: Settings, client_id: str, *, new: Literal[True]) -> Path: ...
@overload
def client_key_file(settings: Settings, client_id: str) -> Path | None: ...
def client_key_file(settings: Settings, client_id: str, *, new: bool = False) -> Path | None:
    """The file of a client's private key, None when there is none at hand; with ``new`` the one to write."""
    places = key_places(settings, client_id)
    return places[0] if new else next((place for place in places if place.is_file()), None)
