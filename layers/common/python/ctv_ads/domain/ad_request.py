"""What a device or stitcher asks for, parsed once: the only thing that decisions know of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

UNKNOWN_LENGTH_MS = 300_000
"""What MediaTailor sends for [session.avail_duration_ms] when the manifest names no length."""


class BreakType(StrEnum):
    """Where in the content the break lies."""

    PREROLL = "preroll"
    MIDROLL = "midroll"
    POSTROLL = "postroll"


@dataclass(frozen=True, slots=True)
class AdBreak:
    """The opportunity. None leaves it to the placement's defaults.

    A request with neither `duration_ms` nor `max_ads` wants one ad, unless the placement says
    otherwise. `is_length_unknown` marks the 300,000 ms that stitchers send when they do not
    know it (MediaTailor's default of [session.avail_duration_ms]).
    """

    duration_ms: int | None = None
    max_ads: int | None = None
    min_ad_ms: int | None = None
    max_ad_ms: int | None = None
    break_type: BreakType | None = None
    avail_index: int | None = None
    is_length_unknown: bool = False


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who watches, as far as it may be known. Keys are hashes made at the door.

    A key is None when it was not sent or when privacy forbids its use; nothing here can be
    turned back into a device id or an address.
    """

    session_key: str | None = None
    device_key: str | None = None
    household_key: str | None = None
    country: str | None = None
    """ISO 3166-1 alpha-2."""
    region: str | None = None
    """ISO 3166-2, such as US-CA."""
    metro: str | None = None
    city: str | None = None
    postal: str | None = None
    device_type: str | None = None
    """A word of `vocabulary.DEVICE_TYPES`."""
    os: str | None = None
    make: str | None = None
    segments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Content:
    """What is watched, and in which app."""

    app_bundle: str | None = None
    channel: str | None = None
    network: str | None = None
    content_id: str | None = None
    genres: tuple[str, ...] = ()
    rating: str | None = None
    language: str | None = None
    livestream: bool | None = None


@dataclass(frozen=True, slots=True)
class Privacy:
    """What the privacy signals allow. `signals` are kept for the record, as they were sent."""

    may_use_device_id: bool = False
    may_use_household: bool = False
    may_personalize: bool = False
    may_forward: bool = False
    """Whether device id and address may be handed to third parties' trackers and tags."""
    signals: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    refusals: tuple[str, ...] = ()
    """Why something is not allowed, such as `lmt`, `tcf_unreadable`, `coppa`."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """A parameter that was not understood, and why; it never fails the request."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class AdRequest:
    """One request for ads. `placement` is the placement's key or id."""

    placement: str
    ad_break: AdBreak = AdBreak()
    viewer: Viewer = Viewer()
    content: Content = Content()
    privacy: Privacy = Privacy()
    key_values: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    """By name without `kv.`."""
    vast_version: str | None = None
    """As asked for, one of `VastVersion`; None is the placement's."""
    accepted_mimes: tuple[str, ...] = ()
    """Empty accepts every one that we serve."""
    max_bitrate_kbps: int | None = None
    ignored: tuple[Ignored, ...] = ()
