"""The books of a campaign: its entries, and what an audit finds."""

from collections.abc import Sequence
from typing import Any

from ctv_ads.adapters.postgres.ledger_audit import PostgresLedgerAudit
from ctv_ads.domain.beacon import Beacon
from ctv_ads.domain.campaign import Campaign
from ctv_ads.ports.ledger import DeliveredEvent
from tests.books import Owner
from tests.builders import NOON, a_beacon, some_claims
from tests.worlds import World

TODAY = NOON.date()
_ENTRIES = """
SELECT kind, day, bucket, amount_micros, events, debit_account, credit_account, reason
FROM ledger_entries WHERE campaign_id = %s ORDER BY day, sequence"""


def entries(owner: Owner, campaign: Campaign) -> list[dict[str, Any]]:
    return owner.execute(_ENTRIES, (campaign.campaign_id,)).fetchall()


def faults(world: World, campaign: Campaign) -> list[str]:
    """Return what an audit finds, of this campaign's advertiser and line items."""
    audit = PostgresLedgerAudit(world.pipeline)
    ids = {campaign.campaign_id, campaign.advertiser_id, campaign.line_items[0].line_item_id}
    found = [fault for day in audit.days() for fault in audit.faults_of(day)]
    found += audit.faults_of_bills()
    return [fault for fault in found if any(known in fault for known in ids)]


def impressions(campaign: Campaign, count: int, *, bucket: int = 0) -> list[Beacon]:
    line_item_id = campaign.line_items[0].line_item_id
    return [a_beacon(some_claims(line_item_id=line_item_id, bucket=bucket)) for _ in range(count)]


def named(beacons: Sequence[Beacon]) -> list[DeliveredEvent]:
    return [
        DeliveredEvent(b.claims.decided_at.date(), b.claims.decision_id, b.claims.slot, b.event)
        for b in beacons
    ]
