"""Tokens on order: any token, correct or broken in a chosen way, and the matrix of all its defects."""

from collections.abc import Mapping
from typing import Any

from mock_sts.helseid.ready import READY_CLIENT
from mock_sts.protocol.defects import DEFECTS
from mock_sts.services.control.ordered_tokens import (
    RECIPES,
    Carried,
    MatrixRow,
    Order,
    OrderFaultError,
    ProofOrder,
    UnknownRecipeError,
    carry_out_order,
    matrix,
    prove,
    recipe_called,
)
from mock_sts.services.request_context import RequestContext
from mock_sts.web.mock.api.operations import Call, Resource
from mock_sts.web.mock.api.problems import BAD_MEMBER, BAD_PARAMETER, NOT_FOUND, Kind, Problem
from mock_sts.web.mock.api.serving import PREFIX
from mock_sts.web.mock.api.shapes import member, shape

RESOURCE = Resource(
    "test tokens",
    "Tokens on order, signed by the key of the STS: of any client, person and API, correct or broken in a chosen way; "
    "and every defect of one good token, with what a resource server does about it.",
)

#: The paths.
TOKENS, RECIPE_PATH = "/test-tokens", "/test-tokens/{recipe}"
MATRIX_PATH, PROOF_PATH = "/test-tokens/matrix", "/test-tokens/proof"

#: The longest text that a token may have where it comes back.
_LONGEST_TOKEN = 100_000

_DEFECT_NAMES = tuple(defect.name for defect in DEFECTS)
_PROOF_DEFECT_NAMES = tuple(defect.name for defect in DEFECTS if defect.in_proof)

#: Seconds since 1970 that a token may be made at: up to the year 3000.
_LATEST = 32_503_680_000


@shape("proof")
class Proof:
    """A DPoP proof to make."""

    method: str = member("The method of the call, such as GET", longest=40)
    url: str = member("The address of the call")
    key: Mapping[str, Any] | None = member(
        "A private JWK that signs it, and to which the token is bound; unset: a new one", default=None
    )
    nonce: str | None = member("The nonce that the API has given; unset: none", default=None)


@shape("the order")
class TokenOrder:
    """A token to make. What is left out follows from the rest, as at the token endpoint."""

    audience: str | None = member("The API that it is for; only an ID token needs none", default=None)
    client_id: str | None = member(f"The client that it is for; unset: {READY_CLIENT}", default=None)
    persona: str | None = member("Who has logged in: a short name or a pid; unset: a machine", default=None)
    scope: tuple[str, ...] = member("The scopes; unset: those of the API that the client has", default=())
    organization: str | None = member("The parent organization that the client acts for", default=None)
    child: str | None = member("The child organization", default=None)
    journal_id: str | None = member("The SFM journal", default=None)
    security_level: str | None = member("The level of the login; unset: the person's", default=None)
    trust_framework: Mapping[str, Any] | None = member("What the client attests (tillitsrammeverk)", default=None)
    claims: Mapping[str, Any] | None = member("Claims over the others; null takes one away", default=None)
    lifetime: int | None = member("Seconds that it lives", default=None, low=1, high=3_155_760_000)
    typ: str | None = member("The typ of its header; unset: at+jwt, or JWT for an ID token", default=None)
    now: int | None = member("When it is made, in seconds since 1970; unset: now", default=None, high=_LATEST)
    jti: str | None = member("Its jti; unset: a new one", default=None)
    defects: tuple[str, ...] = member("What is wrong with it or its proof", default=(), choices=_DEFECT_NAMES)
    proof: Proof | None = member("Its DPoP proof; unset: none", default=None)
    jkt: str | None = member("The thumbprint of a key of yours, to bind it to; unset: none", default=None)
    id_token: bool = member("Whether it is an ID token", default=False)
    nonce: str | None = member("The nonce of an ID token", default=None)


@shape("defect")
class Defect:
    """A defect, and what a resource server does about it."""

    name: str = member("Its name")
    says: str = member("What is wrong")
    in_proof: bool = member("Whether the proof has it, and not the token")
    must_refuse: bool = member("Whether every resource server has to refuse it")
    status: int = member("The status of a refusal")
    error: str = member("The error of a refusal, in WWW-Authenticate; empty: none")


