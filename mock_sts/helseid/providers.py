"""Identity providers: through whom a person logs in, and what that yields."""

from dataclasses import dataclass

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


def providers_for(client: Client) -> tuple[Provider, ...]:
    """The providers that ``client`` may use; a registration without any may use all."""
    allowed = client.members["identity_providers"]
    return tuple(provider for provider in PROVIDERS if not allowed or provider.scheme in allowed)


def asked_for(acr_values: tuple[str, ...], client: Client) -> Provider | None:
    """The provider that ``acr_values`` names by ``idp:<scheme>``; None when it names none that the client may use."""
    named = {value.removeprefix(_IDP) for value in acr_values if value.startswith(_IDP)}
    return next((provider for provider in providers_for(client) if provider.scheme in named), None)
