"""One request on its way: its times, its addresses, what was found, and the one write at its end."""

import logging
import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Self, TypeVar

from mock_sts.helseid.conformance import checks_of
from mock_sts.helseid.registry.client import Client
from mock_sts.helseid.requirement import Chapter, Enforcement, Finding, Requirement, Verdict, explain, refusal, refuse
from mock_sts.helseid.terms import EXPLAIN_IN_DESCRIPTION
from mock_sts.protocol.errors import ErrorCode, OAuthError, quoted
from mock_sts.protocol.jose import Jws
from mock_sts.protocol.private_keys import without_private_text
from mock_sts.services.environment import Reached
from mock_sts.store import journal
from mock_sts.store.database import Transaction
from mock_sts.store.replay import Once
from mock_sts.values import value_type

LOG = logging.getLogger("mock_sts")

#: Below it each entry of the journal has a page.
JOURNAL_PAGE = "/mock/journal"

#: Longest client id that is kept in the journal, in characters; a registered one is shorter.
_MAX_CLIENT_ID = 200

Evidence = TypeVar("Evidence")


@value_type
class Use:
    """Something this request uses up, and the requirement that is broken when another request was faster."""

    once: Once
    requirement: Requirement[Any]
    observed: str


class RequestContext:
    """The record of one request at one endpoint.

    Used as a context manager: an OAuthError that leaves it is journaled and logged, once, on its way out. A success
    is journaled by ``finish``.
    """

    def __init__(self, reached: Reached, endpoint: str, *, ends_on_page: bool = False) -> None:
        """``ends_on_page`` says that a refusal which does not travel to the client ends on the error page, so that it
        needs a name by which it is found again.
        """
        environment, urls = reached.environment, reached.urls
        self.reached = reached
        self.environment = environment
        self.endpoint = endpoint
        self.urls = urls
        self.times = environment.clock.times()
        #: What ids, codes and handles are made from.
        self.chance = environment.chance()
        self.enforcement = environment.policy.enforcement
        self.catalog = reached.catalog
        self.client_id: str | None = None
        self.authenticated = False
        self.findings: list[Finding] = []
        self.detail: dict[str, Any] = {}
        #: Which login, or token without one, the request belongs to; the session; who logged in.
        self.flow: str | None = None
        self.sid: str | None = None
        self.pid: str | None = None
        self._began = time.perf_counter_ns()
        self._uses: list[Use] = []
        self._challenged: Once | None = None
        self._proof_key: Once | None = None
        self._burns: list[Callable[[Transaction], bool]] = []
        self._journaled = False
        self._ends_on_page = ends_on_page
        if urls.any_host:
            self.detail["unlisted_host"] = urls.back_channel.base

    def follow(self, client: Client) -> None:
        """From now on judge as ``client`` is registered; FAPI 2.0 knows no laxness by registration."""
        if client.enforcement is not None and self.environment.policy.enforcement is not Enforcement.FAPI2:
            self.enforcement = client.enforcement

    def judge(self, chapter: Chapter[Evidence], evidence: Evidence) -> None:
        """Judge ``evidence``, keep the findings, and raise the OAuthError of the first breach that is refused."""
        findings, broken = chapter.judgement(evidence, self.enforcement)
        if not broken:  # nearly always
            self.findings += findings
            return
        self.findings += [finding for finding in findings if not finding.verdict.step]
        error = refusal(broken, self.enforcement)
        if error is not None:
            raise error

    def keep_apart(self, requirement: Requirement[Any], urls: Iterable[str]) -> None:
        """Refuse by ``requirement``, whatever the enforcement, what is meant for another environment of this server:
        some of ``urls``, issuers or what lies below them. Raises OAuthError.
        """
        for url in urls:
            if self.reached.is_anothers(url):
                observed = f"{quoted(url)}, which is another environment's"
                verdict = Verdict(False, observed, repr(self.urls.issuer.base))
                self.findings = [one for one in self.findings if one.requirement is not requirement]
                self.findings.append(Finding(requirement, verdict))
                raise refuse(requirement, verdict)

    def show(self, name: str, jws: Jws) -> None:
        """Let the journal show header and claims of ``jws``, which a stranger wrote."""
        self.detail[name] = {"header": jws.header, "claims": jws.claims}

    def warn(self, sentence: str) -> None:
        """Let journal and log tell, of a request that is answered, what the answer does not show."""
        self.detail.setdefault("warnings", []).append(sentence)
        LOG.warning("%s, client %r: %r", self.endpoint, self._client_name, sentence)

    def use_up(self, use: Use) -> None:
        """From now on this request uses up ``use``, whether it ends in success or in refusal."""
        self._uses.append(use)

    def note_challenged(self, once: Once) -> None:
        """Let the journal row say that ``once`` met a challenge, which uses nothing up."""
        self._challenged = once

    def note_proof_key(self, key: Once) -> None:
        """Let the journal row say which client's key has shown a nonce, or was challenged for one."""
        self._proof_key = key

    def burn_on_refusal(self, burn: Callable[[Transaction], bool]) -> None:
        """From now on a refusal carries out ``burn`` as well, in its one write."""
        self._burns.append(burn)

    def explain(self, error: OAuthError) -> None:
        """Let ``error`` tell the client why, where the server or the client's registration asks for that. A challenge
        is no fault and stays as it is; so does what ends on a page, which tells it anyway.
        """
        client = self.catalog.client(self.client_id) if self.client_id else None
        asked = (client.explain if client is not None else None) or self.environment.policy.explain
        if asked == EXPLAIN_IN_DESCRIPTION and error.code is not ErrorCode.USE_DPOP_NONCE:
            error.tell_why()
            if self.environment.session is not None and error.rule:
                error.description += _checks_named(error.rule)
            error.description = without_private_text(error.description)

    def _explain_answer(self, error: OAuthError) -> None:
        # What travels has its words since it was made.
        if not (self._ends_on_page or error.travels):
            self.explain(error)

    def finish(self, commit: Callable[[Transaction], OAuthError | None] | None = None) -> None:
        """The one write of a successful request: what it uses up, what ``commit`` does, the journal row.

        Raises OAuthError when another request was faster, or what ``commit`` returns; that is journaled as well.
        """
        with self.environment.store.writing() as transaction:
            error = self._use_up(transaction)
            if error is None and commit is not None:
                error = commit(transaction)
            self._write_row(transaction, error)
        if error is not None:
            self._log(error)
            self._explain_answer(error)
            raise error
        for finding in self.findings:
            if not finding.verdict.met and finding.requirement.not_as_asked:
                LOG.warning(
                    "answered %s, client %r, not as it asked: rule %s: %r",
                    self.endpoint,
                    self._client_name,
                    finding.requirement.id,
                    explain(finding.requirement, finding.verdict),
                )

    def refuse(self, error: OAuthError) -> None:
        """The one write of a request that ends in ``error`` without raising it."""
        self.__exit__(type(error), error, None)

    @property
    def is_journaled(self) -> bool:
        """Whether the journal has this request."""
        return self._journaled

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, OAuthError) and not self._journaled:
            with self.environment.store.writing() as transaction:
                self._use_up(transaction)
                for burn in self._burns:
                    burn(transaction)
                self._write_row(transaction, error)
            self._log(error)
            self._explain_answer(error)

    def _use_up(self, transaction: Transaction) -> OAuthError | None:
        lost = None
        for use in self._uses:
            if not self.environment.replay.remember(transaction, use.once):
                found = Finding(use.requirement, Verdict(False, use.observed, "one use"))
                # The early look has judged the same; what it found, good or bad, gives way to what is so.
                self.findings = [one for one in self.findings if one.requirement is not use.requirement]
                self.findings.append(found)
                lost = lost or refusal([found], self.enforcement)
        self.environment.sweeper.sweep_sometimes(transaction, self.times.wall, self.times.now)
        return lost

    def _write_row(self, transaction: Transaction, error: OAuthError | None) -> None:
        outcome = journal.GRANTED
        if error is not None:
            if self._ends_on_page and not error.travels:
                error_id = self.chance.token(journal.ERROR_ID_LENGTH // 2).hex()
                error.error_id = self.detail[journal.ERROR_ID] = error_id
            outcome = journal.CHALLENGED if error.code is ErrorCode.USE_DPOP_NONCE else journal.REFUSED
            if not any(finding.requirement.id == error.rule for finding in self.findings):  # none tells why
                self.detail["reason"] = _explained(error)
        entry = journal.Entry(
            at=self.times.wall,
            endpoint=self.endpoint,
            client_id=self.client_id[:_MAX_CLIENT_ID] if self.client_id else None,
            outcome=outcome,
            error=error.code.value if error else None,
            rule=(error.rule or None) if error else None,
            findings=self.findings,
            detail=self.detail,
            challenged=self._challenged,
            proof_key=self._proof_key,
            authenticated=self.authenticated,
            flow=self.flow,
            sid=self.sid,
            pid=self.pid,
            micros=(time.perf_counter_ns() - self._began) // 1000,
        )
        entry_id = self.environment.journal.write(transaction, entry, self.environment.policy.journal_size)
        if error is not None:
            error.explained_at = f"{self.urls.issuer.base}{JOURNAL_PAGE}/{entry_id}"
        if self.reached.faults is not None:
            self.reached.faults.note_entry(entry_id, self.client_id)
        self._journaled = True

    @property
    def _client_name(self) -> str:
        return (self.client_id or "")[:_MAX_CLIENT_ID]

    def _log(self, error: OAuthError) -> None:
        level = logging.DEBUG if error.code is ErrorCode.USE_DPOP_NONCE else logging.WARNING
        # repr keeps line breaks and control characters of a client's text out of the log.
        LOG.log(
            level,
            "%s %s, client %r: %s, rule %s%s: %r",
            "challenged" if error.code is ErrorCode.USE_DPOP_NONCE else "refused",
            self.endpoint,
            self._client_name,
            error.code.value,
            error.rule or "-",
            f", error id {error.error_id}" if error.error_id else "",
            _explained(error),
        )


def _checks_named(rule: str) -> str:
    """Which conformance checks ``rule`` belongs to, for the end of a description."""
    named = checks_of(rule)
    return f" Checks: {', '.join(named)}." if named else ""


def _explained(error: OAuthError) -> str:
    """Why, for a developer; where no rule says it, what the client is answered."""
    return error.detail or error.description
