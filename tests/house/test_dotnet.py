"""The pages and programs for .NET: every value and name is one that the server, the registry or .NET has."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from mock_sts.cli.main import make_parser  # the options of commands
from mock_sts.helseid.profile import find
from mock_sts.helseid.profile.authorization_request import is_registered_redirect
from mock_sts.helseid.registry.client import Client
from mock_sts.protocol.terms import GrantType
from mock_sts.settings.settings import SETTINGS
from tests.house.dotnet import FOLDER, ROOT, compare_program, literals_of, programs
from tests.house.snippets import blocks_of
from tests.house.values import shipped
from tests.support.emulator import LiveServer

PAGE = ROOT / "docs" / "dotnet.md"
GRANTS = {str(grant) for grant in GrantType}

#: Names of .NET, its packages, NHN's and FHI's programs, and what they say: from the programs that were run.
DOTNET = {
    *(
        "net10.0",
        "Duende.IdentityModel",
        "BROWSER",
        "127.0.0.1",
        "SSL_CERT_FILE",
        "PrivateHelseIdUrl",
        "nhn.no",
        "localhost",
    ),
    *("HelseID.Library", "HelseID.Library.ClientCredentials", "HelseID.Library.SelfService", "HelseID.Library.Mocks"),
    *("Microsoft.AspNetCore.Authentication.OpenIdConnect", "Microsoft.AspNetCore.Authentication.JwtBearer"),
    *("Microsoft.IdentityModel.JsonWebTokens", "Microsoft.IdentityModel.Protocols.OpenIdConnect"),
    *("ConfigurationFromAppSettings", "HelseIdConfiguration", "AddSingleton", "DelegatingHandler"),
    *("ConfigureHttpClientDefaults", "RequireHttpsMetadata", "HelseID__StsUrl", "HelseID__ClientId", "HelseID__Scope"),
    *(
        "SameSite=None",
        "Secure",
        "HttpClient",
        "SameAsRequest",
        "CookieContainer",
        "WebApplicationFactory",
        "dotnet new web",
    ),
    *("MapInboundClaims = true", "MapJsonKey", "MapCustomJson", "OnAccessDenied", "OnRemoteFailure", "Location"),
    *('context.Failure.Data["error"]', "UseKestrel(0)", "StartServer()", "AssemblyFixture", "ClockSkew"),
    *("TryAllIssuerSigningKeys = false", 'ValidTypes = ["at+jwt"]', "ValidAlgorithms", "empty", "dotnet add package"),
    *("The token expired at '...'", "The token has no expiration", "The issuer '...' is invalid"),
    *("The audience '...' is invalid", "The signature key was not found", "The signature is invalid"),
    *('Bearer error="invalid_token"', "curl --location", "sysctl net.ipv4.ip_unprivileged_port_start=443", "443"),
}

#: Words of the protocol and of this program's own pages.
WORDS = {
    *("aud", "htu", "exp", "kid", "alg", "typ", "jti", "HS256", "Bearer", "DPoP-Nonce", "sub", "amr", "idp", "fixed"),
    *("given_name", "family_name", "helseid://claims/...", "test_pid", "outcome", "access_denied", "strict"),
    *("/mock/as/<persona>", "127.0.0.1 helseid-sts.test.nhn.no", "refresh_token_usage: Reusable"),
    "helseid://claims/hpr/hpr_details",
}


def named_in(page: Path) -> Iterator[str]:
    """Every text between backticks that stands outside blocks."""
    prose = re.sub(r"(?ms)^```.*?^```$", "", page.read_text(encoding="utf-8"))
    yield from re.findall(r"`([^`\n]+)`", prose)


def fault_of(text: str, live: LiveServer) -> str:
    """Why ``text`` is none that a reader of the page can use; an empty text where it is one."""
    demo = shipped().entries["client"]["demo-web"].item
    assert isinstance(demo, Client)
    if text in DOTNET or text in WORDS or text in shipped().entries["client"] or find(text) is not None:
        return ""
    if text.startswith("MOCK_STS_"):
        return "" if text in {setting.variable for setting in SETTINGS} else "no setting"
    if text.startswith("mock-sts "):
        words = text.split()[1:]
        known = make_parser().format_help()
        return "" if words[0] in known else "no command"
    if text.startswith("/"):
        paths = [uri for uri in (*demo.redirect_uris, *demo.post_logout_redirect_uris) if uri.endswith(text)]
        return "" if paths else "no path of demo-web"
    if text.startswith(("http://", "https://")):
        known_as = {"http://localhost:8080", "https://helseid-sts.test.nhn.no", "https://localhost", "http://localhost"}
        return "" if text in known_as else "no address that the page is about"
    return "neither a name of .NET that was run nor one of ours"


def test_every_name_on_the_page_is_one(live: LiveServer) -> None:
    assert [(text, why) for text in named_in(PAGE) if (why := fault_of(text, live))] == []
    named = set(named_in(PAGE))
    assert sorted((DOTNET | WORDS) - named) == [], "a name that the page has no more"


@pytest.mark.parametrize(
    "text", ["MOCK_STS_PUBLIC", "RequireHttpMetadata", "/signin", "http://localhost:8081", "demo-wep"]
)
def test_a_typing_error_on_the_page_is_found(live: LiveServer, text: str) -> None:
    assert fault_of(text, live)


@pytest.mark.parametrize("file", programs(), ids=lambda file: str(file.relative_to(FOLDER)))
def test_every_value_in_a_program_is_one(live: LiveServer, file: Path) -> None:
    compare_program(programs()[file].replace("http://localhost:8080", live.issuer), live.issuer)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('"demo-web"', '"demo-wep"'),
        ("identity/pid", "identity/pidd"),
        ('"06828399789"', '"06828399780"'),
        ('"/signin-oidc"', '"/signin-odic"'),
        ('"client_assertion"', '"client_asertion"'),
        ("http://localhost:8080", "http://localhost:8081"),
        ('"/connect/token"', '"/conect/token"'),
        ("demo-web.json", "demo-web-api.json"),
    ],
)
def test_a_typing_error_in_a_program_is_found(live: LiveServer, right: str, wrong: str) -> None:
    text = programs()[FOLDER / "login" / "Program.cs"]
    assert right in text
    with pytest.raises(AssertionError):
        compare_program(text.replace(right, wrong).replace("http://localhost:8080", live.issuer), live.issuer)


def test_every_program_is_shown_or_linked() -> None:
    page = ROOT / "docs" / "clients.md"
    shown = [block.text for block in blocks_of(page) if block.language == "csharp"]
    for file, text in programs().items():
        linked = f"(../{file.relative_to(ROOT)})" in page.read_text(encoding="utf-8")
        assert text in shown or linked, file
    machine = programs()[FOLDER / "machine" / "Program.cs"]
    assert machine in shown
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        assert "runs .NET for this page" not in page.read_text(encoding="utf-8")


@pytest.mark.covers("redirect-uris.ready-web")
@pytest.mark.parametrize(
    ("members", "path"),
    [("redirect_uris", "/signin-oidc"), ("post_logout_redirect_uris", "/signout-callback-oidc")],
)
@pytest.mark.parametrize(
    ("origin", "fits"),
    [
        ("http://localhost", True),  # WebApplicationFactory
        ("https://localhost", True),
        ("http://localhost:5129", True),  # dotnet new web picks one
        ("http://localhost:5112", True),
        ("https://localhost:7001", True),
        ("https://localhost:7196", True),
        ("https://app.example.test", False),
        ("http://app.example.test", False),
    ],
)
def test_the_ready_web_client_takes_the_addresses_of_aspnet(members: str, path: str, origin: str, fits: bool) -> None:
    demo = shipped().entries["client"]["demo-web"].item
    assert isinstance(demo, Client)
    registered: tuple[str, ...] = getattr(demo, members)
    assert is_registered_redirect(f"{origin}{path}", registered) is fits


TESTS_PAGE = ROOT / "docs" / "dotnet-tests.md"

#: What means something in the code of that page alone: words of .NET, of its application, of the command line.
OF_THE_TESTS = {
    *("sts-", "mock-sts", "\\n", "Cookie", "Set-Cookie", "https://localhost/", "false", "HELSEID_MOCK_PROGRAM"),
    *("The server did not start:\\n", "goes round in circles at ", "HelseId:ClientId", "HelseId:PrivateJwk", "my-web"),
    *("HelseId:Authority", "HelseId:RequireHttpsMetadata", "MOCK_STS_DATABASE_URL", "/", "PT2H"),
}


def described(live: LiveServer) -> dict[str, Any]:
    document: dict[str, Any] = requests.get(f"{live.issuer}/mock/api/v1/openapi.json", timeout=60).json()
    return document


def template_of(path: str, paths: Iterable[str]) -> str:
    """The path of the document that ``path`` is one of; an empty text for none."""
    for known in paths:
        if re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(known)), path):
            return known
    return ""


def members_of(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """The members of a body, whatever its schema is put together from."""
    if "$ref" in schema:
        return members_of(document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], document)
    found = dict(schema.get("properties", {}))
    for part in ("allOf", "anyOf", "oneOf"):
        for one in schema.get(part, ()):
            found |= members_of(one, document)
    return found


def calls_of(text: str) -> list[tuple[str, str, str]]:
    """The calls in C#: method, path, and the text of the body, braces counted."""
    found = []
    for call in re.finditer(r'CallAsync\("([A-Z]+)", \$?"([^"]+)"(, new\s*\{)?', text):
        at, depth = call.end(), 1 if call[3] else 0
        while depth:
            depth += {"{": 1, "}": -1}.get(text[at], 0)
            at += 1
        found.append((call[1], call[2], text[call.end() : max(at - 1, call.end())]))
    return found


