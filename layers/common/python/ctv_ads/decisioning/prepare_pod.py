"""Everything about a break that can be known without asking who has seen what: the candidates."""

from datetime import datetime
from typing import NamedTuple

from ctv_ads.decisioning.resolve_break import resolve_break
from ctv_ads.decisioning.segments.index import LineItemIndex
from ctv_ads.decisioning.segments.query import query_of
from ctv_ads.domain.ad_request import AdRequest
from ctv_ads.domain.ids import LineItemId
from ctv_ads.domain.inventory import PublishedPlacement
from ctv_ads.domain.pod import Candidate, PodSpec
from ctv_ads.domain.reasons import Reason


class PreparedPod(NamedTuple):
    """What competes for a break. `passed_over` was looked at and may not serve."""

    spec: PodSpec
    candidates: tuple[Candidate, ...]
    passed_over: tuple[tuple[LineItemId, Reason], ...]


def prepare_pod(
    index: LineItemIndex,
    request: AdRequest,
    placement: PublishedPlacement,
    *,
    now: datetime,
    seed: int,
    skip: frozenset[LineItemId] = frozenset(),
) -> PreparedPod:
    """Return the candidates for `request` in rank order, house ads last.

    `skip` are line items known to be out of tokens.
    """
    resolved = resolve_break(request.ad_break, placement)
    query = query_of(
        request,
        placement,
        now=now,
        seed=seed,
        min_ad_ms=resolved.min_ad_ms,
        max_ad_ms=resolved.max_ad_ms,
    )
    found = index.search(query, skip=skip)
    return PreparedPod(resolved.spec, found.line_items + found.house, found.passed_over)
