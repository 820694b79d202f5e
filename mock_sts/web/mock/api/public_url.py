"""The public URL of the server, set while it runs."""

from mock_sts.services.control.public_url import PublicUrlError, set_public_url
from mock_sts.web.mock.api.operations import Call, Resource
from mock_sts.web.mock.api.problems import BAD_MEMBER
from mock_sts.web.mock.api.shapes import member, shape

RESOURCE = Resource("public URL", "The address under which the server says it is known; its issuers begin with it.")


@shape("the body")
class PublicUrl:
    """What is wanted."""

    url: str | None = member("an address, or null for that of the settings", longest=100_000)


@shape("the answer")
class Issuer:
    """The issuer from now on, for who asked."""

    issuer: str = member("The issuer of what begins from now on")


@RESOURCE.operation(
    "PUT",
    "/public-url",
    "Make an address the public URL; null: that of the settings again",
    body=PublicUrl,
    answer=Issuer,
    raises={PublicUrlError: BAD_MEMBER},
    at_root=True,
    caller="you and your tests",
)
def put_public_url(call: Call[PublicUrl, None]) -> Issuer:
    """Set it."""
    addresses = set_public_url(call.server, call.reached, call.body.url)
    environ = call.request.environ
    script = environ.get("SCRIPT_NAME", "").encode("latin-1").decode(errors="replace")
    urls = addresses.of(environ["wsgi.url_scheme"], environ.get("HTTP_HOST", ""), script)
    return Issuer(issuer=urls.issuer.base)
