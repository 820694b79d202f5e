"""Reading HelseID's details, the trust framework claim, and what registrations say about both."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_sts.helseid import trust_framework
from mock_sts.helseid.details import NO_DETAILS, Details, OrganizationNumbers, read_details
from mock_sts.helseid.registry.api import ApiResource
from mock_sts.helseid.registry.client import Client
from mock_sts.helseid.registry.documents import DocumentError
from tests.helseid import details_cases as make
from tests.helseid.details_cases import CHILD_SYSTEM, JOURNAL_ID, OLD_CHILD_SYSTEM, PARENT_SYSTEM, Element

NAMES = {"213000012": "Prøvehavn kommune", "213000020": "Prøvehavn legevakt"}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def read(*elements: Element) -> Details:
    return read_details([list(elements)])


def claim(sent: Element, **changes: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "pid": "06828399789",
        "name": "KVART GREVLING",
        "hpr_number": "565505933",
        "organization_name": NAMES.get,
        **changes,
    }
    return trust_framework.claim(sent, **facts)


def with_part(path: str, value: Any) -> Element:
    """The complete trust framework with one part changed; ``...`` removes it."""
    sent: Element = copy.deepcopy({name: part for name, part in make.trust_framework().items() if name != "type"})
    *sections, last = path.split(".")
    place: Any = sent
    for section in sections:
        place = place[section]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return sent


# Organizations


@pytest.mark.parametrize(
    ("element", "parent", "child"),
    [
        (make.organization("NO:ORGNR:999977774"), "999977774", None),
        (make.organization("NO:ORGNR:999977774:"), "999977774", None),
        (make.organization("NO:ORGNR:999977774:999977776"), "999977774", "999977776"),
        (make.organization("999977775", CHILD_SYSTEM), None, "999977775"),
        (make.organization("999977775", OLD_CHILD_SYSTEM), None, "999977775"),
        # The form of the numbers is judged later, so that the answer can name it.
        (make.organization("", CHILD_SYSTEM), None, ""),
        (make.organization("NO:ORGNR:"), "", None),
        (make.organization("NO:ORGNR::999977776"), "", "999977776"),
        (make.organization("NO:ORGNR: 999977774"), " 999977774", None),
    ],
)
def test_organization_numbers_are_read_in_each_of_their_systems(
    element: Element, parent: str | None, child: str | None
) -> None:
    details = read(element)
    assert details.faults == ()
    assert details.organization == OrganizationNumbers(parent, child)
    assert details.types == ("helseid_authorization",)


WHERE = "practitioner_role.organization.identifier"


@pytest.mark.parametrize(
    ("element", "fault"),
    [
        ({"type": "helseid_authorization"}, f"{WHERE} is missing or not an object"),
        (
            {"type": "helseid_authorization", "practitioner_role": {"organization": [1]}},
            f"{WHERE} is missing or not an object",
        ),
        (
            {"type": "helseid_authorization", "practitioner_role": {"organization": {"identifier": "999977774"}}},
            f"{WHERE} is missing or not an object",
        ),
        (make.organization("999977774"), f"{WHERE}.value is '999977774', expected NO:ORGNR:<parent> or "),
        (
            make.organization("no:orgnr:999977774"),
            f"{WHERE}.value is 'no:orgnr:999977774', expected NO:ORGNR:<parent> or ",
        ),
        (make.organization("NO:ORGNR:1:2:3"), f"{WHERE}.value is 'NO:ORGNR:1:2:3', expected NO:ORGNR:<parent> or "),
        (make.organization(999977774), f"{WHERE}.value is 999977774, expected a text"),
        (make.organization(None), f"{WHERE}.value is None, expected a text"),
        (make.organization("1", "urn:oid:1.0.652301"), f"{WHERE}.system is 'urn:oid:1.0.652301', expected one of "),
        (make.organization("1", ["urn:oid:1.0.6523"]), f"{WHERE}.system is ['urn:oid:1.0.6523'], expected one of "),
        (make.organization("1", None), f"{WHERE}.system is None, expected one of "),
        (make.organization("NO:ORGNR:999977774", kind="XXX"), f"{WHERE}.type is 'XXX', expected 'ENH'"),
        (make.organization("NO:ORGNR:999977774", kind=None), f"{WHERE}.type is None, expected 'ENH'"),
    ],
)
def test_a_broken_organization_is_told_with_its_place(element: Element, fault: str) -> None:
    (told,) = read(element).faults
    assert told.startswith(fault)


# The other structures


def test_the_journal_id_is_read() -> None:
    assert read(make.journal()) == Details(types=("nhn:sfm:journal-id",), journal_id=JOURNAL_ID)


@pytest.mark.parametrize(
    "element",
    [
        make.journal(None),
        make.journal(""),
        make.journal(7),
        {"type": "nhn:sfm:journal-id"},
        {"type": "nhn:sfm:journal-id", "value": JOURNAL_ID},
        {"type": "nhn:sfm:journal-id", "journal_id": JOURNAL_ID},
    ],
)
def test_a_broken_journal_id_is_told(element: Element) -> None:
    details = read(element)
    assert details.journal_id is None
    (told,) = details.faults
    assert told.startswith("value.journal_id of nhn:sfm:journal-id is ") and told.endswith(", expected a text")


def test_the_trust_framework_is_kept_without_its_type() -> None:
    sent = make.trust_framework()
    assert read(sent).trust_framework == {name: part for name, part in sent.items() if name != "type"}


def test_several_structures_in_several_carriers_are_read_together() -> None:
    details = read_details([make.child("999977775"), json.dumps([make.journal(), {"type": "test:a"}])])
    assert details.types == ("helseid_authorization", "nhn:sfm:journal-id", "test:a")
    assert (details.organization, details.journal_id) == (OrganizationNumbers(None, "999977775"), JOURNAL_ID)
    assert (details.unknown, details.faults) == (("test:a",), ())


def test_types_are_compared_exactly_and_unknown_ones_told_once() -> None:
    details = read({"type": "HelseID_Authorization"}, {"type": "test:a"}, {"type": "test:b"})
    assert details.unknown == ("HelseID_Authorization", "test:a", "test:b")


@pytest.mark.parametrize("values", [[[make.journal(), make.journal()]], [make.journal(), make.journal()]])
def test_the_same_type_twice_is_told_also_across_carriers(values: list[object]) -> None:
    details = read_details(values)
    assert (details.twice, details.faults) == (("nhn:sfm:journal-id",), ())


def test_an_unknown_type_twice_is_only_unknown() -> None:
    details = read({"type": "test:a"}, {"type": "test:a"}, make.journal())
    assert (details.twice, details.unknown) == ((), ("test:a",))


def test_an_unreadable_carrier_does_not_hide_the_other() -> None:
    details = read_details([17, [make.journal()]])
    assert details.journal_id == JOURNAL_ID
    assert details.faults == ("the details cannot be read: it is neither an object nor an array of objects",)


def test_of_two_requests_the_nearer_ones_structures_count() -> None:
    login = read(make.parent("213100106"), make.journal("of the login"))
    request = read(make.parent("214100118", "214100215"))
    both = request.over(login)
    assert both.organization == OrganizationNumbers("214100118", "214100215")
    assert both.journal_id == "of the login"
    assert both.types == ("helseid_authorization", "nhn:sfm:journal-id")
    assert NO_DETAILS.over(login) == login
    assert login.over(NO_DETAILS) == login


@given(st.lists(JSON, max_size=3))
@pytest.mark.slow
def test_any_values_are_read(values: list[Any]) -> None:
    details = read_details(values)
    assert details.faults or all(isinstance(value, dict | list | str) for value in values)


@given(st.sampled_from(["helseid_authorization", "nhn:sfm:journal-id", "nhn:tillitsrammeverk:parameters"]), JSON, JSON)
def test_any_members_of_a_known_type_are_read(name: str, first: Any, second: Any) -> None:
    role = {"organization": {"identifier": {"system": PARENT_SYSTEM, "value": first, "type": second}}}
    element = {"type": name, "value": first, "practitioner": second, "practitioner_role": role, "patients": first}
    details = read(element)
    assert details.types == (name,)
    if details.trust_framework is not None:
        assert list(trust_framework.faults(details.trust_framework))
        assert set(claim(dict(details.trust_framework))) == {"practitioner", "care_relationship", "patients"}


# The trust framework claim


def test_the_claim_is_enriched_part_by_part() -> None:
    """Texts and authorities as in TIL's examples; the shape is that of the published parser."""
    assert claim(with_part("patients", [{}])) == {
        "practitioner": {
            "identifier": {
                "id": "06828399789",
                "name": "KVART GREVLING",
                "system": "urn:oid:2.16.578.1.12.4.1.4.1",
                "authority": "https://www.skatteetaten.no",
            },
            "hpr_nr": {
                "id": "565505933",
                "system": "urn:oid:2.16.578.1.12.4.1.4.4",
                "authority": "https://www.helsedirektoratet.no/",
            },
            "authorization": {
                "code": "LE",
                "text": "Lege",
                "system": "urn:oid:2.16.578.1.12.4.1.1.9060",
                "assigner": "https://www.helsedirektoratet.no/",
            },
            "legal_entity": {
                "id": "213000012",
                "name": "Prøvehavn kommune",
                "system": CHILD_SYSTEM,
                "authority": "https://www.brreg.no",
            },
            "point_of_care": {
                "id": "213000020",
                "name": "Prøvehavn legevakt",
                "system": CHILD_SYSTEM,
                "authority": "https://www.brreg.no",
            },
            "department": {
                "id": "705592",
                "name": "705592",
                "system": "urn:oid:2.16.578.1.12.4.1.4.102",
                "authority": "https://www.nhn.no",
            },
        },
        "care_relationship": {
            "healthcare_service": {
                "code": "S03",
                "text": "Indremedisin",
                "system": "urn:oid:2.16.578.1.12.4.1.1.8655",
                "assigner": "https://www.volven.no/",
            },
            "purpose_of_use": {
                "code": "TREAT",
                "text": "Behandling",
                "system": "urn:oid:2.16.840.1.113883.1.11.20448",
                "assigner": "http://www.hl7.org/",
            },
            "purpose_of_use_details": {
                "code": "15",
                "text": "Helsetjenester i hjemmet",
                "system": "urn:oid:2.16.578.1.12.4.1.1.9151",
                "assigner": "https://www.volven.no/",
            },
            "decision_ref": {"id": "5a1b0f36-6e0e-4d6e-9a34-6b0a7f0a2f10", "user_selected": True},
        },
        "patients": [{}],
    }


