"""All committed data is what it says: synthetic, complete, and usable.

The files are read as files, with no help of the loader, and numbers are computed here, so that one fault cannot hide
another. Each check yields its complaints about a world; a world with one fault in it shows that the check sees it.
"""

import base64
import copy
import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
import yaml

from mock_sts.cli.main import main
from mock_sts.helseid import claims as claim_names
from mock_sts.helseid.scopes import IDENTITY_SCOPES, TECHNICAL_SCOPES
from mock_sts.protocol.jose import PRIVATE_MEMBERS, PrivateKey, import_public_key
from tests.support.emulator import Emulator
from tests.support.machine import ABSENT, Answer, Machine, decode
from tests.support.relying_party import Login, RelyingParty, answer_parameters

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"

#: The day for which the ages in personas.yaml are told.
TOLD_ON = date(2026, 12, 1)

CLIENT_CREDENTIALS, AUTHORIZATION_CODE = "client_credentials", "authorization_code"
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"

Entry = dict[str, Any]


@dataclass
class Files:
    """The committed world: hand-made and generated entries, and the private keys by the name of their file."""

    personas: list[Entry]
    generated_personas: list[Entry]
    organizations: list[Entry]
    generated_organizations: list[Entry]
    apis: list[Entry]
    clients: list[Entry]
    private_keys: dict[str, Entry]

    @property
    def people(self) -> list[Entry]:
        return [*self.personas, *self.generated_personas]

    @property
    def all_organizations(self) -> list[Entry]:
        return [*self.organizations, *self.generated_organizations]

    @property
    def own_clients(self) -> list[Entry]:
        return [client for client in self.clients if "sample" not in client]


@cache
def committed() -> Files:
    def read(name: str) -> list[Entry]:
        file = FIXTURES / name
        entries: list[Entry] = yaml.safe_load(file.read_text(encoding="utf-8")) if file.exists() else []
        return entries

    return Files(
        personas=read("personas.yaml"),
        generated_personas=read("personas.generated.json"),
        organizations=read("organizations.yaml"),
        generated_organizations=read("organizations.generated.json"),
        apis=read("apis.yaml"),
        clients=[
            yaml.safe_load(file.read_text(encoding="utf-8")) for file in sorted((FIXTURES / "clients").rglob("*.yaml"))
        ],
        private_keys={
            file.stem: json.loads(file.read_text(encoding="utf-8"))
            for file in sorted((FIXTURES / "keys" / "clients").iterdir())
        },
    )


def own_client(client_id: str) -> Entry:
    return next(client for client in committed().own_clients if client["client_id"] == client_id)


# Numbers, computed anew


def weighted_sum_is_zero(digits: str, weights: tuple[int, ...]) -> bool:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True)) % 11 == 0


def month_offset(pid: str) -> int | None:
    return next((offset for offset in (80, 65, 40) if 1 <= int(pid[2:4]) - offset <= 12), None)


def born(pid: str) -> date:
    """The date of birth in a synthetic pid. Raises ValueError when there is none."""
    day, month, year, individual = int(pid[:2]), int(pid[2:4]), int(pid[4:6]), int(pid[6:9])
    offset = month_offset(pid)
    if offset is None:
        raise ValueError("no synthetic series")
    if individual < 500:
        century = 1900
    elif individual < 750 and year >= 54:
        century = 1800
    else:
        century = 2000 if year < 40 else 1900
    return date(century + year, month - offset, day - 40 if day > 40 else day)


def is_d_number(pid: str) -> bool:
    return int(pid[0]) >= 4


def age(person: Entry) -> int:
    birthday = born(person["pid"])
    return TOLD_ON.year - birthday.year - ((TOLD_ON.month, TOLD_ON.day) < (birthday.month, birthday.day))


def has_right_organization_digits(number: str) -> bool:
    return weighted_sum_is_zero(number, (3, 2, 7, 6, 5, 4, 3, 2, 1))


# The checks


def unsynthetic_pids(world: Files) -> Iterator[str]:
    for person in world.people:
        pid = person["pid"]
        if not isinstance(pid, str) or not re.fullmatch("[0-9]{11}", pid):
            yield f"{pid!r} is no pid"
            continue
        try:
            born(pid)
        except ValueError as error:
            yield f"{pid}: {error}"
        if not weighted_sum_is_zero(pid[:10], (3, 7, 6, 1, 8, 9, 4, 5, 2, 1)):
            yield f"{pid}: the first check digit is wrong"
        if not weighted_sum_is_zero(pid, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)):
            yield f"{pid}: the second check digit is wrong"


