"""Recorded beacons are paid by the grant that they were decided on, or by what nobody reserved."""

from dataclasses import replace

import psycopg
import pytest

from ctv_ads.domain.beacon import Beacon
from ctv_ads.domain.campaign import Campaign
from ctv_ads.domain.line_item import RateType
from ctv_ads.ports.pipeline import RecordedBatch
from tests.books import Owner, a_campaign_of, assert_books_agree
from tests.builders import NOON, PRICE_MICROS, a_beacon, some_claims
from tests.ledgers import entries
from tests.worlds import World

_GRANT = """
INSERT INTO token_buckets (line_item_id, bucket, organization_id, campaign_id, budget_day,
                           granted_micros, opened_at)
SELECT line_item_id, %s, organization_id, campaign_id, %s, %s, %s
FROM line_items WHERE line_item_id = %s"""
_BUCKETS = """
SELECT bucket, billed_micros, outstanding_micros FROM token_buckets
WHERE campaign_id = %s ORDER BY bucket"""


@pytest.fixture
def world(postgres_of_session: World) -> World:
    return postgres_of_session


def grant(owner: Owner, campaign: Campaign, bucket: int, impressions: int) -> None:
    line_item_id = campaign.line_items[0].line_item_id
    granted = impressions * PRICE_MICROS
    owner.execute(_GRANT, (bucket, NOON.date(), granted, NOON, line_item_id))


def shown(campaign: Campaign, bucket: int, count: int) -> list[Beacon]:
    line_item_id = campaign.line_items[0].line_item_id
    return [a_beacon(some_claims(line_item_id=line_item_id, bucket=bucket)) for _ in range(count)]


def buckets(owner: Owner, campaign: Campaign) -> dict[int, tuple[int, int]]:
    """Return of each bucket how many impressions it paid, and how many it still holds."""
    rows = owner.execute(_BUCKETS, (campaign.campaign_id,))
    return {
        row["bucket"]: (
            row["billed_micros"] // PRICE_MICROS,
            row["outstanding_micros"] // PRICE_MICROS,
        )
        for row in rows
    }


def test_an_impression_in_time_is_paid_by_its_bucket(world: World, owner: Owner) -> None:
    campaign = a_campaign_of(world, 5)
    grant(owner, campaign, 7, 3)
    assert world.ledger.record(shown(campaign, 7, 2)) == RecordedBatch(2, 0, 2, 0, ())
    assert buckets(owner, campaign) == {7: (2, 1)}
    assert_books_agree(owner, campaign)


def test_what_is_reserved_for_others_is_not_for_a_late_impression(
    world: World, owner: Owner
) -> None:
    campaign = a_campaign_of(world, 5)
    grant(owner, campaign, 7, 4)
    late = shown(campaign, 3, 3)
    recorded = world.ledger.record(late)
    assert (recorded.billed_impressions, recorded.unbilled_impressions) == (1, 2)
    assert world.ledger.record(shown(campaign, 7, 4)).billed_impressions == 4
    assert buckets(owner, campaign) == {7: (4, 0)}
    assert assert_books_agree(owner, campaign)["of_campaign"] == 5 * PRICE_MICROS


def test_a_bucket_pays_no_more_than_was_granted(world: World, owner: Owner) -> None:
    campaign = a_campaign_of(world, 3)
    grant(owner, campaign, 7, 2)
    recorded = world.ledger.record(shown(campaign, 7, 4))
    assert (recorded.billed_impressions, recorded.unbilled_impressions) == (3, 1)
    assert buckets(owner, campaign) == {7: (2, 0)}
    assert assert_books_agree(owner, campaign)["of_campaign"] == 3 * PRICE_MICROS


def test_a_repeat_takes_nothing_from_its_bucket(world: World, owner: Owner) -> None:
    campaign = a_campaign_of(world, 5)
    grant(owner, campaign, 7, 3)
    batch = shown(campaign, 7, 2)
    world.ledger.record(batch)
    assert world.ledger.record(batch * 2) == RecordedBatch(0, 4, 0, 0, ())
    assert buckets(owner, campaign) == {7: (2, 1)}


def test_no_line_item_is_billed_beyond_its_own_budget(world: World, owner: Owner) -> None:
    campaign = a_campaign_of(world, 5)
    line_item_id = campaign.line_items[0].line_item_id
    owner.execute(
        "UPDATE line_items SET budget_micros = %s WHERE line_item_id = %s",
        (2 * PRICE_MICROS, line_item_id),
    )
    recorded = world.ledger.record(shown(campaign, 0, 3))
    assert (recorded.billed_impressions, recorded.unbilled_impressions) == (2, 1)
    with pytest.raises(psycopg.errors.CheckViolation, match="own_budget_is_a_hard_limit"):
        owner.execute(
            "UPDATE line_items SET billed_micros = billed_micros + 1 WHERE line_item_id = %s",
            (line_item_id,),
        )


def test_a_flat_rate_that_has_a_price_is_in_all_books(world: World, owner: Owner) -> None:
    campaign = a_campaign_of(world, 5)
    (flat,) = shown(campaign, 7, 1)
    claims = flat.claims._replace(rate_type=RateType.FLAT)
    assert world.ledger.record([replace(flat, claims=claims)]).recorded == 1
    assert assert_books_agree(owner, campaign)["of_campaign"] == PRICE_MICROS
    assert [entry["amount_micros"] for entry in entries(owner, campaign)] == [PRICE_MICROS]
