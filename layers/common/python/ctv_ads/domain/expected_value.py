"""What showing a line item once is expected to earn: by this it is ranked, and held to floors."""

from collections.abc import Sequence

from ctv_ads.domain.inventory import ServableCreative
from ctv_ads.domain.line_item import Goal, GoalUnit, RateType

_ALL_BP = 10_000
USUAL_COMPLETION_BP = 9_000
"""What is taken for a film's completion rate while too few views tell its own: on television
nine of ten ads are seen to their end."""


def expected_value_micros(
    rate_type: RateType,
    price_micros: int,
    rate_micros: int | None,
    goal: Goal | None,
    creatives: Sequence[ServableCreative],
) -> int:
    """Return the micros that one showing is worth.

    A completed view is paid as often as films are seen to their end. A flat price is spread over
    the impressions of its goal; without such a goal nothing says what one of them is worth.
    """
    if rate_type is RateType.CPM:
        return price_micros
    if rate_type is RateType.CPCV:
        rates = [_completion_bp(creative) for creative in creatives]
        return price_micros * sum(rates) // (_ALL_BP * max(len(rates), 1))
    if goal is not None and goal.unit is GoalUnit.IMPRESSIONS:
        return (rate_micros or 0) // goal.amount
    return 0


def _completion_bp(creative: ServableCreative) -> int:
    known_bp = creative.completion_rate_bp
    return USUAL_COMPLETION_BP if known_bp is None else known_bp
