"""People who are in no fixture: invented from their pid, the same ones everywhere."""

import hashlib
from collections.abc import Mapping, Sequence

from mock_sts.helseid.registry import Persona


def invent_persona(pid: str, names: Mapping[str, Sequence[str]]) -> Persona:
    """A person with this ``pid`` and a name from ``names`` (``given_names``, ``family_names``); no HPR number."""
    digest = hashlib.sha256(pid.encode()).digest()
    given, family = names["given_names"], names["family_names"]
    document = {
        "pid": pid,
        "given_name": given[int.from_bytes(digest[:4], "big") % len(given)],
        "family_name": family[int.from_bytes(digest[4:8], "big") % len(family)],
        "description": "invented from the pid",
    }
    return Persona.from_document(document, "invented")
