"""What NHN's samples send, sent again in a conformance session each, and the page that says what that breaks.

``python -m tests.conformance.samples`` writes docs/samples-conformance.md; a test says whether it is up to date.
"""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from mock_sts.helseid.conformance import checks_of
from mock_sts.helseid.profile import find
from mock_sts.helseid.requirement import Level
from tests.conformance.reading import broken_rules
from tests.support.control import Control
from tests.support.emulator import Emulator, Template, Worlds, register
from tests.support.environments import Side
from tests.support.keys import Jwk, private_jwk
from tests.support.machine import ABSENT, Answer
from tests.support.relying_party import PERSON, Login, RelyingParty, answer_parameters

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "samples-conformance.md"
RECORDED: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("samples.yaml").read_text(encoding="utf-8"))
REGISTERED: dict[str, dict[str, Any]] = {
    document["client_id"]: document
    for document in (
        yaml.safe_load(file.read_text(encoding="utf-8"))
        for file in sorted((ROOT / "fixtures" / "clients" / "samples").glob("*.yaml"))
    )
}

#: What was not recorded: how soon a person asks for the next token, and logs out.
NOT_RECORDED = {"conduct.refresh-kept", "span.logout"}

_CODE = "authorization_code"


class Sample:
    """One sample: it does what was recorded of it, against the session of its own."""

    def __init__(self, sts: Emulator, recorded: Mapping[str, Any]) -> None:
        self.recorded = recorded
        self.document = REGISTERED[recorded["client_id"]]
        self.key = _key_like(recorded)
        _register(sts, self.document, self.key)
        control = Control(sts.transport)
        state = control.ask("POST", "/conformance", {"client_id": recorded["client_id"]})
        self._control, self._id = control, state["id"]
        self.side = Side(sts, state["environment"])
        self.machine = self.side.machine(recorded["client_id"], self.key)
        proof = recorded["proof"].split()
        if proof[0] == "client":
            self.machine.proof_jwk = {**self.key, "alg": proof[1]} if len(proof) > 1 else self.key
        elif proof == ["own", "RSA"]:
            self.machine.proof_jwk = private_jwk("PS256", 0, 2048)
        self._kept: str | None = None

    def run(self) -> dict[str, Any]:
        """Do everything; the report."""
        if self.recorded.get("metadata", True):
            assert self.side.get("/.well-known/openid-configuration").status == 200
        if _CODE in self.document["grant_types"]:
            self._log_in()
        else:
            self._ask({"scope": self.recorded.get("scope", " ".join(self.document["scope"]))})
        found: dict[str, Any] = self._control.ask("GET", f"/conformance/{self._id}/result")
        return found

    def assertion(self) -> str:
        """An assertion as the sample makes one; the same again where it does so."""
        if self._kept is not None:
            return self._kept
        wanted, machine = self.recorded["assertion"], self.machine
        issuer = machine.issuer
        header: dict[str, Any] = {"typ": wanted.get("typ", "client-authentication+jwt")}
        if wanted.get("kid") == "foreign":
            header["kid"] = "a-key-of-another"
        aud = {"issuer": issuer, "slash": f"{issuer}/", "token": f"{issuer}/connect/token"}[wanted.get("aud", "issuer")]
        claims: dict[str, Any] = {"aud": aud}
        if wanted.get("iat") == "text":
            claims["iat"] = str(machine.now())
        if self._acts:
            claims.update(self._details())
        made = machine.assertion(header=header, claims=claims, lifetime=wanted["lifetime"], alg=wanted.get("alg"))
        if self.recorded.get("once"):
            self._kept = made
        return made

    #: Whether the request names an organization.
    _acts = False

    def _details(self) -> dict[str, Any]:
        wanted = self.recorded.get("details")
        if wanted is None:
            return {}
        value = f"NO:ORGNR:{wanted['parent']}:{wanted.get('child', '')}"
        identifier = {"system": "urn:oid:1.0.6523", "type": "ENH", "value": value}
        role = {"organization": {"identifier": identifier}}
        element = {"type": "helseid_authorization", "practitioner_role": role}
        return {wanted.get("member", "assertion_details"): element}

    def _ask(self, form: dict[str, Any]) -> Answer:
        """A token request, after a challenge where the sample sends a proof."""
        self._acts = form.get("grant_type") != _CODE
        if not self.recorded.get("client_id_in_form", True):
            form = {**form, "client_id": ABSENT}
        machine = self.machine
        body = machine.form(self.assertion(), form)
        if self.recorded["proof"] == "none":
            answer = machine.post(body)
        else:
            challenged = machine.post(body, proof=machine.proof(claims={"nonce": ABSENT}))
            assert challenged.error == "use_dpop_nonce", challenged.content
            machine.nonce = challenged.headers["dpop-nonce"]
            if self.recorded.get("again") != "same":
                body = machine.form(self.assertion(), form)
            answer = machine.post(body, proof=machine.proof())
        assert answer.status == 200, answer.content
        return answer

    def _log_in(self) -> None:
        uri = self.document["redirect_uris"][0]
        rp = RelyingParty(self.machine, scopes=" ".join(self.document["scope"]), redirect_uri=uri)
        login, browser = Login(), rp.browser()
        kept, self._kept = self._kept, None
        more = {name: ABSENT if value is None else value for name, value in self.recorded.get("login", {}).items()}
        parameters = rp.parameters(login, {"test_pid": PERSON, **more})
        if self.recorded.get("request_object"):
            parameters["request"] = self._request_object()
        form = self.machine.form(self.assertion(), {"grant_type": ABSENT, "scope": ABSENT})
        pushed = self.machine.post({**form, **parameters}, path="/connect/par")
        assert pushed.status == 201, pushed.content
        self._kept = kept
        path = rp.authorize_path(pushed.json["request_uri"], **self.recorded.get("authorize", {}))
        code = answer_parameters(browser.send("GET", path))["code"]
        redeemed = {"grant_type": _CODE, "code": code, "code_verifier": login.verifier, "redirect_uri": uri}
        tokens = self._ask({**redeemed, "scope": ABSENT}).json
        assert rp.user_info(tokens["access_token"]).status == 200
        if self.recorded.get("refresh"):
            form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], "scope": ABSENT}
            self._ask(form)

    def _request_object(self) -> str:
        """It holds the organization and no parameter."""
        identifier = {"system": "urn:oid:1.0.6523", "type": "ENH", "value": "NO:ORGNR:994598759:"}
        role = {"organization": {"identifier": identifier}}
        element = {"type": "helseid_authorization", "practitioner_role": role}
        claims = {"iat": str(self.machine.now()), "authorization_details": [element]}
        return self.machine.assertion(claims=claims, lifetime=30)


