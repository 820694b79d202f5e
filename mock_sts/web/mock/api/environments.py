"""Environments: further servers below this one, each with an issuer, a clock, keys and a world of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask import current_app

from mock_sts.helseid.hosts import impersonated_by
from mock_sts.protocol.durations import write_time
from mock_sts.server.reloading import EXTENSION, OneAtATime, ReloadError
from mock_sts.services.control.environments import (
    OWN_SETTINGS,
    EnvironmentConflictError,
    EnvironmentFaultError,
    NoSuchEnvironmentError,
    changing,
    checked_hosts,
    checked_name,
    delete_environment,
    found,
    make_environment,
    put_environment,
    random_name,
)
from mock_sts.services.environment import NAME, Policy, path_of_environment
from mock_sts.services.keyring import make_signing_key
from mock_sts.store.environments import EnvironmentRecord
from mock_sts.store.keys import SigningKey
from mock_sts.store.scope import DEFAULT_ENVIRONMENT
from mock_sts.web.errors import LOG
from mock_sts.web.mock.api.operations import Answer, Call, Nothing, Page, Resource, page_of
from mock_sts.web.mock.api.problems import BAD_MEMBER, CONFLICT, NOT_FOUND
from mock_sts.web.mock.api.shapes import Schema, member, shape
from mock_sts.web.mock.api.tags import tag_member, tag_of

RESOURCE = Resource(
    "environments",
    "Further servers below this one, each with an issuer, a clock, keys, a journal and a world of its own. They are "
    "the server's, so ask at the root.",
)

_KINDS = {"int": "integer", "bool": "boolean", "tuple[str, ...]": "array"}


def settings_schema() -> Schema:
    """The schema of an environment's own settings."""
    properties: dict[str, Schema] = {}
    for name in OWN_SETTINGS:
        kind = str(Policy.__annotations__[name])
        kind = getattr(Policy.__annotations__[name], "__name__", kind) if kind.startswith("<class") else kind
        one: Schema = {"type": _KINDS.get(kind.removesuffix(" | None"), "string")}
        if one["type"] == "array":
            one["items"] = {"type": "string"}
        if kind.endswith(" | None"):
            one["type"] = [one["type"], "null"]
        properties[name] = one
    return {"type": "object", "additionalProperties": False, "properties": properties}


_SETTINGS = "settings of its own over those of the server, by their names: enforcement, access_token_lifetime, ..."
_HOSTS = "host names under which it answers without the path before its own, such as sts.qa.example"
_PRESET = "a named bundle of settings, of which those count that an environment can have: helseid or fapi2"
_FRESH = "whether it gets a signing key of its own, in the place of the default environment's"


@shape("the environment")
class Wanted:
    """What an environment is to be."""

    settings: Mapping[str, Any] | None = member(_SETTINGS, default=None, nullable=False, schema=settings_schema())
    preset: str | None = member(_PRESET, default=None)
    hosts: tuple[str, ...] = member(_HOSTS, default=(), longest=300)
    fresh_keys: bool = member(_FRESH, default=False)
    tag: str | None = tag_member()


@shape("the environment")
class NewEnvironment:
    """An environment to be made."""

    name: str | None = member("1 to 63 of a-z, 0-9 and -; unset: a random one", default=None, pattern=NAME)
    settings: Mapping[str, Any] | None = member(_SETTINGS, default=None, nullable=False, schema=settings_schema())
    preset: str | None = member(_PRESET, default=None)
    hosts: tuple[str, ...] = member(_HOSTS, default=(), longest=300)
    fresh_keys: bool = member(_FRESH, default=False)
    tag: str | None = tag_member()


@shape("the change")
class EnvironmentChange:
    """What changes of an environment; what is left out stays."""

    settings: Mapping[str, Any] | None = member(
        "settings to change, by their names; null gives one back to the server",
        default=None,
        nullable=False,
        schema={"type": "object", "additionalProperties": True},
    )
    preset: str | None = member(_PRESET, default=None)
    hosts: tuple[str, ...] | None = member(f"{_HOSTS}, in the place of those it has", default=None, longest=300)


