"""What is pending or spent, as typed records. JSON is only how the database keeps them.

Times are in seconds. Each ``document`` is JSON-ready and holds what has no column of its own; ``read`` takes it back,
also from a row of an older version, whose surplus members it passes over.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self

from mock_sts.helseid.testidp import parameters_in
from mock_sts.protocol.authorization_request import AuthorizationRequest, read_authorization_request
from mock_sts.protocol.params import Params
from mock_sts.values import value_type


class Record(Protocol):
    """What every record with a handle has: its client, when it is over, and when it was used up, if it was."""

    @property
    def client_id(self) -> str:
        """Whose it is."""
        ...

    @property
    def expires_at(self) -> int:
        """When it is over."""
        ...

    @property
    def consumed_at(self) -> int | None:
        """When it was used up, or None."""
        ...

    def document(self) -> dict[str, Any]:
        """What has no column."""
        ...

    @classmethod
    def read(cls, document: Mapping[str, Any], client_id: str, expires_at: int, consumed_at: int | None) -> Self:
        """The record of a row."""
        ...


@value_type
class Status:
    """What a rule may ask about a handle: is it known at all, the asking client's own, used, over?"""

    known: bool
    own: bool
    used: bool
    expired: bool


def status_of(record: Record | None, client_id: str | None, now: int) -> Status:
    """The status of ``record`` at ``now`` for the client ``client_id``."""
    if record is None:
        return Status(known=False, own=False, used=False, expired=False)
    return Status(
        known=True,
        own=record.client_id == client_id,
        used=record.consumed_at is not None,
        expired=record.expires_at <= now,
    )


@value_type
class LoginFacts:
    """Who logged in, when (``auth_time`` by the real clock, ``began_at`` by ours), where, and how well."""

    pid: str
    auth_time: int
    began_at: int
    idp: str
    eid: str
    amr: tuple[str, ...]
    security_level: str
    hpr_number: str | None

    def document(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "pid": self.pid,
            "auth_time": self.auth_time,
            "began_at": self.began_at,
            "idp": self.idp,
            "eid": self.eid,
            "amr": list(self.amr),
            "security_level": self.security_level,
            "hpr_number": self.hpr_number,
        }

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """The facts in ``document``."""
        return cls(
            document["pid"],
            document["auth_time"],
            document["began_at"],
            document["idp"],
            document["eid"],
            tuple(document["amr"]),
            document["security_level"],
            document["hpr_number"],
        )


@value_type
class LoginSession:
    """A browser's login: session id, its facts, until when it saves another login, and until when it is remembered for
    tokens that come from it.
    """

    sid: str
    login: LoginFacts
    good_until: int
    expires_at: int

    @property
    def mark(self) -> str:
        """Tells one login of a session from another that differs."""
        return f"{self.sid}:{self.login.auth_time}"


@value_type
class PushedRequest:
    """An authorization request on its way to an answer, judged: what it asks for, its details, and the issuer under
    which the flow began, which it keeps.

    ``request.dpop_jkt`` is the key that the code will be bound to. ``hints`` are the parameters of the test identity
    provider, by name. ``pushed`` is False for a request that came on the front channel.
    """

    client_id: str
    request: AuthorizationRequest
    hints: Mapping[str, str]
    details: tuple[object, ...]
    issuer: str
    pushed: bool
    expires_at: int
    consumed_at: int | None = None

    def document(self) -> dict[str, Any]:
        """What has no column."""
        return {
            "request": self.request.document(),
            "hints": dict(self.hints),
            "details": self.details,
            "issuer": self.issuer,
            "pushed": self.pushed,
        }

    @classmethod
    def read(cls, document: Mapping[str, Any], client_id: str, expires_at: int, consumed_at: int | None) -> Self:
        """The record of a row."""
        if "parameters" in document:  # a version before kept the parameters as they were sent
            sent = Params((name, value) for name, value in document["parameters"])
            request = replace(read_authorization_request(sent), dpop_jkt=document["dpop_jkt"])
            hints = parameters_in(sent)
        else:
            request, hints = AuthorizationRequest.from_document(document["request"]), document["hints"]
        return cls(
            client_id=client_id,
            request=request,
            hints=hints,
            details=tuple(document["details"]),
            issuer=document["issuer"],
            pushed=document["pushed"],
            expires_at=expires_at,
            consumed_at=consumed_at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonGrant:
    """What a code and a refresh token have in common: whose login, for which client, under which issuer, to what."""

    client_id: str
    issuer: str
    scopes: tuple[str, ...]
    resources: tuple[str, ...]
    details: tuple[object, ...]
    on_behalf_of: str | None
    sid: str
    login: LoginFacts
    expires_at: int
    consumed_at: int | None = None

    def document(self) -> dict[str, Any]:
        """What has no column."""
        return {
            "issuer": self.issuer,
            "scopes": self.scopes,
            "resources": self.resources,
            "details": self.details,
            "on_behalf_of": self.on_behalf_of,
            "sid": self.sid,
            "login": self.login.document(),
        }


def _common(document: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "issuer": document["issuer"],
        "scopes": tuple(document["scopes"]),
        "resources": tuple(document["resources"]),
        "details": tuple(document["details"]),
        "on_behalf_of": document["on_behalf_of"],
        "sid": document["sid"],
        "login": LoginFacts.read(document["login"]),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationCode(PersonGrant):
    """What a code stands for, beside the login: what its token request has to match, and what its ID token repeats."""

    redirect_uri: str | None
    nonce: str | None
    state: str | None
    code_challenge: str | None
    dpop_jkt: str | None

    def document(self) -> dict[str, Any]:
        """What has no column."""
        return {
            **PersonGrant.document(self),
            "redirect_uri": self.redirect_uri,
            "nonce": self.nonce,
            "state": self.state,
            "code_challenge": self.code_challenge,
            "dpop_jkt": self.dpop_jkt,
        }

    @classmethod
    def read(cls, document: Mapping[str, Any], client_id: str, expires_at: int, consumed_at: int | None) -> Self:
        """The record of a row."""
        return cls(
            client_id=client_id,
            redirect_uri=document["redirect_uri"],
            nonce=document["nonce"],
            state=document["state"],
            code_challenge=document["code_challenge"],
            dpop_jkt=document["dpop_jkt"],
            expires_at=expires_at,
            consumed_at=consumed_at,
            **_common(document),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshToken(PersonGrant):
    """What a refresh token stands for. ``family`` is what all tokens of one login have in common; ``has_proof`` says
    that the client showed a key when it got the token. ``expires_at`` is counted from the login and does not move.
    """

    family: str
    has_proof: bool

    def document(self) -> dict[str, Any]:
        """What has no column."""
        return {**PersonGrant.document(self), "family": self.family, "has_proof": self.has_proof}

    @classmethod
    def read(cls, document: Mapping[str, Any], client_id: str, expires_at: int, consumed_at: int | None) -> Self:
        """The record of a row."""
        return cls(
            client_id=client_id,
            family=document["family"],
            has_proof=document["has_proof"],
            expires_at=expires_at,
            consumed_at=consumed_at,
            **_common(document),
        )


@value_type
class ScriptedLogin:
    """A login that a test has ordered: for which client and redirect URI (None: any), of whom (a pid, None for any
    person), with which outcome, and how many more times.
    """

    id: int
    client_id: str | None
    redirect_uri: str | None
    pid: str | None
    outcome: str
    times: int
