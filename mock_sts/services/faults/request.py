"""The fault rules of one request: chosen, counted down, and reported in its journal entry."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from mock_sts.helseid.faults import FaultRule
from mock_sts.protocol.authorization_response import AuthorizationResponse
from mock_sts.services.environment import Environment, Reached
from mock_sts.services.faults.answers import spoiled_parameters
from mock_sts.services.faults.tokens import respoiled
from mock_sts.store.database import Transaction
from mock_sts.store.faults import Faults
from mock_sts.store.journal import FAULTED, Entry, Journal

#: Longest client id that the journal keeps of a request that nothing was judged of, in characters.
_LONGEST_CLIENT_ID = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """What is known of a request before it is judged: its path, the client that it claims to be of, its grant type,
    and its headers by name.
    """

    path: str
    client_id: str | None
    grant_type: str | None
    header_of: Callable[[str], str | None]


@dataclass(slots=True)
class RequestFaults:
    """What the rules do to one request. ``happened`` are those whose effect it has met."""

    environment: Environment
    rules: tuple[FaultRule, ...]
    asked: Asked
    client_id: str | None
    happened: list[FaultRule] = field(default_factory=list)
    _entry: int | None = None
    _marked: int = 0

    @classmethod
    def of(cls, reached: Reached, asked: Asked) -> "RequestFaults":
        """Those of what was ``reached`` that may be for the request."""
        rules = tuple(rule for rule in reached.catalog.faults if _is_for(rule, asked))
        return cls(reached.environment, rules, asked, asked.client_id)

    def of_kind(self, *kinds: str) -> Iterator[FaultRule]:
        """The rules with these effects that are for the client of the request."""
        for rule in self.rules:
            if rule.effect.kind in kinds and rule.match.client_id in (None, self.client_id):
                yield rule

    def take(self, rule: FaultRule) -> bool:
        """Let the effect of ``rule`` happen: False where it is used up, or its draw says no."""
        faults = Faults(self.environment.store, self.environment.name)
        with self.environment.store.writing() as transaction:
            if rule.probability is not None:
                draw = faults.draw(transaction, rule.id)
                if draw is None or not rule.happens(draw):
                    return False
            if not faults.take(transaction, rule.id):
                return False
            self.happened.append(rule)
            self._mark(transaction)
        return True

    def note_entry(self, entry_id: int, client_id: str | None) -> None:
        """The journal has the request as ``entry_id``; from now on its client is known."""
        self._entry = entry_id
        self._marked = 0
        self.client_id = client_id or self.client_id

    def authorization_response(self, response: AuthorizationResponse) -> AuthorizationResponse:
        """``response`` as it is to leave."""
        for rule in self.of_kind("authorization_response"):
            parameters = spoiled_parameters(str(rule.effect.value), response.parameters)
            if parameters is not None and self.take(rule):
                response = AuthorizationResponse(response.redirect_uri, response.mode, parameters)
        return response

    def logout_token(self, client_id: str, token: str) -> tuple[str, str]:
        """The logout ``token`` for ``client_id`` as it is to be sent, empty for not at all; and the effect on it, empty
        for none.
        """
        for rule in self.rules:
            is_for = rule.effect.kind == "backchannel_logout" and rule.match.client_id in (None, client_id)
            if is_for and self.take(rule):
                sent = "" if rule.effect.value == "not_sent" else respoiled(rule, token, self.environment)
                return sent, f"{rule.id}; {rule.effect.text}"
        return token, ""

    @property
    def header(self) -> str:
        """The rules that were at work, each with its effect; an empty string for none."""
        return ", ".join(f"{rule.id}; {rule.effect.text}" for rule in self.happened)

    def settle(self, error: str | None = None, detail: dict[str, Any] | None = None) -> None:
        """Let the journal tell of all that has happened: by the request's own entry, or by a new one where none was
        written. ``error`` is what was answered, where that is an OAuth error.
        """
        if len(self.happened) == self._marked:
            return
        environment = self.environment
        with environment.store.writing() as transaction:
            if self._entry is None:
                client_id = self.client_id
                entry = Entry(
                    at=environment.clock.times().wall,
                    endpoint=self.asked.path,
                    client_id=client_id[:_LONGEST_CLIENT_ID] if client_id else None,
                    outcome=FAULTED,
                    error=error,
                    rule=None,
                    findings=(),
                    detail=detail or {},
                    authenticated=False,
                )
                self._entry = environment.journal.write(transaction, entry, environment.policy.journal_size)
            self._mark(transaction)

    def _mark(self, transaction: Transaction) -> None:
        if self._entry is not None:
            effects = [{"id": rule.id, "effect": rule.effect.text} for rule in self.happened]
            Journal.mark_faulted(transaction, self._entry, effects)
            self._marked = len(self.happened)


def _is_for(rule: FaultRule, asked: Asked) -> bool:
    """Whether ``rule`` may be for the request, as far as that is known before it is judged. Who its client is may
    turn out later, for requests of browsers do not say.
    """
    match = rule.match
    return (
        (not rule.paths or asked.path in rule.paths)
        and (match.grant_type is None or match.grant_type == asked.grant_type)
        and (match.client_id is None or asked.client_id in (None, match.client_id) or rule.effect.kind in _OF_OTHERS)
        and match.fits_headers(asked.header_of)
    )


#: Effects whose client is not the one that sends the request.
_OF_OTHERS = ("backchannel_logout",)
