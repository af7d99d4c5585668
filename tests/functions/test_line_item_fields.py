"""What the fields of a line item may be, over HTTP."""

from typing import Any

import pytest

from ctv_ads.domain.campaign import Campaign
from tests.builders import DAY, NOON
from tests.functions.conftest import Office
from tests.functions.line_item_requests import LINE_ITEMS, change, make, warned


@pytest.fixture
def campaign(office: Office) -> Campaign:
    return office.world.a_campaign(office.tenant)


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"name": ""}, "name"),
        ({"type": "network"}, "type"),
        ({"priority": 0}, "priority"),
        ({"priority": 17}, "priority"),
        ({"status": "archived"}, "status"),
        ({"rate_type": "cpm", "rate_micros": 1_001}, "rate_micros"),
        ({"rate_type": "cpm", "rate_micros": 0}, "rate_micros"),
        ({"rate_type": "cpcv"}, "rate_micros"),
        ({"rate_type": "flat"}, "rate_micros"),
        ({"budget_micros": -1}, "budget_micros"),
        ({"budget_micros": 1_000_001}, "budget_micros"),
        ({"daily_budget_micros": 1_000_001}, "daily_budget_micros"),
        ({"budget_micros": 5, "daily_budget_micros": 6}, "daily_budget_micros"),
        ({"goal": {"unit": "views", "amount": 1}}, "goal.unit"),
        ({"goal": {"unit": "impressions", "amount": 0}}, "goal.amount"),
        ({"goal": {"unit": "percent", "amount": 50}, "type": "standard"}, "goal.unit"),
        ({"goal": {"unit": "percent", "amount": 101}, "type": "house"}, "goal.amount"),
        ({"pacing": "slow"}, "pacing"),
        ({"starts_at": (NOON - 2 * DAY).isoformat()}, "starts_at"),
        ({"ends_at": (NOON + 31 * DAY).isoformat()}, "ends_at"),
        ({"starts_at": NOON.isoformat(), "ends_at": NOON.isoformat()}, "ends_at"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"dayparts": [{"days": [], "from_min": 0, "to_min": 1}]}, "dayparts.0.days"),
        ({"dayparts": [{"days": ["mo"], "from_min": 0, "to_min": 1}]}, "dayparts.0.days.0"),
        ({"dayparts": [{"days": ["mon"], "from_min": 9, "to_min": 9}]}, "dayparts.0.to_min"),
        ({"dayparts": [{"days": ["mon"], "from_min": 0, "to_min": 1441}]}, "dayparts.0.to_min"),
        ({"targeting": {"country": {"include": ["Austria"]}}}, "targeting.country.include.0"),
        ({"targeting": {"country": {"include": ["AT", "de"]}}}, "targeting.country.include.1"),
        ({"targeting": {"country": {"include": [7]}}}, "targeting.country.include.0"),
        ({"targeting": {"country": ["AT"]}}, "targeting.country"),
        ({"targeting": {"planet": {"include": ["Mars"]}}}, "targeting.planet"),
        ({"targeting": {"kv.a b": {"include": ["x"]}}}, "targeting.kv.a b"),
        ({"targeting": {"region": {"exclude": ["Tyrol"]}}}, "targeting.region.exclude.0"),
        ({"targeting": {"language": {"include": ["german!"]}}}, "targeting.language.include.0"),
        ({"targeting": {"livestream": {"include": ["yes"]}}}, "targeting.livestream.include.0"),
        ({"targeting": {"break_type": {"include": ["bumper"]}}}, "targeting.break_type.include.0"),
        ({"targeting": {"placement": {"include": ["demo"]}}}, "targeting.placement.include.0"),
        (
            {"targeting": {"os": {"include": ["tizen"], "exclude": ["tizen"]}}},
            "targeting.os.exclude.0",
        ),
        ({"frequency_caps": [{"limit": 0}]}, "frequency_caps.0.limit"),
        ({"frequency_caps": [{"limit": 1, "window_ms": 999}]}, "frequency_caps.0.window_ms"),
        ({"frequency_caps": [{"limit": 1, "scope": "pod"}]}, "frequency_caps.0.scope"),
        ({"separation": [{"by": "brand", "extent": "pod"}]}, "separation.0.by"),
        ({"creative_rotation": "random"}, "creative_rotation"),
        ({"pod_position": "second"}, "pod_position"),
        ({"is_default": True}, "is_default"),
    ],
)
def test_a_wrong_field_is_told_by_its_path(
    office: Office, campaign: Campaign, fields: dict[str, Any], path: str
) -> None:
    make(office, campaign, **fields).assert_problem(422, "invalid-request", path)
    default = campaign.line_items[0].line_item_id
    change(office, default, **fields).assert_problem(422, "invalid-request", path)


@pytest.mark.parametrize("size", [51, 5_000])
def test_targeting_has_a_limit_of_dimensions(office: Office, campaign: Campaign, size: int) -> None:
    targeting = {f"kv.k{number}": {"include": ["x"]} for number in range(size)}
    refused = make(office, campaign, targeting=targeting)
    refused.assert_problem(422, "invalid-request", "targeting")


def test_unknown_but_well_formed_values_are_kept_and_flagged(
    office: Office, campaign: Campaign
) -> None:
    placement, stranger = office.tenant.placement_id, office.world.a_tenant().placement_id
    targeting = {
        "country": {"include": ["AT", "XX"]},
        "region": {"include": ["US-CA", "XX-1"]},
        "genre": {"include": ["Drama"], "exclude": ["Telenovela"]},
        "os": {"include": ["titan_os"]},
        "placement": {"include": [placement, stranger]},
        "segment": {"include": ["whatever"]},
        "kv.any": {"include": ["thing"]},
    }
    made = make(office, campaign, targeting=targeting, pacing="asap")
    assert made.status == 201, made.body
    assert set(warned(made)) == {
        ("targeting.country.include.1", "unknown_value"),
        ("targeting.region.include.1", "unknown_value"),
        ("targeting.genre.exclude.0", "unknown_value"),
        ("targeting.os.include.0", "unknown_value"),
        ("targeting.placement.include.1", "unknown_value"),
    }
    read = office.send("campaigns", "GET", f"{LINE_ITEMS}/{made.json['id']}")
    assert warned(read) == warned(made)


def test_values_are_kept_once_and_empty_rules_not_at_all(
    office: Office, campaign: Campaign
) -> None:
    targeting = {"city": {"include": ["Wien", "Graz", "Wien"]}, "os": {}}
    made = make(office, campaign, targeting=targeting)
    assert made.json["targeting"] == {"city": {"include": ["Wien", "Graz"], "exclude": []}}
