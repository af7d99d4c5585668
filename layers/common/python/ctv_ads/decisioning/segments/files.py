"""Which files of a creative a break takes: what its player and its placement accept."""

from dataclasses import replace
from itertools import islice
from typing import NamedTuple

from ctv_ads.domain.ad_request import AdRequest
from ctv_ads.domain.inventory import PublishedPlacement, Rendition, ServableCreative, files_of
from ctv_ads.domain.reasons import Reason

_MOST_KEPT = 4096
_DROPPED = 64


class FileLimits(NamedTuple):
    """What a file has to keep to; None sets no limit. Types are in lower case."""

    mimes: tuple[str, ...] | None = None
    max_bitrate_kbps: int | None = None
    max_width_px: int | None = None
    max_height_px: int | None = None


def file_limits(request: AdRequest, placement: PublishedPlacement) -> FileLimits | None:
    """Return the limits of both, the tighter where both set one; None takes any file."""
    asked, said = request.accepted_mimes, placement.accepted_mimes
    most_kbps = _least(request.max_bitrate_kbps, placement.max_bitrate_kbps)
    widest_px, highest_px = placement.max_width_px, placement.max_height_px
    if not (asked or said or most_kbps or widest_px or highest_px):
        return None
    return FileLimits(_of_both(asked, said), most_kbps, widest_px, highest_px)


def _of_both(asked: tuple[str, ...], said: tuple[str, ...]) -> tuple[str, ...] | None:
    if not (asked and said):
        return asked or said or None
    return tuple([mime for mime in asked if mime in said])


def _least(one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


def fitted(creative: ServableCreative, limits: FileLimits) -> ServableCreative | Reason:
    """Return the creative with the files that fit, or what the one that came farthest lacks.

    It is the very same one where all do, and the same one each time where some do.
    """
    key = (id(creative), limits)
    known = _fitted_before.get(key)
    if known is None:
        if len(_fitted_before) >= _MOST_KEPT:
            for old in list(islice(_fitted_before, _DROPPED)):
                del _fitted_before[old]
        known = _fitted_before[key] = creative, _fitted(creative, limits)
    return known[1]


_fitted_before: dict[
    tuple[int, FileLimits], tuple[ServableCreative, ServableCreative | Reason]
] = {}
"""By identity: creatives that are kept here keep theirs."""


def _fitted(creative: ServableCreative, limits: FileLimits) -> ServableCreative | Reason:
    files = files_of(creative)
    lacks = [_lack_of(file, limits) for file in files]
    fitting = tuple([file for file, lack in zip(files, lacks, strict=True) if lack is None])
    if len(fitting) == len(files):
        return creative
    if fitting:
        return replace(creative, files=fitting)
    return max(lack for lack in lacks if lack is not None)


def _lack_of(file: Rendition, limits: FileLimits) -> Reason | None:
    """Return the first reason why a file is not for this break, None when it is."""
    mimes, most_kbps, widest_px, highest_px = limits
    if mimes is not None and file.mime_type.lower() not in mimes:
        return Reason.CREATIVE_MIME
    if most_kbps is not None and file.bitrate_kbps > most_kbps:
        return Reason.CREATIVE_BITRATE
    if (widest_px is not None and file.width_px > widest_px) or (
        highest_px is not None and file.height_px > highest_px
    ):
        return Reason.CREATIVE_DIMENSIONS
    return None
