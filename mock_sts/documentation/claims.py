"""The page of claims and scopes, made by making tokens."""

from collections.abc import Mapping

from mock_sts.documentation.words import NOTE, fit
from mock_sts.helseid import claims, details, discovery, scopes
from mock_sts.helseid.registry import ApiResource, Client, Persona
from mock_sts.helseid.terms import MULTI_TENANT, SINGLE_TENANT
from mock_sts.protocol.terms import OFFLINE_ACCESS, OPENID

#: Claim to where its value comes from.
_CLAIMS: Mapping[str, str] = {
    "iss": "the issuer: MOCK_STS_PUBLIC_URL, or the address that was asked",
    "nbf": "when the token was made, in seconds",
    "iat": "when the token was made, in seconds",
    "exp": "`iat` and the lifetime: of the client, else of the API, else of the server",
    "aud": "the API that the scopes belong to, a list when there are several; in an ID token the client",
    "cnf": "`jkt`, the thumbprint of the DPoP key; Bearer tokens have none",
    "scope": "the scopes granted, always a list, `offline_access` last",
    "amr": "how the person logged in; by the TestIDP `pwd`",
    "client_id": "the client",
    claims.CLIENT_AMR: "how the client authenticated: `private_key_jwt`",
    claims.ORGNR_PARENT: "`organization` of a single-tenant client; what a multi-tenant client names in its details",
    claims.ORGNR_CHILD: "the unit that the client names in its details",
    details.JOURNAL_ID: "what the client names in its details",
    details.TRUST_FRAMEWORK: "what the client tells in its details, completed from the login and the registers",
    claims.ORIGINAL_CLIENT_ID: "the client that the first token of an exchange was given to",
    "act": "the client that exchanged the token; inside it those that exchanged it before",
    claims.ORGNR_SUPPLIER: "`organization` of a multi-tenant client",
    claims.CLIENT_NAME_CLAIM: "`client_name`, where the API wants it or the client asked for the scope",
    claims.CLIENT_TENANCY: "`tenancy`, unless that is `none`",
    "sub": "the person's pseudonym: a keyed digest of the pid, the same on every machine",
    "auth_time": "when the person logged in, in seconds",
    "idp": "the identity provider, such as `testidp-oidc`",
    "sid": "the session of the login",
    "jti": "the token's own id",
    "nonce": "the `nonce` of the request, where it had one",
    "at_hash": "half the SHA-256 of the access token",
    "s_hash": "half the SHA-256 of the `state`, where the request had one",
    "userinfo_issued_at": "when the answer was made, in seconds",
    claims.PID: "the persona's `pid`",
    claims.PID_PSEUDONYM: "the same as `sub`",
    claims.SECURITY_LEVEL: "the level of the login, as text: `test_security_level`, else the persona's highest",
    claims.ASSURANCE_LEVEL: "the level of the login: `high` for 4, `substantial` for 3",
    claims.NETWORK: "the persona's `network`, else MOCK_STS_NETWORK",
    claims.HPR_NUMBER: "`test_hpr_number`, else the persona's `hpr_number`; a person without a number has no claim",
    claims.HPR_DETAILS: "the persona's `authorizations`, as the HPR register tells them",
    "name": "the persona's given, middle and family name",
    "given_name": "the persona's `given_name`",
    "middle_name": "the persona's `middle_name`, an empty text when there is none",
    "family_name": "the persona's `family_name`",
}

#: The columns of the table of claims.
_TOKENS = ("machine's access token", "person's access token", "exchanged token", "ID token", "userinfo")


