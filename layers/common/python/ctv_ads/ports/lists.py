"""Ports of the lists that people look through."""

from collections.abc import Iterator
from typing import Protocol

from ctv_ads.domain.audit import AuditEvent
from ctv_ads.domain.campaign import CampaignSummary
from ctv_ads.domain.listing import Cursor, ListQuery, Page


class CampaignLists(Protocol):
    """The campaigns of one organization, as lists.

    Filters: `statuses` (a list), `advertiser_id`, `starts_before`, `starts_after`,
    `ends_before`, `ends_after`, `q` (the name contains it). Totals: `count`, `budget_micros`,
    `billed_micros`.
    """

    def page(self, query: ListQuery) -> Page[CampaignSummary]:
        """Return the page that `query` asks for, with the totals of its filters.

        Raises:
            InvalidRequestError: the cursor's value is none of this sort's.
        """

    def stream(self, query: ListQuery) -> Iterator[tuple[CampaignSummary, Cursor]]:
        """Hand out up to `query.limit` campaigns, each with the cursor of what follows it.

        They are fetched as they are taken, inside the transaction.

        Raises:
            InvalidRequestError: the cursor's value is none of this sort's.
        """


class AuditEvents(Protocol):
    """Who did what in one organization.

    Filters: `entity`, `entity_id`, `actor_id`, `action`, `request_id`, `since`, `before`.
    """

    def page(self, query: ListQuery) -> Page[AuditEvent]:
        """Return the page that `query` asks for, the newest first; there are no totals.

        Raises:
            InvalidRequestError: the cursor's value is none of this sort's.
        """
