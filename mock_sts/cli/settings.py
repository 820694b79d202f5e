"""What all commands share: their faults, the settings, and where private keys lie."""

import argparse
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload

from mock_sts.cli.colour import Ink, paint
from mock_sts.settings.settings import SETTINGS, Settings, from_environ, texts_of
from mock_sts.store.opening import is_missing

if TYPE_CHECKING:  # commands import what they need when they need it
    from mock_sts.store.database import Database

#: How a command with --json tells that it cannot be carried out.
FAULT_JSON = " A fault is one object with error (a sentence), and the exit status is 2."

#: So many warnings are printed by commands that are no check.
_PRINTED_WARNINGS = 20


class CommandError(Exception):
    """A command that cannot be carried out; the message says why and what to do."""


def settings_of(parsed: argparse.Namespace | None = None) -> tuple[Settings, dict[str, str]]:
    """The settings, and their texts. Raises SettingError."""
    given = {} if parsed is None else {s.name: getattr(parsed, s.name) for s in SETTINGS if getattr(parsed, s.name)}
    return from_environ(os.environ, given), texts_of(os.environ, given)


def issuer_of(settings: Settings, url: str | None, option: str = "--url") -> str:
    """The issuer to talk to: ``url`` where one was given, else what the settings say. Raises CommandError."""
    if url is None:
        if not settings.public_url:
            refuse_free_port(settings, option)
        return settings.issuer
    read = next(setting.parse for setting in SETTINGS if setting.name == "public_url")
    try:
        issuer: str = read(url.rstrip("/"))
    except ValueError as error:
        raise CommandError(f"--url is {url!r}, but must be {error}") from None
    if not issuer:
        raise CommandError("--url is empty; leave it out for the address of the settings")
    return issuer


def refuse_free_port(settings: Settings, option: str = "--url") -> None:
    """Raise CommandError where a server of these settings takes a port that only its start tells."""
    if settings.port == 0:
        raise CommandError(
            "MOCK_STS_PORT is 0, so the server has a port that these settings do not tell; give the address that its "
            f"start printed, with {option}"
        )


def warn(warnings: Iterable[str]) -> None:
    """Tell ``warnings`` on stderr."""
    for warning in warnings:
        print(f"{paint('warning:', Ink.YELLOW, sys.stderr)} {warning}", file=sys.stderr)


def warn_of_fixtures(warnings: tuple[str, ...]) -> None:
    """Tell what is odd in own fixtures; of very much only the beginning."""
    warn(warnings[:_PRINTED_WARNINGS])
    if len(warnings) > _PRINTED_WARNINGS:
        warn([f"and {len(warnings) - _PRINTED_WARNINGS} more; mock-sts fixtures check tells all"])


@contextmanager
def opened_store(settings: Settings) -> "Iterator[Database]":
    """The store that ``settings`` name; a word on stderr where there was none and one was made.

    Raises StoreError or DocumentError.
    """
    from mock_sts.setup import prepared_store  # noqa: PLC0415

    tell_new_database(settings)
    with prepared_store(settings) as store:
        yield store


def tell_new_database(settings: Settings) -> None:
    """Say that a database will be made where there is none: in another folder it is easily another one."""
    if is_missing(settings.database_url):
        print(
            f"there was no database {Path(settings.database_name).absolute()}, so it is made; "
            "MOCK_STS_DATABASE_URL names that of a server elsewhere",
            file=sys.stderr,
        )


def key_folder(settings: Settings) -> Path:
    """Where ``client new`` leaves private keys."""
    return settings.places.client_keys


def key_places(settings: Settings, client_id: str) -> list[Path]:
    """The files in which a client's private key may lie: those of ``client new``, then the published ones."""
    from mock_sts.store.fixtures.files import plain_file_name, shipped_world  # noqa: PLC0415

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
