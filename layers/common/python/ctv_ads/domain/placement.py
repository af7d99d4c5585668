"""Placements: where ads are asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ctv_ads.domain.ids import PlacementId, is_id
from ctv_ads.domain.remark import Remark


class VastVersion(StrEnum):
    """What a placement's players understand."""

    V2_0 = "2.0"
    V3_0 = "3.0"
    V4_0 = "4.0"
    V4_1 = "4.1"
    V4_2 = "4.2"
    V4_3 = "4.3"


SERVED_VAST_VERSION = VastVersion.V4_2


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacementTerms:
    """What people say of a placement. None leaves it to the request."""

    name: str
    app_bundle: str | None = None
    channel: str | None = None
    default_break_ms: int | None = None
    max_ads: int | None = None
    min_ad_ms: int | None = None
    max_ad_ms: int | None = None
    vast_version: VastVersion = SERVED_VAST_VERSION
    floor_cpm_micros: int = 0
    blocked_categories: tuple[str, ...] = ()
    """Ids of the IAB Ad Product Taxonomy 2.0."""
    blocked_domains: tuple[str, ...] = ()
    accepted_mimes: tuple[str, ...] = ()
    """What its players play, in lower case; empty accepts every one that we serve."""
    max_bitrate_kbps: int | None = None
    max_width_px: int | None = None
    max_height_px: int | None = None
    trusted_caller: bool = False
    """Whether what its requests say of the viewer's address is believed (a stitcher's)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """A placement as stored. Devices send its key, so that never changes."""

    placement_id: PlacementId
    key: str
    terms: PlacementTerms
    version: int
    created_at: datetime
    updated_at: datetime


def problems_of_key(key: str) -> Sequence[Remark]:
    """Return what keeps a key from being one, empty when nothing does.

    Devices name a placement by its key or its id, whosever it is: a key that looks like an id
    could take another placement's requests.
    """
    if is_id(key):
        return (Remark("key", "looks_like_an_id", "must not look like an id"),)
    return ()


def problems_of_placement(terms: PlacementTerms) -> Sequence[Remark]:
    """Return what cannot be stored, empty when everything fits."""
    shortest, longest = terms.min_ad_ms, terms.max_ad_ms
    if shortest is not None and longest is not None and longest < shortest:
        return (Remark("max_ad_ms", "below_minimum", f"must be at least min_ad_ms, {shortest}"),)
    return ()
