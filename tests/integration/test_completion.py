"""Campaigns end by themselves: at the end of the flight, or when the budget pays for nothing."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from ctv_ads.adapters.postgres.campaign_completion import PostgresCampaignCompletion
from ctv_ads.domain.campaign import Campaign, CampaignStatus
from ctv_ads.use_cases.complete_campaigns import CompleteCampaigns
from tests.builders import DAY, NOON, PRICE_MICROS, Tenant, a_beacon, a_campaign_draft, some_claims
from tests.worlds import World

MOMENT = timedelta(microseconds=1)


@pytest.fixture
def world(postgres_of_session: World) -> World:
    return postgres_of_session


@pytest.fixture
def tenant(world: World) -> Tenant:
    return world.a_tenant()


@pytest.fixture
def complete(world: World) -> Callable[..., list[str]]:
    """Completes as of a moment; tells of one tenant's campaigns what others' tests leave alone."""

    def run(now: datetime = NOON) -> list[str]:
        return [*CompleteCampaigns(PostgresCampaignCompletion(world.pipeline), lambda: now)()]

    return run


def status(world: World, tenant: Tenant, campaign: Campaign) -> CampaignStatus:
    return world.campaign(tenant, campaign.campaign_id).status


def owner_says(world: World, statement: str, campaign: Campaign) -> None:
    with psycopg.connect(world.schema.owner_dsn) as owner:
        owner.execute(statement.encode(), (campaign.campaign_id,))


def events_of(world: World, campaign: Campaign) -> list[dict[str, Any]]:
    query = "SELECT * FROM audit_events WHERE entity_id = %s ORDER BY audit_event_id DESC"
    with psycopg.connect(world.schema.owner_dsn, row_factory=dict_row) as owner:
        return owner.execute(query, (campaign.campaign_id,)).fetchall()


@pytest.mark.parametrize(
    ("ends_at", "expected"),
    [
        (NOON - DAY, CampaignStatus.COMPLETED),
        (NOON, CampaignStatus.COMPLETED),
        (NOON + MOMENT, CampaignStatus.ACTIVE),
    ],
)
def test_a_flight_is_over_at_its_end_and_not_before(
    world: World,
    tenant: Tenant,
    complete: Callable[..., list[str]],
    ends_at: datetime,
    expected: CampaignStatus,
) -> None:
    draft = a_campaign_draft(starts_at=NOON - 2 * DAY, ends_at=ends_at)
    campaign = world.a_serving_campaign(tenant, draft)
    assert (campaign.campaign_id in complete()) == (expected is CampaignStatus.COMPLETED)
    assert status(world, tenant, campaign) is expected


@pytest.mark.parametrize(
    ("budget_micros", "expected"),
    [
        (3 * PRICE_MICROS, CampaignStatus.ACTIVE),
        (2 * PRICE_MICROS, CampaignStatus.ACTIVE),
        (2 * PRICE_MICROS - 1, CampaignStatus.COMPLETED),
        (PRICE_MICROS, CampaignStatus.COMPLETED),
    ],
)
def test_a_budget_is_over_when_it_pays_for_no_further_impression(
    world: World,
    tenant: Tenant,
    complete: Callable[..., list[str]],
    budget_micros: int,
    expected: CampaignStatus,
) -> None:
    campaign = world.a_serving_campaign(tenant, a_campaign_draft(budget_micros=budget_micros))
    claims = some_claims(line_item_id=campaign.line_items[0].line_item_id)
    world.ledger.record([a_beacon(claims)])
    complete()
    assert status(world, tenant, campaign) is expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("rate_micros = 1000", CampaignStatus.ACTIVE),
        ("rate_micros = 1000, deleted_at = now()", CampaignStatus.COMPLETED),
        ("rate_type = 'cpcv', rate_micros = 10000", CampaignStatus.ACTIVE),
        ("rate_type = 'cpcv', rate_micros = 11000", CampaignStatus.COMPLETED),
        ("rate_type = 'flat', rate_micros = 10000000", CampaignStatus.ACTIVE),
    ],
)
def test_the_cheapest_line_item_decides_what_the_rest_pays_for(
    world: World,
    tenant: Tenant,
    complete: Callable[..., list[str]],
    change: str,
    expected: CampaignStatus,
) -> None:
    campaign = world.a_serving_campaign(tenant, a_campaign_draft(budget_micros=10_000))
    owner_says(world, f"UPDATE line_items SET {change} WHERE campaign_id = %s", campaign)  # noqa: S608
    complete()
    assert status(world, tenant, campaign) is expected


@pytest.mark.parametrize("kept", sorted(set(CampaignStatus) - {CampaignStatus.ACTIVE}))
def test_only_what_is_active_is_completed(
    world: World, tenant: Tenant, complete: Callable[..., list[str]], kept: CampaignStatus
) -> None:
    campaign = world.a_campaign(tenant, a_campaign_draft(budget_micros=0, ends_at=NOON))
    world.set_status(tenant, campaign, kept)
    before = world.campaign(tenant, campaign.campaign_id)
    assert campaign.campaign_id not in complete()
    assert world.campaign(tenant, campaign.campaign_id) == before


def test_a_deleted_campaign_is_left_alone(
    world: World, tenant: Tenant, complete: Callable[..., list[str]]
) -> None:
    campaign = world.a_serving_campaign(tenant, a_campaign_draft(ends_at=NOON))
    with world.stores.transaction(tenant.caller) as store:
        store.campaigns.delete(campaign.campaign_id, NOON)
    assert campaign.campaign_id not in complete()


def test_completing_is_audited_as_the_systems_and_happens_once(
    world: World, tenant: Tenant, complete: Callable[..., list[str]]
) -> None:
    campaign = world.a_serving_campaign(tenant, a_campaign_draft(ends_at=NOON))
    assert campaign.campaign_id in complete()
    completed = world.campaign(tenant, campaign.campaign_id)
    assert (completed.version, completed.updated_at) == (campaign.version + 1, NOON)
    assert campaign.campaign_id not in complete(NOON + DAY)
    assert world.campaign(tenant, campaign.campaign_id) == completed
    (last, before, *_) = events_of(world, campaign)
    assert (last["actor_id"], last["request_id"], last["action"]) == (None, None, "update")
    assert (last["before"]["status"], last["after"]["status"]) == ("active", "completed")
    assert before["after"]["status"] == "active"


def test_all_organizations_campaigns_are_completed(
    world: World, complete: Callable[..., list[str]]
) -> None:
    draft = a_campaign_draft(ends_at=NOON)
    made = [world.a_serving_campaign(world.a_tenant(), draft).campaign_id for _ in range(3)]
    assert set(made) <= set(complete())


def test_a_campaign_that_is_being_billed_waits_for_nobody_and_comes_next_time(
    world: World, tenant: Tenant, complete: Callable[..., list[str]]
) -> None:
    campaign = world.a_serving_campaign(tenant, a_campaign_draft(ends_at=NOON))
    lock = "SELECT 1 FROM campaigns WHERE campaign_id = %s FOR UPDATE"
    with psycopg.connect(world.schema.owner_dsn) as recorder:
        recorder.execute(lock, (campaign.campaign_id,))
        assert campaign.campaign_id not in complete()
    assert campaign.campaign_id in complete()


def test_an_impression_that_comes_late_is_billed_all_the_same(
    world: World, tenant: Tenant, complete: Callable[..., list[str]]
) -> None:
    campaign = world.a_serving_campaign(tenant, a_campaign_draft(ends_at=NOON))
    complete()
    claims = some_claims(line_item_id=campaign.line_items[0].line_item_id)
    assert world.ledger.record([a_beacon(claims)]).billed_impressions == 1
    assert status(world, tenant, campaign) is CampaignStatus.COMPLETED
