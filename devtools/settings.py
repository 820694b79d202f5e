"""The page of settings."""

from collections.abc import Mapping

from devtools.words import NOTE, fit
from mock_sts.settings.settings import PRESETS, SETTINGS

#: Why each preset sets what it sets.
_WHY: Mapping[str, Mapping[str, str]] = {
    "helseid": {},
    "fapi2": {
        "enforcement": "refuses what FAPI 2.0 refuses, for all clients, whatever their registration says",
        "tls_minimum": "TLS 1.2 would bring ECDHE-RSA-CHACHA20-POLY1305, which RFC 9325 section 4.2 does not list, and "
        "the suites cannot be chosen (section 5.2.2)",
        "signing_algorithm": "RS256 is not allowed (section 5.4.1)",
        "code_lifetime": "a code lives for at most 60 seconds (section 5.3.2.1)",
        "pushed_request_lifetime": "`expires_in` of a pushed request is below 600 seconds (section 5.3.2.2)",
        "refresh_token_usage": "refresh tokens are not rotated (section 5.3.2.1)",
        "revoke_on_code_reuse": "tokens of a code that is used twice should be revoked (RFC 6749 section 4.1.2)",
        "identity_providers": "one provider, so that a browser meets one page, which the suite can drive",
        "clock_skew": "10 seconds ahead are taken, more than 60 are not (section 5.3.2.1)",
    },
}


def settings_page() -> str:
    """The table of settings, and what each preset sets. Raises DocumentationError."""
    lines = [
        NOTE,
        "# Settings",
        "",
        "Each setting is an environment variable and an option of `mock-sts serve`; the option wins. A wrong value",
        "stops the start with a sentence that names it.",
        "",
        "| variable | option | default | meaning |",
        "| --- | --- | --- | --- |",
    ]
    for setting in SETTINGS:
        lines.append(f"| `{setting.variable}` | `{setting.option}` | {_shown(setting.default)} | {setting.help} |")
    fit("preset", PRESETS, _WHY)
    usual = {setting.name: setting for setting in SETTINGS}
    for preset, values in PRESETS.items():
        fit(f"setting of the preset {preset}", values, _WHY[preset])
        if not values:
            continue
        lines += [
            "",
            f"## Preset {preset}",
            "",
            f"`MOCK_STS_PRESET={preset}` sets these; a setting that is given by itself wins.",
            "",
            "| variable | value | otherwise | why |",
            "| --- | --- | --- | --- |",
        ]
        for name, value in values.items():
            setting = usual[name]
            lines.append(f"| `{setting.variable}` | `{value}` | {_shown(setting.default)} | {_WHY[preset][name]} |")
    return "\n".join(lines) + "\n"


def _shown(default: str) -> str:
    return f"`{default}`" if default else "(empty)"