def test_a_person_without_hpr_number_has_no_hpr_nr() -> None:
    assert list(claim(make.trust_framework(None), hpr_number=None)["practitioner"]) == [
        "identifier",
        "legal_entity",
        "point_of_care",
        "department",
    ]


def test_a_d_number_has_a_system_of_its_own() -> None:
    identifier = claim(make.trust_framework(), pid="52887931623")["practitioner"]["identifier"]
    assert identifier["system"] == "urn:oid:2.16.578.1.12.4.1.4.2"
    assert identifier["authority"] == "https://www.skatteetaten.no"


def test_unknown_codes_and_organizations_stand_for_themselves() -> None:
    sent = with_part("practitioner.legal_entity", {"id": "123456789", "system": "urn:oid:unknown"})
    sent["care_relationship"]["purpose_of_use"] = {"code": "XYZ", "system": "urn:oid:unknown"}
    made = claim(sent)
    assert made["practitioner"]["legal_entity"] == {
        "id": "123456789",
        "name": "123456789",
        "system": "urn:oid:unknown",
        "authority": "https://www.nhn.no",
    }
    assert made["care_relationship"]["purpose_of_use"] == {
        "code": "XYZ",
        "text": "XYZ",
        "system": "urn:oid:unknown",
        "assigner": "https://www.volven.no/",
    }


