"""The page of settings."""

from mock_sts.documentation.words import NOTE
from mock_sts.settings import SETTINGS


def settings_page() -> str:
    """The table of settings."""
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
        default = f"`{setting.default}`" if setting.default else "(empty)"
        lines.append(f"| `{setting.variable}` | `{setting.option}` | {default} | {setting.help} |")
    return "\n".join(lines) + "\n"
