"""Create, start, pause and delete campaigns."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ctv_ads.domain.access import Action, Caller
from ctv_ads.domain.activation import obstacles_to_activation
from ctv_ads.domain.campaign import NEXT_STATUSES, Campaign, CampaignDraft, CampaignStatus
from ctv_ads.domain.campaign_change import conflicts_of_change, draft_of, problems_of_change
from ctv_ads.domain.ids import CampaignId, LineItemId
from ctv_ads.errors import ConflictError, FieldProblem
from ctv_ads.ports.base import CheckVersion, Clock, NewId, any_version
from ctv_ads.ports.control_plane import NewCampaignIds, Store, Stores
from ctv_ads.ports.pipeline import InventoryChanges
from ctv_ads.use_cases.permission import require
from ctv_ads.use_cases.refusal import refuse_conflicting, refuse_invalid


@dataclass(frozen=True, slots=True)
class TraffickCampaigns:
    """What people do with campaigns. Changes that bear on serving are announced after commit."""

    stores: Stores
    inventory_changes: InventoryChanges
    clock: Clock
    new_id: NewId

    def create(self, caller: Caller, draft: CampaignDraft) -> Campaign:
        """Store a new draft campaign with one default line item that inherits everything.

        Raises:
            ForbiddenError: the caller's role may not traffic.
            InvalidRequestError: the advertiser does not exist.
        """
        require(caller, Action.TRAFFIC)
        ids = NewCampaignIds(CampaignId(self.new_id()), LineItemId(self.new_id()))
        with self.stores.transaction(caller) as store:
            return store.campaigns.add(draft, ids, caller)

    def change(
        self,
        caller: Caller,
        campaign_id: CampaignId,
        changes: Mapping[str, Any],
        check_version: CheckVersion,
    ) -> Campaign:
        """Write the fields in `changes`, leave the others.

        Raises:
            ForbiddenError: the caller's role may not traffic.
            NotFoundError: there is no such campaign.
            PreconditionFailedError: it was changed since the caller read it.
            InvalidRequestError: fields would contradict one another.
            ConflictError: the status, the time or what is billed does not allow it.
        """
        require(caller, Action.TRAFFIC)
        with self.stores.transaction(caller) as store:
            found = store.campaigns.get(campaign_id, for_update=True)
            check_version(found.version)
            wanted = replace(draft_of(found), **changes)
            if wanted == draft_of(found):
                return found
            refuse_conflicting(conflicts_of_change(found, wanted, now=self.clock()))
            refuse_invalid(problems_of_change(found, wanted, now=self.clock()))
            store.campaigns.update(found, wanted, self.clock())
            changed = store.campaigns.get(campaign_id)
        if changed.status is CampaignStatus.ACTIVE:
            self.inventory_changes.announce(f"campaign {campaign_id} was changed")
        return changed

    def change_status(
        self,
        caller: Caller,
        campaign_id: CampaignId,
        status: CampaignStatus,
        check_version: CheckVersion = any_version,
    ) -> Campaign:
        """Move the campaign to `status`.

        Asking for the status it has changes nothing and is announced again: who repeats a call
        may do so because its effect has not shown.

        Raises:
            ForbiddenError: the caller's role may not traffic.
            NotFoundError: there is no such campaign.
            ConflictError: the present status does not lead there, or something keeps the
                campaign from serving; lists everything that is missing.
        """
        require(caller, Action.TRAFFIC)
        with self.stores.transaction(caller) as store:
            campaign = store.campaigns.get(campaign_id, for_update=True)
            check_version(campaign.version)
            if campaign.status is not status:
                self._refuse_impossible(store, campaign, status)
                store.campaigns.set_status(campaign_id, status, self.clock())
                campaign = store.campaigns.get(campaign_id)
        self.inventory_changes.announce(f"campaign {campaign_id} is {status}")
        return campaign

    def delete(
        self,
        caller: Caller,
        campaign_id: CampaignId,
        check_version: CheckVersion = any_version,
    ) -> None:
        """Take the campaign out of sight and out of serving; its statistics stay on record.

        Raises:
            ForbiddenError: the caller's role may not traffic.
            NotFoundError: there is no such campaign.
        """
        require(caller, Action.TRAFFIC)
        with self.stores.transaction(caller) as store:
            campaign = store.campaigns.get(campaign_id, for_update=True)
            check_version(campaign.version)
            store.campaigns.delete(campaign_id, self.clock())
        self.inventory_changes.announce(f"campaign {campaign_id} is deleted")

    def _refuse_impossible(self, store: Store, campaign: Campaign, status: CampaignStatus) -> None:
        if status not in NEXT_STATUSES[campaign.status]:
            raise ConflictError(
                f"a campaign that is {campaign.status} cannot become {status}",
                [FieldProblem("status", "impossible_transition", _possible(campaign.status))],
            )
        if status is CampaignStatus.ACTIVE:
            campaign_id = campaign.campaign_id
            obstacles = obstacles_to_activation(
                campaign,
                store.line_items.booked(campaign_id),
                ready_creatives=store.campaigns.ready_creatives(campaign_id),
                now=self.clock(),
            )
            refuse_conflicting(obstacles, "the campaign cannot serve yet")


def _possible(status: CampaignStatus) -> str:
    following = sorted(NEXT_STATUSES[status])
    return f"possible from {status}: {', '.join(following) or 'nothing'}"
