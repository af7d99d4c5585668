"""Create, change and delete advertisers."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ctv_ads.domain.access import Action, Caller
from ctv_ads.domain.advertiser import Advertiser, AdvertiserTerms
from ctv_ads.domain.ids import AdvertiserId
from ctv_ads.errors import ConflictError, FieldProblem
from ctv_ads.ports.base import CheckVersion, Clock, NewId
from ctv_ads.ports.control_plane import Stores
from ctv_ads.ports.pipeline import InventoryChanges
from ctv_ads.use_cases.permission import require


@dataclass(frozen=True, slots=True)
class TraffickAdvertisers:
    """What people do with advertisers."""

    stores: Stores
    inventory_changes: InventoryChanges
    clock: Clock
    new_id: NewId

    def create(self, caller: Caller, terms: AdvertiserTerms) -> Advertiser:
        """Store a new advertiser.

        Raises:
            ForbiddenError: the caller's role may not traffic.
        """
        require(caller, Action.TRAFFIC)
        advertiser_id = AdvertiserId(self.new_id())
        with self.stores.transaction(caller) as store:
            store.advertisers.add(advertiser_id, terms, caller)
            return store.advertisers.get(advertiser_id)

    def change(
        self,
        caller: Caller,
        advertiser_id: AdvertiserId,
        changes: Mapping[str, Any],
        check_version: CheckVersion,
    ) -> Advertiser:
        """Write the fields in `changes`, leave the others.

        Raises:
            ForbiddenError: the caller's role may not traffic.
            NotFoundError: there is no such advertiser.
            PreconditionFailedError: it was changed since the caller read it.
        """
        require(caller, Action.TRAFFIC)
        with self.stores.transaction(caller) as store:
            found = store.advertisers.get(advertiser_id, for_update=True)
            check_version(found.version)
            terms = replace(found.terms, **changes)
            if terms == found.terms:
                return found
            store.advertisers.update(advertiser_id, terms, self.clock())
            changed = store.advertisers.get(advertiser_id)
        self.inventory_changes.announce(f"advertiser {advertiser_id} was changed")
        return changed

    def delete(
        self, caller: Caller, advertiser_id: AdvertiserId, check_version: CheckVersion
    ) -> None:
        """Take the advertiser out of sight; campaigns that are over keep its name.

        Raises:
            ForbiddenError: the caller's role may not traffic.
            NotFoundError: there is no such advertiser.
            PreconditionFailedError: it was changed since the caller read it.
            ConflictError: campaigns of it are drafts, active or paused.
        """
        require(caller, Action.TRAFFIC)
        with self.stores.transaction(caller) as store:
            # Whoever books a campaign waits for this lock, then finds no advertiser.
            found = store.advertisers.get(advertiser_id, for_update=True)
            check_version(found.version)
            live = store.advertisers.live_campaigns(advertiser_id)
            if live:
                message = f"{live} of its campaigns are drafts, active or paused"
                raise ConflictError(
                    "the advertiser is in use", [FieldProblem("campaigns", "in_use", message)]
                )
            store.advertisers.delete(advertiser_id, self.clock())
