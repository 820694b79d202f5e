"""The TestIDP: its parameters, which say who shall log in without typing (``test_pid`` and its companions), and
the ID token that it gives HelseID.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mock_sts.helseid.identifiers import is_hpr_number, is_pid
from mock_sts.protocol.half_hash import half_hash
from mock_sts.protocol.params import Params

PID, HPR_NUMBER, SECURITY_LEVEL = "test_pid", "test_hpr_number", "test_security_level"
PARAMETERS = (PID, HPR_NUMBER, SECURITY_LEVEL)

LEVELS = ("3", "4")
DEFAULT_LEVEL = "4"

ASSURANCE_OF = {"2": "low", "3": "substantial", "4": "high"}


class LoginIntentError(ValueError):
    """The parameters name no person who could log in; the message says which and why.

    ``why`` names the reason for pages that say it in their own words; empty for one without such.
    """

    def __init__(self, message: str, why: str = "") -> None:
        super().__init__(message)
        self.why = why


@dataclass(frozen=True, slots=True)
class LoginIntent:
    """Who shall log in: pid, an HPR number other than the register's (or None), the security level (None: the usual
    one, or the highest that the person can reach), and the eID (None: the provider's usual one).
    """

    pid: str
    hpr_number: str | None
    security_level: str | None
    eid: str | None = None

    def level_for(self, highest: str) -> str:
        """The level of a login by a person whose ``highest`` that is."""
        return min(DEFAULT_LEVEL, highest) if self.security_level is None else self.security_level


def parameters_in(params: Params) -> dict[str, str]:
    """The TestIDP's parameters among ``params``."""
    return {name: value for name in PARAMETERS if (value := params.one(name)) is not None}


def read_login_intent(values: Mapping[str, str]) -> LoginIntent | None:
    """The intent, or None when no pid is named. Raises LoginIntentError for a malformed value."""
    pid = values.get(PID)
    if pid is None:
        return None
    if not is_pid(pid):
        raise LoginIntentError(f"{PID} must be eleven digits", "wrong_pid")
    hpr_number = values.get(HPR_NUMBER)
    if hpr_number is not None and not is_hpr_number(hpr_number):
        raise LoginIntentError(f"{HPR_NUMBER} must be seven to nine digits", "wrong_hpr")
    level = values.get(SECURITY_LEVEL)
    if level is not None and level not in LEVELS:
        raise LoginIntentError(f"{SECURITY_LEVEL} must be one of {', '.join(LEVELS)}", "wrong_level")
    return LoginIntent(pid, hpr_number, level)


#: The client that HelseID is to the TestIDP, what it asks for, and seconds that the ID token is good for.
AUDIENCE, SCOPE, _LIFETIME = "sts", "openid profile identity/pid", 600

#: People have a GUID there; here it is made from the pid in this name space.
_PEOPLE = uuid.uuid5(uuid.NAMESPACE_DNS, "testidp")


@dataclass(frozen=True, slots=True)
class UpstreamLogin:
    """A login at the TestIDP: under HelseID's ``issuer``, whose, how strong, when (seconds), in which session."""

    issuer: str
    pid: str
    security_level: str
    auth_time: int
    sid: str


def id_token_claims(login: UpstreamLogin, code: str, state: str) -> dict[str, Any]:
    """The payload of the ID token that comes with ``code`` and ``state``, as a recording of the real TestIDP has it.

    Its issuer is ours: the real one is a host of NHN's, in whose name nothing here speaks.
    """
    return {
        "nbf": login.auth_time,
        "exp": login.auth_time + _LIFETIME,
        "iss": f"{login.issuer}/testidp",
        "aud": AUDIENCE,
        "iat": login.auth_time,
        "c_hash": half_hash(code),
        "s_hash": half_hash(state),
        "sid": login.sid,
        "sub": str(uuid.uuid5(_PEOPLE, login.pid)),
        "auth_time": login.auth_time,
        "idp": "local",
        "pid": login.pid,
        "helseid://claims/identity/security_level": login.security_level,
        "amr": ["pwd"],
    }
