"""What may be booked as a line item, and what its owner should know of it."""

from collections.abc import Sequence

from ctv_ads.domain.campaign import Campaign, LineItemType
from ctv_ads.domain.line_item import (
    CreativeAssignment,
    GoalUnit,
    LineItem,
    LineItemTerms,
    RateType,
)
from ctv_ads.domain.money import CPM_STEP_MICROS
from ctv_ads.domain.remark import Remark
from ctv_ads.domain.targeting import problems_of_targeting, remarks_on_targeting

_PERCENT_TYPES = frozenset({LineItemType.SPONSORSHIP, LineItemType.HOUSE})


def problems_of_line_item(terms: LineItemTerms, campaign: Campaign) -> Sequence[Remark]:
    """Return what cannot be stored, empty when everything fits."""
    return [
        *_problems_of_rate(terms),
        *_problems_of_budgets(terms, campaign),
        *_problems_of_flight(terms, campaign),
        *_problems_of_goal(terms),
        *problems_of_targeting(terms.targeting),
    ]


def conflicts_of_change(terms: LineItemTerms, line_item: LineItem) -> Sequence[Remark]:
    """Return what the line item's state does not allow."""
    billed = line_item.billed_micros
    if terms.budget_micros is not None and terms.budget_micros < billed:
        return [Remark("budget_micros", "below_billed", f"{billed} micros are billed already")]
    return []


def remarks_on_line_item(
    terms: LineItemTerms, campaign: Campaign, *, known_placements: frozenset[str] = frozenset()
) -> Sequence[Remark]:
    """Return what the owner should know of what was accepted."""
    # A campaign may have been cut since the line item was booked.
    remarks = _problems_of_budgets(terms, campaign) + _problems_of_flight(terms, campaign)
    return remarks + remarks_on_targeting(terms.targeting, known_placements=known_placements)


def _problems_of_rate(terms: LineItemTerms) -> list[Remark]:
    if terms.rate_type is not RateType.CPM:
        if terms.rate_micros is None:
            message = f"a rate of type {terms.rate_type} is not inherited; name it"
            return [Remark("rate_micros", "missing", message)]
    elif terms.rate_micros is not None and terms.rate_micros % CPM_STEP_MICROS:
        message = f"a CPM is a multiple of {CPM_STEP_MICROS} micros"
        return [Remark("rate_micros", "not_exact", message)]
    return []


def _problems_of_budgets(terms: LineItemTerms, campaign: Campaign) -> list[Remark]:
    budget, daily = terms.budget_micros, terms.daily_budget_micros
    whole = campaign.budget_micros if budget is None else budget
    problems = []
    if budget is not None and budget > campaign.budget_micros:
        message = f"is more than the campaign's budget, {campaign.budget_micros} micros"
        problems.append(Remark("budget_micros", "above_campaign_budget", message))
    if daily is not None and daily > whole:
        message = f"is more than the whole budget, {whole} micros"
        problems.append(Remark("daily_budget_micros", "above_budget", message))
    return problems


def _problems_of_flight(terms: LineItemTerms, campaign: Campaign) -> list[Remark]:
    starts_at = terms.starts_at or campaign.starts_at
    ends_at = terms.ends_at or campaign.ends_at
    problems = []
    if starts_at < campaign.starts_at:
        message = "must not be before the campaign starts"
        problems.append(Remark("starts_at", "outside_campaign_flight", message))
    if ends_at > campaign.ends_at:
        message = "must not be after the campaign ends"
        problems.append(Remark("ends_at", "outside_campaign_flight", message))
    if ends_at <= starts_at:
        path = "ends_at" if terms.ends_at else "starts_at"
        message = "the flight has no length"
        problems.append(Remark(path, "flight_without_length", message))
    return problems


def _problems_of_goal(terms: LineItemTerms) -> list[Remark]:
    goal = terms.goal
    if goal is None or goal.unit is not GoalUnit.PERCENT:
        return []
    if terms.type not in _PERCENT_TYPES:
        message = "only a sponsorship or a house line item has a goal in percent"
        return [Remark("goal.unit", "does_not_fit_type", message)]
    if goal.amount > 100:
        return [Remark("goal.amount", "above_hundred", "must be at most 100 percent")]
    return []


def problems_of_assignments(assignments: Sequence[CreativeAssignment]) -> Sequence[Remark]:
    """Return what cannot be stored, empty when everything fits."""
    problems, seen = [], set()
    for number, item in enumerate(assignments):
        if item.creative_id in seen:
            message = "is named before"
            problems.append(Remark(f"items.{number}.creative_id", "duplicate", message))
        if item.starts_at and item.ends_at and item.ends_at <= item.starts_at:
            message = "must be after starts_at"
            problems.append(Remark(f"items.{number}.ends_at", "flight_without_length", message))
        seen.add(item.creative_id)
    return problems
