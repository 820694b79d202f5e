"""Details: gather what a client sends of organization and context, let the chapter judge it, and make claims of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mock_sts.helseid import trust_framework
from mock_sts.helseid.claims import Subject, full_name, parent_of, wanted_by
from mock_sts.helseid.details import NO_DETAILS, TRUST_FRAMEWORK, Details, read_details
from mock_sts.helseid.profile import details as chapter
from mock_sts.helseid.profile.details import DetailsEvidence
from mock_sts.helseid.registry import ApiResource, Client
from mock_sts.services.client_authentication import AuthenticatedClient
from mock_sts.services.exchange import Exchange


@dataclass(frozen=True, slots=True)
class Context:
    """What an access token says of organization and context. ``parent`` is the legal entity acted for, or None;
    ``trust_framework`` that claim, ready, or None.
    """

    details: Details
    parent: str | None
    trust_framework: Mapping[str, Any] | None


def gather_context(
    exchange: Exchange,
    client: AuthenticatedClient,
    grant_type: str,
    login_details: Sequence[object],
    scopes: Sequence[str],
    apis: Sequence[ApiResource],
    subject: Subject | None,
) -> Context:
    """The details of this token request on top of those of the login. Raises OAuthError for what HelseID refuses.

    ``login_details`` were judged when the login began, but for what depends on who logs in.
    """
    login = read_details(login_details) if login_details else NO_DETAILS
    details = login
    persona = subject.persona if subject is not None else None
    if login.trust_framework is not None:
        of_login = DetailsEvidence(login, client.client, chapter.REQUEST_OBJECT, (), persona=persona)
        exchange.judge(chapter.AFTER_LOGIN, of_login)
    brings = trust_framework.is_brought_by(scopes, wanted_by(apis), TRUST_FRAMEWORK)
    if client.details:
        sent = read_details(client.details.values())
        exchange.judge(
            chapter.CHAPTER,
            DetailsEvidence(
                details=sent,
                client=client.client,
                carrier=chapter.ASSERTION,
                members=tuple(client.details),
                grant_type=grant_type,
                login_types=login.types,
                persona=persona,
                brings_trust_framework=brings,
            ),
        )
        details = sent.over(login)
    claim = None
    if details.trust_framework is not None and subject is not None and brings:
        claim = trust_framework.claim(
            details.trust_framework,
            pid=subject.persona.pid,
            name=full_name(subject.persona),
            hpr_number=subject.login.hpr_number,
            organization_name=exchange.catalog.organization_name,
        )
    return Context(details, parent_of(client.client, details), claim)


def judge_request_details(exchange: Exchange, client: Client, values: Sequence[object], *, signed: bool) -> None:
    """Judge the details of an authorization request; ``signed`` says that they came in a request object.

    Raises OAuthError.
    """
    if not values:
        return
    exchange.judge(
        chapter.CHAPTER,
        DetailsEvidence(
            details=read_details(values),
            client=client,
            carrier=chapter.REQUEST_OBJECT if signed else chapter.PARAMETER,
            members=("authorization_details",),
        ),
    )
