"""The registry of an environment: people, organizations, APIs, clients, and all of them at once."""

from collections.abc import Mapping
from typing import Any

from mock_sts.helseid.registry.api import API_FORMAT, ApiResource
from mock_sts.helseid.registry.client import CLIENT_FORMAT, Client
from mock_sts.helseid.registry.organization import ORGANIZATION_FORMAT, Organization
from mock_sts.helseid.registry.persona import PERSONA_FORMAT, Persona
from mock_sts.services.control.client_keys import KEY_KINDS, KeyOrder, with_keys
from mock_sts.services.control.registry import own_world, put_world
from mock_sts.web.mock.api.entries import Body, EntryForm, Warned, declare
from mock_sts.web.mock.api.operations import Call, Resource
from mock_sts.web.mock.api.problems import BAD_MEMBER
from mock_sts.web.mock.api.shapes import member, shape
from mock_sts.web.mock.api.tags import Tagged, tag_of

PERSONAS = Resource("personas", "People who can log in, with the members of a fixture file.")
ORGANIZATIONS = Resource("organizations", "Organizations, with the members of a fixture file.")
APIS = Resource("apis", "APIs that tokens are for, with the members of a fixture file.")
CLIENTS = Resource("clients", "Registered clients, with the members of a fixture file.")
WORLD = Resource("world", "Everything that was made in an environment, as fixture files have it.")


@shape("the body")
class Keys(Tagged):
    """Where the keys of a client come from, beside ``jwks``."""

    jwk: Mapping[str, Any] | None = member("Its public key, as a JWK", default=None)
    pem: str | None = member("Its public key or certificate, in PEM", default=None, longest=20_000)
    helseid_configuration: Mapping[str, Any] | None = member(
        "The file that NHN's self-service hands out (HelseID Configuration): its name, grants, scopes and addresses "
        "count where no other member says them; of its key the public part alone is kept",
        default=None,
    )
    make_key: str | None = member(
        "Make a key pair: the answer has it as private_jwk, each call a new one, and the server does not keep it",
        default=None,
        choices=tuple(KEY_KINDS),
    )


@shape("the answer")
class KeptClient(Warned):
    """What the answer has beside the client."""

    private_jwk: Mapping[str, Any] | None = member(
        "The private key that was made, which is nowhere else", left_out=True
    )


def _with_keys(client_id: str, body: Body) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    keys: Keys = body.beside
    order = KeyOrder(keys.jwk, keys.pem, keys.helseid_configuration, keys.make_key)
    made = with_keys(client_id, body.document, order)
    return made.document, {} if made.private_jwk is None else {"private_jwk": dict(made.private_jwk)}


declare(PERSONAS, Persona, "persona")
declare(ORGANIZATIONS, Organization, "organization")
declare(APIS, ApiResource, "api")
declare(
    CLIENTS,
    Client,
    "client",
    beside=Keys,
    answered=KeptClient,
    prepare=_with_keys,
    description="Its keys come as jwks, jwk, pem or helseid_configuration, or are made by make_key: one of these.",
)


def _documents(meaning: str, form: EntryForm) -> Any:
    return member(f"{meaning}; left out: they stay as they are", default=None, form=form)


@shape("the world")
class World:
    """The content of fixture files, by sort."""

    organizations: tuple[Any, ...] | None = _documents(
        "The organizations", EntryForm("OrganizationEntry", ORGANIZATION_FORMAT)
    )
    personas: tuple[Any, ...] | None = _documents("The people", EntryForm("PersonaEntry", PERSONA_FORMAT))
    apis: tuple[Any, ...] | None = _documents("The APIs", EntryForm("ApiEntry", API_FORMAT))
    clients: tuple[Any, ...] | None = _documents("The clients", EntryForm("ClientEntry", CLIENT_FORMAT))


@shape("the answer")
class KeptWorld:
    """What the environment has of its own from now on."""

    organizations: int | None = member("How many organizations were put there; null: none were named")
    personas: int | None = member("How many people")
    apis: int | None = member("How many APIs")
    clients: int | None = member("How many clients")
    warnings: tuple[str, ...] = member("What is odd about them, each in a sentence")


@shape("the answer")
class OwnWorld:
    """What the environment has of its own."""

    organizations: tuple[Any, ...] = member("The organizations", form=EntryForm("Organization", ORGANIZATION_FORMAT))
    personas: tuple[Any, ...] = member("The people", form=EntryForm("Persona", PERSONA_FORMAT))
    apis: tuple[Any, ...] = member("The APIs", form=EntryForm("Api", API_FORMAT))
    clients: tuple[Any, ...] = member("The clients", form=EntryForm("Client", CLIENT_FORMAT))


@WORLD.operation("GET", "/world", "What was made in this environment, as PUT takes it", answer=OwnWorld)
def get_world(call: Call[None, None]) -> OwnWorld:
    """Read it."""
    return OwnWorld(**{name: tuple(documents) for name, documents in own_world(call.environment).items()})


@WORLD.operation(
    "PUT",
    "/world",
    "Put a whole world in the place of what was made in this environment: all of it or, with a fault, none",
    description=(
        "Each sort that is named replaces all entries of that sort that were made here; what files describe stays "
        "below, and what was hidden of that sort is seen again. MOCK_STS_MAX_BODY limits the body."
    ),
    body=World,
    answer=KeptWorld,
    problems=(BAD_MEMBER,),
    longest=16_777_216,
)
def replace_world(call: Call[World, None]) -> KeptWorld:
    """Write it."""
    named = {name: getattr(call.body, name) for name in World.__slots__}  # type: ignore[attr-defined]
    documents = {name: [body.document for body in bodies] for name, bodies in named.items() if bodies is not None}
    kept = put_world(call.environment, documents, tag_of(call.request))
    counts = {name: kept.counts.get(name) for name in named}
    return KeptWorld(**counts, warnings=kept.warnings)
