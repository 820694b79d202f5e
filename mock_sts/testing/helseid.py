"""One environment of a server, as a test has it."""

import secrets
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from mock_sts.client.token import fetch_token
from mock_sts.helseid.personas import synthetic_pid
from mock_sts.protocol.durations import write_duration
from mock_sts.testing.control import ControlApi, ControlError, segment

_API = "/mock/api/v1"

#: The name of the environment at the root.
_DEFAULT = "default"

#: What a client gets that says nothing else: the grants of a machine, or those of a login.
_MACHINE_SCOPE = "mock:demo-api/read"
_LOGIN_SCOPE = (
    "openid profile offline_access helseid://scopes/identity/pid helseid://scopes/identity/security_level "
    f"helseid://scopes/hpr/hpr_number {_MACHINE_SCOPE}"
)

#: Births of people who are made, and how many days lie between the first and the last.
_FIRST_BIRTH, _BIRTHS = date(1950, 1, 1), 18_000


@dataclass(frozen=True, slots=True)
class RegisteredClient:
    """A client that was registered: its id, its private key as a JWK, the issuer that it asks, its registration as the
    server has it, and a sentence for all that is odd about it.
    """

    client_id: str
    private_jwk: Mapping[str, Any] = field(repr=False)
    issuer: str
    registration: Mapping[str, Any] = field(repr=False)
    warnings: tuple[str, ...] = ()

    def token(self, scope: str = "", resource: str = "") -> str:
        """An access token for the client itself (client_credentials), with DPoP where it is registered so.

        Raises mock_sts.client.token.TokenClientError where the server gives none.
        """
        dpop = self.registration.get("dpop_bound_access_tokens", True)
        return fetch_token(
            self.issuer, self.client_id, self.private_jwk, scope=scope, resource=resource, dpop=dpop
        ).token


@dataclass(frozen=True, slots=True)
class Persona:
    """A person who can log in: their pid, their short name (None without one), and what the server knows of them."""

    pid: str
    name: str | None
    document: Mapping[str, Any] = field(repr=False)


class Clock:
    """The clock that ages what the environment keeps: codes, sessions, refresh tokens. Access tokens stay on real time.

    A duration is a timedelta, a number of seconds, or a text of ISO 8601 (``PT2H``).
    """

    def __init__(self, control: ControlApi) -> None:
        self._control = control

    @property
    def now(self) -> datetime:
        """The environment's time."""
        return _time(self.state["now"])

    @property
    def wall(self) -> datetime:
        """The real time, as the server has it."""
        return _time(self.state["wall"])

    @property
    def state(self) -> dict[str, Any]:
        """What the server says of it: wall, now, offset, frozen."""
        state: dict[str, Any] = self._control.call("GET", "/clock")
        return state

    def advance(self, duration: timedelta | float | str) -> datetime:
        """Move it on; the time after that."""
        return self._move({"advance": _duration(duration)})

    def set(self, time: datetime | str) -> datetime:
        """Set it to a moment; a datetime without an offset counts as UTC."""
        if isinstance(time, datetime):
            time = (time.replace(tzinfo=UTC) if time.tzinfo is None else time).isoformat()
        return self._move({"set": time})

    def offset(self, duration: timedelta | float | str) -> datetime:
        """Have it be ahead of the real time by so much."""
        return self._move({"offset": _duration(duration)})

    def freeze(self) -> datetime:
        """Let it stand still."""
        return self._move({"freeze": True})

    def go_on(self) -> datetime:
        """Let it go on from where it stands."""
        return self._move({"freeze": False})

    def reset(self) -> datetime:
        """The real time again."""
        return self._move({"reset": True})

    def _move(self, body: Mapping[str, object]) -> datetime:
        return _time(self._control.call("POST", "/clock", body)["now"])