def unallowed_organization_numbers(world: Files) -> Iterator[str]:
    for organization in world.all_organizations:
        number = organization["number"]
        if not isinstance(number, str) or not re.fullmatch("[0-9]{9}", number):
            yield f"{number!r} is no organization number"
        elif "sample" in organization:
            if not has_right_organization_digits(number) and not organization.get("oddities"):
                yield f"{number}: the check digit is wrong, and the file does not say why"
        elif number[0] not in "23":
            yield f"{number}: ours begin with 2 or 3"
        elif not has_right_organization_digits(number):
            yield f"{number}: the check digit is wrong"


def unallowed_hpr_numbers(world: Files) -> Iterator[str]:
    for person in world.people:
        number = person.get("hpr_number")
        digits = "[1-9][0-9]{6,8}" if "sample" in person else "[1-9][0-9]{8}"
        if number is not None and not (isinstance(number, str) and re.fullmatch(digits, number)):
            yield f"{person['pid']}: {number!r} has not nine digits"
        if number is None and person.get("authorizations"):
            yield f"{person['pid']}: authorizations without an HPR number"


def doubled_names(world: Files) -> Iterator[str]:
    """What must be unique in the whole world."""
    wanted: list[tuple[str, list[Entry]]] = [
        ("pid", world.people),
        ("persona", world.people),
        ("hpr_number", world.people),
        ("number", world.all_organizations),
        ("audience", world.apis),
        ("client_id", world.clients),
    ]
    for member, entries in wanted:
        counts = Counter(entry[member] for entry in entries if entry.get(member) is not None)
        yield from (f"{member} {value} stands {count} times" for value, count in counts.items() if count > 1)


def inconsistent_codes(world: Files) -> Iterator[str]:
    """A code of the HPR register means the same everywhere."""
    meanings: dict[tuple[str, str], set[str]] = defaultdict(set)
    for person in world.people:
        for entry in person.get("authorizations", []):
            if not re.fullmatch("[A-Z]{2}[12]?", entry["profession"]):
                yield f"{person['pid']}: {entry['profession']!r} is no profession"
            coded = [("authorization", entry["authorization"])]
            coded += [(name, code) for name in ("requisition_rights", "specialities") for code in entry[name]]
            for name, code in coded:
                if code.keys() != {"value", "description"}:
                    yield f"{person['pid']}: {name} has {sorted(code)}"
                else:
                    meanings[name, code["value"]].add(code["description"])
    yield from (f"{name} {sorted(found)}" for name, found in meanings.items() if len(found) > 1)


def dangling_references(world: Files) -> Iterator[str]:
    numbers = {organization["number"]: organization for organization in world.all_organizations}
    pids = {person["pid"]: person for person in world.people}
    owned = {scope for api in world.apis for scope in api["scopes"]} | IDENTITY_SCOPES | TECHNICAL_SCOPES
    for organization in world.all_organizations:
        parent = organization.get("parent")
        if parent is not None and parent not in numbers:
            yield f"{organization['number']}: parent {parent}"
        elif parent is not None and "parent" in numbers[parent]:
            yield f"{organization['number']}: its parent {parent} is a unit itself"
    for person in world.people:
        yield from (f"{person['pid']}: {n}" for n in person.get("organizations", []) if n not in numbers)
        later = person.get("superseded_by")
        if later is not None and (later not in pids or "superseded_by" in pids[later]):
            yield f"{person['pid']}: superseded by {later}, which nobody can log in with"
    for client in world.clients:
        own = client.get("organization")
        named = [*client.get("children", []), *client.get("delegations", []), *([own] if own else [])]
        yield from (f"{client['client_id']}: {number}" for number in named if number not in numbers)
        yield from (f"{client['client_id']}: {scope}" for scope in client["scope"] if scope not in owned)
    clients = {client["client_id"] for client in world.clients}
    for named_by in (*world.apis, *world.clients):
        actors = named_by.get("token_exchange_actors", [])
        yield from (f"{actor} may exchange tokens and is no client" for actor in actors if actor not in clients)
    for api in world.apis:
        if "owner" in api and api["owner"] not in numbers:
            yield f"{api['audience']}: owner {api['owner']}"
    for client in world.own_clients:
        for child in client.get("children", []):
            if numbers.get(child, {}).get("parent") != client["organization"]:
                yield f"{client['client_id']}: {child} is no unit of {client['organization']}"


