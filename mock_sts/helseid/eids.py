"""The identity providers and the electronic ids behind them: through whom a person logs in, and what that yields.

One table says it all. HelseID tells little of what comes out of a provider; each entry says where its values are from:
D documented, S seen in a recording or in published code, I inferred. Settings and registrations name entries of it;
``providers`` tells which of them a login may use.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Eid:
    """An electronic id: its short name, its name on the page, the security levels that a login with it may have (the
    usual one first), the methods (``amr``) that it yields, and the evidence for these. ``also`` are the short names of
    further eIDs of a person that this choice takes.
    """

    name: str
    display_name: str
    levels: tuple[str, ...]
    amr: tuple[str, ...]
    evidence: str
    also: tuple[str, ...] = ()

    @property
    def taken(self) -> tuple[str, ...]:
        """The eIDs of people, by short name, with which this choice lets in."""
        return (self.name, *self.also)


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

TEST_EID = Eid("test", "Test IDP", ("4", "3"), ("pwd",), "S")

PROVIDERS = (
    Provider("testidp-oidc", "Test IDP", (TEST_EID,), "S", is_testidp=True),
    Provider("testidpnew-oidc", "Test IDP (new)", (TEST_EID,), "S, a commented-out line of a sample", is_testidp=True),
    Provider(
        "bankid-oidc",
        "BankID",
        (
            Eid("bankid", "BankID", ("4",), ("bankid",), "I"),
            Eid("bankid-mobile", "BankID på mobil", ("4",), ("bankid",), "I, from amr:bankidmobil"),
        ),
        "S",
    ),
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
            Eid("bankid-mobile", "BankID på mobil", ("4",), _INSIDE, "D for amr:bankidmobil and the level, I for amr"),
            Eid("buypass", "Buypass ID", ("4",), _INSIDE, "D for the level, I for amr", also=("buypass-mobile",)),
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
