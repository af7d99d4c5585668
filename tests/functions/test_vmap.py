"""`/api/v1/vmap`: what its headers and records tell beside the document."""

import pytest

from ctv_ads.adapters.decision_notes import decode_note
from tests.ad_request_cases import DECISION_ID
from tests.builders import a_servable_line_item, an_inventory
from tests.functions.conftest import Answer
from tests.functions.recorded import api_event
from tests.functions.test_ad_request import answer_to
from tests.serving import AdServer

VMAP = "/api/v1/vmap?placement=preroll"


@pytest.fixture
def server() -> AdServer:
    server = AdServer()
    server.publish(an_inventory(a_servable_line_item()))
    return server


def told(answer: Answer) -> tuple[str | None, str | None]:
    return answer.headers.get("x-decision-id"), answer.headers.get("x-no-fill-reason")


def test_the_decision_of_each_break_is_named(
    server: AdServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = answer_to(api_event("GET", f"{VMAP}&breaks=start,end"), server, monkeypatch)
    assert told(answer) == (f"{DECISION_ID},{DECISION_ID}", None)
    exposed = answer.headers["access-control-expose-headers"].split(", ")
    assert {"x-decision-id", "x-no-fill-reason"} <= {*exposed}


@pytest.mark.parametrize("mode", ["inline", "tag"])
def test_a_document_without_breaks_says_why(
    server: AdServer, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    unknown = api_event("GET", f"/api/v1/vmap?placement=nobody&mode={mode}")
    assert told(answer_to(unknown, server, monkeypatch)) == (None, "unknown_placement")
    known = api_event("GET", f"{VMAP}&mode={mode}")
    assert told(answer_to(known, None, monkeypatch)) == (None, "inventory_unavailable")


def test_what_is_not_understood_of_the_breaks_is_in_each_record(
    server: AdServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"{VMAP}&breaks=start,soon,end,start&mode=other&shoe=1"
    answer_to(api_event("GET", path), server, monkeypatch)
    records = [decode_note(blob) for blob, _ in server.filler.records]
    assert [{each.name: each.reason for each in note.request.ignored} for note in records] == 2 * [
        {"shoe": "unknown", "mode": "malformed", "breaks.2": "malformed", "breaks.4": "repeated"}
    ]


@pytest.mark.parametrize("left_open", ["breaks=[BREAKS]", "breaks=%5BBREAKS%5D&mode=${mode}"])
def test_breaks_that_were_left_open_are_none_that_were_asked_for(
    server: AdServer, monkeypatch: pytest.MonkeyPatch, left_open: str
) -> None:
    plain = answer_to(api_event("GET", VMAP), server, monkeypatch)
    answer = answer_to(api_event("GET", f"{VMAP}&{left_open}"), server, monkeypatch)
    assert answer.body == plain.body
    assert [decode_note(blob).request.ignored for blob, _ in server.filler.records] == [(), ()]