class Keys:
    """The keys that tokens are signed with. Each is a mapping: kid, algorithm, state (next, active, retired), ..."""

    def __init__(self, control: ControlApi) -> None:
        self._control = control

    def list(self) -> list[dict[str, Any]]:
        """All keys, the newest first."""
        return list(self._control.call("GET", "/keys")["items"])

    @property
    def active(self) -> dict[str, Any]:
        """The key that signs."""
        return next(key for key in self.list() if key["state"] == "active")

    def rotate(self, **wanted: Any) -> dict[str, Any]:
        """Let another key sign: ``kid``, or a new one (``algorithm``, ``bits``); the key that signs from now on. The
        one before stays in the key set until it is retired.
        """
        active: dict[str, Any] = self._control.call("POST", "/keys/rotate", wanted)["active"]
        return active

    def retire(self, kid: str) -> dict[str, Any]:
        """Take a key out of the key set."""
        key: dict[str, Any] = self._control.call("POST", f"/keys/{segment(kid)}/retire")
        return key

    def publish(self, kid: str) -> dict[str, Any]:
        """Show a key in the key set."""
        key: dict[str, Any] = self._control.call("POST", f"/keys/{segment(kid)}/publish")
        return key


class Helseid:
    """One environment of a server: what a client under test needs to know of it, and what a test steers.

    Every method raises ControlError where the server refuses.
    """

    def __init__(self, control: ControlApi, issuer: str, environment: str = _DEFAULT) -> None:
        #: The issuer: what a client under test is configured with.
        self.issuer = issuer
        #: The environment's name; ``default`` at the root of the server.
        self.environment = environment
        #: Its control API, for everything that has no method here.
        self.control = control
        self.clock = Clock(control)
        self.keys = Keys(control)

    @classmethod
    def at(cls, url: str, *, environment: str = _DEFAULT, admin_token: str = "", tag: str | None = None) -> "Helseid":
        """The environment of a server that runs at ``url``; ``tag`` marks what this run makes."""
        path = "" if environment == _DEFAULT else f"/env/{environment}"
        base = f"{url.rstrip('/')}{path}"
        control = ControlApi(f"{base}{_API}", admin_token, tag)
        discovery = ControlApi(base, admin_token).call("GET", "/.well-known/openid-configuration")
        return cls(control, discovery["issuer"], environment)

    def __repr__(self) -> str:
        return f"Helseid({self.issuer!r})"

    def client(self, client_id: str | None = None, *, make_key: str = "EC", **members: Any) -> RegisteredClient:
        """Register a client, with a key made for it, or put it in the place of the one with this id.

        ``members`` are those of a fixture file. Without ``redirect_uris`` it is a machine, with them it logs people in;
        what says nothing of its scopes gets those of the demo.
        """
        is_login = bool(members.get("redirect_uris"))
        grants = ["authorization_code", "refresh_token"] if is_login else ["client_credentials"]
        usual = {"grant_types": grants, "scope": _LOGIN_SCOPE if is_login else _MACHINE_SCOPE}
        name = client_id or str(uuid.uuid4())
        body = {**usual, **members, "make_key": make_key}
        made = dict(self.control.call("PUT", f"/clients/{segment(name)}", body))
        private, warnings = made.pop("private_jwk"), made.pop("warnings")
        return RegisteredClient(name, private, self.issuer, made, tuple(warnings))

    def persona(self, key: str | None = None, **members: Any) -> Persona:
        """A person: the one with the pid or short name ``key``, changed by ``members`` of a fixture file, or a new one.

        A new person has a synthetic pid and is called as ``members`` say.
        """
        found = {} if key is None else self._person(key)
        if found and not members:
            return _persona(found)
        pid = found.get("pid") or (key if key is not None and key.isdigit() else _new_pid())
        named = {} if key is None or key.isdigit() else {"persona": key}
        document = {"given_name": "PRØVE", "family_name": "PERSON", **named, **found, **members}
        made = dict(self.control.call("PUT", f"/personas/{segment(str(pid))}", document))
        del made["warnings"]
        return _persona(made)

    def login_as(
        self,
        persona: "Persona | str | None" = None,
        *,
        client_id: str | None = None,
        redirect_uri: str | None = None,
        times: int = 1,
        outcome: str = "success",
    ) -> int:
        """Order the next login: who logs in (a Persona, a pid or a short name), or how it ends. The order's number.

        ``client_id`` and ``redirect_uri`` say for which logins it is; unset: for any.
        """
        match = {"client_id": client_id, "redirect_uri": redirect_uri}
        body: dict[str, Any] = {
            "outcome": outcome,
            "times": times,
            "match": {name: value for name, value in match.items() if value is not None},
        }
        if persona is not None:
            body["persona"] = persona.pid if isinstance(persona, Persona) else persona
        number: int = self.control.call("POST", "/next-login", body)["id"]
        return number

    def put_world(self, **world: list[dict[str, Any]]) -> dict[str, Any]:
        """Put ``organizations``, ``personas``, ``apis`` and ``clients``, each a list of documents of fixture files, in
        the place of those that were made here; all or nothing. What the server answers, ``warnings`` among it.
        """
        kept: dict[str, Any] = self.control.call("PUT", "/world", world)
        return kept

    def journal(self, **wanted: Any) -> list[dict[str, Any]]:
        """The entries that fit (``client_id``, ``outcome``, ``rule``, ``limit``), the newest first."""
        return list(self.control.call("GET", "/journal", query=wanted)["entries"])

    def reset(self, tag: str | None = None) -> None:
        """Take the environment back to its start, or forget what the test run with ``tag`` has made."""
        self.control.call("POST", "/reset", query={"tag": tag})

    def snapshot(self, name: str | None = None) -> str:
        """Take a snapshot of the environment; its id."""
        made: str = self.control.call("POST", "/snapshots", {"name": name})["id"]
        return made

    def restore(self, snapshot: str) -> None:
        """Make everything as it was when the snapshot with this id was taken."""
        self.control.call("POST", f"/snapshots/{segment(snapshot)}/restore")

    @contextmanager
    def new_environment(self, name: str | None = None, **wanted: Any) -> "Iterator[Helseid]":
        """An environment of the same server, which ends after the block; without a ``name`` it gets a random one.

        ``wanted`` may have ``settings``, ``preset``, ``hosts``, ``fresh_keys``, ``tag``. To be asked of the environment
        at the root.
        """
        body = {**wanted, **({} if name is None else {"name": name})}
        made = self.control.call("POST", "/environments", body)
        base = self.control.url.removesuffix(_API)
        control = self.control.beside(f"{base}/env/{made['name']}{_API}")
        try:
            yield Helseid(control, made["issuer"], made["name"])
        finally:
            self.control.call("DELETE", f"/environments/{segment(made['name'])}")

    def _person(self, key: str) -> dict[str, Any]:
        """What is known of a person by pid or short name; an empty mapping for an unknown one."""
        if key.isdigit():
            try:
                found: dict[str, Any] = self.control.call("GET", f"/personas/{segment(key)}")
            except ControlError as error:
                if error.status != 404:
                    raise
                return {}
            return found
        people = self.control.items("/personas")
        return next((one for one in people if one.get("persona") == key), {})

    @property
    def origin(self) -> str:
        """Scheme, host and port by which this program reaches the server."""
        parts = urlsplit(self.control.url)
        return f"{parts.scheme}://{parts.netloc}"


def _persona(document: Mapping[str, Any]) -> Persona:
    return Persona(document["pid"], document.get("persona"), document)


def _new_pid() -> str:
    while True:
        born = _FIRST_BIRTH + timedelta(days=secrets.randbelow(_BIRTHS))
        pid = synthetic_pid(born, secrets.randbelow(500))
        if pid is not None:
            return pid


def _duration(duration: timedelta | float | str) -> str:
    if isinstance(duration, str):
        return duration
    seconds = duration.total_seconds() if isinstance(duration, timedelta) else duration
    return write_duration(int(seconds))


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
