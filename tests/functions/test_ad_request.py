"""The ad request, from the recorded request to the answer."""

import json
import re

import pytest

from ctv_ads.domain.beacon import TRACKED_EVENTS
from ctv_ads.domain.beacon_token import read_token
from ctv_ads.web.door import Door
from functions.ad_request import asking, breaks, handler
from tests.ad_request_cases import DECISION_ID, Asked, Case, cases
from tests.builders import DAY, KEYS, NOON, a_servable_line_item, an_inventory
from tests.functions.conftest import Answer, answer_of
from tests.functions.recorded import REQUEST_ID, Event, api_event
from tests.serving import BASE_URL, DOOR, AdServer
from tests.vast_tools import assert_well_made


class Settings:
    public_base_url: str | None = BASE_URL


def answer_to(
    event: Event,
    server: AdServer | None,
    monkeypatch: pytest.MonkeyPatch,
    seed: int = 0,
    door: Door = DOOR,
) -> Answer:
    server = server or AdServer()
    server.seed, server.new_id = seed, lambda: DECISION_ID
    serve = server.serve()
    for module in (asking, breaks):
        monkeypatch.setattr(module, "ad_server", lambda: serve)
    monkeypatch.setattr(asking, "front_door", lambda: door)
    monkeypatch.setattr(handler, "ad_server_settings", Settings)
    answer = answer_of(handler.lambda_handler(event, object()))
    answer.assert_for_machines()
    return answer


@pytest.mark.parametrize(
    "case", cases(), ids=lambda case: f"{case.path.parent.name}/{case.path.stem}"
)
def test_golden_case(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    server = AdServer()
    if case.inventory is not None:
        server.publish(case.inventory)
    for number, earlier in enumerate(case.before, 1):
        shown = case.shown(_asked(earlier, case, server, monkeypatch).body)
        assert shown == earlier.ads, f"request {number} before"
    answer = _asked(case.request, case, server, monkeypatch)
    assert answer.status == case.answer.get("status", 200), answer.body
    if "problem" in case.answer:
        answer.assert_problem(400, case.answer["problem"], *case.answer["paths"])
    elif case.request.event["rawPath"] == "/api/v1/ad-request":
        _assert_json(answer, case)
    else:
        _assert_document(answer, case)
    if "reasons" in case.answer:
        assert case.reasons(server) == case.answer["reasons"]
    if "ignored" in case.answer:
        ignored = case.record(server)[0].request.ignored
        assert {each.name: each.reason for each in ignored} == case.answer["ignored"]


def _asked(asked: Asked, case: Case, server: AdServer, monkeypatch: pytest.MonkeyPatch) -> Answer:
    server.now = asked.now
    return answer_to(asked.event, server, monkeypatch, case.seed, case.door)


def _assert_document(answer: Answer, case: Case) -> None:
    assert answer.headers["content-type"].startswith("application/xml")
    assert answer.headers["cache-control"] == "no-store, private, max-age=0"
    if case.request.event["rawPath"] == "/api/v1/vmap":
        assert case.breaks(answer.body) == case.answer["breaks"]
    else:
        assert answer.headers["x-decision-id"] == DECISION_ID
        assert answer.headers.get("x-no-fill-reason") == case.answer.get("no_fill_reason")
        assert case.shown(answer.body) == case.answer["ads"]
        assert f'<VAST version="{case.answer.get("version", "4.2")}"' in answer.body
    assert_well_made(answer.body)
    if case.answer.get("document"):
        assert answer.body == case.expected_document(answer.body)


def _assert_json(answer: Answer, case: Case) -> None:
    document = answer.json
    assert answer.headers["content-type"] == "application/json"
    assert document["decision_id"] == DECISION_ID
    assert document["no_fill_reason"] == case.answer.get("no_fill_reason")
    assert case.shown(answer.body) == case.answer["ads"]
    for ad in document["ads"]:
        assert ad["media"][0]["url"].startswith("https://media.example.com/")
        events = {"impression", "clickTracking", "error", *TRACKED_EVENTS}
        assert set(ad["tracking"]) == events
        for name, address in ad["tracking"].items():
            assert address == f"{BASE_URL}/api/v1/t/{name}/{ad['token']}"


LINE_ITEM = a_servable_line_item()
INVENTORY = an_inventory(LINE_ITEM)


@pytest.fixture
def server() -> AdServer:
    server = AdServer()
    server.publish(INVENTORY)
    return server


VAST = "/api/v1/vast?placement=preroll"


def test_every_beacon_of_an_ad_carries_what_was_decided(
    server: AdServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = answer_to(api_event("GET", VAST), server, monkeypatch)
    addresses = re.findall(r"<!\[CDATA\[(https://ads\.example\.com/.*?)\]\]>", answer.body)
    assert len(addresses) == 2 + len(TRACKED_EVENTS)
    tokens = {address.split("/")[-1].split("?")[0] for address in addresses}
    (token,) = tokens
    claims = read_token(token, KEYS)
    assert (claims.decision_id, claims.slot) == (DECISION_ID, 1)
    assert claims.line_item_id == LINE_ITEM.line_item_id
    assert claims.creative_id == LINE_ITEM.creatives[0].creative_id
    assert claims.price_micros == LINE_ITEM.price_micros
    assert (claims.decided_at, claims.expires_at) == (NOON, NOON + DAY)
    assert claims.placement_id == INVENTORY.placements["preroll"].placement_id


def test_players_of_any_origin_may_read_the_answer(
    server: AdServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for origin, allowed, credentials in (
        ("https://player.example", "https://player.example", "true"),
        ("null", "*", None),
        (None, "*", None),
    ):
        headers = {"origin": origin} if origin else None
        for event in (
            api_event("GET", VAST, headers=headers),
            api_event("GET", "/api/v1/vast", headers=headers),
            api_event("POST", "/api/v1/ad-request", body="{", headers=headers),
            api_event("OPTIONS", "/api/v1/vast", headers=headers),
        ):
            answer = answer_to(event, server, monkeypatch)
            assert answer.headers["access-control-allow-origin"] == allowed
            assert answer.headers.get("access-control-allow-credentials") == credentials


def test_a_preflight_is_answered_without_a_decision(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = answer_to(api_event("OPTIONS", "/api/v1/ad-request"), None, monkeypatch)
    assert (answer.status, answer.body) == (204, "")
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-headers"] == "content-type"


def test_a_body_in_base64_is_read(server: AdServer, monkeypatch: pytest.MonkeyPatch) -> None:
    body = {"placement": "preroll"}
    event = api_event("POST", "/api/v1/ad-request", body=body, is_base64=True)
    assert len(answer_to(event, server, monkeypatch).json["ads"]) == 1


@pytest.mark.parametrize("body", ["%%%", "gA==", "ü"])
def test_what_only_says_it_is_base64_is_the_callers_mistake(
    body: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = api_event("POST", "/api/v1/ad-request", body="x", is_base64=True) | {"body": body}
    answer_to(event, None, monkeypatch).assert_problem(400, "malformed-request")


def test_without_a_setting_beacons_go_to_the_apis_own_name(
    server: AdServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Settings, "public_base_url", None)
    answer = answer_to(api_event("GET", VAST), server, monkeypatch)
    assert "https://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com/api/v1/t/" in answer.body


def test_a_broken_inventory_is_logged_and_never_told_to_the_player(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    answer = answer_to(api_event("GET", VAST), None, monkeypatch)
    assert answer.headers["x-no-fill-reason"] == "inventory_unavailable"
    assert "is degraded" in caplog.text
    assert "published" not in answer.body
    assert json.dumps(REQUEST_ID) not in answer.body
