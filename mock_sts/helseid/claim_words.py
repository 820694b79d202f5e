"""Where the value of each claim comes from, in words: for the page of claims and for tokens that the demo shows."""

from collections.abc import Mapping

from mock_sts.helseid import claims, details

#: Claim to where its value comes from.
CLAIM_WORDS: Mapping[str, str] = {
    "iss": "the issuer: MOCK_STS_PUBLIC_URL, or the address that was asked",
    "nbf": "when the token was made, in seconds",
    "iat": "when the token was made, in seconds",
    "exp": "`iat` and the lifetime: of the client, else of the API, else of the server",
    "aud": "the API that the scopes belong to, a list when there are several; in an ID token the client",
    "cnf": "`jkt`, the thumbprint of the DPoP key; Bearer tokens have none",
    "scope": "the scopes granted, always a list, `offline_access` last",
    "amr": "how the person logged in: the methods of the eID, such as `pwd` at the TestIDP",
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
    claims.ON_BEHALF_OF: "`on_behalf_of` of the request, where the client is registered for it and ID-porten was used",
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
    claims.PID_PSEUDONYM: "the same as `sub`; being phased out",
    claims.SECURITY_LEVEL: "the level of the login, as text: the eID's; at the TestIDP `test_security_level`, else the "
    "persona's highest",
    claims.ASSURANCE_LEVEL: "the level of the login: `high` for 4, `substantial` for 3",
    claims.NETWORK: "the persona's `network`, else MOCK_STS_NETWORK",
    claims.HPR_NUMBER: "`test_hpr_number`, else the persona's `hpr_number`; a person without a number has no claim",
    claims.HPR_DETAILS: "the persona's `authorizations`, as the HPR register tells them",
    "name": "the persona's given, middle and family name",
    "given_name": "the persona's `given_name`",
    "middle_name": "the persona's `middle_name`, an empty text when there is none",
    "family_name": "the persona's `family_name`",
}
