"""The page on NHN's samples is what they break, and tells which of them are judged."""

import pytest

from tests.conformance.samples import PAGE, RECORDED, REGISTERED, page, results


@pytest.mark.covers("conformance.samples")
def test_the_page_is_what_the_samples_break_now() -> None:
    found = results()
    assert page(found) == PAGE.read_text(encoding="utf-8"), "python -m tests.conformance.samples writes it anew"
    # What is known of them otherwise: NHN's machines share a key, write numbers as text, and take another audience.
    assert "client.key-own" in found["helseid-sample-client-credentials-for-multitenant-app"]
    assert "client-assertion.times-numbers" in found["f4352589-549d-47ec-9844-5255f4eb0fad"]
    assert "client-assertion.audience-issuer" in found["fe5d6d6d-fa87-4e8c-b943-0dab27514200"]
    assert "client-assertion.curve" in found["2bd1168e-79f7-4cf8-8b47-918e04648dab"]


@pytest.mark.covers("conformance.samples")
def test_every_registered_sample_is_judged_or_named_as_not_judged() -> None:
    judged = [recorded["client_id"] for recorded in RECORDED]
    assert len(set(judged)) == len(judged)
    assert set(judged) <= set(REGISTERED)
    text = PAGE.read_text(encoding="utf-8")
    assert all(f"`{client_id}`" in text for client_id in REGISTERED)
