"""`/api/v1/campaigns/{campaign_id}/stats`."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.postgres.invalid_traffic import PostgresInvalidTraffic
from ctv_ads.domain.access import Role
from ctv_ads.domain.beacon import BeaconEvent
from ctv_ads.domain.invalid_traffic import InvalidTraffic
from ctv_ads.domain.statistics import BreakdownBy
from tests.builders import NOON, a_beacon, a_campaign_draft, some_claims
from tests.functions.conftest import Office
from tests.functions.recorded import api_event


def stats(campaign_id: str, query: str = "") -> str:
    return f"/api/v1/campaigns/{campaign_id}/stats{query}"


def a_delivered_campaign(office: Office) -> str:
    """Two days: an ad seen in part and one past the budget, then one that failed."""
    draft = a_campaign_draft(budget_micros=30_000)
    campaign = office.world.a_serving_campaign(office.tenant, draft)
    line_item_id = campaign.line_items[0].line_item_id
    first, second, third = (
        some_claims(line_item_id=line_item_id, decided_at=NOON + timedelta(hours=hours))
        for hours in (0, 1, 24)
    )
    office.world.ledger.record(
        [
            a_beacon(first),
            a_beacon(first, event=BeaconEvent.START),
            a_beacon(first, event=BeaconEvent.START),
            a_beacon(second),
            a_beacon(third, event=BeaconEvent.ERROR, vast_error_code=405),
            a_beacon(third, event=BeaconEvent.MUTE),
        ]
    )
    return campaign.campaign_id


@pytest.mark.parametrize("role", list(Role))
def test_everybody_may_read_what_was_delivered(office: Office, role: Role) -> None:
    campaign_id = a_delivered_campaign(office)
    found = office.send("analytics", "GET", stats(campaign_id), token=office.token(role=role))
    assert found.status == 200
    totals = found.json["totals"]
    assert (totals["impressions"], totals["starts"], totals["errors"]) == (2, 1, 1)
    assert (totals["spend_micros"], totals["unbilled_impressions"]) == (20_000, 1)
    assert (totals["budget_micros"], totals["remaining_micros"]) == (30_000, 10_000)
    days = [(day["date"], day["impressions"], day["errors"]) for day in found.json["series"]]
    assert days == [("2026-11-23", 2, 0), ("2026-11-24", 0, 1)]
    age = datetime.now(UTC) - datetime.fromisoformat(found.json["data_as_of"])
    assert timedelta(0) <= age < timedelta(minutes=5)


def test_days_can_be_narrowed_and_the_budget_stays_whole(office: Office) -> None:
    path = stats(a_delivered_campaign(office), "?from=2026-11-24&to=2026-11-24")
    found = office.send("analytics", "GET", path).json
    assert [day["date"] for day in found["series"]] == ["2026-11-24"]
    assert (found["totals"]["impressions"], found["totals"]["remaining_micros"]) == (0, 10_000)


@pytest.mark.parametrize("by", list(BreakdownBy))
def test_delivery_is_told_apart_along_what_is_asked_for(office: Office, by: BreakdownBy) -> None:
    campaign = office.world.a_serving_campaign(office.tenant)
    line_item_id = campaign.line_items[0].line_item_id
    shared: dict[str, Any] = {
        "creative_id": new_id(),
        "placement_id": new_id(),
        "line_item_id": line_item_id,
    }
    seen = [
        some_claims(**shared, country="DE", device_type="ctv", session=1),
        some_claims(**shared, country="DE", device_type="ctv", session=1),
        some_claims(**shared, country="US", device_type="phone", session=2),
        some_claims(**shared, decided_at=NOON + timedelta(hours=1), session=2),
    ]
    office.world.ledger.record([a_beacon(claims) for claims in seen])
    crawled = some_claims(**shared, country="DE", device_type="pc")
    PostgresInvalidTraffic(office.world.pipeline).record(
        [replace(a_beacon(crawled), invalid=InvalidTraffic.CRAWLER)], []
    )
    path = stats(campaign.campaign_id, f"?by={by}&from=2026-11-23&to=2026-11-23")
    parts = office.send("analytics", "GET", path).json["breakdown"]
    found = [(part["key"], part["impressions"], part["unique_sessions"]) for part in parts]
    crawlers = [part["key"] for part in parts if part["invalid_beacons"]["crawler"]]
    assert crawlers == [
        {
            BreakdownBy.HOUR: "2026-11-23T12:00:00Z",
            BreakdownBy.COUNTRY: "DE",
            BreakdownBy.DEVICE_TYPE: "pc",
        }.get(by, found[0][0])
    ]
    assert (
        found
        == {
            BreakdownBy.HOUR: [("2026-11-23T12:00:00Z", 3, 2), ("2026-11-23T13:00:00Z", 1, 1)],
            BreakdownBy.LINE_ITEM: [(line_item_id, 4, 2)],
            BreakdownBy.CREATIVE: [(shared["creative_id"], 4, 2)],
            BreakdownBy.PLACEMENT: [(shared["placement_id"], 4, 2)],
            BreakdownBy.COUNTRY: [("", 1, 1), ("DE", 2, 1), ("US", 1, 1)],
            BreakdownBy.DEVICE_TYPE: [("", 1, 1), ("ctv", 2, 1), ("pc", 0, 0), ("phone", 1, 1)],
        }[by]
    )
    narrowed = stats(campaign.campaign_id, f"?by={by}&from=2026-11-24")
    assert office.send("analytics", "GET", narrowed).json["breakdown"] == []


def test_invalid_traffic_is_told_by_rule_line_item_and_day(office: Office) -> None:
    campaign = office.world.a_serving_campaign(office.tenant)
    line_item_id = campaign.line_items[0].line_item_id
    rules = [InvalidTraffic.CRAWLER, InvalidTraffic.CRAWLER, InvalidTraffic.EXPIRED]
    days = [NOON, NOON, NOON + timedelta(days=1)]
    log = PostgresInvalidTraffic(office.world.pipeline)
    log.record(
        [
            replace(a_beacon(some_claims(line_item_id=line_item_id, decided_at=day)), invalid=rule)
            for rule, day in zip(rules, days, strict=True)
        ],
        [],
    )
    found = office.send("analytics", "GET", stats(campaign.campaign_id)).json
    assert found["totals"]["invalid_beacons"] == {
        **{rule.value: 0 for rule in InvalidTraffic if rule is not InvalidTraffic.FORGED},
        "expired": 1,
        "crawler": 2,
    }
    assert found["totals"]["impressions"] == 0
    assert [tuple(one.values()) for one in found["invalid_traffic"]] == [
        ("2026-11-23", line_item_id, "crawler", 2),
        ("2026-11-24", line_item_id, "expired", 1),
    ]
    narrowed = stats(campaign.campaign_id, "?from=2026-11-24&to=2026-11-24")
    found = office.send("analytics", "GET", narrowed).json
    assert found["totals"]["invalid_beacons"]["crawler"] == 0
    assert found["totals"]["invalid_beacons"]["expired"] == 1


def test_a_bound_viewer_sees_no_invalid_traffic_of_other_advertisers(office: Office) -> None:
    campaign = office.world.a_serving_campaign(office.tenant)
    line_item_id = campaign.line_items[0].line_item_id
    PostgresInvalidTraffic(office.world.pipeline).record(
        [replace(a_beacon(some_claims(line_item_id=line_item_id)), invalid=InvalidTraffic.CRAWLER)],
        [],
    )
    for advertisers, seen in (({office.tenant.advertiser_id}, 1), ({new_id()}, 0)):
        bound = replace(
            office.tenant.caller, role=Role.VIEWER, advertiser_ids=frozenset(map(str, advertisers))
        )
        with office.world.api.transaction(bound) as connection:
            rows = connection.execute(
                "SELECT rule FROM invalid_beacons WHERE campaign_id = %s", (campaign.campaign_id,)
            ).fetchall()
        assert len(rows) == seen


def test_without_being_asked_for_there_is_no_breakdown(office: Office) -> None:
    found = office.send("analytics", "GET", stats(a_delivered_campaign(office)))
    assert found.json["breakdown"] is None


@pytest.mark.parametrize("name", ["from", "to"])
@pytest.mark.parametrize("day", ["yesterday", "2026-13-01", "2026-11-23T12:00:00Z"])
def test_what_is_no_day_is_told_by_its_name(office: Office, name: str, day: str) -> None:
    path = stats(a_delivered_campaign(office), f"?{name}={day}")
    refused = office.send("analytics", "GET", path)
    refused.assert_problem(422, "invalid-request", name)


def test_another_tenants_figures_are_not_found(office: Office) -> None:
    other = office.world.a_tenant()
    campaign = office.world.a_serving_campaign(other)
    path = stats(campaign.campaign_id)
    office.send("analytics", "GET", path).assert_problem(404, "not-found")


def test_strangers_see_no_figures(office: Office) -> None:
    refused = office.call("analytics", api_event("GET", stats(new_id())))
    refused.assert_problem(401, "unauthenticated")
