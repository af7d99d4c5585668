"""Copy a campaign; change the status of many at once."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ctv_ads.domain.access import Action, Caller
from ctv_ads.domain.campaign import Campaign, CampaignStatus
from ctv_ads.domain.ids import CampaignId
from ctv_ads.errors import CallerError, CtvAdsError, DependencyUnavailableError
from ctv_ads.use_cases.campaigns import TraffickCampaigns
from ctv_ads.use_cases.permission import require

_LONGEST_NAME = 200


def duplicate_campaign(
    campaigns: TraffickCampaigns, caller: Caller, campaign_id: CampaignId
) -> Campaign:
    """Make a draft with everything that the campaign has booked.

    Raises:
        ForbiddenError: the caller's role may not traffic.
        NotFoundError: there is no such campaign.
    """
    require(caller, Action.TRAFFIC)
    with campaigns.stores.transaction(caller) as store:
        original = store.campaigns.get(campaign_id)
        name = f"Copy of {original.name}"[:_LONGEST_NAME].rstrip()
        made = store.campaign_copies.copy(campaign_id, name=name, now=campaigns.clock())
        return store.campaigns.get(made)


@dataclass(frozen=True, slots=True)
class StatusOutcome:
    """What became of one campaign's change: the status it now has, or why it has not."""

    campaign_id: CampaignId
    status: CampaignStatus | None = None
    error: CtvAdsError | None = None


@dataclass(frozen=True, slots=True)
class _HeldChanges:
    """Keeps announcements back, so that a hundred changes ask for one publication."""

    reasons: list[str] = field(default_factory=list)

    def announce(self, reason: str) -> None:
        self.reasons.append(reason)


def change_statuses(
    campaigns: TraffickCampaigns,
    caller: Caller,
    campaign_ids: Sequence[CampaignId],
    status: CampaignStatus,
) -> list[StatusOutcome]:
    """Move each campaign to `status` in a transaction of its own, and tell what became of each.

    When PostgreSQL goes away, the rest is not tried.

    Raises:
        ForbiddenError: the caller's role may not traffic.
    """
    require(caller, Action.TRAFFIC)
    held = _HeldChanges()
    one_by_one = replace(campaigns, inventory_changes=held)
    outcomes: list[StatusOutcome] = []
    down: DependencyUnavailableError | None = None
    for campaign_id in campaign_ids:
        if down is not None:
            outcomes.append(StatusOutcome(campaign_id, error=down))
            continue
        try:
            changed = one_by_one.change_status(caller, campaign_id, status)
        except CallerError as error:
            outcomes.append(StatusOutcome(campaign_id, error=error))
        except DependencyUnavailableError as error:
            down = error
            outcomes.append(StatusOutcome(campaign_id, error=error))
        else:
            outcomes.append(StatusOutcome(campaign_id, status=changed.status))
    if held.reasons:
        campaigns.inventory_changes.announce(f"{len(held.reasons)} campaigns are {status}")
    return outcomes
