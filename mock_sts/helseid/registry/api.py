"""A registered API: an audience and the scopes that lead to it."""

from functools import lru_cache

from mock_sts.helseid.registry.records import Record, Scopes, Seconds, apart, check_numbers, format_of, member, record


@record("API", key="audience")
class ApiResource(Record):
    """A registered API; ``implied`` when only a client's scope tells of it."""

    audience: str = member("The API's name, which becomes aud")
    name: str = member("The display name", default="")
    description: str = member("One line on what this API shows", default="")
    sample: str = member("Where it was taken from, when it is a public sample", default="")
    scopes: Scopes = member("The API's scopes, in full", default=())
    claims: tuple[str, ...] = member("Claims that the API wants in its access tokens", default=())
    access_token_lifetime: Seconds | None = member("Lifetime of its access tokens; unset: the server's", default=None)
    require_dpop: bool = member(
        "Whether the API takes DPoP-bound tokens only. HelseID demands that of new APIs; `fixtures check` warns where "
        "an API leaves it out",
        default=False,
    )
    security_level: str | None = member("The security level that a login must have", default=None, choices=("3", "4"))
    require_organization: bool = member("Whether its tokens must name a parent organization", default=False)
    require_child_organization: bool = member(
        "Whether its tokens must name a child organization (a unit) too. A token without one is a finding, and refused "
        "in `strict`",
        default=False,
    )
    owner: str | None = member("Organization number of its owner, whose clients may exchange its tokens", default=None)
    token_exchange_actors: tuple[str, ...] = member(
        "Ids of the clients that may exchange the access tokens that it received; empty: all that have the grant",
        default=(),
    )
    implied: bool = apart(default=False)

    @classmethod
    def from_document(cls, document: object, where: str) -> "ApiResource":
        """The API that ``document`` describes. Raises DocumentError."""
        api = API_FORMAT.read(document, where)
        check_numbers({"owner": api.owner}, f"{where}, API {api.audience!r}")
        return api

    @staticmethod
    @lru_cache(maxsize=1024)
    def implied_by(audience: str) -> "ApiResource":
        """An API that no document describes, with HelseID's defaults."""
        # A stranger's scope may be anything, also what no file may hold.
        return ApiResource(audience=audience, implied=True)


API_FORMAT = format_of(ApiResource)
