"""Filling a break when Valkey does not answer: with what needs neither tokens nor memory."""

from datetime import datetime

from ctv_ads.decisioning.fill_pod import fill_pod
from ctv_ads.decisioning.pod_state import ViewerState
from ctv_ads.decisioning.pod_terms import terms_of
from ctv_ads.decisioning.prepare_pod import PreparedPod
from ctv_ads.domain.campaign import LineItemType
from ctv_ads.domain.pod import FilledPod, Pick
from ctv_ads.domain.reasons import Reason


def fill_without_valkey(prepared: PreparedPod, *, now: datetime) -> FilledPod:
    """Return a pod of house ads, or an empty one.

    Everybody else is refused as without tokens: whether they have any is what nobody can say.
    A house ad with a frequency cap is refused too, because its views cannot be counted.
    """
    houses = [
        position
        for position, candidate in enumerate(prepared.candidates)
        if candidate.line_item.type is LineItemType.HOUSE and candidate.spends_micros == 0
    ]
    terms = [terms_of(prepared.candidates[position]) for position in houses]
    nobody = ViewerState(hashes={}, grants={})
    filled = fill_pod(prepared.spec, terms, nobody, now_s=int(now.timestamp())).pod
    verdicts = [Reason.NO_TOKENS] * len(prepared.candidates)
    for position, verdict in zip(houses, filled.verdicts, strict=True):
        verdicts[position] = verdict
    picks = tuple(Pick(houses[pick.candidate], pick.creative, 0) for pick in filled.picks)
    return FilledPod(picks, tuple(verdicts), filled.optimality_gap_bp)
