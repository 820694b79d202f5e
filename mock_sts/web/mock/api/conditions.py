"""ETag, If-Match and If-None-Match (RFC 9110): a write that counts only for what its sender has seen.

No write needs a condition: the last one wins, as is right for a test that sets its own world. A sender that must not
overwrite another's change says If-Match; one that must not replace anything says ``If-None-Match: *``.
"""

import hashlib
import re
from dataclasses import dataclass

from mock_sts.protocol.json_text import write_plain_json
from mock_sts.web.http import HttpRequest
from mock_sts.web.mock.api.problems import CHANGED, Problem

_TAG = re.compile(r'(?:W/)?("[^"]*")')


def etag_of(content: object) -> str:
    """The ETag of what JSON says."""
    return f'"{hashlib.sha256(write_plain_json(content)).hexdigest()[:32]}"'


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a request says of the state that it is meant for."""

    if_match: str | None
    if_none_match: str | None

    @classmethod
    def of(cls, request: HttpRequest) -> "Conditions":
        """Those of ``request``."""
        return cls(request.header("If-Match"), request.header("If-None-Match"))

    def check(self, document: object) -> None:
        """Raises Problem where ``document``, which is there now (None for nothing), is not what the request is for."""
        tag = None if document is None else etag_of(document)
        if self.if_match is not None and not _names(self.if_match, tag):
            there = "there is nothing" if tag is None else f"what is there has the ETag {tag}"
            raise Problem(CHANGED, f"If-Match does not fit: {there}; read it again, and decide anew")
        if self.if_none_match is not None and _names(self.if_none_match, tag):
            raise Problem(CHANGED, f"If-None-Match does not fit: there is something, with the ETag {tag}")


def _names(header: str, tag: str | None) -> bool:
    """Whether a header names ``tag``, that of nothing being None."""
    return tag is not None and (header.strip() == "*" or tag in _TAG.findall(header))
