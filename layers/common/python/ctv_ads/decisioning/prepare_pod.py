"""Everything about a break that can be known without asking who has seen what: the candidates."""

from datetime import datetime
from typing import NamedTuple

from ctv_ads.decisioning.resolve_break import USUAL_ADS, resolve_break, slots_in_time
from ctv_ads.decisioning.segments.index import LineItemIndex
from ctv_ads.decisioning.segments.query import query_of
from ctv_ads.decisioning.segments.search import NEAR, Reach
from ctv_ads.domain.ad_request import AdRequest
from ctv_ads.domain.ids import LineItemId
from ctv_ads.domain.inventory import PublishedPlacement
from ctv_ads.domain.pod import Candidate, PodSpec
from ctv_ads.domain.reasons import Reason


class PreparedPod(NamedTuple):
    """What competes for a break. `passed_over` was looked at and may not serve.

    Where the break has no time nobody was looked at, and `passed_over` says so of nobody.
    `least_more_ms` is above 0 when a search that goes farther may find more: how long an ad of
    those is at least.
    """

    spec: PodSpec
    candidates: tuple[Candidate, ...]
    passed_over: tuple[tuple[LineItemId, Reason], ...]
    least_more_ms: int = 0


_NO_TIME = ((LineItemId(""), Reason.BREAK_HAS_NO_TIME),)


def prepare_pod(  # noqa: PLR0913 - all of them are one question
    index: LineItemIndex,
    request: AdRequest,
    placement: PublishedPlacement,
    *,
    now: datetime,
    seed: int,
    reach: Reach = NEAR,
    skip: frozenset[LineItemId] = frozenset(),
) -> PreparedPod:
    """Return the candidates for `request` in rank order, house ads last.

    `skip` are line items known to be out of tokens.
    """
    resolved = resolve_break(request.ad_break, placement)
    if resolved.spec.duration_ms == 0:
        return PreparedPod(resolved.spec, (), _NO_TIME)
    query = query_of(
        request,
        placement,
        now=now,
        seed=seed,
        min_ad_ms=resolved.min_ad_ms,
        max_ad_ms=resolved.max_ad_ms,
        house_fills=resolved.spec,
    )
    found = index.search(query, reach=reach, skip=skip)
    candidates = found.line_items + found.house
    spec, least_more_ms = resolved.spec, 0
    if found.has_more or spec.max_ads > USUAL_ADS:
        least_ms = max(index.least_ms(query), 1)
        spec = slots_in_time(spec, least_ms)
        least_more_ms = least_ms if found.has_more else 0
    return PreparedPod(spec, candidates, found.passed_over, least_more_ms)
