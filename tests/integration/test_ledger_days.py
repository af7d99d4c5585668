"""Days of the books that are opened by several at once."""

from ctv_ads.domain.beacon import Beacon
from ctv_ads.domain.campaign import Campaign
from tests.books import WAIT_S, Owner
from tests.builders import DAY, NOON, a_beacon, a_campaign_draft, some_claims
from tests.ledgers import TODAY, faults
from tests.recorder import record_together
from tests.worlds import Schema, World


def batch(campaign: Campaign, *days: int) -> list[Beacon]:
    line_item_id = campaign.line_items[0].line_item_id
    return [
        a_beacon(some_claims(line_item_id=line_item_id, decided_at=NOON + day * DAY))
        for day in days
    ]


def test_days_that_are_opened_at_once_follow_one_another(
    postgres_of_session: World, schema: Schema, owner: Owner
) -> None:
    world = postgres_of_session
    owner.execute("SELECT ensure_ad_event_partitions(%s, %s)", (TODAY, TODAY + 50 * DAY))
    tenant = world.a_tenant()
    # Of one advertiser, so that nothing but its books keeps them from one another.
    campaigns = [
        world.a_serving_campaign(tenant, a_campaign_draft(budget_micros=10**9)) for _ in range(4)
    ]
    shares = [
        [batch(campaign, day, day + 2, day + 1) for day in range(first, 45, 2)]
        for first, campaign in zip((0, 1, 0, 3), campaigns, strict=True)
    ]
    assert record_together(schema.pipeline_secret, shares, within_s=WAIT_S) == [0, 0, 0, 0]
    for campaign in campaigns:
        assert faults(world, campaign) == []
    rows = owner.execute(
        "SELECT day, opened, previous_day FROM ledger_chains WHERE advertiser_id = %s ORDER BY opened",
        (tenant.advertiser_id,),
    ).fetchall()
    assert [row["opened"] for row in rows] == list(range(1, len(rows) + 1))
    assert [row["previous_day"] for row in rows] == [None, *(row["day"] for row in rows[:-1])]
