"""What is pending or spent, as typed records. JSON is only how the database keeps them.

Times are in seconds. Each ``document`` is JSON-ready and holds what has no column of its own; ``read`` takes it back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from mock_sts.helseid.testidp import parameters_in
from mock_sts.protocol.authorization_request import AuthorizationRequest, read_authorization_request
from mock_sts.protocol.params import Params


@dataclass(frozen=True, slots=True)
class PushedRequest:
    """An authorization request on its way to an answer, judged: what it asks for, its details, and the issuer under
    which the flow began, which it keeps.

    ``request.dpop_jkt`` is the key that the code will be bound to. ``hints`` are the parameters of the test identity
    provider, by name. ``pushed`` is False for a request that came on the front channel.
    """

    client_id: str
    request: AuthorizationRequest
    hints: Mapping[str, str]
    details: tuple[object, ...]
    issuer: str
    pushed: bool
    expires_at: int
    consumed_at: int | None = None

    def document(self) -> dict[str, Any]:
        """What has no column."""
        return {
            "request": self.request.document(),
            "hints": dict(self.hints),
            "details": self.details,
            "issuer": self.issuer,
            "pushed": self.pushed,
        }

    @classmethod
    def read(cls, document: Mapping[str, Any], client_id: str, expires_at: int, consumed_at: int | None) -> Self:
        """The record of a row."""
        if "parameters" in document:  # a version before kept the parameters as they were sent
            sent = Params((name, value) for name, value in document["parameters"])
            request = replace(read_authorization_request(sent), dpop_jkt=document["dpop_jkt"])
            hints = parameters_in(sent)
        else:
            request, hints = AuthorizationRequest.from_document(document["request"]), document["hints"]
        return cls(
            client_id=client_id,
            request=request,
            hints=hints,
            details=tuple(document["details"]),
            issuer=document["issuer"],
            pushed=document["pushed"],
            expires_at=expires_at,
            consumed_at=consumed_at,
        )
