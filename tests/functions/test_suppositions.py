"""What-if: a neutral change changes nothing, and every field that a request has can be supposed."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ctv_ads.domain.frequency import CapKey, CapScope, FrequencyCap
from ctv_ads.domain.ids import PlacementId
from ctv_ads.domain.inventory import ServableLineItem
from ctv_ads.domain.targeting import Rule
from local.valkey import ValkeyServer
from tests.builders import (
    NOON,
    a_servable_creative,
    a_servable_line_item,
    an_inventory,
)
from tests.functions.conftest import Office
from tests.functions.explaining import Server, a_server
from tests.functions.test_decisions import VAST, ask, of, supposed

IFA = "00000000-aaaa-4bbb-8ccc-dddddddddddd"


@pytest.fixture
def server(valkey_server: ValkeyServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with a_server(valkey_server.url, monkeypatch) as server:
        yield server


def capped(key: CapKey, **terms: Any) -> ServableLineItem:
    cap = FrequencyCap(1, 3_600_000, CapScope.LINE_ITEM, key)
    return a_servable_line_item(frequency_caps=(cap,), **terms)


PLAIN = a_servable_line_item()
BY_SESSION = capped(CapKey.SESSION, priority=2)


def pod_of(office: Office, decision_id: str, **changes: Any) -> list[str]:
    found = supposed(
        office, decision_id, {name.replace("__", "."): v for name, v in changes.items()}
    )
    assert found.status == 200, found.body
    return [ad["line_item_id"] for ad in found.json["pod"]]


@pytest.mark.parametrize(
    "query", ["&session_id=s", f"&ifa={IFA}", "&session_id=s&duration_ms=60000"]
)
def test_a_change_of_nothing_keeps_the_pod(office: Office, server: Server, query: str) -> None:
    films = [a_servable_creative() for _ in range(3)]
    several = capped(CapKey.DEVICE, priority=3, creatives=films)
    server.publish(of(office, BY_SESSION, several, PLAIN))
    for _ in range(3):
        decision_id = server.answer(f"{VAST}{query}")["x-decision-id"]
        pod = ask(office, decision_id)["pod"]
        assert pod
        assert supposed(office, decision_id, {"kv.mood": "calm"}).json["pod"] == pod


def test_who_was_known_to_be_out_of_tokens_stays_so(office: Office, server: Server) -> None:
    poor = a_servable_line_item(priority=1)
    server.publish(of(office, poor, PLAIN))
    server.grant(poor.line_item_id, 0)
    decision_id = [server.answer(VAST)["x-decision-id"] for _ in range(2)][1]
    assert ask(office, decision_id)["out_of_tokens"] == [poor.line_item_id]
    assert pod_of(office, decision_id, kv__mood="calm") == [PLAIN.line_item_id]


def test_a_viewer_without_keys_may_be_given_a_session(office: Office, server: Server) -> None:
    server.publish(of(office, BY_SESSION, PLAIN))
    decision_id = server.answer(VAST)["x-decision-id"]
    assert pod_of(office, decision_id, kv__mood="calm") == [PLAIN.line_item_id]
    assert pod_of(office, decision_id, session_id="evening") == [BY_SESSION.line_item_id]


def test_privacy_signals_are_judged_again(office: Office, server: Server) -> None:
    by_device = capped(CapKey.DEVICE, priority=2)
    server.publish(of(office, by_device, PLAIN))
    decision_id = server.answer(f"{VAST}&ifa={IFA}")["x-decision-id"]
    assert pod_of(office, decision_id, kv__mood="calm") == [by_device.line_item_id]
    for changes in ({"privacy.coppa": True}, {"privacy.gdpr": "1"}, {"viewer.country": "AT"}):
        found = supposed(office, decision_id, changes).json
        assert found["request"]["privacy"]["may_use_device_id"] is False
        assert found["request"]["viewer"]["device_key"] is None
        assert [ad["line_item_id"] for ad in found["pod"]] == [PLAIN.line_item_id]
    refused = server.answer(f"{VAST}&coppa=1&session_id=s")["x-decision-id"]
    found = supposed(office, refused, {"privacy.coppa": None}).json
    assert found["request"]["privacy"]["may_use_device_id"] is True


def test_a_device_that_limits_tracking_goes_on_to(office: Office, server: Server) -> None:
    server.publish(of(office, PLAIN))
    path = f"{VAST}&ifa=00000000-0000-0000-0000-000000000000&country=US&postal=90210"
    decision_id = server.answer(path)["x-decision-id"]
    found = supposed(office, decision_id, {"viewer.country": "CA", "viewer.postal": "90210"}).json
    assert found["request"]["privacy"]["refusals"] == ["lmt"]
    assert found["request"]["viewer"]["postal"] == "902"


def test_another_placement_and_time_may_be_supposed(office: Office, server: Server) -> None:
    late = a_servable_line_item(priority=1, starts_at=NOON + timedelta(hours=1))
    elsewhere = a_servable_line_item(priority=2, targeting={"placement": Rule(include=("x",))})
    inventory = of(office, late, elsewhere, PLAIN)
    server.publish(inventory)
    decision_id = server.answer(VAST)["x-decision-id"]
    assert pod_of(office, decision_id, kv__mood="calm") == [PLAIN.line_item_id]
    at = (NOON + timedelta(hours=2)).isoformat()
    found = supposed(office, decision_id, {"at": at, "vast_version": "3.0"}).json
    assert [ad["line_item_id"] for ad in found["pod"]] == [late.line_item_id]
    assert (found["decided_at"], found["vast_version"]) == ("2026-11-23T14:00:00Z", "3.0")
    (placement,) = {one.placement_id: one for one in inventory.placements.values()}.values()
    other = replace(placement, placement_id=PlacementId("x"))
    placements, built_at = {**inventory.placements, "x": other}, NOON + timedelta(days=1)
    server.publish(replace(inventory, placements=placements, built_at=built_at))
    decision_id = server.answer(VAST)["x-decision-id"]
    found = supposed(office, decision_id, {"placement": "x"}).json
    assert [ad["line_item_id"] for ad in found["pod"]] == [elsewhere.line_item_id]
    assert found["placement_id"] == "x"


def test_key_values_may_be_several_or_none(office: Office, server: Server) -> None:
    calm = a_servable_line_item(priority=1, targeting={"kv.mood": Rule(include=("calm",))})
    server.publish(of(office, calm, PLAIN))
    decision_id = server.answer(f"{VAST}&kv.mood=calm")["x-decision-id"]
    assert pod_of(office, decision_id, kv__mood=["wild", "calm"]) == [calm.line_item_id]
    assert pod_of(office, decision_id, kv__mood=None) == [PLAIN.line_item_id]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("at", "yesterday"),
        ("at", "2026-11-23T14:00:00"),
        ("at", 5),
        ("at", "1291-08-01T00:00:00Z"),
        ("placement", "nowhere"),
        ("placement", 5),
        ("session_id", ""),
        ("session_id", ["a"]),
        ("vast_version", "9.9"),
        ("privacy.shoes", "1"),
        ("privacy.gdpr", 5),
        ("privacy.gdpr", "\u00fc"),
        ("privacy.gdpr", "\x00"),
        ("kv.mood", []),
        ("kv.mood", ["\x00"]),
    ],
)
def test_what_no_request_can_be_is_refused(
    office: Office, server: Server, path: str, value: Any
) -> None:
    server.publish(of(office, PLAIN))
    decision_id = server.answer(VAST)["x-decision-id"]
    found = supposed(office, decision_id, {path: value})
    found.assert_problem(422, "invalid-request", f"changes.{path}")


def test_another_organizations_placement_is_not_there(office: Office, server: Server) -> None:
    mine, theirs = of(office, PLAIN), an_inventory(a_servable_line_item())
    other = next(iter(theirs.placements.values()))
    server.publish(replace(mine, placements={**mine.placements, "theirs": other}))
    decision_id = server.answer(VAST)["x-decision-id"]
    supposed(office, decision_id, {"placement": "theirs"}).assert_problem(
        422, "invalid-request", "changes.placement"
    )
