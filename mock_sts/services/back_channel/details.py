"""Details: gather what a client sends of organization and context, let the chapter judge it, and make claims of it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from mock_sts.helseid import trust_framework
from mock_sts.helseid.claims import Subject, child_of, full_name, parent_of, wanted_by
from mock_sts.helseid.details import NO_DETAILS, TRUST_FRAMEWORK, Details, read_details
from mock_sts.helseid.profile import details as chapter
from mock_sts.helseid.profile.details import DetailsEvidence
from mock_sts.helseid.registry.api import ApiResource
from mock_sts.helseid.registry.client import Client
from mock_sts.services.back_channel.client_authentication import AuthenticatedClient
from mock_sts.services.request_context import RequestContext
from mock_sts.values import value_type


@value_type
class ActingFor:
    """What an access token says of organization and context. ``parent`` is the legal entity acted for, ``child`` the
    unit of it, or None; ``trust_framework`` that claim, ready, or None.
    """

    details: Details
    parent: str | None
    child: str | None
    trust_framework: Mapping[str, Any] | None


def gather_details(
    context: RequestContext,
    caller: AuthenticatedClient,
    grant_type: str,
    login_details: Sequence[object],
    scopes: Sequence[str],
    apis: Sequence[ApiResource],
    subject: Subject | None,
) -> ActingFor:
    """The details of this token request on top of those of the login. Raises OAuthError for what HelseID refuses.

    ``login_details`` (as ``judge_request_details`` made them) were judged when the login began, but for what depends on
    who logs in, and on the token.
    """
    registered = caller.client
    if not login_details and not caller.details:
        return ActingFor(NO_DETAILS, parent_of(registered, NO_DETAILS), child_of(registered, NO_DETAILS), None)
    carrier, members, values = _kept(login_details)
    login = read_details(values) if values else NO_DETAILS
    sent = read_details(caller.details.values()) if caller.details else NO_DETAILS
    details = sent.over(login)
    parent = parent_of(registered, details)
    evidence = DetailsEvidence(login, registered, carrier, members, grant_type, parent=parent)
    if subject is not None:
        evidence = replace(evidence, persona=subject.persona, security_level=subject.login.security_level)
    framework = details.trust_framework
    if framework is not None:
        brings = trust_framework.is_brought_by(scopes, wanted_by(apis), TRUST_FRAMEWORK)
        evidence = replace(evidence, brings_trust_framework=brings)
    if caller.details:
        of_request = replace(
            evidence,
            details=sent,
            carrier=chapter.ASSERTION,
            members=tuple(caller.details),
            login_types=login.types,
            above_child=_above_child(context, sent),
        )
        context.judge(chapter.CHAPTER, of_request)
    if login.trust_framework is not None:
        context.judge(chapter.AFTER_LOGIN, evidence)
    claim = None
    if framework is not None and subject is not None and evidence.brings_trust_framework:
        claim = trust_framework.claim(
            framework,
            pid=subject.persona.pid,
            name=full_name(subject.persona),
            hpr_number=subject.login.hpr_number,
            organization_name=context.catalog.organization_name,
        )
    return ActingFor(details, parent, child_of(registered, details), claim)


def judge_request_details(
    context: RequestContext, client: Client, values: Mapping[str, object], *, signed: bool
) -> tuple[object, ...]:
    """Judge the details of an authorization request, by the name they stand under, and give what is kept of them;
    ``signed`` says that they came in a request object.

    Raises OAuthError.
    """
    if not values:
        return ()
    carrier = chapter.REQUEST_OBJECT if signed else chapter.PARAMETER
    details = read_details(values.values())
    above = _above_child(context, details)
    context.judge(chapter.CHAPTER, DetailsEvidence(details, client, carrier, tuple(values), above_child=above))
    return ({"carrier": carrier, "values": dict(values)},)


def judge_pushed_assertion(
    context: RequestContext, caller: AuthenticatedClient, request_details: Sequence[object]
) -> None:
    """Judge the details in the assertion of a pushed request, beside those of the request itself. They have no effect.

    Raises OAuthError.
    """
    if not caller.details:
        return
    _, _, values = _kept(request_details)
    context.judge(
        chapter.IN_PUSHED_ASSERTION,
        DetailsEvidence(
            details=read_details(caller.details.values()),
            client=caller.client,
            carrier=chapter.ASSERTION,
            members=tuple(caller.details),
            login_types=read_details(values).types,
        ),
    )


def _above_child(context: RequestContext, details: Details) -> tuple[str, ...]:
    """The organizations that the registry has above the child that ``details`` name."""
    numbers = details.organization
    return () if numbers is None or numbers.child is None else context.catalog.organizations_above(numbers.child)


def _kept(details: Sequence[object]) -> tuple[str, tuple[str, ...], tuple[object, ...]]:
    """Where the details of an authorization request stood, under which names, and they themselves."""
    if not details:
        return "", (), ()
    document = cast("Mapping[str, Any]", details[0])
    return document["carrier"], tuple(document["values"]), tuple(document["values"].values())