def test_who_the_practitioner_is_comes_from_the_login_alone() -> None:
    forged = {"id": "15849197352", "name": "X", "system": "y", "authority": "z"}
    sent = with_part("practitioner.identifier", forged)
    sent["practitioner"]["hpr_nr"] = {"id": "1", "system": "x"}
    sent["patients"] = [{"identifier": forged}]
    made = claim(sent, hpr_number=None)
    assert made["practitioner"]["identifier"]["id"] == "06828399789"
    assert "hpr_nr" not in made["practitioner"]
    assert made["patients"] == [{}]


def test_an_enrichment_that_the_client_sends_itself_is_not_believed() -> None:
    sent = with_part("practitioner.legal_entity", {"id": "213000012", "system": CHILD_SYSTEM, "name": "Forged"})
    assert claim(sent)["practitioner"]["legal_entity"]["name"] == "Prøvehavn kommune"


@pytest.mark.parametrize("sent", [{"id": "x"}, {"id": "x", "description": "y"}, {"id": "x", "code": "y"}])
def test_an_incomplete_decision_is_passed_on_and_nothing_is_made_up(sent: Element) -> None:
    made = claim(with_part("care_relationship.decision_ref", sent))
    assert made["care_relationship"]["decision_ref"] == {"id": "x"}


