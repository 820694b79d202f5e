"""Which tables have rows of environments; known without SQLAlchemy."""

#: Every table with rows of environments. ``revision`` is the last: triggers of the others count it up.
OWNING = (
    "client",
    "api",
    "organization",
    "persona",
    "signing_key",
    "replay",
    "authorization_request",
    "authorization_code",
    "refresh_token",
    "login_session",
    "session_client",
    "scripted_login",
    "token_service_key",
    "fault",
    "journal",
    "environment_host",
    "revision",
)

#: Those whose rows a snapshot keeps, beside that of the environment itself. Host names and revision are no state.
KEPT_BY_SNAPSHOTS = tuple(name for name in OWNING if name not in ("environment_host", "revision"))
