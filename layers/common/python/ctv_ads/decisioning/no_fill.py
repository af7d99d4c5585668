"""Why an answer holds no ad, in one word, from the verdicts on those who were nearest to it."""

from collections.abc import Mapping, Sequence

from ctv_ads.domain.ids import LineItemId
from ctv_ads.domain.reasons import NoFillReason, Reason

# By hundreds (`domain/reasons.py`). Below them are those who never came near: they are told apart
# on demand, when the decision is explained.
_BY_HUNDRED: Mapping[int, NoFillReason] = {
    3: NoFillReason.NO_CREATIVE_FITS,
    4: NoFillReason.FREQUENCY_CAPPED,
    5: NoFillReason.NO_TOKENS,
    6: NoFillReason.SEPARATED,
    7: NoFillReason.NO_ROOM,
}
_OWN_WORD: Mapping[Reason, NoFillReason] = {
    Reason.OUTSIDE_SHARE: NoFillReason.OUTSIDE_SHARE,
    Reason.BREAK_HAS_NO_TIME: NoFillReason.NO_TIME,
}


def no_fill_reason(
    verdicts: Sequence[Reason], passed_over: Sequence[tuple[LineItemId, Reason]]
) -> NoFillReason:
    """Return why nothing was picked: the verdict on the best candidate speaks.

    Without candidates it is the first that was passed over; without those, nothing on sale is for
    this request.
    """
    nearest = next(iter([*verdicts, *[verdict for _, verdict in passed_over]]), None)
    if nearest is None:
        return NoFillReason.NO_LINE_ITEM
    return _OWN_WORD.get(nearest) or _BY_HUNDRED.get(nearest // 100, NoFillReason.NO_LINE_ITEM)