@pytest.mark.parametrize("authorization", [None, {"code": "LE", "system": "urn:oid:2.16.578.1.12.4.1.1.9060"}])
@pytest.mark.parametrize("patients", [[], [{}]])
def test_a_complete_one_has_no_faults(authorization: Element | None, patients: list[Element]) -> None:
    sent = with_part("patients", patients)
    sent["practitioner"]["authorization"] = authorization
    if authorization is None:
        del sent["practitioner"]["authorization"]
    assert list(trust_framework.faults(sent)) == []


UNIT = {"id": "213000020", "system": CHILD_SYSTEM}
PURPOSE = "urn:oid:2.16.840.1.113883.1.11.20448"


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        ("practitioner", ..., "practitioner is missing or not an object"),
        ("care_relationship", [], "care_relationship is missing or not an object"),
        ("patients", ..., "patients is missing or not an array"),
        ("patients", {}, "patients is missing or not an array"),
        ("patients", [7], "patients[0] is missing or not an object"),
        ("patients", [{}, {"identifier": {}}], "patients[1].identifier is not accepted from a client"),
        ("care_relation", {}, "care_relation is no member of the trust framework"),
        ("toa", 1, "toa is no member of the trust framework"),
        ("practitioner.legal_entity", ..., "practitioner.legal_entity is missing"),
        ("practitioner.point_of_care", ..., "practitioner.point_of_care is missing"),
        ("practitioner.identifier", {}, "practitioner.identifier is not accepted from a client"),
        ("practitioner.hpr_nr", {}, "practitioner.hpr_nr is not accepted from a client"),
        ("practitioner.department", "705592", "practitioner.department is not an object"),
        ("practitioner.point_of_care", {"id": 213000020, "system": CHILD_SYSTEM}, "practitioner.point_of_care.id is "),
        ("practitioner.point_of_care", {"id": "213000020"}, "practitioner.point_of_care.system is None, expected "),
        ("practitioner.point_of_care", {**UNIT, "name": "x"}, "practitioner.point_of_care.name is not accepted "),
        (
            "practitioner.point_of_care",
            {**UNIT, "system": "x"},
            "practitioner.point_of_care.system is 'x', expected urn",
        ),
        ("practitioner.point_of_care", {**UNIT, "user_selected": True}, "practitioner.point_of_care.user_selected is "),
        ("care_relationship.purpose_of_use", ..., "care_relationship.purpose_of_use is missing"),
        (
            "practitioner.authorization.system",
            "urn:oid:1.2.3",
            "practitioner.authorization.system is 'urn:oid:1.2.3', expected urn:oid:2.16.578.1.12.4.1.1.9060",
        ),
        ("practitioner.legal_entity.id", "12", "practitioner.legal_entity.id is '12', expected an organization number"),
        ("care_relationship.healthcare_service.system", PURPOSE, "care_relationship.healthcare_service.system is "),
        (
            "care_relationship.purpose_of_use.system",
            "x",
            "care_relationship.purpose_of_use.system is 'x', expected urn",
        ),
        (
            "care_relationship.purpose_of_use.code",
            "NONSENSE",
            "care_relationship.purpose_of_use.code is 'NONSENSE', expected one of TREAT, ETREAT, COC, BTG",
        ),
        (
            "care_relationship.purpose_of_use_details.system",
            PURPOSE,
            "care_relationship.purpose_of_use_details.system is ",
        ),
        ("care_relationship.decision_ref", ..., "care_relationship.decision_ref is missing"),
        (
            "care_relationship.decision_ref",
            {"id": "x"},
            "care_relationship.decision_ref.user_selected is None, expected ",
        ),
        (
            "care_relationship.decision_ref",
            {"id": "x", "user_selected": "true"},
            "care_relationship.decision_ref.user_selected is 'true', expected a boolean",
        ),
        (
            "care_relationship.decision_ref",
            {"id": "x", "user_selected": True, "description": "y"},
            "care_relationship.decision_ref.description is not accepted from a client",
        ),
    ],
)
def test_what_is_wrong_with_one_is_told_with_its_place(path: str, value: Any, fault: str) -> None:
    (told,) = trust_framework.faults(with_part(path, value))
    assert told.startswith(fault)


