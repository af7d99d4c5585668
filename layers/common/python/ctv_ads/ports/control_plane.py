"""Ports of the control plane: accounts, trafficking, statistics."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from ctv_ads.domain.access import Account, Caller
from ctv_ads.domain.campaign import Campaign, CampaignDraft, CampaignStatus
from ctv_ads.domain.creative import (
    Creative,
    CreativeDraft,
    CreativeStatus,
    SoftFields,
    TagDraft,
)
from ctv_ads.domain.ids import CampaignId, CreativeId, LineItemId, OrganizationId, UserId
from ctv_ads.domain.listing import ListQuery, Page
from ctv_ads.domain.statistics import BreakdownBy, BreakdownPart, CampaignStatistics, InvalidCount
from ctv_ads.ports.access import Doors, Sessions
from ctv_ads.ports.copies import CampaignCopies
from ctv_ads.ports.ledger import Ledger
from ctv_ads.ports.lists import AuditEvents, CampaignLists
from ctv_ads.ports.people import ApiKeys, EmailTokens, Invitations, People
from ctv_ads.ports.supply import Supply
from ctv_ads.ports.trafficking import Advertisers, LineItems, Placements


class Accounts(Protocol):
    """Who acts, as a member of their organization."""

    def find(self, user_id: UserId, organization_id: OrganizationId) -> Account | None:
        """Return the person of this transaction, or None if they are another or no member."""


@dataclass(frozen=True, slots=True)
class NewCampaignIds:
    """Identifiers given to a campaign and its default line item."""

    campaign_id: CampaignId
    line_item_id: LineItemId


class Campaigns(Protocol):
    """The campaigns of one organization."""

    def add(self, draft: CampaignDraft, ids: NewCampaignIds, caller: Caller) -> Campaign:
        """Store a new draft campaign with its default line item.

        Raises:
            InvalidRequestError: the advertiser does not exist, or there is none to default to.
        """

    def get(self, campaign_id: CampaignId, *, for_update: bool = False) -> Campaign:
        """Return one campaign; `for_update` keeps others from changing it meanwhile.

        Raises:
            NotFoundError: it does not exist here, or was deleted.
        """

    def update(self, campaign: Campaign, wanted: CampaignDraft, now: datetime) -> None:
        """Write what is wanted of the campaign and count the version up.

        Raises:
            InvalidRequestError: the advertiser does not exist.
        """

    def set_status(self, campaign_id: CampaignId, status: CampaignStatus, now: datetime) -> None:
        """Write the new status and count the version up."""

    def delete(self, campaign_id: CampaignId, now: datetime) -> None:
        """Hide the campaign and its creatives; what was billed stays on record."""

    def ready_creatives(self, campaign_id: CampaignId) -> int:
        """Count the campaign's creatives that can serve."""


class Creatives(Protocol):
    """The creatives of one organization."""

    def add(self, draft: CreativeDraft, creative_id: CreativeId, caller: Caller) -> Creative:
        """Store a new creative that waits for its upload."""

    def add_tag(self, draft: TagDraft, creative_id: CreativeId, caller: Caller) -> Creative:
        """Store a new tag that waits for its check."""

    def get(self, creative_id: CreativeId, *, for_update: bool = False) -> Creative:
        """Return one creative; `for_update` keeps others from changing it meanwhile.

        Raises:
            NotFoundError: it does not exist here, or was deleted.
        """

    def page(self, query: ListQuery) -> Page[Creative]:
        """Return a page of them; the filter `campaign_id` says of which campaign."""

    def change(
        self, creative_id: CreativeId, soft: SoftFields, status: CreativeStatus, now: datetime
    ) -> None:
        """Write what may change and count the version up."""

    def check_again(self, creative_id: CreativeId, now: datetime) -> None:
        """Let a rejected tag wait for another verdict, and count the version up."""

    def count_renditions(self, creative_id: CreativeId) -> int:
        """Return how many renditions a creative has, ready or not."""

    def delete(self, creative_id: CreativeId, now: datetime) -> None:
        """Hide the creative and its renditions; they no longer serve."""


class Statistics(Protocol):
    """What has been delivered and billed."""

    def of_campaign(
        self, campaign_id: CampaignId, *, first_day: date | None, last_day: date | None
    ) -> CampaignStatistics:
        """Return totals and the daily series of one campaign, days in UTC.

        Raises:
            NotFoundError: the campaign does not exist here.
        """

    def breakdown(
        self,
        campaign_id: CampaignId,
        by: BreakdownBy,
        *,
        first_day: date | None,
        last_day: date | None,
    ) -> tuple[BreakdownPart, ...]:
        """Return the parts of one campaign's delivery, in the order of their keys."""

    def invalid(
        self, campaign_id: CampaignId, *, first_day: date | None, last_day: date | None
    ) -> tuple[InvalidCount, ...]:
        """Return what was invalid of one campaign by day, line item and rule."""


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """What was answered to the request with this fingerprint. `body` is JSON."""

    fingerprint: str
    status: int
    body: str
    headers: Mapping[str, str]


class IdempotencyKeys(Protocol):
    """Remembers the answers to creates, per person and key."""

    def claim(self, caller: Caller, key: str, fingerprint: str) -> GivenAnswer | None:
        """Take the key for this transaction, or return what was answered under it before."""

    def keep(self, caller: Caller, key: str, answer: GivenAnswer) -> None:
        """Keep the answer under the key that this transaction holds."""


class Store(Protocol):
    """One transaction on one organization's data."""

    @property
    def accounts(self) -> Accounts: ...  # noqa: D102 - named by its type
    @property
    def sessions(self) -> Sessions: ...  # noqa: D102
    @property
    def people(self) -> People: ...  # noqa: D102
    @property
    def invitations(self) -> Invitations: ...  # noqa: D102
    @property
    def api_keys(self) -> ApiKeys: ...  # noqa: D102
    @property
    def email_tokens(self) -> EmailTokens: ...  # noqa: D102
    @property
    def advertisers(self) -> Advertisers: ...  # noqa: D102
    @property
    def placements(self) -> Placements: ...  # noqa: D102
    @property
    def line_items(self) -> LineItems: ...  # noqa: D102
    @property
    def campaigns(self) -> Campaigns: ...  # noqa: D102
    @property
    def creatives(self) -> Creatives: ...  # noqa: D102
    @property
    def statistics(self) -> Statistics: ...  # noqa: D102
    @property
    def supply(self) -> Supply: ...  # noqa: D102
    @property
    def ledger(self) -> Ledger: ...  # noqa: D102
    @property
    def campaign_copies(self) -> CampaignCopies: ...  # noqa: D102
    @property
    def campaign_lists(self) -> CampaignLists: ...  # noqa: D102
    @property
    def audit_events(self) -> AuditEvents: ...  # noqa: D102
    @property
    def idempotency_keys(self) -> IdempotencyKeys: ...  # noqa: D102


class Stores(Protocol):
    """Opens transactions."""

    def transaction(self, caller: Caller) -> AbstractContextManager[Store]:
        """Open a transaction that sees and changes the caller's organization only.

        It commits when the block ends and rolls back when it raises. Every change in it is
        audited as the caller's. Inside another one of the same caller it is part of that.

        Raises:
            DependencyUnavailableError: PostgreSQL does not answer.
        """

    def sign_in(self) -> AbstractContextManager[Doors]:
        """Open a transaction that can look accounts and tokens up, and nothing else."""
