"""What serving a line item once takes from its tokens.

Tokens are micros. A line item that costs nothing and has a goal in impressions takes one token
for each; one that costs nothing and has no such goal needs none.
"""

from enum import StrEnum

from ctv_ads.domain.campaign import LineItemType
from ctv_ads.domain.inventory import ServableLineItem
from ctv_ads.domain.line_item import Goal, GoalUnit, RateType
from ctv_ads.domain.money import impression_price_micros


class TokenUnit(StrEnum):
    """What one token of a bucket is worth."""

    MICROS = "micros"
    IMPRESSIONS = "impressions"


def event_price_micros(
    kind: LineItemType, rate_type: RateType, rate_micros: int | None, cpm_micros: int
) -> int:
    """Return what one billable event costs: an impression (CPM) or a completed view (CPCV).

    A flat price is billed by the day and house ads are the owner's own: both cost 0 an event.
    `cpm_micros` is the campaign's, which a CPM line item without a rate of its own has.
    """
    if kind is LineItemType.HOUSE or rate_type is RateType.FLAT:
        return 0
    if rate_type is RateType.CPCV:
        return rate_micros or 0
    return impression_price_micros(cpm_micros if rate_micros is None else rate_micros)


def needs_tokens(price_micros: int, goal: Goal | None) -> bool:
    """Tell whether a line item serves only out of granted tokens."""
    return price_micros > 0 or (goal is not None and goal.unit is GoalUnit.IMPRESSIONS)


def spends_micros(line_item: ServableLineItem) -> int:
    """Return how many tokens serving the line item once takes; 0 needs none."""
    if not line_item.needs_tokens:
        return 0
    return line_item.price_micros or 1
