"""Campaigns as lists: filtered, sorted, searched, totalled."""

from collections.abc import Iterator
from dataclasses import replace

from psycopg.rows import DictRow

from ctv_ads.adapters.postgres.campaigns import (
    SUMMARY_COLUMNS,
    SUMMARY_JOINS,
    summary_fields,
)
from ctv_ads.adapters.postgres.database import Connection
from ctv_ads.adapters.postgres.listing import Listing, contains
from ctv_ads.domain.campaign import CampaignSummary
from ctv_ads.domain.listing import Cursor, ListQuery, Page

CAMPAIGNS = Listing(
    columns=SUMMARY_COLUMNS,
    source=f"campaigns c {SUMMARY_JOINS} WHERE c.deleted_at IS NULL",
    counted="campaigns c WHERE c.deleted_at IS NULL",
    unindexed=frozenset({"billed_micros"}),
    # OFFSET 0 keeps the planner from reading all campaigns to join some.
    looked_up="CROSS JOIN LATERAL (SELECT * FROM campaigns WHERE campaign_id = page.id OFFSET 0) c "  # noqa: S608
    + SUMMARY_JOINS,
    id_column="c.campaign_id",
    sorts={
        "created_at": ("c.created_at", "timestamptz"),
        "name": ("lower(c.name)", "text"),
        "starts_at": ("c.starts_at", "timestamptz"),
        "ends_at": ("c.ends_at", "timestamptz"),
        "budget_micros": ("c.budget_micros", "bigint"),
        "billed_micros": ("c.billed_micros", "bigint"),
        "status": ("c.status", "text"),
    },
    filters={
        "statuses": "c.status = ANY(%(statuses)s)",
        "advertiser_id": "c.advertiser_id = %(advertiser_id)s",
        "starts_before": "c.starts_at < %(starts_before)s",
        "starts_after": "c.starts_at >= %(starts_after)s",
        "ends_before": "c.ends_at < %(ends_before)s",
        "ends_after": "c.ends_at >= %(ends_after)s",
        "q": "c.campaign_id IN (SELECT campaigns_named(%(q)s))",
    },
    totals={
        "budget_micros": "sum(c.budget_micros)",
        "billed_micros": "sum(c.billed_micros)",
    },
)


class PostgresCampaignLists:
    """Implements `ports.CampaignLists`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def page(self, query: ListQuery) -> Page[CampaignSummary]:
        """Return the page that `query` asks for, with the totals of its filters."""
        return CAMPAIGNS.page(self._connection, _searching(query), _summary)

    def stream(self, query: ListQuery) -> Iterator[tuple[CampaignSummary, Cursor]]:
        """Hand out up to `query.limit` campaigns, each with the cursor of what follows it."""
        return CAMPAIGNS.stream(self._connection, _searching(query), _summary)


def _searching(query: ListQuery) -> ListQuery:
    text = query.filters.get("q")
    if text is None:
        return query
    return replace(query, filters={**query.filters, "q": contains(str(text))})


def _summary(row: DictRow) -> CampaignSummary:
    return CampaignSummary(**summary_fields(row))
