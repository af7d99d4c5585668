"""Whether a pod could hold more than what it was offered."""

from collections.abc import Sequence

from ctv_ads.domain.campaign import LineItemType
from ctv_ads.domain.pod import Candidate, FilledPod, PodSpec


def has_room(
    spec: PodSpec, candidates: Sequence[Candidate], pod: FilledPod, *, least_ms: int
) -> bool:
    """Tell whether what is paid for leaves a slot, and time for an ad of `least_ms`.

    House ads count as room: they are there for when nothing else fits.
    """
    paid_ms = [
        candidates[pick.candidate].creatives[pick.creative].duration_ms
        for pick in pod.picks
        if candidates[pick.candidate].line_item.type is not LineItemType.HOUSE
    ]
    if len(paid_ms) >= spec.max_ads:
        return False
    return spec.duration_ms is None or spec.duration_ms - sum(paid_ms) >= least_ms
