"""Identity providers: through whom a person logs in, and what that yields."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the settings know the providers' names, and must not load what reads keys
    from mock_sts.helseid.registry import Client


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider: its scheme (``idp`` in tokens), its name on the page, the methods (``amr``) a login yields, and
    whether it is the TestIDP, where a test may say who logs in.
    """

    scheme: str
    display_name: str
    amr: tuple[str, ...]
    is_testidp: bool


#: The TestIDP under the scheme of all recordings, and under the newer one that a sample of NHN mentions.
PROVIDERS = (
    Provider("testidp-oidc", "Test IDP", ("pwd",), is_testidp=True),
    Provider("testidpnew-oidc", "Test IDP (new)", ("pwd",), is_testidp=True),
)

_IDP = "idp:"


def offered(schemes: Iterable[str]) -> tuple[Provider, ...]:
    """The providers that a server with these ``schemes`` has; none named: all."""
    named = tuple(schemes)
    return tuple(provider for provider in PROVIDERS if not named or provider.scheme in named)


def providers_for(client: "Client", on_offer: Iterable[Provider]) -> tuple[Provider, ...]:
    """The providers ``on_offer`` that ``client`` may use; a registration without any may use all."""
    allowed = client.members["identity_providers"]
    return tuple(provider for provider in on_offer if not allowed or provider.scheme in allowed)


def asked_for(acr_values: tuple[str, ...], allowed: Iterable[Provider]) -> Provider | None:
    """The provider that ``acr_values`` names by ``idp:<scheme>``; None when it names none of ``allowed``."""
    named = {value.removeprefix(_IDP) for value in acr_values if value.startswith(_IDP)}
    return next((provider for provider in allowed if provider.scheme in named), None)
