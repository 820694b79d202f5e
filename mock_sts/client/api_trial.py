"""Trying an API with every defect of a token: what it lets in, and what it refuses.

The tokens are ordered from a running server, each proof anew just before it is sent.
"""

import json
import ssl
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mock_sts.client.http import Answer, NoAnswerError, ask

#: Where a server makes tokens on order.
ORDERS = "/mock/api/v1/test-tokens"

#: Seconds for one answer.
_TIMEOUT = 30

#: What a resource server that wants a nonce of its own says (RFC 9449 section 9).
_WANTS_NONCE = "use_dpop_nonce"


class Verdict(StrEnum):
    """What became of a row."""

    AS_EXPECTED = "as expected"
    MAY_BE = "may be so"
    OTHER_STATUS = "refused otherwise"
    LET_IN = "let in"
    FAILED = "failed"
    WRONGLY_REFUSED = "wrongly refused"


#: Verdicts that make a trial fail.
FAULTS = frozenset((Verdict.LET_IN, Verdict.FAILED, Verdict.WRONGLY_REFUSED))


@dataclass(frozen=True, slots=True)
class Tried:
    """One row that was tried: its name, what is wrong with its token, what was expected, what came."""

    name: str
    says: str
    expected: str
    status: int
    challenge: str
    verdict: Verdict
    note: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """What to try: the API's method and URL, and the good token; ``token`` has the parameters of the matrix.
    ``headers`` and ``body`` go along with each call.
    """

    method: str
    url: str
    token: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes | None = None


def try_api(issuer: str, trial: Trial, admin_token: str, context: ssl.SSLContext | None) -> list[Tried]:
    """Send every row of the matrix to the API, the good one first; where that is refused, no other is sent.

    Raises NoAnswerError, of the server at ``issuer`` or of the API.
    """
    asked = _Orders(issuer, admin_token, context)
    matrix = asked.get(f"/matrix?{urllib.parse.urlencode(trial.token)}")
    found = []
    for row in matrix["items"]:
        answer = _send(asked, trial, row, matrix["key"], context)
        found.append(_judged(row, answer))
        if found[-1].verdict is Verdict.WRONGLY_REFUSED and len(found) == 1:
            break
    return found


def order_token(
    issuer: str, order: Mapping[str, Any], recipe: str | None, admin_token: str, context: ssl.SSLContext | None
) -> dict[str, Any]:
    """What the server at ``issuer`` makes of ``order``, by ``recipe`` where one is named. Raises NoAnswerError."""
    path = "" if recipe is None else f"/{urllib.parse.quote(recipe, safe='')}"
    return _Orders(issuer, admin_token, context).post(path, order)


@dataclass(frozen=True, slots=True)
class _Orders:
    issuer: str
    admin_token: str
    context: ssl.SSLContext | None

    def get(self, path: str) -> dict[str, Any]:
        return self._document(f"{self.issuer}{ORDERS}{path}", None)

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return self._document(f"{self.issuer}{ORDERS}{path}", json.dumps(body).encode())

    def _document(self, url: str, body: bytes | None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.admin_token}"} if self.admin_token else {}
        if body is not None:
            headers["Content-Type"] = "application/json"
        answer = ask(url, seconds=_TIMEOUT, context=self.context, form=body, headers=headers, redirected=False)
        document = answer.document()
        if answer.status != 200:
            raise NoAnswerError(f"{self.issuer} makes no such token: {document.get('detail', answer.status)}")
        return document


def _send(
    asked: _Orders, trial: Trial, row: Mapping[str, Any], key: Mapping[str, Any] | None, context: ssl.SSLContext | None
) -> Answer:
    """The API's answer to a row: the second one where the row is sent twice, and where the API wants a nonce first."""
    nonce: str | None = None
    for _ in range(2):
        headers = {**trial.headers, "Authorization": f"{row['token_type']} {row['access_token']}"}
        if row["with_proof"]:
            headers["DPoP"] = _proof(asked, trial, row, key, nonce)
        answer = _call(trial, headers, context)
        given = answer.headers.get("DPoP-Nonce")
        if nonce is None and given and row["with_proof"] and _WANTS_NONCE in _challenge(answer):
            nonce = given
            continue
        return _call(trial, headers, context) if row["send_twice"] and answer.status < 400 else answer
    return answer


def _proof(
    asked: _Orders, trial: Trial, row: Mapping[str, Any], key: Mapping[str, Any] | None, nonce: str | None
) -> str:
    order = {"access_token": row["access_token"], "method": trial.method, "url": trial.url, "key": key}
    if row["proof_defect"]:
        order["defect"] = row["proof_defect"]
    if nonce:
        order["nonce"] = nonce
    proof: str = asked.post("/proof", order)["proof"]
    return proof


def _call(trial: Trial, headers: Mapping[str, str], context: ssl.SSLContext | None) -> Answer:
    return ask(
        trial.url,
        seconds=_TIMEOUT,
        context=context,
        form=trial.body,
        method=trial.method,
        headers=headers,
        redirected=False,
    )


def _challenge(answer: Answer) -> str:
    return ", ".join(answer.headers.get_all("WWW-Authenticate") or ())


def _judged(row: Mapping[str, Any], answer: Answer) -> Tried:
    status, refused = answer.status, 400 <= answer.status < 500
    accepted_by = "; ".join(f"{one['server']}: {one['why']}" for one in row["may_accept"])
    expected, note = "refusal", ""
    if not row["must_refuse"]:
        expected = "either" if row["may_accept"] else "success"
    if status >= 500:
        verdict, note = Verdict.FAILED, "the API failed where it should have refused or answered"
    elif expected == "either":
        verdict, note = Verdict.MAY_BE, accepted_by
    elif expected == "success":
        verdict = Verdict.AS_EXPECTED if status < 400 else Verdict.WRONGLY_REFUSED
    elif not refused:
        verdict = Verdict.LET_IN
    elif status != row["status"]:
        verdict, note = Verdict.OTHER_STATUS, f"{row['status']} was expected"
    else:
        verdict = Verdict.AS_EXPECTED
    return Tried(row["name"], row["says"], expected, status, _challenge(answer), verdict, note)