def _key_like(recorded: Mapping[str, Any]) -> Jwk:
    """A key of the kind that the sample has; samples that share one share it here too."""
    kind, size, *named = recorded["key"].split()
    number = {"RS512 2048": 0, "PS256 2048": 1}.get(f"{kind} {size}")
    own = RECORDED.index(dict(recorded)) + 10
    made = private_jwk(kind, number or own, int(size)) if size.isdigit() else private_jwk(kind, own)
    if size.isdigit() and number is None:
        made = private_jwk("RS256", 0, 3072) if size == "3072" else made
    key = {**made, "alg": named[1] if named else kind}
    return {**key, "kid": f"key-{own}"} if recorded.get("kid") else key


def _register(sts: Emulator, document: Mapping[str, Any], key: Jwk) -> None:
    """Register the sample, and those that share its key, with a key of ours in its place."""
    modulus = {jwk.get("n") or jwk.get("x") for jwk in document["jwks"]["keys"]}
    for other in REGISTERED.values():
        if other is document or modulus & {jwk.get("n") or jwk.get("x") for jwk in other["jwks"]["keys"]}:
            members = {name: value for name, value in other.items() if name not in ("client_id", "jwks")}
            register(sts.store, other["client_id"], [key], **members)


def results() -> dict[str, set[str]]:
    """What each recorded sample breaks, by its client id, each on a server of its own."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        template = Template(Path(folder))
        for recorded in RECORDED:
            with Worlds(template) as worlds:
                found[recorded["client_id"]] = broken_rules(Sample(worlds.make(), recorded).run()) - NOT_RECORDED
        template.close()
    return found


def page(found: Mapping[str, set[str]]) -> str:
    """The page."""
    rows = []
    for recorded in RECORDED:
        musts, shoulds = (
            [one for one in sorted(found[recorded["client_id"]]) if (rule := find(one)) and rule.level is level]
            for level in (Level.MUST, Level.SHOULD)
        )
        cells = (recorded["program"], f"`{recorded['client_id']}`", _listed(musts), _listed(shoulds))
        rows.append(f"| {' | '.join(cells)} |")
    broken = sorted({one for rules in found.values() for one in rules})
    meanings = [
        f"| [{one}](requirements.md#{one}) | {rule.title} | {', '.join(checks_of(one)) or 'X-99'} |"
        for one in broken
        if (rule := find(one))
    ]
    others = [one for one in REGISTERED if one not in found]
    left = [f"| `{one}` | {REGISTERED[one].get('client_name', '')} |" for one in sorted(others)]
    return "\n".join([*_HEAD, *rows, "", *_RULES, *meanings, "", *_LEFT, *left, ""])


_HEAD = [
    "<!-- Generated by `python -m tests.conformance.samples` from tests/conformance/samples.yaml; change that. -->",
    "",
    "# What NHN's samples break",
    "",
    "Many clients begin as a sample, so it helps to know what of it NHN's own conformance checks would ask about. What",
    "each program sends was recorded in November 2026: every property of its requests that a rule looks at. A test",
    "sends it again in a [conformance session](conformance.md), with a key of the same kind, and this is what the",
    "report says.",
    "",
    "It is no judgement of NHN's programs: they are samples, they work, and some of what they do is allowed still. It",
    "says what to change in a program of your own that began as one. Key sharing is that of the samples, which publish",
    "their keys. How soon tokens are refreshed and whether people are logged out was not recorded, and is not judged.",
    "",
    "| program | registered as | broken musts | broken recommendations |",
    "| --- | --- | --- | --- |",
]

_RULES = ["## The rules", "", "| rule | what it asks | checks |", "| --- | --- | --- |"]

_LEFT = [
    "## Not judged",
    "",
    "Of these registered samples no requests are judged: none were recorded, or there is no program (documentation,",
    "test fixtures, branches that were never merged), or it is not NHN's.",
    "",
    "| registered as | what it is |",
    "| --- | --- |",
]


def _listed(rules: list[str]) -> str:
    return "<br>".join(f"`{one}`" for one in rules) or "none"


if __name__ == "__main__":
    PAGE.write_text(page(results()), encoding="utf-8")
