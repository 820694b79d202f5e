"""The rules of HelseID and of its security profile, a chapter per kind of evidence.

``CHAPTERS`` is what each request is judged by: what refuses, and what the journal records. ``CONDUCT_CHAPTERS`` is what
only a report judges, over many requests. ``BOOK`` is both.
"""

from typing import Any

from mock_sts.helseid.profile import (
    access_token,
    api,
    authorization_request,
    client,
    client_assertion,
    code_exchange,
    conduct,
    details,
    dpop,
    end_session,
    form,
    ignored,
    login,
    request_object,
    request_uri,
    token_exchange,
    token_management,
    token_request,
)
from mock_sts.helseid.requirement import Chapter, Requirement

CHAPTERS: tuple[Chapter[Any], ...] = (
    form.CHAPTER,
    client_assertion.CHAPTER,
    client.CHAPTER,
    token_request.PROOFS_CHAPTER,
    token_request.CHAPTER,
    dpop.CHAPTER,
    dpop.TOKEN_CHAPTER,
    token_request.GRANT_CHAPTER,
    token_request.SCOPE_CHAPTER,
    request_object.CHAPTER,
    authorization_request.CHAPTER,
    request_uri.CHAPTER,
    login.ORDER_CHAPTER,
    login.CHAPTER,
    code_exchange.CHAPTER,
    code_exchange.REFRESH_CHAPTER,
    token_exchange.CHAPTER,
    details.CHAPTER,
    api.CHAPTER,
    access_token.CHAPTER,
    access_token.USE_CHAPTER,
    token_management.CHAPTER,
    end_session.CHAPTER,
    ignored.CHAPTER,
)

#: What only a report judges.
CONDUCT_CHAPTERS: tuple[Chapter[Any], ...] = (conduct.CHAPTER, conduct.SPAN_CHAPTER)

#: The whole book.
BOOK = (*CHAPTERS, *CONDUCT_CHAPTERS)


def find(requirement_id: str) -> Requirement[Any] | None:
    """The requirement with this id, or None."""
    for chapter in BOOK:
        for requirement in chapter.requirements:
            if requirement.id == requirement_id:
                return requirement
    return None
