"""HelseID's words for what a registration or a setting chooses between."""

SINGLE_TENANT = "single-tenant"
MULTI_TENANT = "multi-tenant"

#: What happens to a refresh token that is used.
ONE_TIME_USE_ONLY = "OneTimeUseOnly"
REUSABLE = "Reusable"

#: The languages of the login pages, as a page names them; and the same by the first part of a locale.
NORWEGIAN, ENGLISH = "nb", "en"
_LANGUAGES = {"nb": NORWEGIAN, "no": NORWEGIAN, "nn": NORWEGIAN, "en": ENGLISH}

#: When a login takes place without a page: never, by itself as the default persona, or when something tells of it.
LOGIN_PAGE = "page"
LOGIN_AUTO = "auto"
LOGIN_AUTO_IF_HINTED = "auto-if-hinted"
LOGIN_MODES = (LOGIN_PAGE, LOGIN_AUTO, LOGIN_AUTO_IF_HINTED)

#: What tokens can be signed with: HelseID's algorithm first, then one of those that FAPI 2.0 allows.
SIGNING_ALGORITHMS = ("RS256", "PS256")


#: What error_description says: what HelseID says, or the broken rule and its remedy behind that.
EXPLAIN_OFF = "off"
EXPLAIN_IN_DESCRIPTION = "description"
EXPLANATIONS = (EXPLAIN_OFF, EXPLAIN_IN_DESCRIPTION)


def language_in(locale: str) -> str | None:
    """The language of the login pages that ``locale`` (``nb-no``, ``en-us``) asks for, None where they have none."""
    return _LANGUAGES.get(locale.partition("-")[0].lower())


#: Which keys the test-token service takes: any text, or those that are kept.
ANY_KEY, KEPT_KEYS = "any", "kept"
TOKEN_SERVICE_KEYS = (ANY_KEY, KEPT_KEYS)
