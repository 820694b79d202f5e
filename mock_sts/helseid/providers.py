"""Identity providers: through whom a person logs in, and what that yields.

One table says it all. HelseID tells little of what comes out of a provider; each entry says where its values are from:
D documented, S seen in a recording or in published code, I inferred.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the settings know the providers' names, and must not load what reads keys
    from mock_sts.helseid.registry import Client, Persona


@dataclass(frozen=True, slots=True)
class Eid:
    """An electronic id: its short name, its name on the page, the security levels that a login with it may have (the
    usual one first), the methods (``amr``) that it yields, and the evidence for these.
    """

    name: str
    display_name: str
    levels: tuple[str, ...]
    amr: tuple[str, ...]
    evidence: str


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider: its scheme (``idp`` in tokens), its name on the page, the eIDs behind it (the usual one first), the
    evidence for scheme and name, and whether it is the TestIDP, where a test may say who logs in.
    """

    scheme: str
    display_name: str
    eids: tuple[Eid, ...]
    evidence: str
    is_testidp: bool = False

    @property
    def highest_level(self) -> str:
        """The highest security level that can be reached here."""
        return max(level for eid in self.eids for level in eid.levels)

    def eid(self, name: str | None) -> Eid | None:
        """The eID called ``name``, the usual one for None."""
        return self.eids[0] if name is None else next((eid for eid in self.eids if eid.name == name), None)


#: The provider inside which others stand, and which knows ``on_behalf_of``.
ID_PORTEN = "idporten-oidc"

#: What a provider inside another yields; the eID behind ID-porten is not shown in HelseID's tokens.
_INSIDE = ("external",)

_TEST = Eid("test", "Test IDP", ("4", "3"), ("pwd",), "S")

PROVIDERS = (
    Provider("testidp-oidc", "Test IDP", (_TEST,), "S", is_testidp=True),
    Provider("testidpnew-oidc", "Test IDP (new)", (_TEST,), "S, a commented-out line of a sample", is_testidp=True),
    Provider("bankid-oidc", "BankID", (Eid("bankid", "BankID", ("4",), ("bankid",), "I"),), "S"),
    Provider(
        "buypass-oidc",
        "Buypass",
        (
            Eid("buypass", "Buypass smartkort", ("4",), ("sc",), "I, from acr_values=bp:amr:sc"),
            Eid("buypass-mobile", "Buypass ID på mobil", ("4",), ("mobile",), "I"),
        ),
        "S",
    ),
    Provider(
        "commfides-oidc", "Commfides", (Eid("commfides", "Commfides", ("4",), ("sc",), "I"),), "I, from idp:commfides"
    ),
    Provider(
        ID_PORTEN,
        "ID-porten",
        (
            Eid("bankid", "BankID", ("4",), _INSIDE, "D for the level, I for amr"),
            Eid("buypass", "Buypass ID", ("4",), _INSIDE, "D for the level, I for amr"),
            Eid("commfides", "Commfides", ("4",), _INSIDE, "D for the level, I for amr"),
            Eid("minid", "MinID", ("3",), _INSIDE, "D for the level, I for amr"),
        ),
        "S",
    ),
    Provider(
        "helsemidtnorge-oidc",
        "Helse Midt-Norge RHF",
        (Eid("helsemidtnorge", "Helse Midt-Norge RHF", ("3",), _INSIDE, "D for the level, I for amr"),),
        "D for the provider, I for the scheme",
    ),
    Provider(
        "helseplattformen-oidc",
        "Helseplattformen",
        (Eid("helseplattformen", "Helseplattformen", ("4",), _INSIDE, "D for the level, I for amr"),),
        "D for the provider, I for the scheme",
    ),
)

#: All eIDs by short name, as personas have them or not.
EIDS = tuple(dict.fromkeys(eid.name for provider in PROVIDERS if not provider.is_testidp for eid in provider.eids))

_IDP = "idp:"

#: Words of ``acr_values`` to the eID that they ask for.
ACR_EIDS = {
    "amr:bankid": "bankid",
    "amr:bankidmobil": "bankid",
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


def providers_for(client: "Client", on_offer: Iterable[Provider]) -> tuple[Provider, ...]:
    """The providers ``on_offer`` that ``client`` may use; a registration without any may use all."""
    allowed = client.members["identity_providers"]
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


def has_eid(persona: "Persona", eid: Eid) -> bool:
    """Whether ``persona`` can log in with ``eid``: one of their own, of a level that they reach."""
    members = persona.members
    own: tuple[str, ...] = members["eids"]
    return (not own or eid.name in own or eid is _TEST) and min(eid.levels) <= members["security_level"]
