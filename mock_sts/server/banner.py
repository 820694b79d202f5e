"""What a server says when it is ready: a page for people, one line for a program that holds it."""

import json
import os
from urllib.parse import urlsplit

from mock_sts import __version__
from mock_sts.helseid.hosts import impersonated_by
from mock_sts.helseid.ready import READY_CLIENT, READY_PEOPLE
from mock_sts.helseid.terms import EXPLAIN_OFF
from mock_sts.protocol.addresses import UnknownHostError, host_name, is_loopback_name
from mock_sts.protocol.urls import port_of
from mock_sts.settings.settings import Settings

#: The control API, below the address of the server.
_CONTROL = "/mock/api/v1"


def banner(settings: Settings) -> str:
    """What the server says when it starts."""
    name = f"[{settings.host}]" if ":" in settings.host else settings.host
    answers, issuer = _address_here(settings), settings.issuer
    attempt = f"mock-sts token {READY_CLIENT} --url {answers or issuer}"
    if not answers and impersonated_by(issuer):
        attempt = "a client for whom that issuer is this server; from here the name may lead to HelseID's own"
    people = [f"{pid} {name}, {what}" for pid, name, what in READY_PEOPLE]
    lines = [
        *_warning(settings),
        f"Mock HelseID STS {__version__}: an emulator for tests, not HelseID and not affiliated with NHN",
        f"  issuer       {issuer}",
        f"  listens on   http://{name}:{settings.port}"
        + (f", https://{name}:{settings.tls_port}" if settings.tls_port else ""),
        *([f"  CA           {settings.certificates.ca}"] if settings.tls_port and not settings.tls_certificate else []),
        f"  aliases      {', '.join(settings.aliases) or '(none)'}",
        f"  URL mode     {settings.addresses.mode}",
        f"  enforcement  {settings.enforcement}",
        f"  explain      {settings.explain}"
        + ("; MOCK_STS_EXPLAIN=description tells callers why" if settings.explain == EXPLAIN_OFF else ""),
        f"  database     {settings.database_name}",
        f"  journal      {settings.here if impersonated_by(issuer) else issuer}/mock/api/v1/journal",
        f"  log in as    {people[0]}",
        *(f"               {person}" for person in people[1:]),
        f"  try          {attempt}",
    ]
    return "\n".join(lines)


def _address_here(settings: Settings) -> str:
    """The URL by which ``mock-sts token`` gets a token from this server, asked on this machine; empty without one.

    The command asks discovery there, and then the endpoint that discovery names: that must lead here too. Whither the
    public URL leads is unknown here; another program's machine may have the name. http first: it asks no trust.
    """
    shown = settings.host_here
    own = [(scheme, port) for scheme, port in (("http", settings.port), ("https", settings.tls_port)) if port]
    for scheme, port in own:
        try:
            endpoint = urlsplit(settings.addresses.of(scheme, f"{shown}:{port}").back_channel.base)
        except UnknownHostError:
            continue
        name = host_name(endpoint.netloc)
        leads_here = is_loopback_name(name) if is_loopback_name(shown) else name == shown
        if leads_here and (endpoint.scheme, port_of(endpoint)) in own:
            return f"{scheme}://{shown}:{port}"
    return ""


def _warning(settings: Settings) -> list[str]:
    """What is said before everything else where the server goes by the name of a real HelseID."""
    taken = list(dict.fromkeys(filter(None, map(impersonated_by, settings.addresses.named))))
    if not taken:
        return []
    bar = "*" * 78
    return [
        bar,
        f"  THIS SERVER ANSWERS AS {', '.join(taken)} AND IS NOT HELSEID.",
        "  Keep the name inside a network of your own: a machine that trusts this server's CA",
        "  and resolves the name to it believes any login, for none here is checked.",
        bar,
    ]


def ready_line(settings: Settings) -> str:
    """The same for a program: JSON in one line, of ASCII alone. What the server has not is null.

    ``issuer``; ``url`` and ``tls_url``, by which this machine reaches it; ``control``, where the control API begins;
    ``ca``, the file with the certificate of the local CA; ``pid``, the process to end.
    """
    ca = settings.certificates.ca.absolute() if settings.tls_port and not settings.tls_certificate else None
    printed = {
        "issuer": settings.issuer,
        "url": settings.here,
        "tls_url": f"https://{settings.host_here}:{settings.tls_port}" if settings.tls_port else None,
        "control": f"{settings.here}{_CONTROL}",
        "ca": None if ca is None else str(ca),
        "pid": os.getpid(),
    }
    return json.dumps(printed)