@shape("the answer")
class Made:
    """A token, and all that is known of it."""

    access_token: str = member("The token")
    token_type: str = member("How it is sent: DPoP or Bearer")
    proof: str | None = member("Its proof; null: none was ordered")
    key: Mapping[str, Any] | None = member("The private JWK of the proof, for more proofs; null without a proof")
    header: Mapping[str, Any] = member("The token's header")
    claims: Mapping[str, Any] = member("The token's claims")
    proof_header: Mapping[str, Any] | None = member("The proof's header")
    proof_claims: Mapping[str, Any] | None = member("The proof's claims")
    defects: tuple[Defect, ...] = member("What is wrong, as it was ordered")
    warnings: tuple[str, ...] = member("What to bear in mind")


@shape("recipe")
class Recipe:
    """An order with a name."""

    name: str = member("Its name")
    says: str = member("What it makes")


@shape("the answer")
class Recipes:
    """The recipes and the defects that there are."""

    recipes: tuple[Recipe, ...] = member("Orders with a name")
    defects: tuple[Defect, ...] = member("Everything that can be wrong with a token or a proof")


@shape("the proof")
class ProofRequest:
    """A fresh proof for a token."""

    access_token: str = member("The token that it goes with", longest=_LONGEST_TOKEN)
    method: str = member("The method of the call, such as GET", longest=40)
    url: str = member("The address of the call")
    key: Mapping[str, Any] | None = member(
        "The private JWK to which the token is bound; unset: a new one", default=None
    )
    defect: str | None = member(
        "What is wrong with the proof; unset: nothing", default=None, choices=_PROOF_DEFECT_NAMES
    )
    nonce: str | None = member("The nonce that the API has given; unset: none", default=None)


@shape("the answer")
class MadeProof:
    """The proof."""

    proof: str = member("The proof, good for a few seconds and one call")


@shape("the query")
class MatrixQuery:
    """The good token whose defects are asked for."""

    audience: str = member("The API that it is for")
    client_id: str | None = member(f"The client; unset: {READY_CLIENT}", default=None)
    persona: str | None = member("Who has logged in; unset: a machine", default=None)
    scope: str | None = member("Scopes with spaces between; unset: those of the API that the client has", default=None)
    organization: str | None = member("The parent organization", default=None)
    child: str | None = member("The child organization", default=None)
    bearer: bool = member("Whether the API takes Bearer tokens; unset: DPoP", default=False)


@shape("acceptance")
class Acceptance:
    """Servers that let a defect pass."""

    server: str = member("Which")
    why: str = member("Why")


@shape("row")
class Row:
    """A token with one defect or none, how it is sent, and what a resource server does about it."""

    name: str = member("The defect; good: none")
    says: str = member("What is wrong")
    access_token: str = member("The token")
    token_type: str = member("The scheme of the Authorization header: DPoP or Bearer")
    with_proof: bool = member("Whether a proof goes along, which POST …/test-tokens/proof makes when it is called")
    proof_defect: str | None = member("The `defect` to order that proof with; null: a good one")
    send_twice: bool = member("Whether the same request is sent twice, and the second answer counts")
    must_refuse: bool = member("Whether every resource server has to refuse it")
    may_accept: tuple[Acceptance, ...] = member("Servers that let it pass, and why; empty where none may")
    status: int = member("The status to expect")
    error: str = member("The error of the refusal in WWW-Authenticate; empty: none")


@shape("the answer")
class MatrixAnswer:
    """Every defect of one good token; the row `good` first, which must be let in before the others mean anything."""

    key: Mapping[str, Any] | None = member("The private JWK to which the tokens are bound; null for Bearer tokens")
    proof: str | None = member("Where a fresh proof is made; null for Bearer tokens")
    items: tuple[Row, ...] = member("The rows")


_FAULTS: Mapping[type[Exception], Kind] = {OrderFaultError: BAD_MEMBER}


@RESOURCE.operation("POST", TOKENS, "Make a token, and its proof", body=TokenOrder, answer=Made, raises=_FAULTS)
def make_token(call: Call[TokenOrder, None]) -> Made:
    """Make what is ordered."""
    return _carried(call, _order(call.body, Order()))


@RESOURCE.operation("GET", TOKENS, "The recipes and the defects that there are", answer=Recipes)
def token_recipes(call: Call[None, None]) -> Recipes:
    """List them."""
    return Recipes(
        recipes=tuple(Recipe(name=one.name, says=one.says) for one in RECIPES),
        defects=tuple(_defect(one) for one in DEFECTS),
    )


