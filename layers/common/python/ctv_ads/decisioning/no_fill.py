"""Why an answer holds no ad, in one word, from the verdicts on those who were nearest to it."""

from collections.abc import Mapping, Sequence

from ctv_ads.domain.ids import LineItemId
from ctv_ads.domain.reasons import NoFillReason, Reason

_BY_VERDICT: Mapping[Reason, NoFillReason] = {
    Reason.NOT_IN_FLIGHT: NoFillReason.NOT_IN_FLIGHT,
    Reason.OUTSIDE_DAYPART: NoFillReason.NOT_IN_FLIGHT,
    Reason.BLOCKED_CATEGORY: NoFillReason.BLOCKED_BY_PLACEMENT,
    Reason.BLOCKED_DOMAIN: NoFillReason.BLOCKED_BY_PLACEMENT,
    Reason.BELOW_FLOOR: NoFillReason.BLOCKED_BY_PLACEMENT,
    Reason.NO_TOKENS: NoFillReason.NO_TOKENS,
}
# The rest by hundreds (`domain/reasons.py`).
_BY_HUNDRED: Mapping[int, NoFillReason] = {
    3: NoFillReason.NO_CREATIVE_FITS,
    4: NoFillReason.FREQUENCY_CAPPED,
    6: NoFillReason.SEPARATED,
    7: NoFillReason.NO_ROOM,
}


def no_fill_reason(
    verdicts: Sequence[Reason], passed_over: Sequence[tuple[LineItemId, Reason]]
) -> NoFillReason:
    """Return why nothing was picked: the verdict on the best candidate speaks.

    Without candidates it is the first that was passed over; without those, nothing targets this
    request.
    """
    nearest = next(iter([*verdicts, *[verdict for _, verdict in passed_over]]), None)
    if nearest is None:
        return NoFillReason.NO_LINE_ITEM
    return _BY_VERDICT.get(nearest) or _BY_HUNDRED.get(nearest // 100, NoFillReason.NO_LINE_ITEM)
