"""Checking a world before anybody relies on it: what is wrong, what is odd, what is assumed.

Faults are what cannot work: nothing is loaded with one. Breaches (of privacy, and of rules that HelseID refuses by) are
errors where somebody asks for a check, and warnings where somebody wants to work. The rest is odd, and only told.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from mock_sts.helseid.discovery import CLAIMS_SUPPORTED
from mock_sts.helseid.documents import DocumentError
from mock_sts.helseid.identifiers import (
    is_pid,
    is_synthetic_organization_number,
    is_synthetic_pid,
    organization_check_digit_ok,
    pid_check_digits_ok,
)
from mock_sts.helseid.personas import PROFESSIONS
from mock_sts.helseid.profile import client as registration
from mock_sts.helseid.providers import PROVIDERS
from mock_sts.helseid.registry import CLIENT_FORMAT, Client
from mock_sts.helseid.requirement import Enforcement
from mock_sts.helseid.scopes import IDENTITY_SCOPES, TECHNICAL_SCOPES, comma_hint, implied_audience, is_api_scope
from mock_sts.helseid.terms import MULTI_TENANT, SINGLE_TENANT
from mock_sts.services.registry.lookup import hint, profession_hint
from mock_sts.store.fixtures.files import unread_files, world_folders
from mock_sts.store.fixtures.rows import Entry, World, read_world


@dataclass(frozen=True, slots=True)
class Report:
    """Sentences: errors and warnings, and what is assumed for members left out; ``entries`` counts each sort."""

    entries: Mapping[str, int]
    errors: tuple[str, ...]
    warnings: tuple[str, ...]
    assumed: tuple[str, ...]


def check_world(own_fixtures: Sequence[Path], *, implied_is_error: bool = False, all_assumed: bool = False) -> Report:
    """Read the shipped world and ``own_fixtures`` on top, and check it. Raises DocumentError for unreadable files.

    What is assumed is told of the entries of ``own_fixtures``, with ``all_assumed`` of the shipped ones too.
    """
    world = read_world(world_folders(own_fixtures))
    whole, own = (
        _Part(world, {sort: dict(world.entries[sort]) for sort in world.entries}),
        _Part(world, _own_entries(world)),
    )
    implied = list(_implied_apis(whole))
    errors = [*_faults(whole), *_breaches(whole), *(implied if implied_is_error else ())]
    warnings = [*unread(own_fixtures), *_oddities(whole), *(() if implied_is_error else implied)]
    counts = {sort: len(entries) for sort, entries in world.entries.items()}
    return Report(counts, tuple(errors), tuple(warnings), tuple(_assumptions(whole if all_assumed else own)))


def check_before_loading(world: World) -> tuple[str, ...]:
    """Warnings about what own folders bring into ``world``. Raises DocumentError with all that cannot work.

    The shipped entries are not looked at: they are checked where they are made, and a start must not wait for it.
    """
    own = _Part(world, _own_entries(world))
    faults = list(_faults(own))
    if faults:
        raise DocumentError("\n".join(faults))
    return (*unread(world.folders[1:]), *_breaches(own), *_oddities(own), *_implied_apis(own))


def unread(own_fixtures: Iterable[Path]) -> tuple[str, ...]:
    """A sentence for each file in own folders that looks like a fixture and is not read."""
    return tuple(sentence for folder in own_fixtures for sentence in unread_files(folder))


@dataclass(frozen=True, slots=True)
class _Part:
    """The entries to be checked, by sort and key, and the world in which they lie."""

    world: World
    entries: Mapping[str, dict[str, Entry]]

    def of(self, sort: str) -> Iterator[tuple[Entry, Mapping[str, Any]]]:
        """Entries of one sort with their members."""
        for entry in self.entries[sort].values():
            yield entry, entry.item.members


def _own_entries(world: World) -> dict[str, dict[str, Entry]]:
    own = world.folders[1:]
    return {
        sort: {
            key: entry
            for key, entry in entries.items()
            if any(Path(entry.where).is_relative_to(folder) for folder in own)
        }
        for sort, entries in world.entries.items()
    }


def _faults(part: _Part) -> Iterator[str]:
    """What cannot work: names of what is not there, names that two have, keys and addresses that are none."""
    yield from _references(part)
    yield from _twins(part)
    for entry, members in part.of("organization"):
        if members["parent"] == members["number"]:
            yield f"{_place(entry)}: parent names the organization itself"
    for entry, members in part.of("persona"):
        later = members["superseded_by"]
        successor = part.world.entries["persona"].get(later) if later else None
        if later == members["pid"]:
            yield f"{_place(entry)}: superseded_by names the person itself"
        elif successor is not None and successor.item.members["superseded_by"] is not None:
            yield f"{_place(entry)}: superseded_by names {later}, who was replaced too and cannot log in"
    for entry, _ in part.of("client"):
        if isinstance(entry.item, Client):
            addresses = () if entry.item.members["oddities"] else entry.item.address_faults
            yield from (f"{_place(entry)}: {fault}" for fault in (*entry.item.key_faults, *addresses))


#: Sort of entry to its members that hold organization numbers.
_NUMBERS = {
    "organization": ("parent",),
    "persona": ("organizations",),
    "api": ("owner",),
    "client": ("organization", "children", "delegations", "delegated_children"),
}


def _references(part: _Part) -> Iterator[str]:
    organizations = part.world.entries["organization"]
    for sort, names in _NUMBERS.items():
        for entry, members in part.of(sort):
            for name in names:
                for number in _numbers(members[name]):
                    if number not in organizations:
                        near = hint(number, organizations)
                        yield f"{_place(entry)}: {name} names {number}, which no file describes{near}"


def _numbers(value: Any) -> Iterable[str]:
    """The organization numbers in a member: one, several, or several by parent."""
    if isinstance(value, Mapping):
        return dict.fromkeys(chain(value, *value.values()))
    return (value,) if isinstance(value, str) else value or ()


def _twins(part: _Part) -> Iterator[str]:
    """What one person or API has for itself, and two have."""
    for sort, name in (("persona", "persona"), ("persona", "hpr_number"), ("api", "scopes")):
        holders: dict[str, list[Entry]] = {}
        for entry in part.world.of(sort):
            for value in _held(entry, name):
                holders.setdefault(value, []).append(entry)
        told = set()
        # The upper folders first, so that the sentence is about their entry.
        for entry in reversed(part.entries[sort].values()):
            for value in _held(entry, name):
                for other in holders[value]:
                    pair = frozenset((id(entry), id(other)))
                    if other is not entry and (value, pair) not in told:
                        told.add((value, pair))
                        yield f"{_place(entry)}: the {name.rstrip('s')} {value!r} is that of {_place(other)} too"


def _held(entry: Entry, name: str) -> tuple[str, ...]:
    """The values of a member that the entry alone may have."""
    if name == "hpr_number" and entry.item.members["superseded_by"]:
        return ()  # a person whose pid was replaced stands there twice, with one number in the register
    value = entry.item.members[name]
    return value if isinstance(value, tuple) else (value,) if value else ()


def _breaches(part: _Part) -> Iterator[str]:
    """Numbers that may be those of the living, and registrations that even HelseID would refuse."""
    for entry, members in part.of("persona"):
        if not is_synthetic_pid(members["pid"]):
            yield f"{_place(entry)}: the pid lies in no synthetic series (month +80, +65 or +40)"
        if members["hpr_number"] is not None and len(members["hpr_number"]) != 9:
            yield f"{_place(entry)}: the HPR number must have nine digits; seven are the real register's"
    for entry, members in part.of("api"):
        if why := comma_hint(members["scopes"]):
            yield f"{_place(entry)}: scopes hold {' '.join(members['scopes'])!r}, but {why}"
    for entry, members in part.of("organization"):
        if not is_synthetic_organization_number(members["number"]) and not members["sample"]:
            yield f"{_place(entry)}: a number of our own begins with 2 or 3; others need their sample named"
    for entry, members in part.of("client"):
        if why := comma_hint(members["scope"]):
            yield f"{_place(entry)}: scope holds {' '.join(members['scope'])!r}, but {why}"
        told = members["organization"] or members["sample"]
        if members["tenancy"] in (SINGLE_TENANT, MULTI_TENANT) and not told:
            yield f"{_place(entry)}: tenancy {members['tenancy']} needs the owner's number in organization"
        yield from _rules(entry)


def _rules(entry: Entry) -> Iterator[str]:
    """Odd registrations without their reason in the file."""
    if not isinstance(entry.item, Client):
        return
    for finding in registration.CHAPTER.judge(registration.Registration(entry.item)):
        rule = finding.requirement
        needs_reason = rule.id in _NEED_A_REASON or Enforcement.HELSEID in rule.refused_in
        # A key that cannot be used is told as a fault already.
        told = rule.id == "client.keys" and entry.item.key_faults
        if not finding.verdict.met and needs_reason and not told and not entry.item.members["oddities"]:
            yield f"{_place(entry)}: {rule.title}; found {finding.verdict.observed}. To mend it: {rule.remedy}"


#: Rules of the registration chapter that a file may break only with the reason in ``oddities``.
_NEED_A_REASON = ("client.keys", "client.redirect-uris")


def _oddities(part: _Part) -> Iterator[str]:
    """What works, and is probably not what was meant."""
    yield from _odd_people(part)
    yield from _odd_organizations(part)
    yield from _odd_apis(part)
    yield from _odd_clients(part)


def _odd_people(part: _Part) -> Iterator[str]:
    people = part.world.entries["persona"]
    for entry, members in part.of("persona"):
        if not pid_check_digits_ok(members["pid"]):
            yield f"{_place(entry)}: the check digits of the pid are wrong"
        for authorization in members["authorizations"]:
            code = authorization["profession"]
            if code not in PROFESSIONS:
                yield f"{_place(entry)}: no profession {code!r} is known of the HPR register{profession_hint(code)}"
        if members["authorizations"] and members["hpr_number"] is None:
            yield f"{_place(entry)}: authorizations are told of people with an HPR number only"
        later = members["superseded_by"]
        if later is not None and later not in people:
            yield f"{_place(entry)}: superseded_by names {later}, whom no file describes{hint(later, people)}"


def _odd_organizations(part: _Part) -> Iterator[str]:
    organizations = part.world.entries["organization"]
    for entry, members in part.of("organization"):
        if not organization_check_digit_ok(members["number"]) and not members["oddities"]:
            yield f"{_place(entry)}: the check digit of the number is wrong"
        parent = organizations.get(members["parent"]) if members["parent"] else None
        if parent is not None and parent is not entry and parent.item.members["parent"]:
            yield f"{_place(entry)}: its parent {members['parent']} is a unit itself"


def _odd_apis(part: _Part) -> Iterator[str]:
    for entry, members in part.of("api"):
        for name in members["claims"]:
            if name not in CLAIMS_SUPPORTED:
                yield f"{_place(entry)}: HelseID has no claim {name!r}{hint(name, CLAIMS_SUPPORTED)}"
        for scope in members["scopes"]:
            if implied_audience(scope) != members["audience"] and not members["sample"]:
                yield f"{_place(entry)}: the scope {scope} belongs to another audience by its name"
        yield from _strange_actors(part, entry)


def _odd_clients(part: _Part) -> Iterator[str]:
    schemes = [provider.scheme for provider in PROVIDERS]
    people = [entry.item.members["persona"] for entry in part.world.of("persona") if entry.item.members["persona"]]
    own_scopes = IDENTITY_SCOPES | TECHNICAL_SCOPES
    for entry, members in part.of("client"):
        for scheme in members["identity_providers"]:
            if scheme not in schemes:
                yield f"{_place(entry)}: no identity provider {scheme!r} is emulated{hint(scheme, schemes)}"
        if isinstance(entry.item, Client):
            for rule in (registration.key_encoding, registration.key_algorithm):
                verdict = rule.check(registration.Registration(entry.item))
                # A sample is as it is: the reason stands in the file.
                if verdict is not None and not verdict.met and not (members["oddities"] and members["sample"]):
                    right = f", where {verdict.expected} would be right" if rule is registration.key_algorithm else ""
                    yield f"{_place(entry)}: {rule.title}; found {verdict.observed}{right}. To mend it: {rule.remedy}"
        for scope in members["scope"]:
            if not is_api_scope(scope) and scope not in own_scopes:
                yield f"{_place(entry)}: HelseID has no scope {scope}{hint(scope, own_scopes)}"
        # A warning, for persona new may have made the person; any pid is somebody's.
        persona = members["default_persona"]
        if persona is not None and not is_pid(persona) and persona not in people:
            yield f"{_place(entry)}: default_persona names {persona!r}, whom no file describes{hint(persona, people)}"
        yield from _strange_actors(part, entry)


def _strange_actors(part: _Part, entry: Entry) -> Iterator[str]:
    clients = part.world.entries["client"]
    for actor in entry.item.members["token_exchange_actors"]:
        if actor not in clients:
            near = hint(actor, clients)
            yield f"{_place(entry)}: token_exchange_actors names {actor!r}, whom no file describes{near}"


def _implied_apis(part: _Part) -> Iterator[str]:
    owned = {scope for entry in part.world.of("api") for scope in entry.item.members["scopes"]}
    for entry, members in part.of("client"):
        for scope in members["scope"]:
            if is_api_scope(scope) and scope not in owned and not comma_hint([scope]):
                implied = f"{implied_audience(scope)} is implied"
                yield f"{_place(entry)}: no API describes {scope}; {implied}{hint(scope, owned)}"


def _assumptions(part: _Part) -> Iterator[str]:
    for entry, _ in part.of("client"):
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
    return f"{entry.where}, {key}"
