"""The settings that count in an environment."""

from dataclasses import dataclass, fields
from enum import Enum

from mock_sts.helseid.requirement import Enforcement
from mock_sts.services.environment import Environment, Policy
from mock_sts.services.server import Server


@dataclass(frozen=True, slots=True)
class SettingInForce:
    """A setting: its name, its value as it would be written, and whether the environment has it of its own."""

    name: str
    value: str
    is_own: bool


def settings_in_force(server: Server, environment: Environment) -> list[SettingInForce]:
    """All settings by name; secrets are not shown."""
    texts = dict(server.hosting.settings)
    own = set()
    for field in fields(Policy):
        value = getattr(environment.policy, field.name)
        if value != getattr(server.policy, field.name):
            own.add(field.name)
            texts[field.name] = _written(value)
    return [SettingInForce(name, text, name in own) for name, text in sorted(texts.items())]


def _written(value: object) -> str:
    if isinstance(value, Enforcement):
        return value.word
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
