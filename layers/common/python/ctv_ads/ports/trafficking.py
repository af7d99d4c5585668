"""Ports of what people book: advertisers, placements, line items, assignments."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from ctv_ads.domain.access import Caller
from ctv_ads.domain.activation import BookedLineItem
from ctv_ads.domain.advertiser import Advertiser, AdvertiserTerms
from ctv_ads.domain.ids import AdvertiserId, CampaignId, CreativeId, LineItemId, PlacementId
from ctv_ads.domain.line_item import CreativeAssignment, LineItem, LineItemTerms
from ctv_ads.domain.listing import ListQuery, Page
from ctv_ads.domain.placement import Placement, PlacementTerms


class Advertisers(Protocol):
    """The advertisers of one organization."""

    def add(self, advertiser_id: AdvertiserId, terms: AdvertiserTerms, caller: Caller) -> None:
        """Store a new advertiser."""

    def get(self, advertiser_id: AdvertiserId, *, for_update: bool = False) -> Advertiser:
        """Return one advertiser; `for_update` keeps others from changing or booking it.

        Raises:
            NotFoundError: it does not exist here, or was deleted.
        """

    def page(self, query: ListQuery) -> Page[Advertiser]:
        """Return a page; filter `q`, sorts `name` and `created_at`."""

    def update(self, advertiser_id: AdvertiserId, terms: AdvertiserTerms, now: datetime) -> None:
        """Write the terms and count the version up."""

    def delete(self, advertiser_id: AdvertiserId, now: datetime) -> None:
        """Hide the advertiser; campaigns that are over keep it."""

    def live_campaigns(self, advertiser_id: AdvertiserId) -> int:
        """Count its campaigns that are drafts, active or paused."""


class Placements(Protocol):
    """The placements of one organization."""

    def add(
        self, placement_id: PlacementId, key: str, terms: PlacementTerms, caller: Caller
    ) -> bool:
        """Store a new placement, unless the key is taken anywhere."""

    def get(self, placement_id: PlacementId, *, for_update: bool = False) -> Placement:
        """Return one placement.

        Raises:
            NotFoundError: it does not exist here, or was deleted.
        """

    def page(self, query: ListQuery) -> Page[Placement]:
        """Return a page; filters `q`, `channel`, `app_bundle`, sorts `name`, `key`, `created_at`."""

    def update(self, placement_id: PlacementId, terms: PlacementTerms, now: datetime) -> None:
        """Write the terms and count the version up."""

    def delete(self, placement_id: PlacementId, now: datetime) -> None:
        """Hide the placement; its key stays taken, for devices may still send it."""

    def known(self, placement_ids: Sequence[str]) -> frozenset[str]:
        """Return those of the ids that are placements of the organization."""


class LineItems(Protocol):
    """The line items of one organization, with the creatives that they rotate."""

    def add(
        self,
        line_item_id: LineItemId,
        campaign_id: CampaignId,
        terms: LineItemTerms,
        caller: Caller,
    ) -> None:
        """Store a new line item of a campaign that exists here."""

    def get(self, line_item_id: LineItemId, *, for_update: bool = False) -> LineItem:
        """Return one line item; `for_update` keeps others from changing it meanwhile.

        Raises:
            NotFoundError: it does not exist here, or was deleted.
        """

    def page(self, query: ListQuery) -> Page[LineItem]:
        """Return a page; filters `campaign_id`, `status`, `type`, and with the first also `q`.

        Sorts: `name`, `priority`, `created_at`. Totals: `count`, `billed_micros`.
        """

    def count(self, campaign_id: CampaignId) -> int:
        """Count the campaign's line items."""

    def booked(self, campaign_id: CampaignId) -> Sequence[BookedLineItem]:
        """Return all of the campaign's line items with what each rotates, oldest first."""

    def update(self, line_item_id: LineItemId, terms: LineItemTerms, now: datetime) -> None:
        """Write the terms and count the version up."""

    def delete(self, line_item_id: LineItemId, now: datetime) -> None:
        """Hide the line item; what it was billed stays on record."""

    def assignments(self, line_item_id: LineItemId) -> Sequence[CreativeAssignment]:
        """Return what the line item rotates, in sequence; without any, its whole campaign's."""

    def assign(
        self, line_item: LineItem, assignments: Sequence[CreativeAssignment], now: datetime
    ) -> frozenset[CreativeId]:
        """Make these the line item's assignments and count its version up.

        Returns the creatives that its campaign does not have; then nothing was changed.
        """
