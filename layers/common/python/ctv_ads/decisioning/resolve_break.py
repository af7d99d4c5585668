"""What a request asks for, together with what the placement says of every request."""

from dataclasses import dataclass

from ctv_ads.domain.ad_request import UNKNOWN_LENGTH_MS, AdBreak
from ctv_ads.domain.inventory import PublishedPlacement
from ctv_ads.domain.pod import PodSpec

USUAL_ADS = 20
"""How many ads a break may hold whatever its length, unless fewer are wanted."""
MAX_ADS_IN_POD = 100
"""More are never put into one break: as many as a request may ask for."""
_LEAST_AD_MS = 1000
"""No shorter film is accepted, and the index knows whole seconds."""


@dataclass(frozen=True, slots=True)
class ResolvedBreak:
    """The break to fill, and the lengths of ads that fit it."""

    spec: PodSpec
    min_ad_ms: int
    max_ad_ms: int | None


def resolve_break(asked: AdBreak, placement: PublishedPlacement) -> ResolvedBreak:
    """Return the break that `asked` means at `placement`.

    A length that the stitcher does not know is the placement's default; without one, several
    ads together take no longer than what stitchers say then. Without a length and without a
    number of ads, one ad is wanted. Of limits that both set, the tighter holds.
    """
    duration_ms = placement.default_break_ms if asked.is_length_unknown else asked.duration_ms
    if duration_ms is None and asked.is_length_unknown and (asked.max_ads or 1) > 1:
        duration_ms = UNKNOWN_LENGTH_MS
    wanted = asked.max_ads or (1 if duration_ms is None else MAX_ADS_IN_POD)
    return ResolvedBreak(
        spec=PodSpec(duration_ms, min(wanted, placement.max_ads or wanted, MAX_ADS_IN_POD)),
        min_ad_ms=max(asked.min_ad_ms or 0, placement.min_ad_ms or 0),
        max_ad_ms=_least(asked.max_ad_ms, placement.max_ad_ms, duration_ms),
    )


def slots_in_time(spec: PodSpec, least_ms: int) -> PodSpec:
    """Return `spec` with as many slots as ads of `least_ms` have time, and never below the usual.

    Filling asks for no more than it has slots: most breaks are spared what only long ones need.
    """
    if spec.duration_ms is None or spec.max_ads <= USUAL_ADS:
        return spec
    fitting = spec.duration_ms // max(least_ms, _LEAST_AD_MS)
    return spec._replace(max_ads=min(spec.max_ads, max(fitting, USUAL_ADS)))


def _least(*limits: int | None) -> int | None:
    return min((limit for limit in limits if limit is not None), default=None)
