"""HelseID's metadata documents: discovery as it was recorded, and the key set.

The discovery document is a recording, not the sum of what this emulator does: HelseID itself advertises more than it
accepts, clients parse it, and some of them are particular about it. Members stand in the recorded order.
"""

from collections.abc import Iterable, Mapping

from mock_sts.helseid.endpoints import Endpoint
from mock_sts.protocol.issuer import Issuer
from mock_sts.protocol.jose import ALGORITHMS, FAPI_ALGORITHMS
from mock_sts.protocol.json_text import write_json
from mock_sts.protocol.terms import AuthMethod, GrantType

CLAIMS_SUPPORTED = (
    "name",
    "family_name",
    "given_name",
    "middle_name",
    "helseid://claims/identity/assurance_level",
    "helseid://claims/identity/pid",
    "helseid://claims/identity/pid_pseudonym",
    "helseid://claims/identity/security_level",
    "helseid://claims/identity/network",
    "helseid://claims/hpr/hpr_number",
    "helseid://claims/client/client_name",
    "helseid://claims/client/client_tenancy",
    "helseid://claims/client/claims/orgnr_parent",
    "helseid://claims/client/claims/orgnr_child",
    "helseid://claims/client/claims/orgnr_supplier",
    "client_amr",
)

SCOPES_SUPPORTED = (
    "openid",
    "profile",
    "offline_access",
    "helseid://scopes/client/info",
    "helseid://scopes/client/client_name",
    "helseid://scopes/identity/assurance_level",
    "helseid://scopes/identity/pid",
    "helseid://scopes/identity/pid_pseudonym",
    "helseid://scopes/identity/security_level",
    "helseid://scopes/identity/network",
    "nhn:tillitsrammeverk:parameters",
    "nhn:sfm:journal-id",
    "helseid://scopes/hpr/hpr_number",
)

GRANT_TYPES_SUPPORTED = (
    "authorization_code",
    "client_credentials",
    "refresh_token",
    "implicit",
    "urn:ietf:params:oauth:grant-type:device_code",
    "urn:openid:params:grant-type:ciba",
    "urn:ietf:params:oauth:grant-type:token-exchange",
)

RESPONSE_TYPES_SUPPORTED = (
    "code",
    "token",
    "id_token",
    "id_token token",
    "code id_token",
    "code token",
    "code id_token token",
)


#: What is true of a server that keeps to FAPI 2.0, where HelseID's recording says more; None: not there at all.
_IN_FAPI: Mapping[str, object] = {
    "check_session_iframe": None,
    "device_authorization_endpoint": None,
    "backchannel_authentication_endpoint": None,
    "require_pushed_authorization_requests": True,
    "grant_types_supported": tuple(grant.value for grant in GrantType),
    "response_types_supported": ("code",),
    "response_modes_supported": ("query", "form_post"),
    "token_endpoint_auth_methods_supported": (AuthMethod.PRIVATE_KEY_JWT.value,),
    "token_endpoint_auth_signing_alg_values_supported": FAPI_ALGORITHMS,
    # Without these the default of RFC 8414 counts, which is a client secret.
    "revocation_endpoint_auth_methods_supported": (AuthMethod.PRIVATE_KEY_JWT.value,),
    "revocation_endpoint_auth_signing_alg_values_supported": FAPI_ALGORITHMS,
    "introspection_endpoint_auth_methods_supported": (AuthMethod.PRIVATE_KEY_JWT.value,),
    "introspection_endpoint_auth_signing_alg_values_supported": FAPI_ALGORITHMS,
    "code_challenge_methods_supported": ("S256",),
    "request_object_signing_alg_values_supported": FAPI_ALGORITHMS,
    "backchannel_token_delivery_modes_supported": None,
    "backchannel_user_code_parameter_supported": None,
    "dpop_signing_alg_values_supported": FAPI_ALGORITHMS,
}


def discovery_document(issuer: Issuer, back_channel: Issuer, signing_algorithm: str, *, fapi: bool) -> bytes:
    """The document at ``/.well-known/openid-configuration`` as UTF-8 JSON.

    Endpoints that browsers visit stand on ``issuer``, the others on ``back_channel``; usually they are the same.
    ``fapi`` asks for what is true under FAPI 2.0 instead of the recording.
    """
    document: dict[str, object] = {
        "issuer": issuer.base,
        "jwks_uri": back_channel.url(Endpoint.JWKS),
        "authorization_endpoint": issuer.url(Endpoint.AUTHORIZE),
        "token_endpoint": back_channel.url(Endpoint.TOKEN),
        "userinfo_endpoint": back_channel.url(Endpoint.USERINFO),
        "end_session_endpoint": issuer.url(Endpoint.END_SESSION),
        "check_session_iframe": issuer.url(Endpoint.CHECK_SESSION),
        "revocation_endpoint": back_channel.url(Endpoint.REVOCATION),
        "introspection_endpoint": back_channel.url(Endpoint.INTROSPECTION),
        "device_authorization_endpoint": back_channel.url(Endpoint.DEVICE_AUTHORIZATION),
        "backchannel_authentication_endpoint": back_channel.url(Endpoint.CIBA),
        "pushed_authorization_request_endpoint": back_channel.url(Endpoint.PAR),
        "require_pushed_authorization_requests": False,
        "frontchannel_logout_supported": True,
        "frontchannel_logout_session_supported": True,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "claims_supported": CLAIMS_SUPPORTED,
        "scopes_supported": SCOPES_SUPPORTED,
        "grant_types_supported": GRANT_TYPES_SUPPORTED,
        "response_types_supported": RESPONSE_TYPES_SUPPORTED,
        "response_modes_supported": ("form_post", "query", "fragment"),
        "token_endpoint_auth_methods_supported": (
            "client_secret_basic",
            "client_secret_post",
            "private_key_jwt",
        ),
        "id_token_signing_alg_values_supported": (signing_algorithm,),
        "subject_types_supported": ("public",),
        "code_challenge_methods_supported": ("plain", "S256"),
        "request_parameter_supported": True,
        "request_object_signing_alg_values_supported": (*ALGORITHMS, "HS256", "HS384", "HS512"),
        "prompt_values_supported": ("none", "login", "consent", "select_account"),
        "authorization_response_iss_parameter_supported": True,
        "backchannel_token_delivery_modes_supported": ("poll",),
        "backchannel_user_code_parameter_supported": True,
        "dpop_signing_alg_values_supported": ALGORITHMS,
        "expired_jwks_uri": back_channel.url(Endpoint.EXPIRED_JWKS),
        "available_idps": back_channel.url(Endpoint.AVAILABLE_IDPS),
    }
    if fapi:
        document = {name: value for name, value in {**document, **_IN_FAPI}.items() if value is not None}
    return write_json(document)


def jwks_document(keys: Iterable[Mapping[str, object]]) -> bytes:
    """A JWK set as UTF-8 JSON."""
    return write_json({"keys": list(keys)})
