"""Checking a world before it is used: what is wrong, what is odd, what is assumed.

Faults are what cannot work: nothing is loaded with one. Breaches (of privacy, and of rules that HelseID refuses by) are
errors in a check, and warnings in any other command. The rest is odd, and only reported.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TypeVar, cast

from mock_sts.helseid.discovery import CLAIMS_SUPPORTED
from mock_sts.helseid.eids import PROVIDERS
from mock_sts.helseid.identifiers import (
    is_pid,
    is_synthetic_organization_number,
    is_synthetic_pid,
    organization_check_digit_ok,
    pid_check_digits_ok,
)
from mock_sts.helseid.personas import PROFESSIONS
from mock_sts.helseid.profile import client as registration
from mock_sts.helseid.providers import has_eid
from mock_sts.helseid.registry.api import ApiResource
from mock_sts.helseid.registry.client import CLIENT_FORMAT, Client
from mock_sts.helseid.registry.documents import DocumentError
from mock_sts.helseid.registry.organization import Organization
from mock_sts.helseid.registry.persona import Persona
from mock_sts.helseid.registry.records import key_of
from mock_sts.helseid.requirement import Enforcement, Finding
from mock_sts.helseid.scopes import IDENTITY_SCOPES, TECHNICAL_SCOPES, comma_hint, implied_audience, is_api_scope
from mock_sts.helseid.terms import MULTI_TENANT, SINGLE_TENANT
from mock_sts.services.registry.lookup import hint, profession_hint
from mock_sts.store.catalog import Item
from mock_sts.store.fixtures.files import unread_files, world_folders
from mock_sts.store.fixtures.rows import Entry, World, line_of, read_what_can_be_read, sort_of

T = TypeVar("T", bound=Item)


@dataclass(frozen=True, slots=True)
class Report:
    """Sentences: what cannot be read, errors and warnings, and what is assumed for members left out; ``entries`` counts
    each sort.
    """

    entries: Mapping[str, int]
    unreadable: tuple[str, ...]
    errors: tuple[str, ...]
    warnings: tuple[str, ...]
    assumed: tuple[str, ...]


def check_world(own_fixtures: Sequence[Path], *, implied_is_error: bool = False, all_assumed: bool = False) -> Report:
    """Read the shipped world and ``own_fixtures`` on top, and check it.

    Where something cannot be read, the rest is checked by itself, and not against what may be missing: a number that a
    file names may stand in the one that could not be read.
    What is assumed is reported of the entries of ``own_fixtures``, with ``all_assumed`` of the shipped ones too.
    """
    world = read_what_can_be_read(world_folders(own_fixtures))
    whole, own = (
        _Part(world, {sort: dict(world.entries[sort]) for sort in world.entries}),
        _Part(world, _own_entries(world)),
    )
    implied = list(_implied_apis(whole))
    unsaid = _without_a_word_on_dpop(whole)
    if world.faults:
        errors, warnings = [*_breaches(whole)], [*unread(own_fixtures), *unsaid]
    else:
        errors = [*map(str, _faults(whole)), *_breaches(whole), *(implied if implied_is_error else ())]
        warnings = [*unread(own_fixtures), *_oddities(whole), *unsaid, *(() if implied_is_error else implied)]
    counts = {sort: len(entries) for sort, entries in world.entries.items()}
    unreadable = tuple(map(str, world.faults))
    return Report(
        counts, unreadable, tuple(errors), tuple(warnings), tuple(_assumptions(whole if all_assumed else own))
    )


def check_before_loading(world: World) -> tuple[str, ...]:
    """Warnings about what own folders bring into ``world``. Raises DocumentError with all that cannot work.

    The shipped entries are not looked at: they are checked where they are made, and a start must not wait for it.
    """
    own = _Part(world, _own_entries(world))
    faults = list(map(str, _faults(own)))
    if faults:
        raise DocumentError("\n".join(faults))
    return (*unread(world.folders[1:]), *_breaches(own), *_oddities(own), *_implied_apis(own))


def check_entries(
    entries: Mapping[str, Mapping[str, Entry[Item]]], around: Mapping[str, Mapping[str, Entry[Item]]]
) -> tuple[tuple["Fault", ...], tuple[str, ...]]:
    """What cannot work of ``entries`` (by table and key) among those ``around`` them, and warnings about what is odd.

    Of what lies around them it is enough to have what they name, and what has their names.
    """
    whole = {table: {**around[table], **entries.get(table, {})} for table in around}
    part = _Part(World(whole, "", ()), {table: dict(entries.get(table, {})) for table in around})
    return tuple(_faults(part)), (*_breaches(part), *_oddities(part), *_implied_apis(part))


def unread(own_fixtures: Iterable[Path]) -> tuple[str, ...]:
    """A sentence for each file in own folders that looks like a fixture and is not read."""
    return tuple(sentence for folder in own_fixtures for sentence in unread_files(folder))


@dataclass(frozen=True, slots=True)
class Fault:
    """What cannot work of ``entry``, in a sentence, and the member that is to be mended."""

    entry: Entry[Item]
    member: str
    sentence: str

    def __str__(self) -> str:
        return _of(self.entry, self.sentence, self.member)


@dataclass(frozen=True, slots=True)
class _Part:
    """The entries to be checked, by sort and key, and the world in which they lie."""

    world: World
    entries: Mapping[str, dict[str, Entry[Item]]]

    def of(self, becomes: type[T]) -> list[tuple[Entry[T], T]]:
        """The entries of one sort, each with what it became."""
        entries = cast("dict[str, Entry[T]]", self.entries[sort_of(becomes).table])
        return [(entry, entry.item) for entry in entries.values()]


def _own_entries(world: World) -> dict[str, dict[str, Entry[Item]]]:
    own = world.folders[1:]
    files = {entry.where for entries in world.entries.values() for entry in entries.values()}
    theirs = {file for file in files if any(Path(file).is_relative_to(folder) for folder in own)}
    return {
        sort: {key: entry for key, entry in entries.items() if entry.where in theirs}
        for sort, entries in world.entries.items()
    }


def _faults(part: _Part) -> Iterator[Fault]:
    """What cannot work: names of what is not there, names that two have, keys and addresses that are none."""
    yield from _references(part)
    yield from _twins(part)
    for entry, organization in part.of(Organization):
        if organization.parent == organization.number:
            yield Fault(entry, "parent", "parent names the organization itself")
    for person_entry, person in part.of(Persona):
        later = person.superseded_by
        successor = part.world.of(Persona).get(later) if later else None
        if later == person.pid:
            yield Fault(person_entry, "superseded_by", "superseded_by names the person itself")
        elif successor is not None and successor.item.superseded_by is not None:
            sentence = f"superseded_by names {later}, who was replaced too and cannot log in"
            yield Fault(person_entry, "superseded_by", sentence)
    for client_entry, client in part.of(Client):
        yield from (Fault(client_entry, "jwks", fault) for fault in client.key_faults)
        for fault in () if client.oddities else client.address_faults:
            # The sentence begins with the member, in quotes.
            yield Fault(client_entry, fault.split("'")[1], fault)


def _references(part: _Part) -> Iterator[Fault]:
    organizations = part.world.of(Organization)
    for sort in part.entries.values():
        for entry in sort.values():
            for name, numbers in _numbers_named(entry.item):
                for number in numbers:
                    if number not in organizations:
                        near = hint(number, organizations)
                        yield Fault(entry, name, f"{name} names {number}, which no file describes{near}")


def _numbers_named(item: Item) -> Iterator[tuple[str, Iterable[str]]]:
    """The members that hold organization numbers, each with those that it holds."""
    match item:
        case Organization():
            yield "parent", _if_any(item.parent)
        case Persona():
            yield "organizations", item.organizations
        case ApiResource():
            yield "owner", _if_any(item.owner)
        case Client():
            yield "organization", _if_any(item.organization)
            yield "children", item.children
            yield "delegations", item.delegations
            by_parent = item.delegated_children
            yield "delegated_children", dict.fromkeys(chain(by_parent, *by_parent.values()))


def _if_any(number: str | None) -> tuple[str, ...]:
    return () if number is None else (number,)


def _twins(part: _Part) -> Iterator[Fault]:
    """What one person or API has for itself, and two have."""
    yield from _twins_of(part, Persona, "persona", lambda person: [person.persona])
    # A person whose pid was replaced stands there twice, with one number in the register.
    yield from _twins_of(
        part, Persona, "hpr_number", lambda person: [] if person.superseded_by else [person.hpr_number]
    )
    yield from _twins_of(part, ApiResource, "scopes", lambda api: api.scopes, "scope")


def _twins_of(
    part: _Part, becomes: type[T], name: str, held: Callable[[T], Iterable[str | None]], word: str = ""
) -> Iterator[Fault]:
    """What one entry alone may have in the member ``name``, and two have; ``held`` tells what one has, ``word`` is for
    one of several.
    """
    holders: dict[str | None, list[Entry[T]]] = {}
    for entry in part.world.of(becomes).values():
        for value in held(entry.item):
            holders.setdefault(value, []).append(entry)
    reported = set()
    # The upper folders first, so that the sentence is about their entry.
    for entry, item in reversed(part.of(becomes)):
        for value in filter(None, held(item)):
            for other in holders[value]:
                pair = frozenset((id(entry), id(other)))
                if other is not entry and (value, pair) not in reported:
                    reported.add((value, pair))
                    sentence = f"the {word or name} {value!r} is that of {_place(other)} too"
                    yield Fault(entry, name, sentence)


def _breaches(part: _Part) -> Iterator[str]:
    """Numbers that may be those of the living, and registrations that even HelseID would refuse."""
    for person_entry, person in part.of(Persona):
        if not is_synthetic_pid(person.pid):
            yield _of(person_entry, "the pid lies in no synthetic series (month +80, +65 or +40)", "pid")
        if person.hpr_number is not None and len(person.hpr_number) != 9 and not person.sample:
            yield _of(
                person_entry,
                "the HPR number must have nine digits; seven are the real register's, and others need their sample "
                "named",
                "hpr_number",
            )
    for api_entry, api in part.of(ApiResource):
        if why := comma_hint(api.scopes):
            yield _of(api_entry, f"scopes hold {' '.join(api.scopes)!r}, but {why}", "scopes")
    for entry, organization in part.of(Organization):
        if not is_synthetic_organization_number(organization.number) and not organization.sample:
            yield _of(entry, "a number of our own begins with 2 or 3; others need their sample named", "number")
    for client_entry, client in part.of(Client):
        if why := comma_hint(client.scope):
            yield _of(client_entry, f"scope holds {' '.join(client.scope)!r}, but {why}", "scope")
        stated = client.organization or client.sample
        if client.tenancy in (SINGLE_TENANT, MULTI_TENANT) and not stated:
            yield _of(client_entry, f"tenancy {client.tenancy} needs the owner's number in organization", "tenancy")
        yield from _rules(client_entry)


def registration_breaches(client: Client) -> Iterator[Finding]:
    """What a registration breaks without a reason among its ``oddities``: an error in a check."""
    for finding in registration.CHAPTER.judge(registration.Registration(client)):
        rule = finding.requirement
        needs_reason = rule.id in _NEED_A_REASON or Enforcement.HELSEID in rule.refused_in
        # A key that cannot be used is reported as a fault already.
        reported = rule.id == "client.keys" and client.key_faults
        if not finding.verdict.met and needs_reason and not reported and not client.oddities:
            yield finding


def _rules(entry: Entry[Client]) -> Iterator[str]:
    """Odd registrations without their reason in the file."""
    for finding in registration_breaches(entry.item):
        rule = finding.requirement
        yield _of(entry, f"{rule.title}; found {finding.verdict.observed}. To mend it: {rule.remedy}")


#: Rules of the registration chapter that a file may break only with the reason in ``oddities``.
_NEED_A_REASON = ("client.keys", "client.redirect-uris")


def _oddities(part: _Part) -> Iterator[str]:
    """What works, and is probably not what was meant."""
    yield from _odd_people(part)
    yield from _odd_organizations(part)
    yield from _odd_apis(part)
    yield from _odd_clients(part)


#: What people choose among to log in; the TestIDP takes everyone.
_PEOPLES_EIDS = tuple(eid for provider in PROVIDERS if not provider.is_testidp for eid in provider.eids)


def _odd_people(part: _Part) -> Iterator[str]:
    people = part.world.of(Persona)
    for entry, person in part.of(Persona):
        if not pid_check_digits_ok(person.pid):
            yield _of(entry, "the check digits of the pid are wrong", "pid")
        for authorization in person.authorizations:
            code = authorization.profession
            if code not in PROFESSIONS:
                yield _of(
                    entry,
                    f"no profession {code!r} is known of the HPR register{profession_hint(code)}",
                    "authorizations",
                )
        if person.authorizations and person.hpr_number is None:
            yield _of(entry, "authorizations are known of people with an HPR number only", "authorizations")
        if person.eids and not any(has_eid(person, eid) for eid in _PEOPLES_EIDS):
            level = f"none of the eids {', '.join(person.eids)} has a level up to the person's, {person.security_level}"
            yield _of(entry, f"{level}; raise security_level, add another eID, or write eids: [] for none")
        later = person.superseded_by
        if later is not None and later not in people:
            yield _of(
                entry, f"superseded_by names {later}, whom no file describes{hint(later, people)}", "superseded_by"
            )


def _odd_organizations(part: _Part) -> Iterator[str]:
    organizations = part.world.of(Organization)
    for entry, organization in part.of(Organization):
        if not organization_check_digit_ok(organization.number) and not organization.oddities:
            yield _of(entry, "the check digit of the number is wrong", "number")
        parent = organizations.get(organization.parent) if organization.parent else None
        if parent is not None and parent is not entry and parent.item.parent:
            yield _of(entry, f"its parent {organization.parent} is a unit itself", "parent")


def _odd_apis(part: _Part) -> Iterator[str]:
    for entry, api in part.of(ApiResource):
        for name in api.claims:
            if name not in CLAIMS_SUPPORTED:
                yield _of(entry, f"HelseID has no claim {name!r}{hint(name, CLAIMS_SUPPORTED)}", "claims")
        for scope in api.scopes:
            if implied_audience(scope) != api.audience and not api.sample:
                yield _of(entry, f"the scope {scope} belongs to another audience by its name", "scopes")
        yield from _strange_actors(part, entry)


def _without_a_word_on_dpop(part: _Part) -> Iterator[str]:
    """APIs that do not say whether they take DPoP only; a check alone asks, for nothing is wrong with them."""
    for entry, _ in part.of(ApiResource):
        if entry.document.get("require_dpop") is None:
            yield _of(
                entry,
                "require_dpop is left out, so the API gets Bearer tokens too. HelseID demands DPoP "
                "of new APIs: write require_dpop: true, or false for an API that takes Bearer",
            )


def _odd_clients(part: _Part) -> Iterator[str]:
    schemes = [provider.scheme for provider in PROVIDERS]
    people = [entry.item.persona for entry in part.world.of(Persona).values() if entry.item.persona]
    own_scopes = IDENTITY_SCOPES | TECHNICAL_SCOPES
    for entry, client in part.of(Client):
        for scheme in client.identity_providers:
            if scheme not in schemes:
                yield _of(
                    entry, f"no identity provider {scheme!r} is emulated{hint(scheme, schemes)}", "identity_providers"
                )
        for rule in (registration.key_encoding, registration.key_algorithm):
            verdict = rule.check(registration.Registration(client))
            # A sample is as it is: the reason stands in the file.
            if verdict is not None and not verdict.met and not (client.oddities and client.sample):
                right = f", where {verdict.expected} would be right" if rule is registration.key_algorithm else ""
                yield _of(entry, f"{rule.title}; found {verdict.observed}{right}. To mend it: {rule.remedy}")
        for scope in client.scope:
            if not is_api_scope(scope) and scope not in own_scopes:
                yield _of(entry, f"HelseID has no scope {scope}{hint(scope, own_scopes)}", "scope")
        # A warning, for persona new may have made the person; any pid may be a person's.
        persona = client.default_persona
        if persona is not None and not is_pid(persona) and persona not in people:
            yield _of(
                entry,
                f"default_persona names {persona!r}, whom no file describes{hint(persona, people)}",
                "default_persona",
            )
        yield from _strange_actors(part, entry)


def _strange_actors(part: _Part, entry: Entry[ApiResource] | Entry[Client]) -> Iterator[str]:
    clients = part.world.of(Client)
    for actor in entry.item.token_exchange_actors:
        if actor not in clients:
            near = hint(actor, clients)
            yield _of(
                entry, f"token_exchange_actors names {actor!r}, whom no file describes{near}", "token_exchange_actors"
            )


def _implied_apis(part: _Part) -> Iterator[str]:
    owned = {scope for entry in part.world.of(ApiResource).values() for scope in entry.item.scopes}
    near: dict[str, str] = {}  # thousands of clients may ask for the same one
    for entry, client in part.of(Client):
        for scope in client.scope:
            if is_api_scope(scope) and scope not in owned and not comma_hint([scope]):
                if scope not in near:
                    near[scope] = hint(scope, owned)
                yield _of(
                    entry, f"no API describes {scope}; {implied_audience(scope)} is implied{near[scope]}", "scope"
                )


def _assumptions(part: _Part) -> Iterator[str]:
    for entry, _ in part.of(Client):
        assumed = CLIENT_FORMAT.assumed(entry.document)
        if assumed:
            listed = ", ".join(f"{name} = {_written(value)}" for name, value in assumed.items())
            yield f"{_place(entry)}: assumed {listed}"


def _written(value: object) -> str:
    return (
        " ".join(value) if isinstance(value, tuple) else str(value).lower() if isinstance(value, bool) else str(value)
    )


def _of(entry: Entry[Item], sentence: str, *path: object) -> str:
    """``sentence`` about ``entry``, with its file and the line; ``path`` leads to the member that it is about."""
    return f"{_place(entry)}: {sentence}{line_of(entry, *path)}"


def _place(entry: Entry[Item]) -> str:
    return f"{entry.where}, {key_of(entry.item)}"