def odd_apis(world: Files) -> Iterator[str]:
    known = {value for name, value in vars(claim_names).items() if name.isupper() and isinstance(value, str)}
    known |= set(claim_names.ACCESS_TOKEN_CLAIMS)
    owners = Counter(scope for api in world.apis for scope in api["scopes"])
    for api in world.apis:
        yield from (
            f"{api['audience']}: no claim is called {name}" for name in api.get("claims", []) if name not in known
        )
        yield from (f"{api['audience']}: {scope} has two owners" for scope in api["scopes"] if owners[scope] > 1)
        if not isinstance(api.get("require_dpop"), bool):
            yield f"{api['audience']}: does not say whether it takes DPoP only"
        if "sample" not in api:
            if not api["audience"].startswith("mock:"):
                yield f"{api['audience']}: ours begin with mock:"
            for scope in api["scopes"]:
                if not scope.startswith(f"{api['audience']}/"):
                    yield f"{api['audience']}: {scope} belongs to another audience"


def unusable_keys(world: Files) -> Iterator[str]:
    """Keys that do not parse, or do not fit the private ones that are published."""
    for client in world.clients:
        for jwk in client["jwks"]["keys"]:
            if PRIVATE_MEMBERS & jwk.keys():
                yield f"{client['client_id']}: a private key stands in the registration"
            try:
                import_public_key(jwk)
            except Exception as error:  # whatever it is, the key is of no use
                yield f"{client['client_id']}: {error}"
    own = {client["client_id"]: client for client in world.own_clients}
    yield from (f"{name}: nobody's private key" for name in world.private_keys.keys() - own.keys())
    for client_id, client in own.items():
        private = world.private_keys.get(client_id)
        if private is None:
            yield f"{client_id}: no private key is published"
            continue
        public = {name: value for name, value in private.items() if name not in PRIVATE_MEMBERS}
        if client["jwks"]["keys"] != [public]:
            yield f"{client_id}: the private key is not that of the registration"
        if public["kid"] != thumbprint(public):
            yield f"{client_id}: kid is not the thumbprint"
        token = PrivateKey(private).sign({"alg": private["alg"]}, {"iss": client_id})
        if decode(token)[1] != {"iss": client_id}:
            yield f"{client_id}: the private key does not sign"


def thumbprint(jwk: Entry) -> str:
    """RFC 7638."""
    needed = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y")}[jwk["kty"]]
    text = json.dumps({name: jwk[name] for name in needed}, separators=(",", ":"))
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def shared_keys(world: Files) -> Iterator[str]:
    holders: dict[str, list[Entry]] = defaultdict(list)
    for client in world.clients:
        for print_ in {thumbprint(jwk) for jwk in client["jwks"]["keys"]}:
            holders[print_].append(client)
    for clients in holders.values():
        for client in clients if len(clients) > 1 else ():
            if not any("share" in sentence for sentence in client.get("oddities", [])):
                yield f"{client['client_id']} shares its key and does not say why"


def far_redirects(world: Files) -> Iterator[str]:
    """Addresses that are not of this machine; a sample's may be, with the reason in the file."""
    for client in world.clients:
        for member in ("redirect_uris", "post_logout_redirect_uris"):
            for uri in client.get(member, []):
                parts = urlsplit(uri)
                near = parts.scheme in ("http", "https") and parts.hostname in ("localhost", "127.0.0.1", "::1")
                if not near and not ("sample" in client and client.get("oddities")):
                    yield f"{client['client_id']}: {uri}"


def undescribed(world: Files) -> Iterator[str]:
    for entries in (world.personas, world.organizations, world.apis, world.clients):
        for entry in entries:
            description = entry.get("description", "")
            if not description or "\n" in description:
                yield f"{next(iter(entry.values()))}: {description!r} is not one line on why it is here"
    for person in world.personas:
        if not re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", person.get("persona", "")):
            yield f"{person['pid']}: {person.get('persona')!r} is no short name to log in by"


