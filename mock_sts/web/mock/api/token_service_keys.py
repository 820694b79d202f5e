"""Keys of the test-token service: kept and forgotten by name, never shown."""

from mock_sts.services.tokens.token_service_access import TokenServiceKeys
from mock_sts.web.mock.api.operations import Call, Resource, not_found
from mock_sts.web.mock.api.problems import NOT_FOUND
from mock_sts.web.mock.api.shapes import member, shape

RESOURCE = Resource(
    "test token keys",
    "Keys of the test-token service, which count where `MOCK_STS_TEST_TOKEN_KEYS` is `kept`. Others stand in "
    "`test-token-keys.yaml` of a folder of fixtures.",
)

_PATH, _NAMES = "/test-token-keys/{key}", {"key": "The key, as callers send it in X-Auth-Key"}


@shape("the key")
class KeyOwner:
    """Whose key it is."""

    owner: str = member("An organization number, or any text", default="", longest=200)


@RESOURCE.operation("PUT", _PATH, "Keep a key", body=KeyOwner, body_may_be_missing=True, names=_NAMES)
def keep_token_key(call: Call[KeyOwner | None, None]) -> None:
    """Keep it."""
    TokenServiceKeys(call.environment).keep(call.names["key"], call.body.owner if call.body else "")


@RESOURCE.operation("DELETE", _PATH, "Forget a key", names=_NAMES, problems=(NOT_FOUND,))
def forget_token_key(call: Call[None, None]) -> None:
    """Forget it."""
    if not TokenServiceKeys(call.environment).forget(call.names["key"]):
        raise not_found("key", call.names["key"])
