"""Records: what the database keeps as JSON comes back as it was."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_sts.protocol.authorization_request import AuthorizationRequest, read_authorization_request
from mock_sts.protocol.params import Params
from mock_sts.store.records import PushedRequest
from tests.support.examples import examples

TEXT = st.text(min_size=1)
NAMES = st.sampled_from(
    ["client_id", "redirect_uri", "scope", "state", "resource", "prompt", "max_age", "dpop_jkt", "on_behalf_of"]
)


def kept(request: AuthorizationRequest) -> PushedRequest:
    return PushedRequest(
        client_id="web",
        request=request,
        hints={"test_pid": "06828399789"},
        details=({"carrier": "parameter", "values": {"authorization_details": "[]"}},),
        issuer="http://localhost:8080",
        pushed=True,
        expires_at=1_800_000_600,
    )


@examples(100)
@given(st.lists(st.tuples(NAMES, TEXT)))
def test_a_request_comes_back_as_it_was_judged(pairs: list[tuple[str, str]]) -> None:
    record = kept(read_authorization_request(Params(pairs)))
    document = json.loads(json.dumps(record.document()))
    assert PushedRequest.read(document, "web", 1_800_000_600, None) == record
    used = PushedRequest.read(document, "web", 1_800_000_600, 7)
    assert (used.consumed_at, used.request) == (7, record.request)


@pytest.mark.parametrize("jkt", [None, "a" * 43])
def test_so_does_one_that_an_older_version_kept_as_parameters(jkt: str | None) -> None:
    document = {
        "parameters": [
            ["client_id", "web"],
            ["resource", "one:api"],
            ["resource", "two:api"],
            ["scope", "openid profile"],
            ["state", "å"],
            ["test_pid", "06828399789"],
        ],
        "details": [{"carrier": "parameter", "values": {"authorization_details": "[]"}}],
        "dpop_jkt": jkt,
        "issuer": "http://localhost:8080",
        "pushed": True,
    }
    record = PushedRequest.read(document, "web", 1_800_000_600, None)
    assert (record.request.resources, record.request.scopes) == (("one:api", "two:api"), ("openid", "profile"))
    assert (record.request.state, record.request.dpop_jkt, record.request.redirect_uri) == ("å", jkt, None)
    assert record == kept(record.request)
