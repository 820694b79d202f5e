"""Checking a world before anybody relies on it: what is wrong, what is odd, what is assumed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mock_sts.helseid.identifiers import (
    is_synthetic_organization_number,
    is_synthetic_pid,
    organization_check_digit_ok,
    pid_check_digits_ok,
)
from mock_sts.helseid.profile import client as registration
from mock_sts.helseid.registry import CLIENT_FORMAT, Client
from mock_sts.helseid.requirement import Enforcement
from mock_sts.helseid.scopes import implied_audience, is_api_scope
from mock_sts.store.fixture_files import world_folders
from mock_sts.store.fixtures import Entry, World, read_world


@dataclass(frozen=True, slots=True)
class Report:
    """Sentences: errors and warnings, and what is assumed for members left out; ``entries`` counts each sort."""

    entries: Mapping[str, int]
    errors: tuple[str, ...]
    warnings: tuple[str, ...]
    assumed: tuple[str, ...]

    @property
    def counts(self) -> str:
        """How many entries there are of each sort, for people."""
        return ", ".join(f"{count} {sort}s" for sort, count in self.entries.items())


def check_world(own_fixtures: Sequence[Path], *, implied_is_error: bool = False) -> Report:
    """Read the shipped world and ``own_fixtures`` on top, and check it. Raises DocumentError for unreadable files."""
    world = read_world(world_folders(own_fixtures))
    errors = [*_references(world), *_privacy(world), *_rules(world)]
    implied = list(_implied_apis(world))
    warnings = [*_check_digits(world), *([] if implied_is_error else implied)]
    counts = {sort: len(entries) for sort, entries in world.entries.items()}
    return Report(
        counts, (*errors, *(implied if implied_is_error else ())), tuple(warnings), tuple(_assumptions(world))
    )


def _references(world: World) -> Iterator[str]:
    organizations = world.entries["organization"]
    wanted: dict[str, tuple[str, ...]] = {
        "organization": ("parent",),
        "persona": ("organizations",),
        "client": ("organization", "children", "delegations"),
    }
    for sort, names in wanted.items():
        for entry in world.of(sort):
            for name in names:
                value = entry.item.members[name] or ()
                for number in (value,) if isinstance(value, str) else value:
                    if number not in organizations:
                        yield f"{_place(entry)}: {name} names {number}, which no file describes"


def _privacy(world: World) -> Iterator[str]:
    for entry in world.of("persona"):
        pid = entry.item.members["pid"]
        if not is_synthetic_pid(pid):
            yield f"{_place(entry)}: the pid lies in no synthetic series (month +80, +65 or +40)"
        hpr_number = entry.item.members["hpr_number"]
        if hpr_number is not None and len(hpr_number) != 9:
            yield f"{_place(entry)}: the HPR number must have nine digits; seven are the real register's"
    for entry in world.of("organization"):
        number = entry.item.members["number"]
        if not is_synthetic_organization_number(number) and not entry.item.members["sample"]:
            yield f"{_place(entry)}: a number of our own begins with 2 or 3; others need their sample named"


def _rules(world: World) -> Iterator[str]:
    """Registrations that even HelseID would refuse, and odd ones without their reason in the file."""
    for entry in world.of("client"):
        client = entry.item
        if not isinstance(client, Client):
            continue
        for fault in client.key_faults:
            yield f"{_place(entry)}: {fault}"
        for finding in registration.CHAPTER.judge(registration.Registration(client)):
            rule = finding.requirement
            needs_reason = rule.id in _NEED_A_REASON or rule.refused_by in (Enforcement.OBSERVE, Enforcement.HELSEID)
            if not finding.verdict.met and needs_reason and not client.members["oddities"]:
                yield f"{_place(entry)}: {rule.title}; found {finding.verdict.observed}. {rule.remedy}"


#: Rules of the registration chapter that a file may break only with the reason in ``oddities``.
_NEED_A_REASON = ("client.keys", "client.redirect-uris")


def _check_digits(world: World) -> Iterator[str]:
    for entry in world.of("persona"):
        if not pid_check_digits_ok(entry.item.members["pid"]):
            yield f"{_place(entry)}: the check digits of the pid are wrong"
    for entry in world.of("organization"):
        if not organization_check_digit_ok(entry.item.members["number"]) and not entry.item.members["oddities"]:
            yield f"{_place(entry)}: the check digit of the number is wrong"


def _implied_apis(world: World) -> Iterator[str]:
    owned = {scope for entry in world.of("api") for scope in entry.item.members["scopes"]}
    for entry in world.of("client"):
        for scope in entry.item.members["scope"]:
            if is_api_scope(scope) and scope not in owned:
                yield f"{_place(entry)}: no API describes {scope}; {implied_audience(scope)} is implied"


def _assumptions(world: World) -> Iterator[str]:
    for entry in world.of("client"):
        assumed = CLIENT_FORMAT.assumed(entry.document)
        if assumed:
            listed = ", ".join(f"{name} = {_written(value)}" for name, value in assumed.items())
            yield f"{_place(entry)}: assumed {listed}"


def _written(value: object) -> str:
    return (
        " ".join(value) if isinstance(value, tuple) else str(value).lower() if isinstance(value, bool) else str(value)
    )


def _place(entry: Entry) -> str:
    key = next(iter(entry.item.members.values()))
    return f"{Path(entry.where).name}, {key}"
