"""The settings, to read."""

from mock_sts.services.control.settings import settings_in_force
from mock_sts.web.mock.api.operations import Call, Page, Resource, page_of
from mock_sts.web.mock.api.shapes import member, shape

RESOURCE = Resource("settings", "The settings that count here, to read.")


@shape("the answer")
class SettingShown:
    """A setting."""

    name: str = member("Its name, as MOCK_STS_ has it in capitals")
    value: str = member("Its value, as it would be written; a secret that is set is dots")
    own: bool = member("Whether this environment has it of its own, and the server another value")


@shape("the answer")
class SettingsShown:
    """A page of settings."""

    items: tuple[SettingShown, ...] = member("The settings, by name")
    next: str | None = member("Give it as `after` to get the page after this one; null: there is none")


@RESOURCE.operation(
    "GET", "/settings", "The settings that count", query=Page, answer=SettingsShown, caller="you and your tests"
)
def get_settings(call: Call[None, Page]) -> SettingsShown:
    """Read them."""
    found = settings_in_force(call.server, call.environment)
    shown, more = page_of(found, call.query, lambda one: one.name)
    items = tuple(SettingShown(name=one.name, value=one.value, own=one.is_own) for one in shown)
    return SettingsShown(items=items, next=more)