@RESOURCE.operation(
    "GET",
    MATRIX_PATH,
    "Every defect of a good token, with what a resource server does about it",
    query=MatrixQuery,
    answer=MatrixAnswer,
    problems=(BAD_PARAMETER,),
)
def token_matrix(call: Call[None, MatrixQuery]) -> MatrixAnswer:
    """Make all of them."""
    asked = call.query
    order = Order(
        audience=asked.audience,
        client_id=asked.client_id or READY_CLIENT,
        persona=asked.persona,
        scope=tuple((asked.scope or "").split()),
        organization=asked.organization,
        child=asked.child,
    )
    try:
        made = matrix(_context(call), order, bearer=asked.bearer)
    except OrderFaultError as error:
        raise Problem(BAD_PARAMETER, str(error), parameter=error.member) from None
    where = None if made.key is None else f"{call.reached.urls.back_channel.base}{PREFIX}{PROOF_PATH}"
    return MatrixAnswer(key=made.key, proof=where, items=tuple(_row(one) for one in made.rows))


@RESOURCE.operation(
    "POST", PROOF_PATH, "Make a fresh proof for a token", body=ProofRequest, answer=MadeProof, raises=_FAULTS
)
def make_proof(call: Call[ProofRequest, None]) -> MadeProof:
    """Make it now: proofs are good for seconds, and once."""
    body = call.body
    order = ProofOrder(body.method, body.url, body.key, body.nonce)
    return MadeProof(proof=prove(_context(call), body.access_token, order, body.defect or ""))


@RESOURCE.operation(
    "POST",
    RECIPE_PATH,
    "Make a token by a recipe; the body changes what the recipe says",
    body=TokenOrder,
    body_may_be_missing=True,
    answer=Made,
    raises={**_FAULTS, UnknownRecipeError: NOT_FOUND},
    names={"recipe": "The recipe's name"},
)
def make_by_recipe(call: Call[TokenOrder | None, None]) -> Made:
    """Make what the recipe says, and the body changes."""
    recipe = recipe_called(call.names["recipe"])
    return _carried(call, _order(call.body or TokenOrder(), recipe.order))


def _context(call: Call[Any, Any]) -> RequestContext:
    return RequestContext(call.reached, call.request.path)


def _order(body: TokenOrder, base: Order) -> Order:
    """``base`` with what ``body`` says over it."""
    proof = None
    if body.proof is not None:
        proof = ProofOrder(body.proof.method, body.proof.url, body.proof.key, body.proof.nonce)
    return base.changed(
        audience=body.audience,
        client_id=body.client_id,
        persona=body.persona,
        scope=body.scope or None,
        organization=body.organization,
        child=body.child,
        journal_id=body.journal_id,
        security_level=body.security_level,
        trust_framework=body.trust_framework,
        claims=body.claims,
        lifetime=body.lifetime,
        typ=body.typ,
        now=body.now,
        jti=body.jti,
        defects=body.defects or None,
        proof=proof,
        jkt=body.jkt,
        id_token=body.id_token or None,
        nonce=body.nonce,
    )


def _carried(call: Call[Any, None], order: Order) -> Made:
    carried: Carried = carry_out_order(_context(call), order)
    made = carried.made
    parts = made.proof_parts
    return Made(
        access_token=made.access_token,
        token_type=carried.token_type.value,
        proof=made.proof,
        key=carried.key,
        header=made.token.header,
        claims=made.token.claims,
        proof_header=None if parts is None else parts.header,
        proof_claims=None if parts is None else parts.claims,
        defects=tuple(_defect(one) for one in carried.defects),
        warnings=carried.warnings,
    )


def _defect(defect: Any) -> Defect:
    return Defect(
        name=defect.name,
        says=defect.says,
        in_proof=defect.in_proof,
        must_refuse=defect.expected.must_refuse,
        status=defect.expected.status,
        error=defect.expected.error,
    )


def _row(row: MatrixRow) -> Row:
    return Row(
        name=row.name,
        says=row.says,
        access_token=row.access_token,
        token_type=row.token_type.value,
        with_proof=row.with_proof,
        proof_defect=row.proof_defect or None,
        send_twice=row.send_twice,
        must_refuse=row.must_refuse,
        may_accept=tuple(Acceptance(server=server, why=why) for server, why in row.may_accept),
        status=row.status,
        error=row.error,
    )
