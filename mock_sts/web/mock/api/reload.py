"""Reading fixtures and certificates anew while the server runs."""

from flask import current_app

from mock_sts.server.reloading import EXTENSION, GOES_ON, Reload, ReloadBusyError, ReloadError
from mock_sts.web.mock.api.operations import Call, Resource
from mock_sts.web.mock.api.problems import CONFLICT, Kind, Problem
from mock_sts.web.mock.api.shapes import member, shape

RESOURCE = Resource("reload", "Fixtures and certificates, read anew while the server runs.")

_FAILED = Kind("reload", 422, "what was read cannot be used; the server goes on with what it had")
_NO_SERVER = Kind("no-server", 501, "no mock-sts serve runs this application")


@shape("the answer")
class Reloaded:
    """It is over."""

    reloaded: bool = member("True")


@RESOURCE.operation(
    "POST",
    "/reload",
    "Read fixtures and certificates anew, and replace the workers; answered when that is over",
    answer=Reloaded,
    problems=(_FAILED, _NO_SERVER),
    raises={ReloadBusyError: CONFLICT},
)
def reload(_call: Call[None, None]) -> Reloaded:
    """Reload."""
    ask: Reload | None = current_app.extensions.get(EXTENSION)
    if ask is None:
        raise Problem(_NO_SERVER, "no mock-sts serve runs this application, and nothing else can reload it")
    try:
        ask()
    except ReloadBusyError:
        raise
    except ReloadError as error:
        raise Problem(_FAILED, f"not reloaded: {error}; {GOES_ON}") from None
    return Reloaded(reloaded=True)
