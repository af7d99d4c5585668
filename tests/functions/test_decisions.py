"""`/api/v1/decisions`: every decision explained, made again to the byte, and supposed otherwise."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ctv_ads.adapters.ids import new_id
from ctv_ads.domain.access import Role
from ctv_ads.domain.frequency import CapKey, CapScope, FrequencyCap
from ctv_ads.domain.inventory import Inventory, ServableLineItem
from ctv_ads.domain.targeting import Rule
from local.valkey import ValkeyServer
from tests.builders import NOON, a_servable_creative, a_servable_line_item, an_inventory
from tests.functions.conftest import Office
from tests.functions.explaining import Server, a_server

DECISIONS = "/api/v1/decisions"
VAST = "/api/v1/vast?placement=preroll"


@pytest.fixture
def server(valkey_server: ValkeyServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with a_server(valkey_server.url, monkeypatch) as server:
        yield server


def of(office: Office, *line_items: ServableLineItem) -> Inventory:
    return an_inventory(*line_items, organization_id=office.tenant.organization_id)


def ask(office: Office, path: str, **parts: Any) -> Any:
    found = office.send("decisions", "GET", f"{DECISIONS}/{path}", **parts)
    assert found.status == 200, found.body
    return found.json


def replayed(office: Office, decision_id: str) -> Any:
    found = office.send("decisions", "POST", f"{DECISIONS}/{decision_id}/replay")
    assert found.status == 200, found.body
    return found.json


AUSTRIAN = a_servable_line_item(targeting={"country": Rule(include=("AT",))})
LATE = a_servable_line_item(starts_at=NOON + timedelta(hours=1))
CAPPED = a_servable_line_item(
    priority=4, frequency_caps=(FrequencyCap(1, 3_600_000, CapScope.LINE_ITEM, CapKey.SESSION),)
)
LONG = a_servable_line_item(creatives=[a_servable_creative(duration_ms=60_000)])
PLAIN = a_servable_line_item()
POOR = a_servable_line_item(priority=2)


def test_every_line_item_has_exactly_one_reason(office: Office, server: Server) -> None:
    server.publish(of(office, AUSTRIAN, LATE, CAPPED, LONG, PLAIN, POOR))
    server.grant(POOR.line_item_id, 0)
    path = f"{VAST}&duration_ms=30000&max_ad_ms=30000&session_id=evening"
    first, second = (server.answer(path)["x-decision-id"] for _ in range(2))

    explained = ask(office, first)
    assert [ad["line_item_id"] for ad in explained["pod"]] == [
        CAPPED.line_item_id,
        PLAIN.line_item_id,
    ]
    assert [(one["line_item_id"], one["verdict"]["name"]) for one in explained["candidates"]] == [
        (POOR.line_item_id, "no_tokens"),
        (CAPPED.line_item_id, "chosen"),
        (PLAIN.line_item_id, "chosen"),
    ]
    assert {one["reason"]["name"]: one["line_item_ids"] for one in explained["removed"]} == {
        "country": [AUSTRIAN.line_item_id],
        "not_in_flight": [LATE.line_item_id],
        "creative_too_long": [LONG.line_item_id],
    }
    # The second time the process knows who is out of tokens, and the viewer is capped.
    explained = ask(office, second)
    assert explained["out_of_tokens"] == [POOR.line_item_id]
    assert [(one["line_item_id"], one["verdict"]["name"]) for one in explained["candidates"]] == [
        (CAPPED.line_item_id, "cap_line_item"),
        (PLAIN.line_item_id, "chosen"),
    ]
    assert {one["reason"]["name"] for one in explained["removed"]} >= {"country", "no_tokens"}


@pytest.mark.parametrize(
    "path",
    [
        VAST,
        f"{VAST}&duration_ms=60000&version=3.0&session_id=s",
        f"{VAST}&duration_ms=90000&version=4.1&max_ad_ms=20000",
        f"{VAST}&country=AT",
    ],
)
def test_an_answer_is_made_again_to_the_byte(office: Office, server: Server, path: str) -> None:
    several = a_servable_line_item(creatives=[a_servable_creative() for _ in range(5)])
    server.seed = 123_456
    server.publish(of(office, AUSTRIAN, LATE, CAPPED, several, PLAIN, POOR))
    server.grant(POOR.line_item_id, 0)
    server.answer(path)
    answer = server.answer(path)  # the second time some are known to be out of tokens
    decision_id = answer["x-decision-id"]
    server.publish(of(office, PLAIN))  # what is in force by now does not matter
    again = replayed(office, decision_id)
    assert again["answer"] == answer["body"]
    assert (again["content_type"], again["same_candidates"]) == ("application/xml", True)


def test_a_json_answer_is_made_again_to_the_byte(office: Office, server: Server) -> None:
    server.publish(of(office, PLAIN, CAPPED))
    answer = server.answer("/api/v1/ad-request", placement="preroll", duration_ms=30_000)
    decision_id = json.loads(answer["body"])["decision_id"]
    again = replayed(office, decision_id)
    assert (again["answer"], again["content_type"]) == (answer["body"], "application/json")


def test_each_break_of_a_vmap_document_is_made_again(office: Office, server: Server) -> None:
    server.publish(of(office, PLAIN, CAPPED))
    document = server.answer("/api/v1/vmap?placement=preroll&breaks=start,50%25")["body"]
    rows = ask_list(office, "?limit=2")
    assert len(rows) == 2
    for row in rows:
        again = replayed(office, row["decision_id"])["answer"]
        assert row["form"] == "vmap"
        assert again in document


def ask_list(office: Office, query: str = "", **parts: Any) -> Any:
    found = office.send("decisions", "GET", f"{DECISIONS}{query}", **parts)
    assert found.status == 200, found.body
    return found.json["items"]


def test_recent_decisions_are_listed_and_narrowed(office: Office, server: Server) -> None:
    server.publish(of(office, PLAIN))
    ids = []
    for number in range(5):
        server.now = NOON + timedelta(seconds=number)
        ids.append(server.answer(f"{VAST}&session_id=s{number % 2}")["x-decision-id"])
    rows = ask_list(office)
    assert [row["decision_id"] for row in rows] == ids[::-1]
    assert rows[0]["line_item_ids"] == [PLAIN.line_item_id]
    session = ask(office, ids[1])["request"]["viewer"]["session_key"]
    assert [row["decision_id"] for row in ask_list(office, f"?session={session}")] == [
        ids[3],
        ids[1],
    ]
    assert len(ask_list(office, f"?line_item_id={PLAIN.line_item_id}&limit=3")) == 3
    assert ask_list(office, f"?line_item_id={new_id()}") == []
    assert ask_list(office, f"?placement_id={new_id()}") == []
    assert len(ask_list(office, f"?placement_id={rows[0]['placement_id']}")) == 5
    assert ask_list(office, "?before=2001-01-01T00:00:00Z") == []
    assert ask_list(office, "?before=1293-05-01T00:00:00Z") == []


def test_what_is_asked_of_a_viewer_is_kept_as_hashes(office: Office, server: Server) -> None:
    server.publish(of(office, PLAIN))
    path = f"{VAST}&session_id=my-evening&ifa=00000000-aaaa-4bbb-8ccc-dddddddddddd&ip=203.0.113.9"
    decision_id = server.answer(path)["x-decision-id"]
    told = json.dumps(ask(office, decision_id)) + json.dumps(ask_list(office))
    stored = repr(server.client.xrange("rec:{s0}"))
    for secret in ("my-evening", "dddddddddddd", "203.0.113.9"):
        assert secret not in told
        assert secret not in stored


def supposed(office: Office, decision_id: str, changes: Any) -> Any:
    path = f"{DECISIONS}/{decision_id}/what-if"
    return office.send("decisions", "POST", path, {"changes": changes})


def test_another_request_would_have_got_another_ad(office: Office, server: Server) -> None:
    server.publish(of(office, AUSTRIAN, PLAIN))
    decision_id = server.answer(VAST)["x-decision-id"]
    before = server.client.hgetall("tok:{s0}")
    found = supposed(office, decision_id, {"viewer.country": "AT", "ad_break.max_ads": 2}).json
    assert {ad["line_item_id"] for ad in found["pod"]} == {
        AUSTRIAN.line_item_id,
        PLAIN.line_item_id,
    }
    assert found["request"]["viewer"]["country"] == "AT"
    assert server.client.hgetall("tok:{s0}") == before


def test_who_was_capped_stays_capped_in_a_supposition(office: Office, server: Server) -> None:
    server.publish(of(office, CAPPED, PLAIN))
    server.answer(f"{VAST}&session_id=s")
    decision_id = server.answer(f"{VAST}&session_id=s")["x-decision-id"]
    found = supposed(office, decision_id, {"kv.mood": "happy", "content.genres": ["News"]}).json
    assert found["still_refused"] == [CAPPED.line_item_id]
    assert [ad["line_item_id"] for ad in found["pod"]] == [PLAIN.line_item_id]


@pytest.mark.parametrize(
    ("changes", "ads"),
    [
        ({"ad_break.duration_ms": 90_000}, 1),
        ({"ad_break.duration_ms": 300_000}, 0),
        ({"ad_break.duration_ms": 90_000, "ad_break.break_type": "postroll"}, 0),
        ({"ad_break.duration_ms": 90_000, "accepted_mimes": ["video/webm"]}, 0),
        ({"ad_break.duration_ms": 90_000, "max_bitrate_kbps": 1}, 0),
    ],
)
def test_a_supposed_value_is_read_as_the_door_reads_it(
    office: Office, server: Server, changes: dict[str, Any], ads: int
) -> None:
    only_before = a_servable_line_item(targeting={"break_type": Rule(include=("preroll",))})
    inventory = of(office, only_before)
    placements = {
        name: replace(each, default_break_ms=1000) for name, each in inventory.placements.items()
    }
    server.publish(replace(inventory, placements=placements))
    asked = f"{VAST}&duration_ms=300000&break_type=preroll"
    decision_id = server.answer(asked)["x-decision-id"]
    assert len(supposed(office, decision_id, changes).json["pod"]) == ads


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("viewer.city", "a\x00b"),
        ("content.genres", ["\ud800"]),
        ("kv.a", "\x1b"),
        ("ad_break.duration_ms", -1),
        ("ad_break.max_ads", 2**31),
        ("ad_break.break_type", "intermission"),
        ("max_bitrate_kbps", "1"),
    ],
)
def test_what_no_door_lets_in_cannot_be_supposed(
    office: Office, server: Server, path: str, value: Any
) -> None:
    server.publish(of(office, PLAIN))
    decision_id = server.answer(VAST)["x-decision-id"]
    found = supposed(office, decision_id, {path: value})
    found.assert_problem(422, "invalid-request", f"changes.{path}")


@pytest.mark.parametrize(
    "path",
    [
        "viewer.shoe_size", "viewer", "privacy.may_forward", "", "kv.", "ad_break.max_ads",
        "content.genres", "viewer.country",
    ],
)  # fmt: skip
def test_what_no_request_has_cannot_be_supposed(office: Office, server: Server, path: str) -> None:
    server.publish(of(office, PLAIN))
    decision_id = server.answer(VAST)["x-decision-id"]
    value = {"ad_break.max_ads": "many", "content.genres": "News", "viewer.country": 5}.get(
        path, "x"
    )
    found = supposed(office, decision_id, {path: value})
    found.assert_problem(422, "invalid-request", f"changes.{path}")


def test_another_organizations_decision_is_not_there(office: Office, server: Server) -> None:
    server.publish(an_inventory(PLAIN))
    decision_id = server.answer(VAST)["x-decision-id"]
    found = office.send("decisions", "GET", f"{DECISIONS}/{decision_id}")
    found.assert_problem(404, "not-found")
    assert ask_list(office) == []


@pytest.mark.parametrize("made", [0, 1])
def test_a_decision_that_is_not_kept_is_not_there(
    office: Office, server: Server, made: int
) -> None:
    server.publish(of(office, PLAIN))
    decision_id = server.answer(VAST)["x-decision-id"] if made else new_id()
    server.client.delete("rec:{s0}")
    for method, path in (("GET", ""), ("POST", "/replay")):
        found = office.send("decisions", method, f"{DECISIONS}/{decision_id}{path}")
        found.assert_problem(404, "not-found")


def test_without_its_inventory_a_decision_cannot_be_explained(
    office: Office, server: Server
) -> None:
    server.publish(of(office, PLAIN))
    decision_id = server.answer(VAST)["x-decision-id"]
    for key in server.client.keys("{inventory}:root:*"):
        server.client.delete(key)
    found = office.send("decisions", "GET", f"{DECISIONS}/{decision_id}")
    found.assert_problem(409, "conflict")


def test_viewers_see_no_single_decisions(office: Office, server: Server) -> None:
    server.publish(of(office, PLAIN))
    decision_id = server.answer(VAST)["x-decision-id"]
    token = office.token(role=Role.VIEWER)
    for path in ("", f"/{decision_id}"):
        found = office.send("decisions", "GET", f"{DECISIONS}{path}", token=token)
        found.assert_problem(403, "forbidden")
    token = office.token(role=Role.ANALYST)
    assert ask(office, decision_id, token=token)["decision_id"] == decision_id
    path = f"{DECISIONS}/{decision_id}/replay"
    office.send("decisions", "POST", path, token=token).assert_problem(403, "forbidden")
