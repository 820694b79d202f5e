"""Tokens on order, beyond what NHN's service makes: of clients and people of the world, spoiled in any way; and a
matrix of all defects of one good token.

The claims are those that the token endpoint would write for the same client, person and API.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mock_sts.helseid import trust_framework
from mock_sts.helseid.claims import (
    ACCESS_TOKEN_CLAIMS,
    ORGNR_PARENT,
    AccessTokenFacts,
    IdTokenFacts,
    Login,
    Subject,
    access_token_claims,
    access_token_lifetime,
    full_name,
    id_token_claims,
)
from mock_sts.helseid.details import NO_DETAILS, Details, OrganizationNumbers
from mock_sts.helseid.eids import PROVIDERS
from mock_sts.helseid.ready import READY_CLIENT
from mock_sts.helseid.registry.api import ApiResource
from mock_sts.helseid.registry.client import Client
from mock_sts.protocol.defects import DEFECTS, Defect, UnknownDefectError, find_defects
from mock_sts.protocol.near_names import did_you_mean
from mock_sts.protocol.terms import TokenType
from mock_sts.services.login.automation import pid_of
from mock_sts.services.registry.people import UnknownPersonError
from mock_sts.services.request_context import RequestContext
from mock_sts.services.tokens.issuing import ACCESS_TOKEN_TYP, ID_TOKEN_TYP, new_jti
from mock_sts.services.tokens.ordered import (
    Made,
    ProofKeyError,
    ProofPlan,
    TokenPlan,
    carry_out,
    make_proof,
    new_proof_key,
    read_proof_key,
)

#: Where a person of an order has logged in.
_TESTIDP = next(provider for provider in PROVIDERS if provider.is_testidp)

#: A child organization that no client has: an API that decides by the child would let it in.
_OTHER_CHILD = "299999994"


class OrderFaultError(ValueError):
    """An order that cannot be carried out; ``member`` is what is wrong in it, the message says how."""

    def __init__(self, member: str, why: str) -> None:
        super().__init__(f"{member}: {why}")
        self.member = member
        self.path = tuple(member.split("."))


class UnknownRecipeError(LookupError):
    """There is no such recipe; the message names those that are near."""


@dataclass(frozen=True, slots=True)
class ProofOrder:
    """A proof: for which method and URL, signed by ``key`` (a private JWK; None: a new one), with a ``nonce`` where the
    API has given one.
    """

    method: str
    url: str
    key: Mapping[str, str] | None = None
    nonce: str | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """A token to make. Each member that is left out follows from the others, as at the token endpoint.

    ``scope``: of the API, where it is empty. ``claims`` are written over the others; None takes one away. ``lifetime``
    in seconds; ``now`` (seconds) and ``jti`` make two runs give the same. ``jkt`` binds the token to a key of the
    caller's. ``id_token`` makes an ID token, whose audience is the client.
    """

    audience: str = ""
    client_id: str = READY_CLIENT
    persona: str | None = None
    scope: tuple[str, ...] = ()
    organization: str | None = None
    child: str | None = None
    journal_id: str | None = None
    security_level: str | None = None
    trust_framework: Mapping[str, Any] | None = None
    claims: Mapping[str, Any] = field(default_factory=dict)
    lifetime: int | None = None
    typ: str | None = None
    now: int | None = None
    jti: str | None = None
    defects: tuple[str, ...] = ()
    proof: ProofOrder | None = None
    jkt: str | None = None
    id_token: bool = False
    nonce: str | None = None

    def changed(self, **members: Any) -> "Order":
        """The same with these members, as far as they are not None."""
        return replace(self, **{name: value for name, value in members.items() if value is not None})


@dataclass(frozen=True, slots=True)
class Carried:
    """What an order gave. ``key`` is the private JWK of the proof, for proofs of the caller's own; it is theirs alone,
    made for this order or sent with it.
    """

    made: Made
    defects: tuple[Defect, ...]
    warnings: tuple[str, ...]
    token_type: TokenType
    key: Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class Recipe:
    """An order with a name."""

    name: str
    says: str
    order: Order


RECIPES: tuple[Recipe, ...] = (
    Recipe("machine", "A machine of one organization", Order(client_id="demo-machine")),
    Recipe("machine-child", "A machine that acts in a child organization", Order(client_id="demo-machine-child")),
    Recipe("machine-bearer", "A machine, with a Bearer token", Order(client_id="demo-machine-bearer")),
    Recipe("doctor", "A doctor at level 4", Order(client_id="demo-web", persona="kvart-grevling")),
    Recipe(
        "doctor-in-two-offices",
        "A doctor who works for two organizations",
        Order(client_id="demo-web", persona="gp-two-offices"),
    ),
    Recipe(
        "doctor-in-two-offices-expired",
        "The same, and the token is over",
        Order(client_id="demo-web", persona="gp-two-offices", defects=("expired",)),
    ),
    Recipe(
        "low-level",
        "A person who has logged in at level 3",
        Order(client_id="demo-web", persona="kvart-grevling", security_level="3"),
    ),
    Recipe(
        "id-token",
        "An ID token, which no API takes",
        Order(client_id="demo-web", persona="kvart-grevling", id_token=True),
    ),
)


def recipe_called(name: str) -> Recipe:
    """The recipe called ``name``. Raises UnknownRecipeError."""
    found = next((recipe for recipe in RECIPES if recipe.name == name), None)
    if found is None:
        meant = did_you_mean(name, [recipe.name for recipe in RECIPES])
        raise UnknownRecipeError(f"no recipe is called {name[:60]!r}{meant and '; '}{meant}")
    return found


def carry_out_order(context: RequestContext, order: Order) -> Carried:
    """Make the token that is ordered, and its proof. Raises OrderFaultError."""
    try:
        defects = find_defects(order.defects)
    except UnknownDefectError as error:
        raise OrderFaultError("defects", str(error)) from None
    _check(order, defects)
    key = None
    if order.proof is not None:
        key = _usable(order.proof.key) if order.proof.key is not None else new_proof_key()
        order = replace(order, proof=replace(order.proof, key=key))
    made = _made(context, order, defects)
    warnings = []
    if len(defects) > 1:
        named = ", ".join(defect.name for defect in defects)
        warnings.append(f"there are {len(defects)} defects ({named}): a refusal does not tell which of them was seen")
    claims = made.token.claims
    kind = TokenType.DPOP if "cnf" in claims else TokenType.BEARER
    return Carried(made, defects, tuple(warnings), kind, key)


def prove(context: RequestContext, access_token: str, order: ProofOrder, defect_name: str = "") -> str:
    """A fresh proof for ``access_token``, spoiled by the defect called ``defect_name``; without a name, a good one.
    Raises OrderFaultError.
    """
    if not access_token.isascii():
        raise OrderFaultError("access_token", "holds letters that no token has")
    try:
        defects = find_defects((defect_name,)) if defect_name else ()
    except UnknownDefectError as error:
        raise OrderFaultError("defect", str(error)) from None
    if any(not defect.in_proof for defect in defects):
        raise OrderFaultError("defect", f"{defect_name} is a defect of tokens; those of proofs begin with 'proof_'")
    key = _usable(order.key) if order.key is not None else new_proof_key()
    plan = ProofPlan(order.method, order.url, key, new_jti(), context.times.wall, order.nonce)
    return make_proof(plan, access_token, context.times.wall, defects)[0]


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """One row: a token with one defect or none, how it is sent, and what a resource server does about it.

    ``proof_defect`` is what the proof shall have, an empty text for a good one. A token that is ``bound`` goes with the
    scheme DPoP, save in the row that is about that.
    """

    name: str
    says: str
    access_token: str
    token_type: TokenType
    with_proof: bool
    proof_defect: str
    send_twice: bool
    must_refuse: bool
    may_accept: tuple[tuple[str, str], ...]
    status: int
    error: str


@dataclass(frozen=True, slots=True)
class Matrix:
    """All defects of one good token. ``key`` is the private JWK to which its tokens are bound; None for Bearer."""

    rows: tuple[MatrixRow, ...]
    key: Mapping[str, str] | None


#: The row without a defect, which must be let in before the others mean anything.
GOOD = "good"


def matrix(context: RequestContext, order: Order, *, bearer: bool) -> Matrix:
    """Every defect of the token that ``order`` describes. Raises OrderFaultError."""
    key = None if bearer else new_proof_key()
    jkt = None if key is None else ProofPlan("", "", key, "", 0).thumbprint
    bound = replace(order, jkt=jkt, proof=None, defects=())
    kind = TokenType.BEARER if bearer else TokenType.DPOP

    def token(one: Order, *defects: str) -> str:
        return _made(context, one, find_defects(defects)).access_token

    rows = [MatrixRow(GOOD, "Nothing is wrong", token(bound), kind, not bearer, "", False, False, (), 200, "")]
    for defect in DEFECTS:
        if bearer and defect.needs_proof:
            continue
        rows.append(
            MatrixRow(
                name=defect.name,
                says=defect.says,
                access_token=token(bound) if defect.in_proof or defect.presented else token(bound, defect.name),
                token_type=TokenType.BEARER if defect.presented == "as_bearer" else kind,
                with_proof=not bearer and defect.presented not in ("as_bearer", "without_proof"),
                proof_defect=defect.name if defect.in_proof else "",
                send_twice=defect.presented == "twice",
                must_refuse=defect.expected.must_refuse,
                may_accept=defect.expected.accepted_by,
                status=defect.expected.status,
                error=defect.expected.error,
            )
        )
    other = replace(bound, child=_OTHER_CHILD)
    rows.append(
        MatrixRow(
            name="other_child",
            says="It names a child organization that the client has not been given",
            access_token=token(other),
            token_type=kind,
            with_proof=not bearer,
            proof_defect="",
            send_twice=False,
            must_refuse=False,
            may_accept=(("every API", "an API does not decide by orgnr_child: HelseID does not check it"),),
            status=200,
            error="",
        )
    )
    return Matrix(tuple(rows), key)


def _check(order: Order, defects: Sequence[Defect]) -> None:
    if not order.audience and not order.id_token:
        raise OrderFaultError("audience", "is missing: the name of the API that the token is for")
    if order.proof is not None and order.jkt is not None:
        raise OrderFaultError("jkt", "is given beside proof, whose key the token is bound to; leave one of the two out")
    if order.lifetime is not None and order.lifetime < 1:
        raise OrderFaultError("lifetime", "must be a second or more; the defect expired makes a token that is over")
    lonely = [defect.name for defect in defects if defect.needs_proof and order.proof is None]
    if lonely:
        raise OrderFaultError("defects", f"{', '.join(lonely)}: needs a proof; say for which method and URL in proof")
    if order.id_token and order.persona is None:
        raise OrderFaultError("persona", "is missing: an ID token tells of a person")


def _usable(key: Mapping[str, str]) -> dict[str, str]:
    """``key`` with the algorithm that it signs with. Raises OrderFaultError."""
    try:
        return read_proof_key(json.dumps(dict(key)))
    except ProofKeyError as error:
        raise OrderFaultError("proof.key", str(error)) from None


def _made(context: RequestContext, order: Order, defects: tuple[Defect, ...]) -> Made:
    now = context.times.wall if order.now is None else order.now
    proof = None
    if order.proof is not None and order.proof.key is not None:
        said = order.proof
        proof = ProofPlan(said.method, said.url, order.proof.key, new_jti(), context.times.wall, said.nonce)
    jkt = order.jkt if proof is None else proof.thumbprint
    claims = _claims(context, order, now, jkt)
    typ = order.typ or (ID_TOKEN_TYP if order.id_token else ACCESS_TOKEN_TYP)
    return carry_out(TokenPlan(claims, typ, now, defects, proof), context.environment.keyring)


def _claims(context: RequestContext, order: Order, now: int, jkt: str | None) -> dict[str, Any]:
    client = context.catalog.client(order.client_id)
    if client is None:
        meant = did_you_mean(order.client_id, [one.client_id for one in context.catalog.clients()])
        raise OrderFaultError("client_id", f"no client has the id {order.client_id[:100]!r}{meant and '; '}{meant}")
    subject = _subject(context, order, now)
    policy = context.environment.policy
    if order.id_token and subject is not None:
        facts = IdTokenFacts(
            issuer=context.urls.issuer.base,
            issued_at=now,
            lifetime=order.lifetime or client.id_token_lifetime or policy.id_token_lifetime,
            client_id=client.client_id,
            scopes=order.scope or client.scope,
            nonce=order.nonce,
            access_token="",
            state=None,
            empty_claims=policy.empty_claims,
        )
        claims = id_token_claims(facts, subject)
    else:
        claims = _access_token_claims(context, order, now, jkt, client, subject)
    changed = {**claims, **order.claims}
    return {name: value for name, value in changed.items() if value is not None or name not in order.claims}


def _access_token_claims(
    context: RequestContext, order: Order, now: int, jkt: str | None, client: Client, subject: Subject | None
) -> dict[str, Any]:
    api = context.catalog.api(order.audience)
    if api is None:  # one that no file describes gets all claims
        api = ApiResource(audience=order.audience, claims=ACCESS_TOKEN_CLAIMS, implied=True)
    scopes = order.scope or tuple(scope for scope in client.scope if scope in api.scopes) or api.scopes[:1]
    details = NO_DETAILS
    if order.organization is not None or order.child is not None:
        details = Details(organization=OrganizationNumbers(order.organization, order.child))
    framework = None
    if order.trust_framework is not None:
        if subject is None:
            raise OrderFaultError("trust_framework", "tells of a person at work; name one in persona")
        framework = trust_framework.claim(
            order.trust_framework,
            pid=subject.persona.pid,
            name=full_name(subject.persona),
            hpr_number=subject.login.hpr_number,
            organization_name=context.catalog.organization_name,
        )
    usual = access_token_lifetime(client, (api,), context.environment.policy.access_token_lifetime)
    claims = access_token_claims(
        AccessTokenFacts(
            issuer=context.urls.issuer.base,
            issued_at=now,
            lifetime=order.lifetime or usual,
            client=client,
            scopes=scopes or (f"{order.audience}/scope",),
            apis=(api,),
            confirmation=jkt,
            jti=order.jti or new_jti(),
            subject=subject,
            details=replace(details, journal_id=order.journal_id),
            trust_framework=framework,
        )
    )
    return {**claims, ORGNR_PARENT: order.organization} if order.organization else claims


def _subject(context: RequestContext, order: Order, now: int) -> Subject | None:
    if order.persona is None:
        return None
    environment = context.environment
    try:
        persona = environment.people.find(pid_of(environment, order.persona), invent=environment.policy.invent_people)
    except UnknownPersonError as error:
        raise OrderFaultError("persona", str(error)) from None
    login = Login(
        sid=new_jti(),
        auth_time=now,
        idp=_TESTIDP.scheme,
        amr=tuple(_TESTIDP.eids[0].amr),
        security_level=order.security_level or persona.security_level,
        hpr_number=persona.hpr_number,
    )
    network = persona.network or environment.policy.network
    return Subject(persona, login, environment.people.sub(persona.pid), network)
