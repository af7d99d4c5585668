"""The books of a campaign: what was recorded, counted and billed, held against one another."""

from datetime import timedelta
from time import monotonic, sleep
from typing import Any

import psycopg

from ctv_ads.domain.beacon import Beacon, BeaconEvent
from ctv_ads.domain.campaign import Campaign
from tests.builders import NOON, PRICE_MICROS, a_beacon, a_campaign_draft, some_claims
from tests.worlds import World

WAIT_S = 30
_BOOKS = """
SELECT c.budget_micros, c.billed_micros AS of_campaign,
       (SELECT sum(billed_micros) FROM line_items l WHERE l.campaign_id = c.campaign_id)
           AS of_line_items,
       (SELECT coalesce(sum(s.billed_micros), 0) FROM delivery_days s
        WHERE s.campaign_id = c.campaign_id) AS of_statistics,
       (SELECT coalesce(sum(e.billed_micros), 0) FROM ad_events e
        JOIN line_items l USING (line_item_id) WHERE l.campaign_id = c.campaign_id) AS of_events,
       (SELECT count(*) FROM ad_events e
        JOIN line_items l USING (line_item_id) WHERE l.campaign_id = c.campaign_id) AS events,
       (SELECT coalesce(sum(impressions), 0) FROM delivery_days s
        WHERE s.campaign_id = c.campaign_id) AS impressions
FROM campaigns c WHERE c.campaign_id = %s"""


Owner = psycopg.Connection[dict[str, Any]]


def a_campaign_of(world: World, affordable: int) -> Campaign:
    draft = a_campaign_draft(budget_micros=affordable * PRICE_MICROS + PRICE_MICROS // 2)
    return world.a_serving_campaign(world.a_tenant(), draft)


def ads_shown(campaign: Campaign, count: int, *, days: int = 1) -> list[Beacon]:
    """Return impression and start of each of `count` ads, spread around midnight."""
    line_item_id = campaign.line_items[0].line_item_id
    shown = []
    for number in range(count):
        decided_at = NOON + timedelta(hours=12 + 24 * (number % days), seconds=number - count // 2)
        claims = some_claims(line_item_id=line_item_id, decided_at=decided_at)
        shown += [a_beacon(claims), a_beacon(claims, event=BeaconEvent.START)]
    return shown


def assert_books_agree(owner: Owner, campaign: Campaign) -> dict[str, int]:
    books = owner.execute(_BOOKS, (campaign.campaign_id,)).fetchone()
    assert books is not None
    billed = {name: int(books[name]) for name in books if name.startswith("of_")}
    assert len(set(billed.values())) == 1, billed
    assert books["of_campaign"] <= books["budget_micros"]
    return {name: int(value) for name, value in books.items()}


def wait_until(owner: Owner, count: str) -> None:
    """Return once the query counts something."""
    deadline = monotonic() + WAIT_S
    while (row := owner.execute(count.encode()).fetchone()) and not row["n"]:
        assert monotonic() < deadline
        sleep(0.01)
