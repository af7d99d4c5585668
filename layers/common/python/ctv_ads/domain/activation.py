"""What keeps a campaign from serving, said before it is activated."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ctv_ads.domain.campaign import Campaign
from ctv_ads.domain.line_item import LineItem, LineItemStatus, LineItemTerms, RateType
from ctv_ads.domain.money import CPM_STEP_MICROS
from ctv_ads.domain.remark import Remark

MOST_NAMED = 50
"""How many line items are named one by one; of the others their number is told."""


@dataclass(frozen=True, slots=True)
class Rotated:
    """A creative assigned to a line item. None leaves that end of its window open."""

    is_ready: bool
    starts_at: datetime | None = None
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class BookedLineItem:
    """A line item with its assigned creatives; without any it rotates all of its campaign."""

    line_item: LineItem
    rotated: tuple[Rotated, ...] = ()


def obstacles_to_activation(
    campaign: Campaign,
    line_items: Sequence[BookedLineItem],
    *,
    ready_creatives: int,
    now: datetime,
) -> Sequence[Remark]:
    """Return everything that keeps `campaign` from ever serving, empty when nothing does.

    One line item that can serve is enough. When none can, each is named with its own reasons,
    at `line_items.<id>.<field>`; what the whole campaign lacks is said once.
    """
    obstacles = []
    if ready_creatives == 0:
        message = "no creative of this campaign is ready"
        obstacles.append(Remark("creatives", "no_ready_creative", message))
    if campaign.ends_at <= now:
        obstacles.append(Remark("ends_at", "flight_ended", "the flight has already ended"))
    if campaign.remaining_micros < _cheapest_micros(campaign, line_items):
        message = "what is left of the budget does not pay for one impression"
        obstacles.append(Remark("budget_micros", "budget_too_small", message))
    lacks = {obstacle.path for obstacle in obstacles}
    own = [_obstacles_of(item, campaign, lacks, now) for item in line_items]
    if all(own):
        obstacles += [obstacle for each in own[:MOST_NAMED] for obstacle in each]
        if len(own) > MOST_NAMED:
            message = f"{len(own) - MOST_NAMED} more line items cannot serve either"
            obstacles.append(Remark("line_items", "more_line_items", message))
    return obstacles


def _obstacles_of(
    booked: BookedLineItem, campaign: Campaign, lacks: set[str], now: datetime
) -> list[Remark]:
    terms, who = booked.line_item.terms, f'line item "{booked.line_item.terms.name}"'
    found: list[tuple[str, str, str]] = []
    if terms.status is LineItemStatus.PAUSED:
        found.append(("status", "line_item_paused", "is paused"))
    found += _of_flight(terms, campaign, lacks, now)
    found += _of_money(booked.line_item, campaign, lacks)
    if "creatives" not in lacks:
        found += _of_rotation(booked, campaign, now)
    path = f"line_items.{booked.line_item.line_item_id}"
    return [Remark(f"{path}.{name}", code, f"{who} {message}") for name, code, message in found]


def _of_flight(
    terms: LineItemTerms, campaign: Campaign, lacks: set[str], now: datetime
) -> list[tuple[str, str, str]]:
    starts_at, ends_at = _flight(terms, campaign)
    if "ends_at" not in lacks and ends_at <= now:
        return [("ends_at", "flight_ended", "has a flight that has ended already")]
    if ends_at <= starts_at:
        path = "ends_at" if terms.ends_at else "starts_at"
        return [(path, "outside_campaign_flight", "has a flight outside the campaign's")]
    return []


def _of_money(
    line_item: LineItem, campaign: Campaign, lacks: set[str]
) -> list[tuple[str, str, str]]:
    terms, least = line_item.terms, _least_micros(line_item.terms, campaign)
    found = []
    if terms.budget_micros is not None and terms.budget_micros - line_item.billed_micros < least:
        message = "has too little left of its own budget for one impression"
        found.append(("budget_micros", "budget_too_small", message))
    if terms.daily_budget_micros is not None and terms.daily_budget_micros < least:
        message = "may not spend the price of one impression a day"
        found.append(("daily_budget_micros", "budget_too_small", message))
    if "budget_micros" not in lacks and campaign.remaining_micros < least:
        message = "asks more for one impression than is left of the campaign's budget"
        found.append(("rate_micros", "campaign_budget_too_small", message))
    return found


def _of_rotation(
    booked: BookedLineItem, campaign: Campaign, now: datetime
) -> list[tuple[str, str, str]]:
    if not booked.rotated:
        return []
    ready = [item for item in booked.rotated if item.is_ready]
    if not ready:
        return [("creatives", "no_ready_creative", "has assigned creatives, none of them ready")]
    starts_at, ends_at = _flight(booked.line_item.terms, campaign)
    from_now = max(starts_at, now)
    for item in ready:
        begins, ends = item.starts_at or from_now, item.ends_at or ends_at
        if max(begins, from_now) < min(ends, ends_at):
            return []
    message = "has ready creatives, none of them assigned for what is left of its flight"
    return [("creatives", "assignments_over", message)]


def _flight(terms: LineItemTerms, campaign: Campaign) -> tuple[datetime, datetime]:
    """Return from when to when it may serve: its own flight within its campaign's."""
    return (
        max(terms.starts_at or campaign.starts_at, campaign.starts_at),
        min(terms.ends_at or campaign.ends_at, campaign.ends_at),
    )


def _cheapest_micros(campaign: Campaign, line_items: Sequence[BookedLineItem]) -> int:
    """Return the least that anything of the campaign takes; completion (0005) asks the same."""
    prices = [_least_micros(item.line_item.terms, campaign) for item in line_items]
    return min(prices, default=campaign.cpm_micros // CPM_STEP_MICROS)


def _least_micros(terms: LineItemTerms, campaign: Campaign) -> int:
    """Return what it takes at a time: an impression, a completed view, part of a flat price."""
    rate_micros = terms.rate_micros or campaign.cpm_micros
    if terms.rate_type is RateType.CPM:
        return rate_micros // CPM_STEP_MICROS
    return rate_micros if terms.rate_type is RateType.CPCV else 1
