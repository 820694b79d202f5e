"""The page of identity providers."""

from devtools.words import NOTE, cell_of, shipped, short
from devtools.world import by_hand
from mock_sts.helseid.eids import PROVIDERS
from mock_sts.helseid.providers import ACR_EIDS, highest_level
from mock_sts.helseid.registry.persona import Persona


def providers_page() -> str:
    """The identity providers, and what a login through each eID yields."""
    lines = [
        NOTE,
        "# Identity providers",
        "",
        "Through whom people log in, and what the tokens say then. `idp` is the provider's scheme: the word for",
        "`acr_values=idp:...`, for `identity_providers` of a client and for `MOCK_STS_IDENTITY_PROVIDERS`. The first",
        "eID of a provider is the usual one; `eid` is its name in a persona's `eids`. HelseID tells little of all",
        "this, so each value says how we know it: **D** documented by NHN, **S** seen in a recording or in published",
        "code, **I** inferred.",
        "",
        "| `idp` | name on the page | evidence | `eid` | name of the eID | level | `amr` | evidence |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for provider in PROVIDERS:
        for eid in provider.eids:
            levels = " or ".join(eid.levels)
            lines.append(
                f"| `{provider.scheme}` | {provider.display_name} | {cell_of(provider.evidence)} | `{eid.name}` "
                f"| {eid.display_name} | {levels} | {short(eid.amr)} | {cell_of(eid.evidence)} |"
            )
    lines += [
        "",
        "ID-porten's Buypass ID takes every Buypass eID of a person, `buypass` and `buypass-mobile`. At the TestIDP",
        "the person has every level up to their own, whatever `eids` they have. Elsewhere a person without the member",
        "`eids` has all eIDs of their level, and one with `eids: []` none.",
        "",
        "## What `acr_values` may hold",
        "",
        "Words separated by spaces, in these letters; others are ignored, and journal and log say so.",
        "",
        "| word | what it does |",
        "| --- | --- |",
        "| `idp:<scheme>` | straight to that provider, if the client may use it and it reaches the level |",
        "| `Level4`, `High` | leaves out providers below level 4, refuses logins below it, unless `Level3` is there |",
    ]
    lines += [f"| `{word}` | chooses {_named(eid)} beforehand |" for word, eid in ACR_EIDS.items()]
    lines += _who_where()
    return "\n".join(lines) + "\n"


def _who_where() -> list[str]:
    """A table of the ready people and all providers."""
    # Those of samples come last, as in the page of the world.
    people = sorted(by_hand(shipped(), Persona), key=lambda person: bool(person.sample))
    return [
        "",
        "## Who can log in where",
        "",
        "The ready people, and the highest security level that each reaches at each provider; `no` where the login is",
        "refused (rules [login.eid](requirements.md#login.eid) and [login.replaced](requirements.md#login.replaced)).",
        "",
        f"| persona | {' | '.join(f'`{provider.scheme}`' for provider in PROVIDERS)} |",
        f"| --- |{' --- |' * len(PROVIDERS)}",
        *(
            f"| `{person.persona}` | {' | '.join(highest_level(person, one) or 'no' for one in PROVIDERS)} |"
            for person in people
        ),
    ]


def _named(eid: str) -> str:
    """The display names of an eID, one where all providers call it alike."""
    found = dict.fromkeys(one.display_name for provider in PROVIDERS for one in provider.eids if one.name == eid)
    return " or ".join(found)
