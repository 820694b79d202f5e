"""Registering a new client with a key pair made for it."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from mock_sts.helseid.documents import DocumentError
from mock_sts.helseid.registry import SINGLE_TENANT, Client
from mock_sts.protocol.jose import JoseError, generate_private_jwk, without_private_members
from mock_sts.protocol.terms import GrantType
from mock_sts.store.catalog import MADE, load_catalog, put_entry
from mock_sts.store.engine import Store


@dataclass(frozen=True, slots=True)
class NewClient:
    """What somebody wants: an id (or None for a new GUID), a name, scopes, the key's algorithm, DPoP or Bearer."""

    client_id: str | None
    name: str
    scopes: tuple[str, ...]
    algorithm: str
    dpop: bool
    organization: str | None = None


@dataclass(frozen=True, slots=True)
class MadeClient:
    """The registered client and its private key, which nothing keeps but the caller."""

    client: Client
    private_jwk: Mapping[str, str]

    @property
    def client_id(self) -> str:
        """The client's id."""
        return self.client.client_id


def make_client(store: Store, wanted: NewClient) -> MadeClient:
    """Make a key pair and register the client. Raises DocumentError for what cannot be registered."""
    try:
        private_jwk = generate_private_jwk(wanted.algorithm)
    except JoseError as error:
        raise DocumentError(f"--alg: {error}") from None
    document = {
        "client_id": wanted.client_id or str(uuid.uuid4()),
        "client_name": wanted.name,
        "grant_types": [GrantType.CLIENT_CREDENTIALS.value],
        "scope": list(wanted.scopes),
        "dpop_bound_access_tokens": wanted.dpop,
        "jwks": {"keys": [without_private_members(private_jwk)]},
    }
    if wanted.organization:
        document |= {"tenancy": SINGLE_TENANT, "organization": wanted.organization}
    client = Client.from_document(document, "client new")
    if load_catalog(store).client(client.client_id) is not None:
        raise DocumentError(f"client new: the client {client.client_id!r} is registered already; choose another id")
    with store.writing() as transaction:
        put_entry(transaction, client, document, MADE)
    return MadeClient(client, private_jwk)
