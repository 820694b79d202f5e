"""HelseID's words for what a registration or a setting chooses between."""

SINGLE_TENANT = "single-tenant"
MULTI_TENANT = "multi-tenant"

#: What happens to a refresh token that is used.
ONE_TIME_USE_ONLY = "OneTimeUseOnly"
REUSABLE = "Reusable"

#: What tokens can be signed with: HelseID's algorithm first, then one of those that FAPI 2.0 allows.
SIGNING_ALGORITHMS = ("RS256", "PS256")
