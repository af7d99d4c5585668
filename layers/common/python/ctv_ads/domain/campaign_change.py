"""What may be changed of a campaign, and when."""

from collections.abc import Sequence
from datetime import datetime

from ctv_ads.domain.campaign import Campaign, CampaignDraft, CampaignStatus
from ctv_ads.domain.remark import Remark

_OVER = frozenset({CampaignStatus.COMPLETED, CampaignStatus.ARCHIVED})


def draft_of(campaign: Campaign) -> CampaignDraft:
    """Return what people said of the campaign."""
    return CampaignDraft(
        name=campaign.name,
        advertiser_id=campaign.advertiser_id,
        budget_micros=campaign.budget_micros,
        cpm_micros=campaign.cpm_micros,
        starts_at=campaign.starts_at,
        ends_at=campaign.ends_at,
        timezone=campaign.timezone,
    )


def problems_of_change(
    campaign: Campaign, wanted: CampaignDraft, *, now: datetime
) -> Sequence[Remark]:
    """Return what is wrong with the fields, whatever the status."""
    problems = []
    if wanted.ends_at <= wanted.starts_at:
        problems.append(Remark("ends_at", "flight_without_length", "must be after starts_at"))
    if campaign.status is CampaignStatus.ACTIVE:
        moved_start = wanted.starts_at != campaign.starts_at
        if moved_start and wanted.starts_at < now and campaign.starts_at > now:
            message = "an active campaign that has not started cannot be moved into the past"
            problems.append(Remark("starts_at", "in_the_past", message))
        if wanted.ends_at != campaign.ends_at and wanted.ends_at <= now:
            message = "an active campaign ends in the future; pause or complete it instead"
            problems.append(Remark("ends_at", "in_the_past", message))
    return problems


def conflicts_of_change(
    campaign: Campaign, wanted: CampaignDraft, *, now: datetime
) -> Sequence[Remark]:
    """Return what the campaign's state does not allow."""
    if campaign.status in _OVER:
        return [Remark("status", "campaign_over", f"the campaign is {campaign.status}")]
    conflicts = []
    is_draft = campaign.status is CampaignStatus.DRAFT
    if wanted.advertiser_id != campaign.advertiser_id and not is_draft:
        message = "the advertiser is fixed once the campaign has left draft"
        conflicts.append(Remark("advertiser_id", "not_a_draft", message))
    if wanted.budget_micros < campaign.billed_micros:
        message = f"{campaign.billed_micros} micros are billed already"
        conflicts.append(Remark("budget_micros", "below_billed", message))
    if wanted.starts_at != campaign.starts_at and not is_draft and campaign.starts_at <= now:
        message = "the flight has started already"
        conflicts.append(Remark("starts_at", "already_started", message))
    return conflicts
