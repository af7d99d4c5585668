"""What is booked is what is published: rates, flights, pauses, assignments, and nothing wider."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from ctv_ads.adapters.ids import new_id
from ctv_ads.domain.campaign import Campaign, LineItemType
from ctv_ads.domain.frequency import CapKey, CapScope, FrequencyCap
from ctv_ads.domain.ids import CreativeId, LineItemId
from ctv_ads.domain.inventory import ServableLineItem
from ctv_ads.domain.line_item import (
    CreativeAssignment,
    CreativeRotation,
    Daypart,
    Goal,
    GoalUnit,
    LineItemStatus,
    LineItemTerms,
    PodPosition,
    RateType,
    Separation,
    SeparationBy,
    SeparationExtent,
    Weekday,
)
from ctv_ads.domain.pace import Pacing
from ctv_ads.domain.targeting import Rule
from tests.builders import DAY, NOON, Tenant
from tests.worlds import World

PLAIN = LineItemTerms(name="Evenings", type=LineItemType.STANDARD, priority=1)
BOOKED: dict[str, dict[str, Any]] = {
    "rate_type": {"rate_type": RateType.CPCV, "rate_micros": 25_000},
    "dayparts": {"dayparts": (Daypart((Weekday.MONDAY,), 0, 1440),)},
    "targeting": {"targeting": {"country": Rule(include=("AT",))}},
    "frequency_caps": {
        "frequency_caps": (FrequencyCap(1, None, CapScope.CREATIVE, CapKey.SESSION),)
    },
    "separation": {"separation": (Separation(SeparationBy.CATEGORY, SeparationExtent.POD),)},
    "pacing": {"pacing": Pacing.FRONT_LOADED},
    "pod_position": {"pod_position": PodPosition.FIRST},
    "creative_rotation": {"creative_rotation": CreativeRotation.OPTIMIZED},
}


@pytest.fixture
def world(postgres_of_session: World) -> World:
    return postgres_of_session


@pytest.fixture
def tenant(world: World) -> Tenant:
    return world.a_tenant()


@pytest.fixture
def campaign(world: World, tenant: Tenant) -> Campaign:
    return world.a_serving_campaign(tenant)


def book(world: World, tenant: Tenant, campaign: Campaign, **terms: Any) -> LineItemId:
    line_item_id = LineItemId(new_id())
    with world.stores.transaction(tenant.caller) as store:
        store.line_items.add(
            line_item_id, campaign.campaign_id, replace(PLAIN, **terms), tenant.caller
        )
    return line_item_id


def assign(
    world: World, tenant: Tenant, line_item_id: LineItemId, *items: CreativeAssignment
) -> None:
    with world.stores.transaction(tenant.caller) as store:
        line_item = store.line_items.get(line_item_id)
        assert not store.line_items.assign(line_item, items, NOON)


def published(
    world: World, tenant: Tenant, *, now: datetime = NOON
) -> dict[LineItemId, ServableLineItem]:
    found = world.source.load(now=now).line_items.get(tenant.organization_id, ())
    return {item.line_item_id: item for item in found}


def test_a_line_item_serves_at_its_own_rate_and_priority(
    world: World, tenant: Tenant, campaign: Campaign
) -> None:
    own = book(world, tenant, campaign, rate_micros=7_000_000)
    servable = published(world, tenant)
    assert (servable[own].price_micros, servable[own].priority) == (7_000, 1)
    assert servable[campaign.line_items[0].line_item_id].price_micros == 20_000
    assert next(iter(servable)) == own


def test_a_flight_of_its_own_lies_within_the_campaigns(
    world: World, tenant: Tenant, campaign: Campaign
) -> None:
    flight = {"starts_at": NOON + DAY, "ends_at": NOON + 2 * DAY}
    own = book(world, tenant, campaign, **flight)
    wide = book(world, tenant, campaign, starts_at=NOON - 9 * DAY, ends_at=NOON + 99 * DAY)
    servable = published(world, tenant)
    assert (servable[own].starts_at, servable[own].ends_at) == (NOON + DAY, NOON + 2 * DAY)
    assert servable[wide].starts_at == campaign.starts_at
    assert servable[wide].ends_at == campaign.ends_at
    assert own not in published(world, tenant, now=NOON + 2 * DAY)


def test_a_flight_that_the_campaign_has_cut_away_does_not_serve(
    world: World, tenant: Tenant, campaign: Campaign
) -> None:
    own = book(world, tenant, campaign, starts_at=campaign.ends_at + DAY)
    assert own not in published(world, tenant)


def test_a_line_item_that_is_paused_or_deleted_does_not_serve(
    world: World, tenant: Tenant, campaign: Campaign
) -> None:
    paused = book(world, tenant, campaign, status=LineItemStatus.PAUSED)
    deleted = book(world, tenant, campaign)
    with world.stores.transaction(tenant.caller) as store:
        store.line_items.delete(deleted, NOON)
    assert set(published(world, tenant)) == {campaign.line_items[0].line_item_id}
    assert paused not in published(world, tenant)


@pytest.mark.parametrize("term", sorted(BOOKED))
def test_what_is_booked_is_what_decisions_read(
    world: World, tenant: Tenant, campaign: Campaign, term: str
) -> None:
    own = book(world, tenant, campaign, **BOOKED[term])
    servable = published(world, tenant)[own]
    assert getattr(servable, term) == BOOKED[term][term]


@pytest.mark.parametrize(
    "limit",
    [
        {"budget_micros": 1_000_000},
        {"daily_budget_micros": 1_000_000},
        {"goal": Goal(GoalUnit.IMPRESSIONS, 1)},
    ],
    ids=["budget", "daily budget", "goal"],
)
def test_limits_of_money_and_number_are_held_by_tokens(
    world: World, tenant: Tenant, campaign: Campaign, limit: dict[str, Any]
) -> None:
    own = book(world, tenant, campaign, **limit)
    assert published(world, tenant)[own].needs_tokens


def test_without_assignments_a_line_item_rotates_all_of_its_campaign(
    world: World, tenant: Tenant, campaign: Campaign
) -> None:
    second = world.a_ready_creative(tenant, campaign.campaign_id)
    (line_item,) = published(world, tenant).values()
    assert len(line_item.creatives) == 2
    assert second.creative_id in {creative.creative_id for creative in line_item.creatives}


def test_with_assignments_a_line_item_rotates_those_and_others_stay_as_they_are(
    world: World, tenant: Tenant, campaign: Campaign
) -> None:
    own_creative = world.a_ready_creative(tenant, campaign.campaign_id).creative_id
    own = book(world, tenant, campaign)
    assign(world, tenant, own, CreativeAssignment(creative_id=own_creative))
    servable = published(world, tenant)
    assert [creative.creative_id for creative in servable[own].creatives] == [own_creative]
    assert len(servable[campaign.line_items[0].line_item_id].creatives) == 2
    assign(world, tenant, own)
    assert len(published(world, tenant)[own].creatives) == 2


def test_an_assignment_is_published_with_its_flight_until_that_is_over(
    world: World, tenant: Tenant, campaign: Campaign
) -> None:
    creative_id = world.a_ready_creative(tenant, campaign.campaign_id).creative_id
    own = book(world, tenant, campaign)
    flight = {"starts_at": NOON + DAY, "ends_at": NOON + 2 * DAY}
    assign(
        world,
        tenant,
        own,
        CreativeAssignment(creative_id=creative_id, weight=3, sequence=2, **flight),
    )
    (creative,) = published(world, tenant)[own].creatives
    assert {"starts_at": creative.starts_at, "ends_at": creative.ends_at} == flight
    assert (creative.weight, creative.sequence) == (3, 2)
    assert own in published(world, tenant, now=NOON + 2 * DAY - DAY / 24)
    assert own not in published(world, tenant, now=NOON + 2 * DAY)


def test_an_assigned_creative_that_is_gone_is_not_made_up_for_by_others(
    world: World, tenant: Tenant, campaign: Campaign
) -> None:
    creative = world.a_ready_creative(tenant, campaign.campaign_id)
    own = book(world, tenant, campaign)
    assign(world, tenant, own, CreativeAssignment(creative_id=creative.creative_id))
    with world.stores.transaction(tenant.caller) as store:
        store.creatives.delete(creative.creative_id, NOON)
    assert own not in published(world, tenant)


def test_a_creative_of_another_campaign_cannot_be_assigned(
    world: World, tenant: Tenant, campaign: Campaign
) -> None:
    other = world.a_serving_campaign(tenant)
    strange = world.a_ready_creative(tenant, other.campaign_id).creative_id
    own = book(world, tenant, campaign)
    with world.stores.transaction(tenant.caller) as store:
        line_item = store.line_items.get(own)
        items = [CreativeAssignment(creative_id=id_) for id_ in (strange, CreativeId(new_id()))]
        missing = store.line_items.assign(line_item, items, NOON)
        assert missing == {item.creative_id for item in items}
        assert store.line_items.assignments(own) == []
