"""HelseID's documented patterns, each as tokens that the shipped world can show: the one place that lists them.

The page of patterns is made of this, and a test runs every command and compares what it prints.
"""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

_PARENT = "helseid://claims/client/claims/orgnr_parent"
_CHILD = "helseid://claims/client/claims/orgnr_child"
_SUPPLIER = "helseid://claims/client/claims/orgnr_supplier"
_TENANCY = "helseid://claims/client/client_tenancy"
_ORIGINAL = "helseid://claims/client/original_client_id"
_PID = "helseid://claims/identity/pid"
_LEVEL = "helseid://claims/identity/security_level"
_HPR = "helseid://claims/hpr/hpr_number"
_TRUST = "nhn:tillitsrammeverk:parameters"
_JOURNAL = "nhn:sfm:journal-id"

#: The person of most patterns, a doctor, as persona and by pid.
_DOCTOR, _DOCTORS_PID, _DOCTORS_HPR = "kvart-grevling", "06828399789", "565505933"

_SFM = "openid offline_access helseid://scopes/identity/pid e-helse:sfm.api/sfm.api2"

_PROGRAM = ".venv/bin/mock-sts token"


@dataclass(frozen=True, slots=True)
class Step:
    """One token of a client: the words of ``mock-sts token`` that fetch it, and what stands in what it prints.

    ``prints`` are members of the printed JSON, to which there are more; ``lacks`` those that must not be there. With
    ``call``, a path of the server, the answer of an API is printed, else the token. ``passed_on_to`` is the client that
    exchanges the token; what it gets is printed.
    """

    client: str
    prints: Mapping[str, object]
    lacks: tuple[str, ...] = ()
    person: str = ""
    scope: str = ""
    resources: tuple[str, ...] = ()
    organization: str = ""
    child: str = ""
    details: str = ""
    request_object: bool = False
    refresh: bool = False
    refresh_scope: str = ""
    level: str = ""
    acr_values: str = ""
    bearer: bool = False
    id_token: bool = False
    call: str = ""
    passed_on_to: str = ""

    def command(self, server: str) -> str:
        """The line for a shell, against the ``server`` at this address."""
        options: list[str] = [self.client]
        valued = {
            "--persona": self.person,
            "--scope": self.scope,
            "--organization": self.organization,
            "--child": self.child,
            "--details": self.details,
            "--level": self.level,
            "--acr-values": self.acr_values,
        }
        for name, value in valued.items():
            options += [name, value] if value else []
        for resource in self.resources:
            options += ["--resource", resource]
        options += ["--request-object"] * self.request_object + ["--bearer"] * self.bearer
        if self.refresh:
            options += ["--refresh", *([self.refresh_scope] if self.refresh_scope else [])]
        if self.id_token:
            return f"{_PROGRAM} {shlex.join(options)} --id-token"
        if self.call:
            return f"{_PROGRAM} {shlex.join(options)} --call {server}{self.call}"
        if self.passed_on_to:
            return f"{_PROGRAM} {shlex.join(options)} \\\n  | {_PROGRAM} {self.passed_on_to} --exchange --decode"
        return f"{_PROGRAM} {shlex.join(options)} --decode"


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern of HelseID's documentation: ``shows`` says in one sentence what it is, ``apis`` are audiences."""

    id: str
    name: str
    shows: str
    apis: tuple[str, ...]
    steps: tuple[Step, ...] = field(repr=False)

    @property
    def clients(self) -> tuple[str, ...]:
        """The clients of all steps, each once."""
        named = [name for step in self.steps for name in (step.client, step.passed_on_to) if name]
        return tuple(dict.fromkeys(named))

    @property
    def people(self) -> tuple[str, ...]:
        """The people of all steps, each once; empty for machines."""
        return tuple(dict.fromkeys(step.person for step in self.steps if step.person))


_DEMO, _READ, _CALLED = ("mock:demo-api",), "mock:demo-api/read", "/mock/demo/api"

PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        "machine",
        "A machine",
        "A program fetches a token for itself (`client_credentials`); no person is in it.",
        _DEMO,
        (Step("demo-machine", {"aud": "mock:demo-api", "scope": [_READ]}, ("sub", _PID), scope=_READ),),
    ),
    Pattern(
        "login",
        "A login",
        "A program learns who the person is from the ID token, and calls no API.",
        (),
        (
            Step(
                "demo-web",
                {"aud": "demo-web", "name": "KVART GREVLING", _PID: _DOCTORS_PID, _HPR: _DOCTORS_HPR},
                person=_DOCTOR,
                id_token=True,
            ),
        ),
    ),
    Pattern(
        "login-api",
        "A login with an API",
        "A program calls an API in the name of the person; the API asks for the claims that it wants.",
        _DEMO,
        (
            Step(
                "demo-web-api",
                {"aud": "mock:demo-api", _PID: _DOCTORS_PID, _HPR: _DOCTORS_HPR, _LEVEL: "4"},
                person=_DOCTOR,
            ),
        ),
    ),
    Pattern(
        "both",
        "Login and machine in one client",
        "One client does both: a token with a person and one without.",
        _DEMO,
        (
            Step("demo-combined", {"aud": "mock:demo-api", _PID: _DOCTORS_PID}, person=_DOCTOR),
            Step("demo-combined", {"aud": "mock:demo-api", _PARENT: "213000012"}, ("sub", _PID), scope=_READ),
        ),
    ),
    Pattern(
        "single-tenant",
        "Single-tenant",
        "The client belongs to one organization, which is registered; every token names it.",
        _DEMO,
        (Step("demo-machine", {_TENANCY: "single-tenant", _PARENT: "213000012"}, (_CHILD, _SUPPLIER), scope=_READ),),
    ),
    Pattern(
        "multi-tenant",
        "Multi-tenant",
        "A supplier's client names its customer, or a unit of it, in `assertion_details` of every token request.",
        _DEMO,
        (
            Step(
                "demo-machine-multi-tenant",
                {_TENANCY: "multi-tenant", _PARENT: "213100106", _SUPPLIER: "318000107"},
                (_CHILD,),
                scope=_READ,
                organization="213100106",
            ),
            Step(
                "demo-machine-multi-tenant",
                {_PARENT: "213100106", _CHILD: "213100203", _SUPPLIER: "318000107"},
                scope=_READ,
                organization="213100106",
                child="213100203",
            ),
        ),
    ),
    Pattern(
        "child",
        "Child organization",
        "A single-tenant client names one of the units that are registered for it.",
        ("mock:lab-results",),
        (
            Step(
                "demo-machine-child",
                {_PARENT: "213000012", _CHILD: "213000020"},
                scope="mock:lab-results/read",
                child="213000020",
            ),
        ),
    ),
    Pattern(
        "downscaled",
        "Downscaled token",
        "A refresh asks for less than the login was granted; the next one may ask for all of it again.",
        _DEMO,
        (
            Step(
                "demo-web-api",
                {"aud": "mock:demo-api", "scope": [_READ]},
                person=_DOCTOR,
                refresh=True,
                refresh_scope=_READ,
            ),
        ),
    ),
    Pattern(
        "several-apis",
        "Several APIs in one token",
        "Without `resource` the token is for all APIs of its scopes; many APIs refuse such a token.",
        ("mock:demo-api", "mock:appointments", "mock:care-plans"),
        (
            Step(
                "demo-several-apis",
                {"aud": ["mock:demo-api", "mock:appointments", "mock:care-plans"]},
                person=_DOCTOR,
            ),
        ),
    ),
    Pattern(
        "resource",
        "Resource indicators",
        "The login names all APIs; the code is redeemed for the first, and each refresh names another.",
        ("mock:demo-api", "mock:care-plans"),
        (
            Step(
                "demo-several-apis",
                {"aud": "mock:care-plans", "scope": ["mock:care-plans/read", "offline_access"]},
                person=_DOCTOR,
                resources=("mock:demo-api", "mock:care-plans"),
            ),
        ),
    ),
    Pattern(
        "exchange",
        "Token exchange",
        "An API exchanges the token that it received for one for the API behind it.",
        ("mock:demo-api", "mock:downstream-api"),
        (
            Step(
                "demo-web-api",
                {
                    "aud": "mock:downstream-api",
                    "client_id": "demo-exchange",
                    _ORIGINAL: "demo-web-api",
                    _PID: _DOCTORS_PID,
                    "act": {"client_id": "demo-exchange", _PARENT: "213000012"},
                },
                person=_DOCTOR,
                passed_on_to="demo-exchange",
            ),
        ),
    ),
    Pattern(
        "trust-framework",
        "Trust framework",
        "The attestation goes with the assertion at the code, and again at each refresh; without it the token has no "
        "such claim. See [trust-framework.md](trust-framework.md).",
        ("nhn:kjernejournal",),
        (
            Step(
                "demo-trust-framework",
                {
                    _TRUST: {
                        "practitioner": {
                            "identifier": {"id": _DOCTORS_PID},
                            "hpr_nr": {"id": _DOCTORS_HPR},
                            "authorization": {"code": "LE", "text": "Lege"},
                            "legal_entity": {"id": "214100118"},
                        },
                        "care_relationship": {"purpose_of_use": {"code": "TREAT", "text": "Behandling"}},
                    }
                },
                person=_DOCTOR,
                details="examples/details/attestation.json",
            ),
            Step(
                "demo-trust-framework",
                {_TRUST: {"practitioner": {"authorization": {"code": "LE", "text": "Lege"}}}},
                person=_DOCTOR,
                details="examples/details/attestation.json",
                refresh=True,
            ),
            Step("demo-trust-framework", {"aud": "nhn:kjernejournal"}, (_TRUST,), person=_DOCTOR, refresh=True),
        ),
    ),
    Pattern(
        "sfm",
        "SFM",
        "The journal id stands in the registration (single-tenant) or in `assertion_details` (multi-tenant); from SFM "
        "the way goes on to Reseptformidleren. See [sfm.md](sfm.md).",
        ("e-helse:sfm.api", "hdir:rf-rekvirent"),
        (
            Step(
                "demo-sfm",
                {
                    "aud": "e-helse:sfm.api",
                    "e-helse:sfm.api/client/claims/sfm-id": "0b8d3a4e-52c7-4f16-9d0e-6a1f7c9e2b35",
                    _PARENT: "215000109",
                },
                (_JOURNAL, _SUPPLIER),
                person=_DOCTOR,
            ),
            Step(
                "demo-sfm-multi-tenant",
                {
                    "aud": "e-helse:sfm.api",
                    _JOURNAL: "9c1f0a5e-6e0f-4c1b-9f66-0d6f2a1c7b11",
                    _PARENT: "215000109",
                    _SUPPLIER: "318000107",
                },
                person=_DOCTOR,
                scope=_SFM,
                organization="215000109",
                details="examples/details/journal-id.json",
            ),
            Step(
                "demo-sfm-multi-tenant",
                {
                    "aud": "hdir:rf-rekvirent",
                    _PID: _DOCTORS_PID,
                    _PARENT: "215000109",
                    _ORIGINAL: "demo-sfm-multi-tenant",
                },
                person=_DOCTOR,
                scope=_SFM,
                organization="215000109",
                details="examples/details/journal-id.json",
                passed_on_to="demo-sfm-exchange",
            ),
        ),
    ),
    Pattern(
        "request-object",
        "Request object",
        "The client signs its request, and names its unit there; every token of the login has it then.",
        _DEMO,
        (
            Step(
                "demo-combined",
                {_PARENT: "213000012", _CHILD: "213000020", _PID: _DOCTORS_PID},
                person=_DOCTOR,
                child="213000020",
                request_object=True,
            ),
        ),
    ),
    Pattern(
        "api-dpop",
        "An API with DPoP",
        "The token is bound to a key (`cnf`), and each call proves it.",
        _DEMO,
        (
            Step("demo-machine", {"cnf": {"jkt": "..."}}, scope=_READ),
            Step("demo-machine", {"hello": "demo-machine"}, scope=_READ, call=_CALLED),
        ),
    ),
    Pattern(
        "api-bearer",
        "An API with Bearer",
        "The token alone opens the API, as with some older ones of NHN; such an API refuses a token with `cnf`.",
        _DEMO,
        (
            Step("demo-machine-bearer", {"client_id": "demo-machine-bearer"}, ("cnf",), scope=_READ, bearer=True),
            Step(
                "demo-machine-bearer",
                {"hello": "demo-machine-bearer"},
                scope=_READ,
                bearer=True,
                call="/mock/demo/bearer-api",
            ),
        ),
    ),
    Pattern(
        "level",
        "Security level",
        "A login has level 3 or 4, and the token says which: the API must look. With `acr_values=Level4` a login at 3 "
        "is refused.",
        _DEMO,
        (
            Step("demo-web-api", {_LEVEL: "3"}, person=_DOCTOR, level="3"),
            Step("demo-web-api", {_LEVEL: "4"}, person=_DOCTOR, acr_values="Level4"),
        ),
    ),
    Pattern(
        "smart-card",
        "Smart card",
        "`acr_values` leads straight to Buypass and to its card.",
        (),
        (
            Step(
                "demo-web",
                {"idp": "buypass-oidc", "amr": ["sc"], _LEVEL: "4"},
                person=_DOCTOR,
                acr_values="idp:buypass-oidc bp:amr:sc",
                id_token=True,
            ),
        ),
    ),
)
