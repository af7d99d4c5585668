"""One process's memory in place of PostgreSQL: the tables, and transactions over them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime

from ctv_ads.domain.access import Account
from ctv_ads.domain.beacon import Beacon
from ctv_ads.domain.campaign import Campaign
from ctv_ads.domain.creative import Creative
from ctv_ads.domain.ids import (
    AdvertiserId,
    CampaignId,
    CreativeId,
    LineItemId,
    OrganizationId,
    PlacementId,
    UserId,
)
from ctv_ads.domain.inventory import PublishedPlacement
from ctv_ads.ports.base import Clock


@dataclass(frozen=True, slots=True)
class Organization:
    """A tenant."""

    organization_id: OrganizationId
    currency: str = "USD"


@dataclass(frozen=True, slots=True)
class Advertiser:
    """Whose campaigns they are."""

    advertiser_id: AdvertiserId
    organization_id: OrganizationId
    name: str


@dataclass(frozen=True, slots=True)
class CampaignRow:
    """A campaign and whose it is."""

    organization_id: OrganizationId
    campaign: Campaign
    is_deleted: bool = False


@dataclass(frozen=True, slots=True)
class CreativeRow:
    """A creative, hidden or not."""

    creative: Creative
    is_deleted: bool = False


EventKey = tuple[date, str, int, str]
"""Day of the decision, decision, slot, event: each counts once."""


@dataclass(frozen=True, slots=True)
class EventRow:
    """A recorded beacon, and what it was billed."""

    beacon: Beacon
    campaign_id: CampaignId
    billed_micros: int
    recorded_at: datetime


@dataclass(slots=True)
class Tables:
    """Everything stored. Rows are immutable, so copying the tables saves their state."""

    organizations: dict[OrganizationId, Organization] = field(default_factory=dict)
    accounts: dict[tuple[OrganizationId, UserId], Account] = field(default_factory=dict)
    advertisers: dict[AdvertiserId, Advertiser] = field(default_factory=dict)
    placements: dict[str, PublishedPlacement] = field(default_factory=dict)
    """By key."""
    campaigns: dict[CampaignId, CampaignRow] = field(default_factory=dict)
    creatives: dict[CreativeId, CreativeRow] = field(default_factory=dict)
    events: dict[EventKey, EventRow] = field(default_factory=dict)

    def copy(self) -> "Tables":
        """Return the same rows in tables of their own."""
        return Tables(**{item.name: dict(getattr(self, item.name)) for item in fields(self)})

    def campaign_of(self, line_item_id: LineItemId) -> CampaignRow | None:
        """Return the campaign that a line item belongs to, deleted or not."""
        for row in self.campaigns.values():
            if any(item.line_item_id == line_item_id for item in row.campaign.line_items):
                return row
        return None


class MemoryDatabase:
    """Holds the tables and opens transactions on them. Not for several threads."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.tables = Tables()

    @contextmanager
    def transaction(self) -> Iterator[Tables]:
        """Keep what the block changes if it ends, and nothing of it if it raises."""
        before = self.tables.copy()
        try:
            yield self.tables
        except BaseException:
            self.tables = before
            raise

    def add_organization(self, organization: Organization) -> None:
        """Make a tenant."""
        self.tables.organizations[organization.organization_id] = organization

    def add_account(self, account: Account) -> None:
        """Make a member of an organization."""
        key = (account.organization_id, account.user_id)
        self.tables.accounts[key] = replace(account, email=account.email.lower())

    def add_advertiser(self, advertiser: Advertiser) -> None:
        """Make an advertiser of an organization."""
        self.tables.advertisers[advertiser.advertiser_id] = advertiser

    def add_placement(
        self, key: str, placement_id: PlacementId, organization_id: OrganizationId
    ) -> None:
        """Make a placement of an organization."""
        self.tables.placements[key] = PublishedPlacement(placement_id, organization_id)
