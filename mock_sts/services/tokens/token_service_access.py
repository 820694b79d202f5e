"""Who may order test tokens: by a key that is kept, or by an access token of this server."""

from mock_sts.protocol.errors import ErrorCode, OAuthError
from mock_sts.services.environment import Environment
from mock_sts.services.request_context import RequestContext
from mock_sts.services.tokens.access_token import Presented, check_access_token
from mock_sts.store.token_service_keys import TokenServiceKeys as StoredKeys

#: The service as an API of HelseID: its audience, and the scope that its version 1 asks for.
AUDIENCE = "nhn:helseid-test-token-tjeneste"
SCOPE = f"{AUDIENCE}/tokengenerering-med-clientid"

#: Where version 1 takes an access token.
_PATH = "/create-test-token"


class TokenServiceKeys:
    """The keys of the service in one environment."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._kept = StoredKeys(environment.store, environment.name)

    def has(self, key: str) -> bool:
        """Whether ``key`` is kept."""
        return self._kept.has(key)

    def keep(self, key: str, owner: str) -> None:
        """Keep ``key`` for ``owner``."""
        with self._environment.store.writing() as transaction:
            self._kept.put(transaction, key, owner)

    def forget(self, key: str) -> bool:
        """Forget ``key``; False where it is not kept."""
        with self._environment.store.writing() as transaction:
            return self._kept.delete(transaction, key)


def audience_of_caller(context: RequestContext, presented: Presented, wanted: str) -> str:
    """The audience for who has an access token for the service: ``wanted``, else the one other API of its client.

    Raises OAuthError: the token does not count (401), or nothing tells which API is meant (400).
    """
    token = check_access_token(context, presented, _PATH, personal=False)
    if AUDIENCE not in token.audiences or SCOPE not in token.scopes:
        raise OAuthError(
            ErrorCode.INVALID_TOKEN,
            detail=f"the access token is not for {AUDIENCE} with the scope {SCOPE}; ask for that scope",
            status=401,
        )
    if wanted:
        return wanted
    client = context.catalog.client(token.client_id)
    apis = {api.audience for scope in (client.scope if client else ()) if (api := context.catalog.api_of(scope))}
    apis.discard(AUDIENCE)
    if len(apis) != 1:
        raise OAuthError(
            ErrorCode.INVALID_REQUEST,
            detail="the audience is not clear: register one API beside the service for the client, or send the header "
            f"Audience; the client has {', '.join(sorted(apis)) or 'none'}",
        )
    return apis.pop()
