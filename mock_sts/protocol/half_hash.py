"""Half a hash: what binds an ID token to what comes beside it (OpenID Connect Core sections 3.1.3.6 and 3.3.2.11)."""

from collections.abc import Callable

from mock_sts.late import late


def half_hash(text: str) -> str:
    """``at_hash``, ``c_hash`` and ``s_hash`` of ``text``, for algorithms with SHA-256."""
    return _half_hasher()(text, "RS256").decode("ascii")


@late
def _half_hasher() -> Callable[[str, str], bytes]:
    from authlib.oidc.core.util import create_half_hash  # noqa: PLC0415  only logins need Authlib

    made: Callable[[str, str], bytes] = create_half_hash
    return made
