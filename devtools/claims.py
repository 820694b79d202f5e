"""The page of claims and scopes, made by making tokens."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from devtools.words import NOTE, DocumentationError, cell_of, fit, shipped
from mock_sts.helseid import claims, details, discovery, scopes, trust_framework
from mock_sts.helseid.claim_words import CLAIM_WORDS
from mock_sts.helseid.eids import PROVIDERS
from mock_sts.helseid.registry.api import ApiResource
from mock_sts.helseid.registry.client import Client
from mock_sts.helseid.registry.organization import Organization
from mock_sts.helseid.registry.persona import Persona
from mock_sts.helseid.terms import MULTI_TENANT, SINGLE_TENANT
from mock_sts.protocol.terms import OFFLINE_ACCESS, OPENID

#: The columns of the table of claims.
_TOKENS = ("machine's access token", "person's access token", "exchanged token", "ID token", "userinfo")


def claims_page() -> str:
    """Which claim stands in which token by whose wish, and what each scope brings. Made by making tokens."""
    least, most = _examples(False), _examples(True)
    values = {name: value for token in reversed(most) for name, value in token.items()}
    found = list(dict.fromkeys(name for token in most for name in token))
    fit("claim", found, CLAIM_WORDS)
    lines = [
        NOTE,
        "# Claims and scopes",
        "",
        "*always*: in every such token. *when asked*: when there is a value, and a scope, an API's `claims`, the",
        "registration or the client's details ask for it. Names that begin with `helseid://` are HelseID's own. The",
        "examples are of one login: the persona `kvart-grevling` by the TestIDP.",
        "",
        f"| claim | example | {' | '.join(_TOKENS)} | where its value comes from |",
        f"| --- | --- |{' --- |' * len(_TOKENS)} --- |",
    ]
    for name in found:
        cells = [
            "always" if name in always else "when asked" if name in perhaps else ""
            for always, perhaps in zip(least, most, strict=True)
        ]
        lines.append(f"| `{name}` | {_example(name, values[name])} | {' | '.join(cells)} | {CLAIM_WORDS[name]} |")
    lines += [
        "",
        "A client may have claims of its own, the same in every access token: the member `client_claims` of its",
        "registration. One that is named `<audience>/client/claims/<name>` is for that API alone.",
        "",
        "## Long examples",
        "",
    ]
    for name in found:
        if _is_long(values[name]):
            lines += [f'<a id="{_anchor(name)}"></a>', f"`{name}`:", "", "```json"]
            lines += [json.dumps(values[name], indent=2, ensure_ascii=False), "```", ""]
    lines += [
        "## What a scope brings",
        "",
        "A person's claims come into ID token and userinfo by scopes. Scopes of APIs bring no claims into these: what",
        "an access token tells of the person is what the API wants, whatever the client asked for.",
        "",
        "| scope | who may ask | ID token | userinfo has besides | access token | examples, in this order |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    lines += [_scope_row(scope, values) for scope in sorted(scopes.IDENTITY_SCOPES | scopes.TECHNICAL_SCOPES)]
    lines += ["", "## What an API may want", "", "The member `claims` of an API may hold:", ""]
    lines += [f"- `{name}`" for name in (*claims.ACCESS_TOKEN_CLAIMS, claims.CLIENT_NAME_CLAIM)]
    later = [name for name in discovery.CLAIMS_SUPPORTED if name not in found]
    if later:
        lines += ["", f"Advertised, and not given yet: {', '.join(f'`{name}`' for name in later)}."]
    return "\n".join(lines) + "\n"


#: Longer examples than this, in characters, stand below the table.
_LONGEST_EXAMPLE = 90


def _is_long(value: object) -> bool:
    return len(json.dumps(value, ensure_ascii=False)) > _LONGEST_EXAMPLE


def _example(name: str, value: object) -> str:
    """A cell with ``value`` as it stands in a token."""
    if _is_long(value):
        return f"[below](#{_anchor(name)})"
    return f"`{cell_of(json.dumps(value, ensure_ascii=False))}`"


def _anchor(name: str) -> str:
    return "example-" + name.replace("helseid://claims/", "").replace("/", "-").replace(":", "-")


def _examples(everything: bool) -> tuple[dict[str, Any], ...]:
    """The claims of one token of each column: with everything that can be asked for, or with nothing."""
    asked = tuple(sorted(scopes.IDENTITY_SCOPES)) if everything else (OPENID,)
    machine, person = (
        {
            name: value
            for tenancy in ((MULTI_TENANT, SINGLE_TENANT) if everything else (None,))
            for name, value in claims.access_token_claims(_facts(asked, everything, tenancy, subject)).items()
        }
        for subject in (None, _subject())
    )
    facts = _facts(asked, everything, None, None, "demo-exchange")
    exchanged = claims.exchanged_token_claims(facts, person if everything else machine, None)
    nonce, state = ("n-0S6_WzA2Mj", "af0ifjsldkj") if everything else (None, None)
    login = claims.IdTokenFacts(_ISSUER, _MOMENT, 300, "demo-web-api", asked, nonce, "an access token", state)
    identity = claims.id_token_claims(login, _subject())
    return machine, person, exchanged, identity, _user_info(asked)


#: What the examples are of.
_ISSUER, _MOMENT, _PARENT, _CHILD = "http://localhost:8080", 1_800_000_000, "213000012", "213000020"
_ID = "0A4D2E5C7B9F4E7CA1D3B5F70918C2E6"
_SENT = {
    "practitioner": {
        "authorization": {"code": "LE", "system": trust_framework.PROFESSION_SYSTEM},
        "legal_entity": {"id": _PARENT, "system": trust_framework.ORGANIZATION_SYSTEM},
        "point_of_care": {"id": _CHILD, "system": trust_framework.ORGANIZATION_SYSTEM},
    },
    "care_relationship": {
        "purpose_of_use": {"code": "TREAT", "system": trust_framework.PURPOSE_SYSTEM},
        "decision_ref": {"id": "5a1b0f36-6e0e-4d6e-9a34-6b0a7f0a2f10", "user_selected": True},
    },
    "patients": [],
}


def _facts(
    asked: tuple[str, ...],
    everything: bool,
    tenancy: str | None,
    subject: claims.Subject | None,
    client_id: str = "demo-web-api",
) -> claims.AccessTokenFacts:
    world = shipped()
    registration = {"client_id": client_id}
    if everything:
        registration |= {"client_name": "Demo web login and API", "organization": _PARENT}
    if tenancy:
        registration["tenancy"] = tenancy
    wanted = [*claims.ACCESS_TOKEN_CLAIMS, claims.CLIENT_NAME_CLAIM]
    api = ApiResource.from_document({"audience": "mock:demo-api", "claims": wanted}, "example")
    sent = details.Details(organization=details.OrganizationNumbers(_PARENT, _CHILD), journal_id="a-journal-id")
    person = _subject()
    framework = trust_framework.claim(
        _SENT,
        pid=person.persona.pid,
        name=claims.full_name(person.persona),
        hpr_number=person.login.hpr_number,
        organization_name=lambda number: world.of(Organization)[number].item.name,
    )
    scope = (*asked, "mock:demo-api/read") if everything and subject is not None else ("mock:demo-api/read",)
    return claims.AccessTokenFacts(
        issuer=_ISSUER,
        issued_at=_MOMENT,
        lifetime=60,
        client=Client.from_document(registration, "example"),
        scopes=scope if everything else asked,
        apis=(api,) if everything else (),
        confirmation="0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" if everything else None,
        jti=_ID[::-1],
        subject=subject,
        details=sent if everything else details.NO_DETAILS,
        trust_framework=framework if everything else None,
        on_behalf_of=_PARENT if everything and subject is not None else None,
    )


def _user_info(asked: tuple[str, ...]) -> dict[str, Any]:
    return claims.user_info_claims(asked, _subject(), _MOMENT)


@cache
def _subject() -> claims.Subject:
    """The person of HelseID's own documentation, by the TestIDP."""
    from mock_sts.services.registry.people import sub_of  # noqa: PLC0415

    persona = shipped().of(Persona)["06828399789"].item
    if not isinstance(persona, Persona):
        raise DocumentationError("the person of the examples is no persona")
    testidp = next(provider for provider in PROVIDERS if provider.is_testidp)
    login = claims.Login(_ID, _MOMENT, testidp.scheme, testidp.eids[0].amr, "4", persona.hpr_number)
    return claims.Subject(persona, login, sub_of(persona.pid), "internett")


def _scope_row(scope: str, values: Mapping[str, Any]) -> str:
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
    more = [name for name in asked if name not in plain]
    cells = [", ".join(f"`{name}`" for name in names) for names in (brought, besides, more)]
    if scope == OPENID:
        cells[0] = "an ID token at all"
    if scope == OFFLINE_ACCESS:
        cells[0] = "a refresh token beside it"
    cells.append(", ".join(_example(name, values[name]) for name in (*brought, *besides, *more)))
    who = "people's logins" if scope in scopes.IDENTITY_SCOPES else "everybody"
    return f"| `{scope}` | {who} | {' | '.join(cells)} |"
