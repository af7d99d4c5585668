"""Create, change and delete line items, and say which creatives they rotate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ctv_ads.domain.access import Action, Caller
from ctv_ads.domain.campaign import Campaign, CampaignStatus
from ctv_ads.domain.ids import CampaignId, LineItemId
from ctv_ads.domain.line_item import CreativeAssignment, LineItem, LineItemTerms
from ctv_ads.domain.line_item_rules import (
    conflicts_of_change,
    problems_of_assignments,
    problems_of_line_item,
    remarks_on_line_item,
)
from ctv_ads.domain.remark import Remark
from ctv_ads.domain.targeting import targeted_placements
from ctv_ads.ports.base import CheckVersion, Clock, NewId
from ctv_ads.ports.control_plane import Store, Stores
from ctv_ads.ports.pipeline import InventoryChanges
from ctv_ads.use_cases.permission import require
from ctv_ads.use_cases.refusal import refuse_conflicting, refuse_invalid

_OVER = frozenset({CampaignStatus.COMPLETED, CampaignStatus.ARCHIVED})


@dataclass(frozen=True, slots=True)
class ShownLineItem:
    """A line item with what its owner should know of it."""

    line_item: LineItem
    remarks: Sequence[Remark]


@dataclass(frozen=True, slots=True)
class TraffickLineItems:
    """What people do with line items. Changes of campaigns that serve are announced."""

    stores: Stores
    inventory_changes: InventoryChanges
    clock: Clock
    new_id: NewId

    def show(self, caller: Caller, line_item_id: LineItemId) -> ShownLineItem:
        """Return one line item.

        Raises:
            NotFoundError: there is no such line item.
        """
        with self.stores.transaction(caller) as store:
            return _shown(store, store.line_items.get(line_item_id))

    def create(
        self, caller: Caller, campaign_id: CampaignId, terms: LineItemTerms
    ) -> ShownLineItem:
        """Store a new line item.

        Raises:
            ForbiddenError: the caller's role may not traffic.
            NotFoundError: there is no such campaign.
            ConflictError: the campaign is over.
            InvalidRequestError: fields contradict one another or the campaign.
        """
        require(caller, Action.TRAFFIC)
        line_item_id = LineItemId(self.new_id())
        with self.stores.transaction(caller) as store:
            campaign = _open_campaign(store, campaign_id)
            refuse_invalid(problems_of_line_item(terms, campaign))
            store.line_items.add(line_item_id, campaign_id, terms, caller)
            made = _shown(store, store.line_items.get(line_item_id))
        self._announce(campaign, f"line item {line_item_id} was made")
        return made

    def change(
        self,
        caller: Caller,
        line_item_id: LineItemId,
        changes: Mapping[str, Any],
        check_version: CheckVersion,
    ) -> ShownLineItem:
        """Write the fields in `changes`, leave the others.

        Raises:
            ForbiddenError: the caller's role may not traffic.
            NotFoundError: there is no such line item.
            PreconditionFailedError: it was changed since the caller read it.
            ConflictError: the campaign is over, or more is billed than it would allow.
            InvalidRequestError: fields would contradict one another or the campaign.
        """
        require(caller, Action.TRAFFIC)
        with self.stores.transaction(caller) as store:
            campaign, found = _locked(store, line_item_id)
            check_version(found.version)
            _refuse_over(campaign)
            terms = replace(found.terms, **changes)
            refuse_invalid(problems_of_line_item(terms, campaign))
            refuse_conflicting(conflicts_of_change(terms, found))
            if terms == found.terms:
                return _shown(store, found)
            store.line_items.update(line_item_id, terms, self.clock())
            changed = _shown(store, store.line_items.get(line_item_id))
        self._announce(campaign, f"line item {line_item_id} was changed")
        return changed

    def delete(self, caller: Caller, line_item_id: LineItemId, check_version: CheckVersion) -> None:
        """Take the line item out of sight and out of serving; its statistics stay on record.

        Raises:
            ForbiddenError: the caller's role may not traffic.
            NotFoundError: there is no such line item.
            PreconditionFailedError: it was changed since the caller read it.
            ConflictError: it is the campaign's last.
        """
        require(caller, Action.TRAFFIC)
        with self.stores.transaction(caller) as store:
            campaign, found = _locked(store, line_item_id)
            check_version(found.version)
            if store.line_items.count(campaign.campaign_id) == 1:
                message = "a campaign keeps at least one; pause it, or delete the campaign"
                refuse_conflicting([Remark("line_item", "last_line_item", message)])
            store.line_items.delete(line_item_id, self.clock())
        self._announce(campaign, f"line item {line_item_id} is deleted")

    def assign(
        self,
        caller: Caller,
        line_item_id: LineItemId,
        assignments: Sequence[CreativeAssignment],
        check_version: CheckVersion,
    ) -> tuple[LineItem, Sequence[CreativeAssignment]]:
        """Make these all that the line item rotates; none means all of its campaign.

        Raises:
            ForbiddenError: the caller's role may not traffic.
            NotFoundError: there is no such line item.
            PreconditionFailedError: it was changed since the caller read it.
            ConflictError: the campaign is over.
            InvalidRequestError: a creative is not of this campaign, or named twice.
        """
        require(caller, Action.TRAFFIC)
        with self.stores.transaction(caller) as store:
            campaign, found = _locked(store, line_item_id)
            check_version(found.version)
            _refuse_over(campaign)
            refuse_invalid(problems_of_assignments(assignments))
            missing = store.line_items.assign(found, assignments, self.clock())
            refuse_invalid(
                [
                    Remark(
                        f"items.{number}.creative_id", "unknown", "is no creative of this campaign"
                    )
                    for number, item in enumerate(assignments)
                    if item.creative_id in missing
                ]
            )
            line_item = store.line_items.get(line_item_id)
            stored = store.line_items.assignments(line_item_id)
        self._announce(campaign, f"line item {line_item_id} has other creatives")
        return line_item, stored

    def _announce(self, campaign: Campaign, reason: str) -> None:
        if campaign.status is CampaignStatus.ACTIVE:
            self.inventory_changes.announce(reason)


def remarks_on(
    store: Store, line_items: Sequence[LineItem], campaign: Campaign
) -> list[ShownLineItem]:
    """Return the campaign's line items with what their owner should know of each."""
    named = {id_ for item in line_items for id_ in targeted_placements(item.terms.targeting)}
    known = store.placements.known(sorted(named))
    return [
        ShownLineItem(item, remarks_on_line_item(item.terms, campaign, known_placements=known))
        for item in line_items
    ]


def _shown(store: Store, line_item: LineItem) -> ShownLineItem:
    campaign = store.campaigns.get(line_item.campaign_id)
    (shown,) = remarks_on(store, [line_item], campaign)
    return shown


def _locked(store: Store, line_item_id: LineItemId) -> tuple[Campaign, LineItem]:
    """Lock the campaign before its line item, in the order in which billing does."""
    campaign_id = store.line_items.get(line_item_id).campaign_id
    campaign = store.campaigns.get(campaign_id, for_update=True)
    return campaign, store.line_items.get(line_item_id, for_update=True)


def _open_campaign(store: Store, campaign_id: CampaignId) -> Campaign:
    campaign = store.campaigns.get(campaign_id, for_update=True)
    _refuse_over(campaign)
    return campaign


def _refuse_over(campaign: Campaign) -> None:
    if campaign.status in _OVER:
        message = f"the campaign is {campaign.status}"
        refuse_conflicting([Remark("campaign", "campaign_over", message)])