CHECKS: list[Callable[[Files], Iterable[str]]] = [
    unsynthetic_pids,
    unallowed_organization_numbers,
    unallowed_hpr_numbers,
    doubled_names,
    inconsistent_codes,
    dangling_references,
    odd_apis,
    unusable_keys,
    shared_keys,
    far_redirects,
    undescribed,
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_nothing_is_wrong_with_the_world(check: Callable[[Files], Iterable[str]]) -> None:
    assert list(check(committed())) == []


# One fault each, to show that the checks see it


def named(entries: list[Entry], key: str) -> Entry:
    return next(found for found in entries if key in found.values())


def set_in(sort: str, key: str, **members: Any) -> Callable[[Files], None]:
    """Changes one entry; a member that becomes None is taken away."""

    def spoil(world: Files) -> None:
        changed = named(getattr(world, sort), key)
        changed.update(members)
        for name in [name for name, value in members.items() if value is None]:
            del changed[name]

    return spoil


def share_a_key(world: Files) -> None:
    named(world.clients, "demo-web")["jwks"] = named(world.clients, "demo-strict")["jwks"]


def publish_a_private_key(world: Files) -> None:
    named(world.clients, "demo-web")["jwks"]["keys"] = [world.private_keys["demo-web"]]


def forget_a_private_key(world: Files) -> None:
    del world.private_keys["demo-web"]


def leave_a_stray_key(world: Files) -> None:
    world.private_keys["nobody"] = world.private_keys["demo-web"]


def break_a_key(world: Files) -> None:
    named(world.clients, "demo-web")["jwks"]["keys"][0]["x"] = "AAAA"


def rename_a_key(world: Files) -> None:
    named(world.clients, "demo-web")["jwks"]["keys"][0]["kid"] = world.private_keys["demo-web"]["kid"] = "key-1"


def repeat_a_person(world: Files) -> None:
    world.generated_personas = [*world.generated_personas, {"pid": "06828399789"}]


def misname_a_code(world: Files) -> None:
    named(world.personas, "nurse")["authorizations"][0]["authorization"]["description"] = "Lisens"


def leave_a_code_unnamed(world: Files) -> None:
    del named(world.personas, "nurse")["authorizations"][0]["authorization"]["description"]


FAULTS: list[tuple[Callable[[Files], Iterable[str]], Callable[[Files], None]]] = [
    (unsynthetic_pids, set_in("personas", "nurse", pid="01018012345")),
    (unsynthetic_pids, set_in("personas", "nurse", pid="06828399788")),
    (unsynthetic_pids, set_in("personas", "nurse", pid="31828399789")),
    (unsynthetic_pids, set_in("personas", "nurse", pid=6828399789)),
    (unallowed_organization_numbers, set_in("organizations", "213000012", number="912159523")),
    (unallowed_organization_numbers, set_in("organizations", "213000012", number="213000013")),
    (unallowed_organization_numbers, set_in("organizations", "999977776", oddities=None)),
    (unallowed_organization_numbers, set_in("organizations", "313745392", number=313745392)),
    (unallowed_hpr_numbers, set_in("personas", "nurse", hpr_number="1234567")),
    (unallowed_hpr_numbers, set_in("personas", "granulert-nilfisk", hpr_number="123456")),
    (unallowed_hpr_numbers, set_in("personas", "nurse", hpr_number=None)),
    (doubled_names, repeat_a_person),
    (doubled_names, set_in("personas", "nurse", persona="pharmacist")),
    (doubled_names, set_in("personas", "nurse", hpr_number="565505933")),
    (doubled_names, set_in("clients", "demo-web", client_id="demo-strict")),
    (inconsistent_codes, misname_a_code),
    (inconsistent_codes, leave_a_code_unnamed),
    (dangling_references, set_in("organizations", "Prøvehavn legevakt", parent="213000098")),
    (dangling_references, set_in("organizations", "Prøvehavn legevakt", parent="213000039")),
    (dangling_references, set_in("personas", "nurse", organizations=["213000098"])),
    (dangling_references, set_in("personas", "d-number-replaced", superseded_by="06828399780")),
    (dangling_references, set_in("clients", "demo-machine-multi-tenant", delegations=["213000098"])),
    (dangling_references, set_in("clients", "demo-machine-child", children=["213100106"])),
    (dangling_references, set_in("clients", "demo-machine", organization="213000098")),
    (dangling_references, set_in("clients", "demo-machine", scope=["mock:no-such-api/read"])),
    (dangling_references, set_in("apis", "mock:demo-api", owner="213000098")),
    (dangling_references, set_in("apis", "mock:demo-api", token_exchange_actors=["nobody"])),
    (odd_apis, set_in("apis", "mock:journal", claims=["helseid://claims/identity/shoe_size"])),
    (odd_apis, set_in("apis", "mock:journal", require_dpop=None)),
    (odd_apis, set_in("apis", "mock:journal", scopes=["mock:demo-api/read"])),
    (odd_apis, set_in("apis", "mock:journal", audience="nhn:journal")),
    (unusable_keys, publish_a_private_key),
    (unusable_keys, forget_a_private_key),
    (unusable_keys, leave_a_stray_key),
    (unusable_keys, break_a_key),
    (unusable_keys, rename_a_key),
    (shared_keys, share_a_key),
    (shared_keys, set_in("clients", "python-sample-m2m-app", oddities=None)),
    (far_redirects, set_in("clients", "demo-web", redirect_uris=["https://login.example.org/callback"])),
    (far_redirects, set_in("clients", "demo-web", post_logout_redirect_uris=["http://localhost.example.org/"])),
    (undescribed, set_in("personas", "nurse", description=None)),
    (undescribed, set_in("organizations", "213000012", description="")),
    (undescribed, set_in("apis", "mock:journal", description=None)),
    (undescribed, set_in("clients", "demo-web", description="One\ntwo")),
    (undescribed, set_in("personas", "nurse", persona="A nurse")),
]


@pytest.mark.parametrize(
    ("check", "spoil"), FAULTS, ids=[f"{check.__name__}-{n}" for n, (check, _) in enumerate(FAULTS)]
)
def test_a_fault_is_seen(check: Callable[[Files], Iterable[str]], spoil: Callable[[Files], None]) -> None:
    world = copy.deepcopy(committed())
    spoil(world)
    assert list(check(world)) != []


def test_every_check_has_been_shown_a_fault() -> None:
    assert {check for check, _ in FAULTS} == set(CHECKS)


def test_the_strict_check_of_the_command_line_agrees(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("MOCK_STS_FIXTURES", raising=False)
    assert main(["fixtures", "check", "--strict"]) == 0
    shown = capsys.readouterr()
    assert "warning:" not in shown.out
    assert shown.err == ""


# The people one looks for


def professions(person: Entry) -> list[str]:
    return [entry["profession"] for entry in person.get("authorizations", [])]


def works_as(profession: str) -> Callable[[Entry], object]:
    return lambda person: profession in professions(person)


def codes(person: Entry, member: str) -> list[str]:
    found = [entry[member] for entry in person.get("authorizations", [])]
    return [code["value"] for item in found for code in (item if isinstance(item, list) else [item])]


def full_name(person: Entry) -> str:
    return " ".join(person[part] for part in ("given_name", "middle_name", "family_name") if part in person)


PROFESSIONS = ("LE", "SP", "FA1", "FA2", "PS", "TL", "JO", "FT", "HE", "AA")

PEOPLE: dict[str, Callable[[Entry], object]] = {
    **{f"a {profession}": works_as(profession) for profession in PROFESSIONS},
    "a specialist": lambda person: codes(person, "specialities") == ["1"],
    "two specialities": lambda person: len(codes(person, "specialities")) == 2,
    "three authorizations": lambda person: len(professions(person)) == 3,
    "a student licence": lambda person: codes(person, "authorization") == ["3"],
    "a time-limited licence": lambda person: codes(person, "authorization") == ["4"],
    "an authorization under conditions": lambda person: codes(person, "authorization") == ["17"],
    "a temporary right to practise": lambda person: codes(person, "authorization") == ["14"],
    "restricted requisition rights": lambda person: codes(person, "requisition_rights") == ["99"],
    "a doctor without requisition rights": lambda person: (
        "LE" in professions(person) and not codes(person, "requisition_rights")
    ),
    "an HPR number without authorizations": lambda person: "hpr_number" in person and not professions(person),
    "an organization without an HPR number": lambda person: "organizations" in person and "hpr_number" not in person,
    "level 3 only, with an HPR number": lambda person: person.get("security_level") == "3" and "hpr_number" in person,
    "level 3 only, without one": lambda person: person.get("security_level") == "3" and "hpr_number" not in person,
    "Helsenettet": lambda person: person.get("network") == "helsenett",
    "several organizations": lambda person: len(person.get("organizations", [])) > 1,
    "a D-number": lambda person: is_d_number(person["pid"]) and "superseded_by" not in person,
    "a D-number that was replaced": lambda person: is_d_number(person["pid"]) and "superseded_by" in person,
    "under 16": lambda person: age(person) < 16,
    "just under 16": lambda person: age(person) == 15,
    "16": lambda person: age(person) == 16,
    "17": lambda person: age(person) == 17,
    "a Commfides card and no other eID": lambda person: person.get("eids") == ["commfides"],
    "eIDs on a telephone only": lambda person: person.get("eids") == ["bankid-mobile", "buypass-mobile"],
    "no eID, and of age": lambda person: person.get("eids") == [] and age(person) >= 18,
    "no eID, and a child": lambda person: person.get("eids") == [] and age(person) < 13,
    "over 100": lambda person: age(person) > 100,
    "born in the 1800s": lambda person: born(person["pid"]).year < 1900,
    "month + 80": lambda person: month_offset(person["pid"]) == 80,
    "month + 65": lambda person: month_offset(person["pid"]) == 65,
    "month + 40": lambda person: month_offset(person["pid"]) == 40,
    "a name over 100 characters": lambda person: len(full_name(person)) > 100,
    "a name of single letters": lambda person: len(full_name(person)) == 3,
    "two given names": lambda person: " " in person["given_name"],
    "a hyphen in given and family name": lambda person: "-" in person["given_name"] and "-" in person["family_name"],
    "a middle name": lambda person: person.get("middle_name"),
    "no middle name": lambda person: not person.get("middle_name"),
    "an apostrophe": lambda person: "'" in full_name(person),
    "capitals only": lambda person: full_name(person).isupper(),
    "small letters too": lambda person: full_name(person).istitle(),
    "Norwegian letters": lambda person: set("æøåÆØÅ") <= set(full_name(person)),
    "Sámi letters": lambda person: set("áčđŋšŧ") <= set(full_name(person)),
    "Sámi capitals": lambda person: set("ÁČĐŊŠŦ") <= set(full_name(person)),
    "letters of other languages": lambda person: set("łñü") <= set(full_name(person).lower()),
}


@pytest.mark.parametrize("wanted", PEOPLE)
def test_there_is_somebody_by_hand_with(wanted: str) -> None:
    described = {person["persona"]: person for person in committed().personas}
    found = [name for name, person in described.items() if PEOPLE[wanted](person)]
    assert found
    assert len(found) < len(described), "a property of everybody shows nothing"


def test_there_are_enough_people_by_hand() -> None:
    assert len(committed().personas) >= 34
    assert {person["persona"] for person in committed().personas[:4]} == {
        "gronn-vits",
        "oppdiktet-spurv",
        "kvart-grevling",
        "livstrett-bever",
    }


def test_children_have_no_eid_and_all_others_but_one_have_some() -> None:
    """BankID and MinID are for people of thirteen and older."""
    children = [person for person in committed().people if age(person) < 13]
    assert len(children) > 5 and all(person.get("eids") == [] for person in children)
    others = [person.get("persona") for person in committed().people if person.get("eids") == [] and age(person) >= 13]
    assert others == ["no-eid"]


def test_the_people_that_public_programs_look_up_have_their_numbers() -> None:
    people = {person["pid"]: person for person in committed().personas}
    for pid, name in (("05898597468", "GRØNN VITS"), ("16858399649", "OPPDIKTET SPURV")):
        assert full_name(people[pid]) == name and re.fullmatch("[1-9][0-9]{8}", people[pid]["hpr_number"])
        assert professions(people[pid])
    default = people["03678826129"]
    assert (full_name(default), default["hpr_number"]) == ("GRANULERT NILFISK", "12345678")


def test_a_replaced_number_and_its_successor_are_one_birthday() -> None:
    replaced = named(committed().personas, "d-number-replaced")
    assert born(replaced["superseded_by"]) == born(replaced["pid"])
    assert not is_d_number(replaced["superseded_by"])


# Organizations, APIs and clients


def test_the_organizations_have_units_and_delegate() -> None:
    ours = [organization for organization in committed().organizations if "sample" not in organization]
    units = Counter(organization["parent"] for organization in ours if "parent" in organization)
    names = {organization["number"]: organization["name"] for organization in ours}
    hospitals = [number for number, name in names.items() if "sykehus HF" in name]
    municipalities = [number for number, name in names.items() if re.search(r"\bkommune\b", name)]
    assert len(hospitals) == 2 and all(units[number] >= 3 for number in hospitals)
    assert len(municipalities) == 3 and all(units[number] >= 3 for number in municipalities)
    for word, count in (("RHF", 1), ("lege(kontor|senter|gruppe)", 3), ("apotek", 2), ("tann", 2), ("Journal", 1)):
        assert len([name for name in names.values() if re.search(word, name) and "lab" not in name]) >= count, word
    assert all("(oppdiktet)" in names[number] for number in names if number not in units.keys() | units_of(ours))


def units_of(organizations: list[Entry]) -> set[str]:
    return {organization["number"] for organization in organizations if "parent" in organization}


def test_our_apis_show_every_option() -> None:
    ours = [api for api in committed().apis if "sample" not in api]
    assert ours[0]["audience"] == "mock:demo-api"
    assert len(ours) >= 12
    for member, values in {
        "security_level": {None, "3", "4"},
        "require_dpop": {False, True},
        "require_organization": {None, True},
    }.items():
        assert {api.get(member) for api in ours} == values, member
    lifetimes = {api["access_token_lifetime"] for api in ours if "access_token_lifetime" in api}
    assert min(lifetimes) <= 60 and max(lifetimes) >= 3600
    assert any(not api.get("claims") for api in ours)
    assert any(len(api["scopes"]) > 3 for api in ours)
    wanted = {name for api in ours for name in api.get("claims", [])}
    # Organizations and tenancy are not among them: every token has these, whatever an API wants.
    assert wanted == {*claim_names.ACCESS_TOKEN_CLAIMS, claim_names.CLIENT_NAME_CLAIM}


def test_the_client_that_exchanges_has_the_owner_of_the_api_that_it_is() -> None:
    called = named(committed().apis, "mock:demo-api")
    assert called["owner"] == own_client("demo-exchange")["organization"]


def test_our_keys_are_of_all_usual_kinds() -> None:
    kinds = set()
    for jwk in committed().private_keys.values():
        kinds.add((jwk["kty"], jwk["alg"], import_public_key(jwk_public(jwk)).bits if jwk["kty"] == "RSA" else 256))
    assert kinds >= {
        ("RSA", "RS256", 2048),
        ("RSA", "PS256", 2048),
        ("RSA", "PS256", 3072),
        ("RSA", "PS256", 4096),
        ("EC", "ES256", 256),
    }


def jwk_public(jwk: Entry) -> Entry:
    return {name: value for name, value in jwk.items() if name not in PRIVATE_MEMBERS}


CLIENTS: dict[str, Callable[[Entry], object]] = {
    "demo-machine": lambda client: client["dpop_bound_access_tokens"] is True,
    "demo-machine-bearer": lambda client: client["dpop_bound_access_tokens"] is False,
    "demo-machine-multi-tenant": lambda client: client["tenancy"] == "multi-tenant" and len(client["delegations"]) > 1,
    "demo-machine-child": lambda client: client["tenancy"] == "single-tenant" and len(client["children"]) > 1,
    "demo-web": lambda client: all(is_identity(scope) for scope in client["scope"]),
    "demo-native": lambda client: all(urlsplit(uri).port is None for uri in client["redirect_uris"]),
    "demo-page": lambda client: all(urlsplit(uri).path == "/mock/demo/callback" for uri in client["redirect_uris"]),
    "demo-web-api": lambda client: {"mock:demo-api/read", "offline_access"} <= set(client["scope"]),
    "demo-several-apis": lambda client: len({s.partition("/")[0] for s in client["scope"] if not is_identity(s)}) == 3,
    "demo-exchange": lambda client: client["grant_types"] == [TOKEN_EXCHANGE],
    "demo-legacy": lambda client: client["require_pushed_authorization_requests"] is False,
    "demo-observed": lambda client: client["enforcement"] == "observe",
    "demo-strict": lambda client: client["enforcement"] == "strict",
    "demo-level-4": lambda client: "mock:prescriptions/read" in client["scope"],
    "demo-one-provider": lambda client: len(client["identity_providers"]) == 1,
    "demo-static-claims": lambda client: len(client["client_claims"]) > 1,
    "demo-combined": lambda client: {"client_credentials", "authorization_code"} <= set(client["grant_types"]),
    "demo-trust-framework": lambda client: "nhn:kjernejournal/tillitsrammeverk" in client["scope"],
    "demo-sfm": lambda client: "e-helse:sfm.api/client/claims/sfm-id" in client["client_claims"],
    "demo-sfm-multi-tenant": lambda client: len([s for s in client["scope"] if s.startswith("e-helse:sfm.api/")]) == 4,
    "demo-sfm-exchange": lambda client: client["scope"] == ["hdir:rf-rekvirent/rekvirering"],
}


def is_identity(scope: str) -> bool:
    return scope in IDENTITY_SCOPES


def test_there_is_a_client_for_each_pattern() -> None:
    assert CLIENTS.keys() == {client["client_id"] for client in committed().own_clients}
    assert [client_id for client_id, shows in CLIENTS.items() if not shows(own_client(client_id))] == []


# And they work


def clients_with(grant: str) -> list[str]:
    return [client["client_id"] for client in committed().own_clients if grant in client["grant_types"]]


def relying_party(sts: Emulator, client_id: str) -> RelyingParty:
    client = own_client(client_id)
    machine = sts.machine(client_id, committed().private_keys[client_id])
    return RelyingParty(machine, scopes=" ".join(client["scope"]), redirect_uri=client["redirect_uris"][0])


def ask(machine: Machine, form: dict[str, Any], *, bearer: bool) -> Answer:
    return machine.post(machine.form(machine.assertion(), form)) if bearer else machine.token(form=form)


@pytest.mark.parametrize("client_id", clients_with(CLIENT_CREDENTIALS))
def test_a_machine_gets_a_token(sts: Emulator, client_id: str) -> None:
    client = own_client(client_id)
    machine = sts.machine(client_id, committed().private_keys[client_id])
    scopes = [scope for scope in client["scope"] if not is_identity(scope)]
    bearer = not client["dpop_bound_access_tokens"]
    answer = ask(machine, {"scope": " ".join(scopes)}, bearer=bearer)
    assert answer.status == 200, answer.content
    assert answer.claims["scope"] == scopes
    assert ("cnf" in answer.claims) is not bearer
    supplier = client.get("tenancy") == "multi-tenant"
    name = "supplier" if supplier else "parent"
    assert answer.claims[f"helseid://claims/client/claims/orgnr_{name}"] == client["organization"]


def test_fixed_claims_go_to_their_api_only(sts: Emulator) -> None:
    machine = sts.machine("demo-static-claims", committed().private_keys["demo-static-claims"])
    claims = machine.token(form={"scope": "mock:demo-api/read"}).claims
    fixed = own_client("demo-static-claims")["client_claims"]
    assert {name for name in fixed if name in claims} == {"mock:demo-api/client/claims/journal-id", "herid"}


@pytest.mark.parametrize("client_id", clients_with(AUTHORIZATION_CODE))
def test_a_login_client_logs_somebody_in(sts: Emulator, client_id: str) -> None:
    client, rp, login = own_client(client_id), relying_party(sts, client_id), Login()
    person = named(committed().personas, "sami-letters")
    if client["require_pushed_authorization_requests"]:
        code = rp.log_in(login, {"test_pid": person["pid"]})["code"]
    else:
        query = urlencode(rp.parameters(login, {"test_pid": person["pid"]}))
        code = answer_parameters(rp.browser().send("GET", f"/connect/authorize?{query}"))["code"]
    bearer = not client["dpop_bound_access_tokens"]
    apis = {scope.partition("/")[0] for scope in client["scope"] if not is_identity(scope)}
    one = {"resource": sorted(apis)[0]} if len(apis) > 1 else {}
    redemption = {
        "grant_type": AUTHORIZATION_CODE,
        "code": code,
        "redirect_uri": rp.redirect_uri,
        "code_verifier": login.verifier,
        "scope": ABSENT,
    }
    answer = ask(rp.machine, {**redemption, **one}, bearer=bearer)
    assert answer.status == 200, answer.content
    assert answer.json["token_type"] == ("Bearer" if bearer else "DPoP")
    assert decode(answer.json["id_token"])[1]["name"] == full_name(person)
    assert answer.claims.get("aud", "") in (apis or {""})
    assert "refresh_token" in answer.json


@pytest.mark.slow
def test_everybody_of_the_hand_made_can_log_in_but_the_replaced(sts: Emulator) -> None:
    rp = relying_party(sts, "demo-web")
    refused = []
    for person in committed().personas:
        login = Login()
        level = person.get("security_level", "4")
        changes = {"test_pid": person["pid"], "test_security_level": level}
        found = rp.log_in(login, changes)
        if "error" in found:
            refused.append(person["persona"])
            continue
        claims = decode(rp.redeem(login, found["code"]).json["id_token"])[1]
        assert claims["name"] == full_name(person)
        assert claims["helseid://claims/identity/security_level"] == level
        assert claims.get("helseid://claims/hpr/hpr_number") == person.get("hpr_number")
        assert claims["helseid://claims/identity/network"] == person.get("network", "internett")
    assert refused == ["d-number-replaced"]
