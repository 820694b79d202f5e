"""Who can log in: personas of the registry, and people invented from their pid."""

import json
from functools import cache
from typing import Any

from mock_sts.helseid.claims import pseudonym
from mock_sts.helseid.personas import NAMES_FILE, invent_persona
from mock_sts.helseid.profile import login
from mock_sts.helseid.registry.persona import Persona
from mock_sts.protocol.errors import quoted
from mock_sts.protocol.near_names import did_you_mean
from mock_sts.protocol.private_keys import without_private_text
from mock_sts.store.fixtures.files import shipped_world
from mock_sts.store.personas import Personas


class UnknownPersonError(Exception):
    """No person with this pid can log in; the message says why."""


class People:
    """Finds people; the files that ship with the program are read when first needed."""

    def __init__(self, personas: Personas) -> None:
        """``personas`` are those of one environment."""
        self._personas = personas

    def find(self, pid: str, *, invent: bool) -> Persona:
        """The persona with this ``pid``, else a person invented for it. Raises UnknownPersonError."""
        persona = self.look_up(pid, invent=invent)
        if persona is None:
            raise UnknownPersonError(login.person.says)
        if persona.superseded_by is not None:
            raise UnknownPersonError(login.replaced_by(persona.superseded_by))
        return persona

    def look_up(self, pid: str, *, invent: bool) -> Persona | None:
        """The persona with this ``pid``, also when another pid replaced it; else a person invented for it, if that may
        be, or None.
        """
        document = self._personas.find(pid)
        if document is not None:
            return Persona.from_document(document, "store")
        return invented(pid) if invent else None

    def pid_of(self, name: str) -> str:
        """The pid of the persona with the short name ``name``. Raises UnknownPersonError with what comes near."""
        pid = self._personas.named(name)
        if pid is None:
            meant = did_you_mean(name, self._personas.names(), quoted=False)
            called = quoted(without_private_text(name))
            raise UnknownPersonError(f"no persona is called {called}{meant and '; '}{meant}")
        return pid

    def names(self) -> list[str]:
        """The short names of all personas."""
        return self._personas.names()

    def sub(self, pid: str) -> str:
        """The pseudonym of ``pid``, the same on every machine and start."""
        return sub_of(pid)


def invented(pid: str) -> Persona:
    """The person invented for ``pid``, always the same."""
    return invent_persona(pid, shipped_names())


def sub_of(pid: str) -> str:
    """The pseudonym of ``pid``, the same on every machine and start."""
    return pseudonym(pid, _pseudonym_key())


@cache
def _pseudonym_key() -> bytes:
    return bytes.fromhex(_shipped("keys/pseudonym-key.json")["key"])


@cache
def shipped_names() -> dict[str, list[str]]:
    """The ``given_names`` and ``family_names`` of people who are invented."""
    names: dict[str, list[str]] = _shipped(NAMES_FILE)
    return names


def _shipped(name: str) -> Any:
    return json.loads((shipped_world() / name).read_text(encoding="utf-8"))