@pytest.mark.parametrize(
    ("path", "values"),
    [
        (
            "care_relationship.healthcare_service.system",
            [f"urn:oid:2.16.578.1.12.4.1.1.{number}" for number in ("8666", "8655", "8663", "8451")],
        ),
        (
            "care_relationship.purpose_of_use_details.system",
            ["urn:AuditEventHL7Norway/CodeSystem/carerelation", "urn:oid:2.16.578.1.12.4.1.1.9151"],
        ),
        ("care_relationship.purpose_of_use.code", ["TREAT", "ETREAT", "COC", "BTG"]),
        # Departments have numbers of their own.
        ("practitioner.department.system", ["urn:oid:2.16.578.1.12.4.1.4.102", "urn:local"]),
    ],
)
def test_every_documented_system_and_code_is_right(path: str, values: list[str]) -> None:
    for value in values:
        assert list(trust_framework.faults(with_part(path, value))) == []


@pytest.mark.parametrize(
    "part",
    [
        {"foo": 1},
        {"id": "705592"},
        {"id": 705592, "system": "x"},
        {"id": "705592", "system": ["x"]},
        {"code": 5, "system": "x"},
        {"code": {"a": "b"}, "system": "x"},
        {"code": "LE", "system": ["x"]},
        {"code": "LE", "system": None},
    ],
)
def test_a_part_of_another_shape_is_left_out_of_the_claim(part: Element) -> None:
    for name in ("department", "authorization"):
        made = claim(with_part(f"practitioner.{name}", part))
        assert name not in made["practitioner"]
        assert made["practitioner"]["legal_entity"]["id"] == "213000012"


def test_a_decision_of_another_shape_is_passed_on_as_far_as_it_goes() -> None:
    made = claim(with_part("care_relationship.decision_ref", {"id": {"x": 1}, "user_selected": True}))
    assert made["care_relationship"]["decision_ref"] == {"user_selected": True}