@shape("the answer")
class EnvironmentState:
    """An environment."""

    name: str = member("Its name")
    issuer: str = member("Its issuer, for who asks this server by the address of this request")
    hosts: tuple[str, ...] = member("Host names under which it answers without the path before its own")
    settings: Mapping[str, Any] = member("Its own settings; all others are the server's", schema={"type": "object"})
    declared: bool = member("Whether a fixture file asks for it; such a one does not end by itself")
    tag: str | None = member("The test run that made it, or null")
    created_at: str = member("When it was made")
    used_at: str = member("When it was last used, to the minute")


@shape("the answer")
class EnvironmentList:
    """Environments."""

    items: tuple[EnvironmentState, ...] = member("Environments by name, the default one among them")
    next: str | None = member("Where the next page begins; null at the end")


_RAISES = {
    NoSuchEnvironmentError: NOT_FOUND,
    EnvironmentConflictError: CONFLICT,
    EnvironmentFaultError: BAD_MEMBER,
    ValueError: BAD_MEMBER,
}
_NAMES = {"name": "The environment's name"}


@RESOURCE.operation(
    "POST",
    "/environments",
    "Make an environment",
    description="It begins with the shared world of the fixture files, empty otherwise, and ends when it was not used "
    "for a day (MOCK_STS_ENVIRONMENT_IDLE).",
    body=NewEnvironment,
    body_may_be_missing=True,
    answer=EnvironmentState,
    status=201,
    raises=_RAISES,
    at_root=True,
)
def create_environment(call: Call[NewEnvironment, Nothing]) -> EnvironmentState:
    """Make one."""
    body = call.body
    name = checked_name(body.name) if body.name is not None else random_name()
    wanted = Wanted(
        settings=body.settings, preset=body.preset, hosts=body.hosts, fresh_keys=body.fresh_keys, tag=body.tag
    )
    record, hosts, keys = _record(call, name, wanted)
    make_environment(call.server.store, record, keys, hosts)
    _mind_hosts(call, hosts)
    return _state(call, record, hosts)


@RESOURCE.operation("GET", "/environments", "All environments", query=Page, answer=EnvironmentList, at_root=True)
def all_environments(call: Call[None, Page]) -> EnvironmentList:
    """List them."""
    server = call.server
    server.end_idle(server.clock.times().wall)
    part, following = page_of(server.environments.list(), call.query, lambda record: record.name)
    items = tuple(_state(call, record, server.environments.hosts(record.name)) for record in part)
    return EnvironmentList(items=items, next=following)


@RESOURCE.operation(
    "GET",
    "/environments/{name}",
    "One environment",
    answer=EnvironmentState,
    raises=_RAISES,
    names=_NAMES,
    at_root=True,
)
def one_environment(call: Call[None, Nothing]) -> EnvironmentState:
    """Show one."""
    return _shown(call, call.names["name"])


@RESOURCE.operation(
    "PUT",
    "/environments/{name}",
    "Make an environment, or make it anew: empty, and with these settings alone",
    body=Wanted,
    body_may_be_missing=True,
    answer=EnvironmentState,
    also={201: EnvironmentState},
    raises=_RAISES,
    names=_NAMES,
    at_root=True,
)
def replace_environment(call: Call[Wanted, Nothing]) -> Answer[EnvironmentState]:
    """Make or empty one."""
    record, hosts, keys = _record(call, checked_name(call.names["name"]), call.body)
    had = call.server.environments.hosts(record.name)
    was_there = put_environment(call.server.store, record, keys, hosts)
    _mind_hosts(call, hosts, had)
    return Answer(_state(call, record, hosts), 200 if was_there else 201)


