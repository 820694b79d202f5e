"""Problems: what the control API answers in the place of what was asked for (RFC 9457).

Each kind is declared once, with its status; operations name those that they may end in, and the OpenAPI document and
the answers have them from there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from mock_sts.web.http import HttpError
from mock_sts.web.mock.api.shapes import pointer_to

_TYPES = "urn:mock-sts:problem:"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem: the last part of its ``type``, its status, and what it means."""

    name: str
    status: int
    meaning: str

    @property
    def type(self) -> str:
        """What tells it from others, for programs."""
        return f"{_TYPES}{self.name}"


BAD_BODY = Kind("body", 400, "the body is no JSON that can be read")
BAD_MEMBER = Kind("member", 400, "a member of the body is wrong, unknown or missing; `member` points to it")
BAD_PARAMETER = Kind("parameter", 400, "a parameter of the query or of the path is wrong; `parameter` names it")
NOT_FOUND = Kind("not-found", 404, "nothing here has this name")
ELSEWHERE = Kind("elsewhere", 404, "this is the server's, and not an environment's: ask at the root")
TAKEN = Kind("taken", 409, "the name is taken")
CONFLICT = Kind("conflict", 409, "what is there now does not allow it")
CHANGED = Kind("changed", 412, "what is there is not what If-Match or If-None-Match says; read it again")
TOO_LONG = Kind("too-long", 413, "the body is too long")


class Problem(HttpError):  # noqa: N818  the word of RFC 9457
    """A request that ends in a problem of a ``kind``; ``detail`` says in a sentence what is wrong, and what to do.

    ``member`` leads to the member of the body that is wrong (names and positions), ``parameter`` is the name of the
    parameter that is.
    """

    def __init__(
        self,
        kind: Kind,
        detail: str,
        *,
        member: tuple[object, ...] | None = None,
        parameter: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        title = HTTPStatus(kind.status).phrase
        super().__init__(kind.status, title, detail, headers)
        self.type = kind.type
        if member is not None:
            self.more = {"member": pointer_to(member)}
        if parameter is not None:
            self.more = {"parameter": parameter}
