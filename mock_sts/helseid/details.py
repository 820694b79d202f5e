"""The details that HelseID understands: organizations, the SFM journal, the trust framework.

A client sends them in its assertion (``assertion_details``, formerly ``authorization_details``) for one access token,
or in its request object for a whole login. Reading notes what is wrong; the profile judges it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from mock_sts.protocol.authorization_details import DetailsError, read_authorization_details
from mock_sts.protocol.errors import quoted
from mock_sts.values import value_type

ORGANIZATION = "helseid_authorization"
JOURNAL_ID = "nhn:sfm:journal-id"
TRUST_FRAMEWORK = "nhn:tillitsrammeverk:parameters"

TYPES = (ORGANIZATION, JOURNAL_ID, TRUST_FRAMEWORK)

#: The members of an assertion that carry details, the one that HelseID asks for first.
ASSERTION_DETAILS, AUTHORIZATION_DETAILS = "assertion_details", "authorization_details"

#: Identifier systems: of a child alone (today's and the one before it), and of a parent with or without a child.
CHILD_SYSTEMS = ("urn:oid:2.16.578.1.12.4.1.4.101", "urn:oid:2.16.578.1.12.4.1.2.101")
PARENT_SYSTEM = "urn:oid:1.0.6523"

_PARENT_PREFIX = "NO:ORGNR:"


@value_type
class OrganizationNumbers:
    """The organization that a client acts in, as sent: a parent, a child, or both; None where not named."""

    parent: str | None
    child: str | None


@value_type
class Details:
    """What was read. ``types`` are all types in order, ``unknown`` those that HelseID does not have, ``twice`` those
    of HelseID's that stand there more than once, ``faults`` a sentence for each broken structure.
    """

    types: tuple[str, ...] = ()
    organization: OrganizationNumbers | None = None
    journal_id: str | None = None
    trust_framework: Mapping[str, Any] | None = None
    unknown: tuple[str, ...] = ()
    twice: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()

    def over(self, other: "Details") -> "Details":
        """Both together; where each has a structure, this one's counts."""
        return Details(
            types=tuple(dict.fromkeys((*self.types, *other.types))),
            organization=self.organization or other.organization,
            journal_id=self.journal_id if self.journal_id is not None else other.journal_id,
            trust_framework=self.trust_framework if self.trust_framework is not None else other.trust_framework,
        )


NO_DETAILS = Details()


def read_details(values: Iterable[object]) -> Details:
    """The details in ``values``: each is an object, an array of objects, or either as a JSON text."""
    faults: list[str] = []
    found: dict[str, Mapping[str, Any]] = {}
    types: list[str] = []
    for value in values:
        try:
            elements = read_authorization_details(value)
        except DetailsError as error:
            faults.append(f"the details cannot be read: {error}")
            continue
        for element in elements:
            types.append(element["type"])
            found[element["type"]] = element
    organization = journal_id = trust_framework = None
    if ORGANIZATION in found:
        organization = _organization(found[ORGANIZATION], faults)
    if JOURNAL_ID in found:
        journal_id = _journal_id(found[JOURNAL_ID], faults)
    if TRUST_FRAMEWORK in found:
        trust_framework = {name: value for name, value in found[TRUST_FRAMEWORK].items() if name != "type"}
    return Details(
        types=tuple(dict.fromkeys(types)),
        organization=organization,
        journal_id=journal_id,
        trust_framework=trust_framework,
        unknown=tuple(name for name in dict.fromkeys(types) if name not in TYPES),
        twice=tuple(name for name in TYPES if types.count(name) > 1),
        faults=tuple(faults),
    )


def _organization(element: Mapping[str, Any], faults: list[str]) -> OrganizationNumbers | None:
    where = "practitioner_role.organization.identifier"
    value: Any = element
    for name in where.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    if not isinstance(value, dict):
        faults.append(f"{where} is missing or not an object")
        return None
    system, number, kind = value.get("system"), value.get("value"), value.get("type")
    if kind != "ENH":
        faults.append(f"{where}.type is {quoted(kind)}, expected 'ENH'")
    if not isinstance(number, str):
        faults.append(f"{where}.value is {quoted(number)}, expected a text")
    elif system in CHILD_SYSTEMS:
        return OrganizationNumbers(None, number)
    elif system == PARENT_SYSTEM:
        parent, _, rest = number.removeprefix(_PARENT_PREFIX).partition(":")
        if number.startswith(_PARENT_PREFIX) and ":" not in rest:
            return OrganizationNumbers(parent, rest or None)
        faults.append(
            f"{where}.value is {quoted(number)}, expected {_PARENT_PREFIX}<parent> or {_PARENT_PREFIX}<parent>:<child>"
        )
    else:
        faults.append(
            f"{where}.system is {quoted(system)}, expected one of {', '.join((*CHILD_SYSTEMS, PARENT_SYSTEM))}"
        )
    return None


def _journal_id(element: Mapping[str, Any], faults: list[str]) -> str | None:
    value = element.get("value")
    journal_id = value.get("journal_id") if isinstance(value, dict) else None
    if isinstance(journal_id, str) and journal_id:
        return journal_id
    faults.append(f"value.journal_id of {JOURNAL_ID} is {quoted(journal_id)}, expected a text")
    return None


def organization_element(parent: str | None, child: str | None) -> dict[str, Any]:
    """What a client sends to act for the organization ``parent`` (its number), for its unit ``child``, or for both; a
    child alone is of the organization that the client is registered for.
    """
    if parent is None:
        identifier = {"system": CHILD_SYSTEMS[0], "type": "ENH", "value": child}
    else:
        number = f"{_PARENT_PREFIX}{parent}{f':{child}' if child is not None else ''}"
        identifier = {"system": PARENT_SYSTEM, "type": "ENH", "value": number}
    return {"type": ORGANIZATION, "practitioner_role": {"organization": {"identifier": identifier}}}
