"""Create, change and delete placements."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ctv_ads.domain.access import Action, Caller
from ctv_ads.domain.ids import PlacementId
from ctv_ads.domain.placement import (
    Placement,
    PlacementTerms,
    problems_of_key,
    problems_of_placement,
)
from ctv_ads.errors import ConflictError, FieldProblem
from ctv_ads.ports.base import CheckVersion, Clock, NewId
from ctv_ads.ports.control_plane import Stores
from ctv_ads.ports.pipeline import InventoryChanges
from ctv_ads.use_cases.permission import require
from ctv_ads.use_cases.refusal import refuse_invalid


@dataclass(frozen=True, slots=True)
class TraffickPlacements:
    """What people do with placements. Changes are announced after commit."""

    stores: Stores
    inventory_changes: InventoryChanges
    clock: Clock
    new_id: NewId

    def create(self, caller: Caller, key: str, terms: PlacementTerms) -> Placement:
        """Store a new placement.

        Raises:
            ForbiddenError: the caller's role may not traffic.
            InvalidRequestError: the key looks like an id, or fields contradict one another.
            ConflictError: the key is taken, by whomever.
        """
        require(caller, Action.TRAFFIC)
        refuse_invalid([*problems_of_key(key), *problems_of_placement(terms)])
        placement_id = PlacementId(self.new_id())
        with self.stores.transaction(caller) as store:
            if not store.placements.add(placement_id, key, terms, caller):
                message = "this key is taken; choose another"
                raise ConflictError(message, [FieldProblem("key", "taken", message)])
            made = store.placements.get(placement_id)
        self.inventory_changes.announce(f"placement {placement_id} was made")
        return made

    def change(
        self,
        caller: Caller,
        placement_id: PlacementId,
        changes: Mapping[str, Any],
        check_version: CheckVersion,
    ) -> Placement:
        """Write the fields in `changes`, leave the others.

        Raises:
            ForbiddenError: the caller's role may not traffic.
            NotFoundError: there is no such placement.
            PreconditionFailedError: it was changed since the caller read it.
            InvalidRequestError: fields would contradict one another.
        """
        require(caller, Action.TRAFFIC)
        with self.stores.transaction(caller) as store:
            found = store.placements.get(placement_id, for_update=True)
            check_version(found.version)
            terms = replace(found.terms, **changes)
            refuse_invalid(problems_of_placement(terms))
            if terms == found.terms:
                return found
            store.placements.update(placement_id, terms, self.clock())
            changed = store.placements.get(placement_id)
        self.inventory_changes.announce(f"placement {placement_id} was changed")
        return changed

    def delete(
        self, caller: Caller, placement_id: PlacementId, check_version: CheckVersion
    ) -> None:
        """Take the placement out of sight; requests for it are answered as for an unknown one.

        Raises:
            ForbiddenError: the caller's role may not traffic.
            NotFoundError: there is no such placement.
            PreconditionFailedError: it was changed since the caller read it.
        """
        require(caller, Action.TRAFFIC)
        with self.stores.transaction(caller) as store:
            found = store.placements.get(placement_id, for_update=True)
            check_version(found.version)
            store.placements.delete(placement_id, self.clock())
        self.inventory_changes.announce(f"placement {placement_id} is deleted")
