"""Billing the events of a batch that are new, by the grants that their decisions were made on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg.rows import DictRow

from ctv_ads.adapters.postgres.ad_events import Placed
from ctv_ads.adapters.postgres.array_texts import plain_array
from ctv_ads.adapters.postgres.database import Connection
from ctv_ads.domain.beacon import Beacon, BeaconEvent
from ctv_ads.domain.delivered import PAID_FOR, Recorded, is_billable
from ctv_ads.domain.ids import CampaignId, LineItemId
from ctv_ads.domain.line_item import RateType

_BILL = """
SELECT array_agg(event_position) FILTER (WHERE outcome = 'over_budget') AS over_budget,
       count(*) AS judged
FROM bill_by_bucket(%s::integer[], %s::uuid[], %s::bigint[], %s::bigint[], %s::timestamptz[])"""
_BATCH = "SELECT nextval('recording_batches') AS batch"
_ENDED = """
SELECT EXISTS (
    SELECT FROM unnest(%s::uuid[], %s::bigint[]) AS b (campaign_id, price_micros)
    JOIN campaigns c USING (campaign_id)
    WHERE c.budget_micros - c.billed_micros < b.price_micros
) AS a_budget_has_ended"""


@dataclass(frozen=True, slots=True)
class Billed:
    """The events of a batch, as they are recorded."""

    events: Sequence[Recorded]
    paid_for: Sequence[Recorded]
    """Those of them that cost what they cost, whether or not there was budget for it."""
    batch: int
    """The number that those have which are recorded together."""


class Billing:
    """The billing of what is new, in the order of decisions.

    It begins when it is made, within a pipeline; what comes of it is known at the pipeline's end.
    """

    def __init__(self, connection: Connection, fresh: Sequence[Placed]) -> None:
        self._fresh = fresh
        self._due = [one for one in fresh if one[1].event in PAID_FOR and _takes_tokens(one[1])]
        self._due.sort(key=_in_order)
        self._numbered = connection.execute(_BATCH)
        self._judged = connection.execute(_BILL, _columns(self._due))

    def billed(self) -> Billed:
        """Return what came of it."""
        judged = self._judged.fetchone() or {}
        if judged["judged"] != len(self._due):
            raise RuntimeError(f"{judged['judged']} of {len(self._due)} events were billed")
        micros = {at: one.claims.price_micros for at, one in self._due}
        micros |= {self._due[place][0]: 0 for place in judged["over_budget"] or ()}
        row = self._numbered.fetchone() or {}
        return Billed(
            events=[(one, micros.get(at, 0)) for at, one in self._fresh],
            # What is billed is in the books, even if its token gives a flat rate a price.
            paid_for=[(one, micros[at]) for at, one in self._due if is_billable(one) or micros[at]],
            batch=row["batch"],
        )


def ask_ended(
    connection: Connection, billed: Billed, campaigns: Mapping[LineItemId, CampaignId]
) -> psycopg.Cursor[DictRow]:
    """Ask whether a campaign that paid can no longer pay for another such event."""
    prices: dict[CampaignId, int] = {}
    paying = set()
    for one, micros in billed.paid_for:
        campaign = campaigns[one.claims.line_item_id]
        prices[campaign] = max(prices.get(campaign, 0), one.claims.price_micros)
        if micros:
            paying.add(campaign)
    asked = [(campaign, prices[campaign]) for campaign in paying]
    ids, most = zip(*asked, strict=True) if asked else ((), ())
    return connection.execute(_ENDED, (plain_array(ids), plain_array(most)))


def _takes_tokens(beacon: Beacon) -> bool:
    # A flat rate costs nothing an event; a goal in impressions is counted by its tokens.
    claims = beacon.claims
    is_counted_flat = claims.rate_type is RateType.FLAT and claims.bucket > 0
    return is_billable(beacon) or (beacon.event is BeaconEvent.IMPRESSION and is_counted_flat)


def _in_order(pair: Placed) -> tuple[datetime, str, int]:
    claims = pair[1].claims
    return claims.decided_at, claims.decision_id, claims.slot


def _columns(due: Sequence[Placed]) -> tuple[str, ...]:
    claims = [one.claims for _, one in due]
    return (
        plain_array(range(len(due))),
        plain_array(one.line_item_id for one in claims),
        plain_array(one.bucket for one in claims),
        plain_array(one.price_micros for one in claims),
        plain_array(one.decided_at.isoformat() for one in claims),
    )
