"""Reading a request to the test-token service, as forgiving as the real one and with every fault named.

Letters of names do not count; a member that is null, an empty text or an empty list counts as absent; numbers of
choices, their names and their numbers as text mean the same; unknown members are left, and named in the result.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from mock_sts.helseid.token_orders.members import REQUEST, Generation, Kind, Member, Object, word_of
from mock_sts.protocol.errors import quoted

#: What .NET programs send for a number that is not set.
_NOT_SET = -(2**31)

#: Characters of a text that is repeated to who sent it.
_LONGEST_SHOWN = 40

#: Faults and unknown members that are named at most.
_MOST_NAMED = 20


class OrderError(Exception):
    """An order that cannot be carried out. ``faults`` are sentences by the path of the member that they are about."""

    def __init__(self, status: int, faults: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{path}: {why}" if path else why for path, why in faults.items()))
        self.status = status
        self.faults = dict(faults)


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A request that has been read: ``members`` by the names of version 2, each with a value of its kind; those that
    are absent are missing. ``ignored`` are the paths of members that the service does not have.
    """

    members: Mapping[str, Any]
    ignored: tuple[str, ...] = ()

    def text(self, *path: str) -> str:
        """The text at ``path``, empty where there is none."""
        found = self._at(path)
        return found if isinstance(found, str) else ""

    def says(self, *path: str) -> bool:
        """Whether the member at ``path`` is true."""
        return self._at(path) is True

    def group(self, name: str) -> Mapping[str, Any]:
        """The members of the object ``name``, none where it is absent."""
        found: Mapping[str, Any] = self.members.get(name, {})
        return found

    def generation(self, group: str, *, of_version_1: bool) -> Generation:
        """How the claims of ``group`` (``Client`` or ``User``) are made: what is said, else all in version 2 and none
        in version 1; ``withoutDefault…`` takes the invented ones away.
        """
        usual = Generation.GenerateDefaultWithClaimsFromNonEmptyParameterValues
        said = self.members.get(f"{group.lower()}ClaimsParametersGeneration")
        mode = said if said is not None else (Generation.GenerateNone if of_version_1 else usual)
        if self.says(f"withoutDefault{group}Claims"):
            mode = {
                Generation.GenerateOnlyDefault: Generation.GenerateNone,
                usual: Generation.GenerateOnlyFromNonEmptyParameterValues,
            }.get(mode, mode)
        return Generation(mode)

    def _at(self, path: tuple[str, ...]) -> object:
        found: Any = self.members
        for name in path:
            found = found.get(name) if isinstance(found, Mapping) else None
        return found


@dataclass(slots=True)
class _Reading:
    faults: dict[str, str] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)

    def members(self, value: object, known: Object, path: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            self._wrong(path, "a JSON object", value)
            return {}
        names = {name.lower(): name for name in known.members}
        names |= {alias.lower(): name for alias, name in known.aliases.items()}
        found: dict[str, Any] = {}
        for written, member in value.items():
            name = names.get(written.lower())
            where = f"{path}.{written}" if path else written
            if name is None:
                self.ignored.append(where[:200])
            elif member not in (None, "", []):
                read = self._value(member, known.members[name], where)
                # Both families of names may come together, each with a part.
                found[name] = {**found[name], **read} if isinstance(found.get(name), dict) and read else read
        return {name: read for name, read in found.items() if read is not None}

    def _value(self, value: object, kind: Member, path: str) -> Any:
        if isinstance(kind, Object):
            if not kind.is_list:
                return self.members(value, kind, path)
            if not isinstance(value, list):
                return self._wrong(path, "a list of objects", value)
            return [self.members(each, kind, f"{path}[{number}]") for number, each in enumerate(value)]
        if not isinstance(kind, Kind):
            return self._choice(value, kind, path)
        if kind is Kind.TEXT and isinstance(value, str):
            return value
        if kind is Kind.BOOLEAN and isinstance(value, bool):
            return value
        if kind is Kind.TEXTS and isinstance(value, list) and all(isinstance(each, str) for each in value):
            return [each for each in value if each] or None
        if kind is Kind.NUMBER and (number := _whole(value)) is not None:
            return None if number in (0, _NOT_SET) else number
        return self._wrong(path, _DESCRIBED[kind], value)

    def _choice(self, value: object, kind: type[IntEnum], path: str) -> IntEnum | None:
        number = _whole(value)
        for choice in kind:
            if number == choice.value or (isinstance(value, str) and value.strip().lower() == word_of(choice).lower()):
                return choice
        choices = ", ".join(f"{choice.value} {word_of(choice)}" for choice in kind)
        self._wrong(path, f"one of {choices}", value)
        return None

    def _wrong(self, path: str, expected: str, value: object) -> None:
        self.faults[path] = f"is {_kind_of(value)}, expected {expected}"


_DESCRIBED = {
    Kind.TEXT: "a text",
    Kind.TEXTS: "a list of texts",
    Kind.BOOLEAN: "true or false",
    Kind.NUMBER: "a whole number",
}


def read_request(body: object) -> TokenRequest:
    """The request in ``body``, which is JSON that has been read. Raises OrderError with all faults that it has."""
    reading = _Reading()
    members = reading.members(body, REQUEST, "")
    if reading.faults:
        raise OrderError(400, dict(list(reading.faults.items())[:_MOST_NAMED]))
    return TokenRequest(members, tuple(reading.ignored[:_MOST_NAMED]))


def _whole(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    text = value.strip() if isinstance(value, str) else ""
    digits = text.removeprefix("-")
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) < 19 else None


def _kind_of(value: object) -> str:
    """What ``value`` is, for a person. A longer text is not repeated: it may be a key."""
    if isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) <= _LONGEST_SHOWN):
        return quoted(value)
    if isinstance(value, str):
        return "a text"
    return "an object" if isinstance(value, dict) else "a list" if isinstance(value, list) else "null"