@RESOURCE.operation(
    "PATCH",
    "/environments/{name}",
    "Change settings and host names of an environment",
    description="A preset comes first, then the settings beside it. What it holds stays.",
    body=EnvironmentChange,
    answer=EnvironmentState,
    raises=_RAISES,
    names=_NAMES,
    at_root=True,
)
def change_an_environment(call: Call[EnvironmentChange, Nothing]) -> EnvironmentState:
    """Change one."""
    body, server, name = call.body, call.server, call.names["name"]
    changes = body.settings or {}
    gone = [setting for setting, value in changes.items() if value is None]
    given = {setting: value for setting, value in changes.items() if value is not None}
    read = server.read_settings({**given, **dict.fromkeys((one for one in gone if one not in OWN_SETTINGS), "")}, None)
    bundle = server.read_settings({}, body.preset)
    hosts = None if body.hosts is None else checked_hosts(body.hosts, server.configured)
    with changing(server.store, name) as under_way:
        own = {**under_way.record.settings, **bundle, **read}
        under_way.set_settings({setting: value for setting, value in own.items() if setting not in gone})
        had = server.environments.hosts(name)
        if hosts is not None:
            under_way.set_hosts(hosts)
    if hosts is not None:
        _mind_hosts(call, hosts, had)
    return _shown(call, name)


@RESOURCE.operation(
    "DELETE",
    "/environments/{name}",
    "End an environment with all that it holds",
    raises=_RAISES,
    names=_NAMES,
    at_root=True,
)
def end_environment(call: Call[None, Nothing]) -> None:
    """End one."""
    name = call.names["name"]
    had = call.server.environments.hosts(name)
    delete_environment(call.server.store, name)
    _mind_hosts(call, (), had)


def _record(
    call: Call[Any, Any], name: str, wanted: Wanted
) -> tuple[EnvironmentRecord, tuple[str, ...], Sequence[SigningKey]]:
    """What is kept of the environment that is wanted, its hosts, and its own keys, of which there may be none."""
    server = call.server
    wall = server.clock.times().wall
    settings = server.read_settings(wanted.settings or {}, wanted.preset)
    hosts = checked_hosts(wanted.hosts, server.configured)
    # Made before the transaction begins: it takes long.
    keys = (make_signing_key(wall),) if wanted.fresh_keys else ()
    return EnvironmentRecord(name, wall, wall, settings, tag=tag_of(call.request, wanted.tag)), hosts, keys


def _shown(call: Call[Any, Any], name: str) -> EnvironmentState:
    environments = call.server.environments
    return _state(call, found(call.server.store, name), environments.hosts(name))


def _state(call: Call[Any, Any], record: EnvironmentRecord, hosts: Sequence[str]) -> EnvironmentState:
    is_default = record.name == DEFAULT_ENVIRONMENT
    urls = call.reached.urls.below("" if is_default else path_of_environment(record.name))
    created = replace(record, created_at=call.environment.made_at) if is_default else record
    return EnvironmentState(
        name=record.name,
        issuer=urls.issuer.base,
        hosts=tuple(hosts),
        settings=dict(record.settings),
        declared=record.declared,
        tag=record.tag,
        created_at=write_time(created.created_at),
        used_at=write_time(record.used_at or call.server.clock.times().wall),
    )


def _mind_hosts(call: Call[Any, Any], hosts: Sequence[str], before: Sequence[str] = ()) -> None:
    """Have the certificate for https made anew where the hosts of an environment have changed."""
    if set(hosts) == set(before):
        return
    for host in hosts:
        if impersonated_by(f"https://{host}"):
            LOG.warning("this server now answers as %s, and is not HelseID: keep the name in your network", host)
    if call.server.hosting.tls_port is None:
        return
    ask = current_app.extensions.get(EXTENSION)
    if isinstance(ask, OneAtATime):
        try:
            ask.soon()
        except ReloadError as error:
            LOG.warning("the certificate for https has the hosts of before still: %s; reload", error)
