"""Which identity providers and eIDs a login may use: by the server, the client, ``acr_values`` and the person."""

from collections.abc import Iterable

from mock_sts.helseid.eids import PROVIDERS, TEST_EID, Eid, Provider
from mock_sts.helseid.registry.client import Client
from mock_sts.helseid.registry.persona import Persona

_IDP = "idp:"

#: Words of ``acr_values`` to the eID that they ask for.
ACR_EIDS = {
    "amr:bankid": "bankid",
    "amr:bankidmobil": "bankid-mobile",
    "amr:buypass": "buypass",
    "amr:commfides": "commfides",
    "amr:minid": "minid",
    "bp:amr:sc": "buypass",
}
_HIGH = ("Level4", "High")
_SUBSTANTIAL = "Level3"


def offered(schemes: Iterable[str]) -> tuple[Provider, ...]:
    """The providers that a server with these ``schemes`` has; none named: all."""
    named = tuple(schemes)
    return tuple(provider for provider in PROVIDERS if not named or provider.scheme in named)


def providers_for(client: Client, on_offer: Iterable[Provider]) -> tuple[Provider, ...]:
    """The providers ``on_offer`` that ``client`` may use; a registration without any may use all."""
    allowed = client.identity_providers
    return tuple(provider for provider in on_offer if not allowed or provider.scheme in allowed)


def asked_for(acr_values: tuple[str, ...], allowed: Iterable[Provider]) -> Provider | None:
    """The provider that ``acr_values`` names by ``idp:<scheme>``; None when it names none of ``allowed``.

    An eID alone (``amr:minid``) names none: HelseID's newer documentation wants ``idp:idporten-oidc`` beside it.
    """
    named = {value.removeprefix(_IDP) for value in acr_values if value.startswith(_IDP)}
    return next((provider for provider in allowed if provider.scheme in named), None)


def eid_asked_for(acr_values: tuple[str, ...], provider: Provider) -> Eid | None:
    """The eID of ``provider`` that ``acr_values`` asks for, None when it asks for none."""
    names = [ACR_EIDS[value] for value in acr_values if value in ACR_EIDS]
    return next((eid for eid in provider.eids if eid.name in names), None)


def understood_acr_values(schemes: Iterable[str]) -> tuple[str, ...]:
    """Every word of ``acr_values`` that means something to a client that may use the providers ``schemes``."""
    return (*(f"{_IDP}{scheme}" for scheme in schemes), *_HIGH, _SUBSTANTIAL, *ACR_EIDS)


def level_asked_for(acr_values: tuple[str, ...]) -> str | None:
    """The security level that a login must have: 4 for ``Level4`` or ``High``, unless ``Level3`` will do as well."""
    high = any(value in _HIGH for value in acr_values)
    return "4" if high and _SUBSTANTIAL not in acr_values else None


def reaching(level: str | None, providers: Iterable[Provider]) -> tuple[Provider, ...]:
    """The ``providers`` where a login of that ``level`` is possible; all for None."""
    return tuple(provider for provider in providers if level is None or provider.highest_level >= level)


def has_eid(persona: Persona, eid: Eid) -> bool:
    """Whether ``persona`` can log in with ``eid``: one of their own, of a level that they reach."""
    own = persona.eids
    has = own is None or eid is TEST_EID or any(name in own for name in eid.taken)
    return has and min(eid.levels) <= persona.security_level


def usable_eids(persona: Persona, provider: Provider) -> tuple[Eid, ...]:
    """The eIDs of ``provider`` that ``persona`` can log in with; none for a pid that was replaced."""
    return () if persona.superseded_by is not None else tuple(eid for eid in provider.eids if has_eid(persona, eid))


def highest_level(persona: Persona, provider: Provider) -> str | None:
    """The highest security level with which ``persona`` can log in at ``provider``; None where they cannot."""
    levels = [level for eid in usable_eids(persona, provider) for level in eid.levels]
    return max((level for level in levels if level <= persona.security_level), default=None)
