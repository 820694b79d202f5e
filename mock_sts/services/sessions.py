"""Logins: sessions of browsers, and who a session is."""

from mock_sts.helseid.claims import Login, Subject
from mock_sts.helseid.eids import Eid, Provider
from mock_sts.helseid.identifiers import is_synthetic_pid, pid_fault
from mock_sts.helseid.personas import INVENTED
from mock_sts.helseid.profile import login
from mock_sts.helseid.profile.login import LoginEvidence
from mock_sts.helseid.providers import usable_eids
from mock_sts.helseid.registry.client import Client
from mock_sts.helseid.registry.persona import Persona
from mock_sts.helseid.testidp import LoginIntent
from mock_sts.services.chance import capitals, urlsafe
from mock_sts.services.environment import Environment
from mock_sts.services.request_context import RequestContext
from mock_sts.store.database import Transaction
from mock_sts.store.records import LoginFacts, LoginSession
from mock_sts.store.sessions import Sessions
from mock_sts.values import value_type

#: Seconds; no access token lives longer.
_DAY = 86_400


@value_type
class MadeSession:
    """A session that is decided but not kept yet, the cookie that the browser gets for it, and whose it is."""

    cookie: str
    session: LoginSession
    sessions: Sessions

    def keep(self, transaction: Transaction) -> LoginSession:
        """Write it and end the browser's former session; what was kept, which may have another ``auth_time``."""
        return self.sessions.keep(transaction, self.cookie, self.session)


def find_session(context: RequestContext, cookie: str | None) -> LoginSession | None:
    """The browser's session, if it has one that is not over."""
    if not cookie:
        return None
    return context.environment.sessions.find(cookie, context.times.now)


@value_type
class Entrance:
    """A person at a provider's door, let in: with which eID, at which security level."""

    persona: Persona
    provider: Provider
    eid: Eid
    security_level: str


def let_in(context: RequestContext, intent: LoginIntent, provider: Provider, level: str | None) -> Entrance:
    """The login that ``intent`` asks for at ``provider``; ``level`` is what the client asks for at least, or None.

    Raises OAuthError access_denied when that login is impossible: the person is unknown, has no such eID, or does not
    reach the level.
    """
    evidence, eid = evidence_of(context.environment, intent, provider, level)
    context.judge(login.CHAPTER, evidence)
    if evidence.persona is None or eid is None:
        raise AssertionError("the chapter let someone in who cannot be")
    _warn_of_odd_pid(context, evidence.persona)
    return Entrance(evidence.persona, provider, eid, evidence.level)


def evidence_of(
    environment: Environment, intent: LoginIntent, provider: Provider, level: str | None
) -> tuple[LoginEvidence, Eid | None]:
    """What is known of the login that ``intent`` asks for, and the eID that it takes place with."""
    policy = environment.policy
    persona = environment.people.look_up(intent.pid, invent=policy.invent_people)
    eid, reached = None, ""
    if persona is not None:
        usable = usable_eids(persona, provider)
        eid = provider.eid(intent.eid) if intent.eid is not None else next(iter(usable), None)
        of_eid = eid.levels[0] if eid is not None else ""
        reached = intent.level_for(persona.security_level) if provider.is_testidp else of_eid
    evidence = LoginEvidence(
        pid=intent.pid,
        persona=persona,
        provider=provider,
        chosen=intent.eid,
        level=reached,
        wanted_level=level,
        require_synthetic=policy.require_synthetic,
    )
    return evidence, eid


def _warn_of_odd_pid(context: RequestContext, persona: Persona) -> None:
    """A pid outside the synthetic series may be a living person's: it is refused or warned of, by setting."""
    if (fault := pid_fault(persona.pid)) and persona.description == INVENTED:
        context.warn(
            f"no person can have the pid, for {fault}: a person was invented for it. mock-sts persona list tells who "
            "there is, persona new makes a person"
        )
    elif not is_synthetic_pid(persona.pid):
        warning = "the pid lies in no synthetic series (month +80, +65 or +40); it may be a living person's"
        context.warn(f"{warning}; use synthetic people only")


def make_session(
    context: RequestContext, intent: LoginIntent, entrance: Entrance, former: LoginSession | None, client: Client
) -> MadeSession:
    """The session of a person who was let in for ``client``, as ``intent`` says.

    A later login of the same person keeps the session id.
    """
    longest_refresh: int = client.refresh_token_lifetime or 0
    facts = LoginFacts(
        pid=intent.pid,
        auth_time=context.times.wall,
        began_at=context.times.now,
        idp=entrance.provider.scheme,
        eid=entrance.eid.name,
        amr=tuple(entrance.eid.amr),
        security_level=entrance.security_level,
        hpr_number=intent.hpr_number,
    )
    same_person = former is not None and former.login.pid == intent.pid
    sid = former.sid if former is not None and same_person else capitals(context.chance, 16)
    policy, now = context.environment.policy, context.times.now
    remembered = max(policy.single_sign_on_lifetime, policy.refresh_token_lifetime, longest_refresh) + _DAY
    session = LoginSession(sid, facts, now + policy.single_sign_on_lifetime, now + remembered)
    return MadeSession(urlsafe(context.chance, 32), session, context.environment.sessions)


def subject_of(environment: Environment, sid: str, login: LoginFacts) -> Subject:
    """The person of a session, as tokens speak of them: the register is asked anew each time.

    Raises UnknownPersonError when the persona is gone and no person may be invented.
    """
    persona = environment.people.find(login.pid, invent=environment.policy.invent_people)
    spoken_of = Login(
        sid=sid,
        auth_time=login.auth_time,
        idp=login.idp,
        amr=login.amr,
        security_level=login.security_level,
        hpr_number=login.hpr_number or persona.hpr_number,
    )
    network = persona.network or environment.policy.network
    return Subject(persona, spoken_of, environment.people.sub(persona.pid), network)
