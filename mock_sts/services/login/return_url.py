"""Where login pages come back to: the authorize step, with the handle of the request that waits there."""

from collections.abc import Mapping
from urllib.parse import urlencode

from mock_sts.protocol.authorization_request import REQUEST_URI_PREFIX
from mock_sts.protocol.params import Params

CALLBACK = "/connect/authorize/callback"

#: The parameter that brings a request of the front channel back from the login pages.
AUTHZ_ID = "authzId"


def return_url_of(parameters: Mapping[str, str]) -> str:
    """The local URL that brings the browser back with ``parameters``."""
    return f"{CALLBACK}?{urlencode(parameters)}"


def parameters_of(return_url: str) -> Params:
    """The parameters in a local return URL; none where it leads elsewhere."""
    return Params.from_form(return_url.partition("?")[2].encode("ascii")) if is_return_url(return_url) else Params()


def is_return_url(return_url: str) -> bool:
    """Whether ``return_url`` leads back to the authorize step and nowhere else."""
    return handle_in(return_url) != ""


def handle_in(return_url: str) -> str:
    """The handle in a local return URL, or an empty string."""
    # It goes into a Location header, so nothing may stand in it that a URL has not.
    path, _, query = return_url.partition("?")
    if path.lower() != CALLBACK or not (return_url.isascii() and return_url.isprintable()) or " " in return_url:
        return ""
    return handle_of(Params.from_form(query.encode("ascii")))


def handle_of(params: Params) -> str:
    """The handle in a request_uri, else that of a request of the front channel; an empty string for neither."""
    request_uri = params.one("request_uri")
    if request_uri is None:
        return params.one(AUTHZ_ID) or ""
    handle = request_uri.removeprefix(REQUEST_URI_PREFIX)
    return handle if handle != request_uri else ""
