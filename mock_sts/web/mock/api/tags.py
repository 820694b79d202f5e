"""The tag of a test run: what is made with it can be forgotten with it, without touching what other runs have made."""

import re

from mock_sts.web.http import HttpRequest
from mock_sts.web.mock.api.operations import bad_parameter
from mock_sts.web.mock.api.shapes import member, shape

#: The header that says the tag of all that a request makes.
TAG_HEADER = "Mock-Sts-Tag"

LONGEST_TAG = 100

_PATTERN = rf"[!-~]{{1,{LONGEST_TAG}}}"


def tag_member() -> str | None:
    """The member ``tag`` of a request that makes something."""
    made: str | None = member(
        f"the test run that makes it, by 1 to {LONGEST_TAG} ASCII characters without a space; the header {TAG_HEADER} "
        "says it for every request",
        default=None,
        longest=LONGEST_TAG,
        pattern=_PATTERN,
    )
    return made


@shape("the body")
class Tagged:
    """What can say a tag."""

    tag: str | None = tag_member()


def tag_of(request: HttpRequest, given: str | None = None) -> str | None:
    """The tag of what ``request`` makes: ``given`` in its body, else in its header. Raises Problem."""
    text = request.header(TAG_HEADER) if given is None else given
    return None if text is None else checked_tag(text, TAG_HEADER)


def checked_tag(text: str, parameter: str) -> str:
    """``text``, if it can be a tag. Raises Problem that names the header or parameter."""
    if re.fullmatch(_PATTERN, text) is None:
        raise bad_parameter(parameter, f"{parameter} must be 1 to {LONGEST_TAG} ASCII characters without a space")
    return text
