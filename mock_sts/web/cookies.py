"""Cookies of the pages: how they are named and set."""

from flask import Response, request

from mock_sts.web import redirects
from mock_sts.web.reading import asked, current, the_server


def set_cookie(
    response: Response, purpose: str, value: str, *, readable: bool = False, whole_server: bool = False
) -> None:
    """Give the browser a cookie for ``purpose``; ``readable`` says that scripts may see it, ``whole_server`` that it is
    for all environments, under the name that ``purpose`` then is.
    """
    # The address that was asked, not the issuer: behind an alias in http a secure cookie would never come back.
    secure = request.is_secure or current().urls.back_channel.base.startswith("https:")
    root = current().root
    response.set_cookie(
        purpose if whole_server else cookie_name(purpose),
        value,
        httponly=not readable,
        secure=secure,
        samesite="None" if secure else "Lax",
        path=(root.removesuffix(current().environment.below) if whole_server else root) or "/",
    )


def take_back_cookie(response: Response, purpose: str) -> None:
    """Have the browser forget its cookie for ``purpose``."""
    response.delete_cookie(cookie_name(purpose), path=current().root or "/")


def shared_cookie_name(purpose: str) -> str:
    """The name of a cookie for all environments of this server."""
    return f"mock-sts-{purpose}-{the_server().default.instance}"


def cookie_name(purpose: str) -> str:
    """Ports share cookies, so the name tells server and environment."""
    return redirects.cookie_name(asked(), purpose)