def faults_of_tests(text: str, live: LiveServer) -> list[str]:
    """What is wrong with the C# of the page on tests."""
    document, faults = described(live), []
    discovery = requests.get(f"{live.issuer}/.well-known/openid-configuration", timeout=60).json()
    known: set[str] = {*OF_THE_TESTS, *make_parser().format_help().split(), *GRANTS, "private_jwk", "access_token"}
    known |= {"name", "issuer", "url", "EC"}
    for method, path, body in calls_of(text):
        template = template_of(path, document["paths"])
        operation = document["paths"].get(template, {}).get(method.lower())
        if operation is None:
            faults.append(f"no {method} {path}")
            continue
        known |= {method, path}
        schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
        members = members_of(schema, document)
        outer = re.sub(r"\{[^{}]*\}", "", body)
        named = [word for part in outer.split(",") if (word := part.partition("=")[0].strip())]
        faults += [f"{method} {path} has no member {name}" for name in named if name not in members]
    for literal in literals_of(text):
        registered = any(literal in entries for entries in shipped().entries.values())
        persona = any(entry.document.get("persona") == literal for entry in shipped().entries["persona"].values())
        scopes = all(word in discovery["scopes_supported"] for word in literal.split())
        person = literal in {"KVART GREVLING", "access_denied", "token", "temporarily_unavailable"}
        redirect = literal in {f"https://localhost{path}" for path in ("/signin-oidc",)}
        if not (literal in known or registered or persona or scopes or person or redirect or literal.startswith("--")):
            faults.append(f"{literal!r} is neither known to the server nor the page's own")
    return faults