def test_what_is_quoted_of_a_client_is_short() -> None:
    (told,) = read(make.organization("NO:ORGNR:999977774", kind="X" * 10_000)).faults
    assert len(told) < 200
    faults = list(trust_framework.faults({**with_part("patients", []), "y" * 10_000: 1}))
    assert [len(told) < 200 for told in faults] == [True]


@pytest.mark.parametrize("authorization", [None, "LE", [], {}, {"code": 7}, {"code": None}])
def test_an_authorization_without_a_code_names_no_profession(authorization: object) -> None:
    assert trust_framework.profession_of({"practitioner": {"authorization": authorization}}) is None
    assert trust_framework.profession_of({"practitioner": authorization}) is None
    assert trust_framework.profession_of({}) is None


@pytest.mark.parametrize(
    ("scopes", "wanted", "brings"),
    [
        (["nhn:tillitsrammeverk:parameters"], [], True),
        (["openid", "nhn:kjernejournal/tillitsrammeverk"], [], True),
        (["nhn:a/api"], ["nhn:tillitsrammeverk:parameters"], True),
        (["tillitsrammeverk"], [], True),
        (["nhn:kjernejournal/api"], [], False),
        (["nhn:kjernejournal/tillitsrammeverk/x"], [], False),
        (["nhn:kjernejournal/Tillitsrammeverk"], ["nhn:sfm:journal-id"], False),
        ([], [], False),
    ],
)
def test_which_scopes_bring_it(scopes: list[str], wanted: list[str], brings: bool) -> None:
    name = "nhn:tillitsrammeverk:parameters"
    assert trust_framework.is_brought_by(scopes, frozenset(wanted), name) is brings


# Registrations


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"delegated_children": {"21310010": []}}, "'21310010' is no organization number"),
        ({"delegated_children": {"213100106": ["x"]}}, "'x' is no organization number"),
        ({"delegated_children": {"213100106": "213100203"}}, "'delegated_children' holds"),
        ({"delegated_children": ["213100106"]}, "'delegated_children' is"),
        ({"has_shared_secret": "yes"}, "'has_shared_secret' is"),
        ({"token_exchange_actors": "demo-exchange"}, "'token_exchange_actors' is"),
        ({"tenancy": "multi"}, "'tenancy' is"),
        ({"children": ["21300002"]}, "'21300002' is no organization number"),
        ({"delegations": [213100106]}, "'delegations' holds"),
    ],
)
def test_a_client_with_a_broken_member_is_refused_with_its_place(members: Element, message: str) -> None:
    with pytest.raises(DocumentError) as caught:
        Client.from_document({"client_id": "c", **members}, "test")
    assert "client 'c'" in str(caught.value)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"owner": "21300001"}, "'21300001' is no organization number"),
        ({"owner": 213000012}, "'owner' is"),
        ({"token_exchange_actors": "a"}, "'token_exchange_actors' is"),
        ({"security_level": "2"}, "'security_level' is"),
    ],
)
def test_an_api_with_a_broken_member_is_refused_with_its_place(members: Element, message: str) -> None:
    with pytest.raises(DocumentError) as caught:
        ApiResource.from_document({"audience": "test:api", **members}, "test")
    assert "API 'test:api'" in str(caught.value)
    assert message in str(caught.value)


def test_what_is_left_out_of_a_registration_allows_nothing_and_demands_nothing() -> None:
    client = Client.from_document({"client_id": "c"}, "test")
    names = ("tenancy", "children", "delegations", "delegated_children", "has_shared_secret", "token_exchange_actors")
    assert [getattr(client, name) for name in names] == ["none", (), (), {}, False, ()]
    api = ApiResource.from_document({"audience": "test:api"}, "test")
    demands = ("require_dpop", "require_organization", "security_level", "owner", "token_exchange_actors")
    assert [getattr(api, name) for name in demands] == [False, False, None, None, ()]
