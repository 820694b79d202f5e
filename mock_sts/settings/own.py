"""Settings of an environment of its own: read from JSON by the same table as those of the server."""

from collections.abc import Mapping
from typing import Any

from mock_sts.services.environment import POLICY_FIELDS
from mock_sts.settings.settings import PRESETS, SETTINGS

_BY_NAME = {setting.name: setting for setting in SETTINGS if setting.name in POLICY_FIELDS}


def read_own_settings(values: Mapping[str, object], preset: str | None = None) -> dict[str, Any]:
    """The settings of a policy that ``values`` (as JSON has them) and a ``preset`` give, validated and JSON-ready.

    A preset gives all that any preset gives, but only what is of a policy; ``values`` lie over it. Raises ValueError
    that names setting, value and remedy; its ``path`` leads to the setting.
    """
    return {**_preset(preset), **{name: _read(name, value) for name, value in values.items()}}


def _preset(name: str | None) -> dict[str, Any]:
    if name is None:
        return {}
    if name not in PRESETS:
        raise OwnSettingError(f"preset is {name[:70]!r}, but must be one of {', '.join(PRESETS)}", "preset")
    given = {setting for preset in PRESETS.values() for setting in preset if setting in _BY_NAME}
    texts = {setting: PRESETS[name].get(setting, _BY_NAME[setting].default) for setting in sorted(given)}
    return {setting: _json_ready(_BY_NAME[setting].parse(text)) for setting, text in texts.items()}


class OwnSettingError(ValueError):
    """A setting that an environment cannot have so; ``path`` leads to it."""

    def __init__(self, message: str, *path: str) -> None:
        super().__init__(message)
        self.path = path


def _read(name: str, value: object) -> Any:
    setting = _BY_NAME.get(name)
    if setting is None:
        raise OwnSettingError(f"an environment has no setting {name[:70]!r} of its own", "settings", name[:70])
    text = _text_of(value)
    try:
        if text is None:
            raise ValueError("a text, a whole number, true, false, or a list of texts")
        return _json_ready(setting.parse(text))
    except ValueError as error:
        shown = repr(value) if len(repr(value)) <= 100 else f"{repr(value)[:100]}…"
        raise OwnSettingError(f"{name} is {shown}, but must be {error}", "settings", name) from None


def _text_of(value: object) -> str | None:
    """``value`` as the text of a setting; None for what is none."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return " ".join(value) if all(isinstance(one, str) for one in value) else None
    return str(value) if isinstance(value, str | int) else "" if value is None else None


def _json_ready(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