def code_of_tests() -> str:
    return "\n".join(block.text for block in blocks_of(TESTS_PAGE) if block.language == "csharp")


@pytest.mark.covers("dotnet.tests")
def test_every_call_and_value_of_the_page_on_tests_is_one(live: LiveServer) -> None:
    code = code_of_tests()
    assert len(calls_of(code)) >= 8
    assert faults_of_tests(code, live) == []
    start = re.search(r"new ProcessStartInfo\(program, \[(.*?)\]", code)
    assert start is not None
    words = re.findall(r'"([^"]+)"', start[1])
    assert vars(make_parser().parse_args(words))  # else it has ended with what is wrong


@pytest.mark.covers("dotnet.tests")
def test_every_noun_is_in_the_openapi_document(live: LiveServer) -> None:
    document = described(live)
    named = re.findall(r"`(GET|POST|PUT|DELETE) (/[^`]+)`", TESTS_PAGE.read_text(encoding="utf-8"))
    assert len(named) >= 20
    assert [(m, p) for m, p in named if m.lower() not in document["paths"].get(p, {})] == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('"/next-login"', '"/next-logins"'),
        ("make_key =", "makekey ="),
        ("advance =", "advanced ="),
        ('"kvart-grevling"', '"kvart-grevlin"'),
        ('"POST", "/clock"', '"PUT", "/clock"'),
        ('"access_token"', '"acces_token"'),
        ("identity/pid", "identity/pidd"),
        ('"demo-web-api"', '"demo-web-ap"'),
    ],
)
def test_a_typing_error_on_the_page_on_tests_is_found(live: LiveServer, right: str, wrong: str) -> None:
    code = code_of_tests()
    assert right in code
    assert faults_of_tests(code.replace(right, wrong), live)