def claims_page() -> str:
    """Which claim stands in which token by whose wish, and what each scope brings. Made by making tokens."""
    least, most = _examples(False), _examples(True)
    found = list(dict.fromkeys(name for token in most for name in token))
    fit("claim", found, _CLAIMS)
    lines = [
        NOTE,
        "# Claims and scopes",
        "",
        "*always*: in every such token. *when asked*: when there is a value, and a scope, an API's `claims`, the",
        "registration or the client's details ask for it. Names that begin with `helseid://` are HelseID's own.",
        "",
        f"| claim | {' | '.join(_TOKENS)} | where its value comes from |",
        f"| --- |{' --- |' * len(_TOKENS)} --- |",
    ]
    for name in found:
        cells = [
            "always" if name in always else "when asked" if name in perhaps else ""
            for always, perhaps in zip(least, most, strict=True)
        ]
        lines.append(f"| `{name}` | {' | '.join(cells)} | {_CLAIMS[name]} |")
    lines += [
        "",
        "A client may have claims of its own, the same in every access token: the member `client_claims` of its",
        "registration. One that is named `<audience>/client/claims/<name>` is for that API alone.",
        "",
        "## What a scope brings",
        "",
        "A person's claims come into ID token and userinfo by scopes. Scopes of APIs bring no claims into these: what",
        "an access token tells of the person is what the API wants, whatever the client asked for.",
        "",
        "| scope | who may ask | ID token | userinfo has besides | access token |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines += [_scope_row(scope) for scope in sorted(scopes.IDENTITY_SCOPES | scopes.TECHNICAL_SCOPES)]
    lines += ["", "## What an API may want", "", "The member `claims` of an API may hold:", ""]
    lines += [f"- `{name}`" for name in (*claims.ACCESS_TOKEN_CLAIMS, claims.CLIENT_NAME_CLAIM)]
    later = [name for name in discovery.CLAIMS_SUPPORTED if name not in found]
    if later:
        lines += ["", f"Advertised, and not given yet: {', '.join(f'`{name}`' for name in later)}."]
    return "\n".join(lines) + "\n"


def _examples(everything: bool) -> tuple[list[str], ...]:
    """The names of the claims in one token of each column: with everything that can be asked for, or with nothing."""
    asked = tuple(sorted(scopes.IDENTITY_SCOPES)) if everything else (OPENID,)
    machine, person = (
        {
            name: value
            for tenancy in ((SINGLE_TENANT, MULTI_TENANT) if everything else (None,))
            for name, value in claims.access_token_claims(_facts(asked, everything, tenancy, subject)).items()
        }
        for subject in (None, _SUBJECT)
    )
    facts = _facts(asked, everything, None, None)
    exchanged = claims.exchanged_token_claims(facts, person if everything else machine, None)
    kept = "text" if everything else None
    login = claims.IdTokenFacts("https://issuer.example", 0, 1, "client", asked, kept, "token", kept)
    identity = claims.id_token_claims(login, _SUBJECT)
    return list(machine), list(person), list(exchanged), list(identity), _user_info(asked)


def _facts(
    asked: tuple[str, ...], everything: bool, tenancy: str | None, subject: claims.Subject | None
) -> claims.AccessTokenFacts:
    registration = {"client_id": "client"}
    if everything:
        registration |= {"client_name": "Client", "organization": "213000012"}
    if tenancy:
        registration["tenancy"] = tenancy
    wanted = [*claims.ACCESS_TOKEN_CLAIMS, claims.CLIENT_NAME_CLAIM]
    api = ApiResource.from_document({"audience": "api", "claims": wanted}, "example")
    sent = details.Details(organization=details.OrganizationNumbers("213000012", "213000020"), journal_id="journal")
    return claims.AccessTokenFacts(
        issuer="https://issuer.example",
        issued_at=0,
        lifetime=1,
        client=Client.from_document(registration, "example"),
        scopes=asked,
        apis=(api,) if everything else (),
        confirmation="thumbprint" if everything else None,
        jti="jti",
        subject=subject,
        details=sent if everything else details.NO_DETAILS,
        trust_framework={} if everything else None,
    )


def _user_info(asked: tuple[str, ...]) -> list[str]:
    return list(claims.user_info_claims(asked, _SUBJECT, 0))


_SUBJECT = claims.Subject(
    Persona.from_document(
        {"pid": "06828399789", "given_name": "KVART", "family_name": "GREVLING", "hpr_number": "565505933"}, "example"
    ),
    claims.Login("sid", 0, "testidp-oidc", ("pwd",), "4", "565505933"),
    "sub",
    "internett",
)


def _scope_row(scope: str) -> str:
    brought = claims.claims_of([scope])
    besides = [name for name in _user_info((OPENID, scope)) if name not in (*_user_info((OPENID,)), *brought)]
    registration = {"client_id": "client", "client_name": "Client"}
    plain, asked = (
        claims.access_token_claims(
            claims.AccessTokenFacts(
                "https://issuer.example", 0, 1, Client.from_document(registration, "example"), granted, (), None, "jti"
            )
        )
        for granted in ((), (scope,))
    )
    cells = [
        ", ".join(f"`{name}`" for name in names) for names in (brought, besides, [n for n in asked if n not in plain])
    ]
    if scope == OPENID:
        cells[0] = "an ID token at all"
    if scope == OFFLINE_ACCESS:
        cells[0] = "a refresh token beside it"
    who = "people's logins" if scope in scopes.IDENTITY_SCOPES else "everybody"
    return f"| `{scope}` | {who} | {' | '.join(cells)} |"
