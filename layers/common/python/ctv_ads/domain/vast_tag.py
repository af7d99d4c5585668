"""Third-party VAST tags: what one has to answer so that it may serve, and every reason why not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ctv_ads.domain.media import MIN_DURATION_MS, Rejection, RejectionCode

MAX_WRAPPERS = 5
"""Of the whole chain as a player meets it; ours is the first (VAST 4.2 §2.3.5: then 302)."""

PLAYABLE_TYPES = frozenset({"video/mp4"})


@dataclass(frozen=True, slots=True)
class OfferedMedia:
    """One `MediaFile` of a third party's ad."""

    url: str
    mime_type: str
    width_px: int | None
    height_px: int | None
    bitrate_kbps: int | None
    codec: str | None
    is_executable: bool
    """It is a program (VPAID, SIMID), not a video."""


@dataclass(frozen=True, slots=True)
class InlineAnswer:
    """A tag answered with an ad. `duration_ms` is None if it is absent or unreadable."""

    ad_system: str | None
    has_linear: bool
    duration_ms: int | None
    media: tuple[OfferedMedia, ...]


@dataclass(frozen=True, slots=True)
class WrapperAnswer:
    """A tag answered with the address of another one."""

    tag_url: str


@dataclass(frozen=True, slots=True)
class TagFacts:
    """What a ready tag carries, as of its check."""

    duration_ms: int
    mime_type: str
    width_px: int | None
    height_px: int | None
    bitrate_kbps: int | None
    codec: str | None
    media_url: str
    wrappers: int
    """How many wrappers stood between the tag and the ad."""
    ad_system: str | None


def judge_inline(ad: InlineAnswer, *, max_duration_ms: int) -> tuple[Rejection, ...]:
    """Return every reason why the ad is unfit to serve; empty means that it is fit."""
    if not ad.has_linear:
        return (Rejection(RejectionCode.TAG_NOT_LINEAR, "The ad is no linear video."),)
    return tuple(_reasons(ad, max_duration_ms))


def facts_of_tag(ad: InlineAnswer, *, wrappers: int) -> TagFacts:
    """Return the facts of an ad that `judge_inline` found fit.

    Raises:
        ValueError: it lacks a fact that every fit ad has.
    """
    playable = _playable(ad.media)
    if ad.duration_ms is None or not playable:
        raise ValueError("the ad has no duration or no playable file")
    # MediaTailor takes the highest bitrate, so that is what will be seen.
    best = max(playable, key=lambda media: media.bitrate_kbps or 0)
    return TagFacts(
        duration_ms=ad.duration_ms,
        mime_type=best.mime_type,
        width_px=best.width_px,
        height_px=best.height_px,
        bitrate_kbps=best.bitrate_kbps,
        codec=best.codec,
        media_url=best.url,
        wrappers=wrappers,
        ad_system=ad.ad_system,
    )


def _reasons(ad: InlineAnswer, max_duration_ms: int) -> Iterator[Rejection]:
    if not _playable(ad.media):
        types = ", ".join(sorted({media.mime_type for media in ad.media})) or "none at all"
        yield Rejection(
            RejectionCode.TAG_NO_PLAYABLE_MEDIA,
            f"The ad has no video/mp4 file that is not a program; it offers {types}."[:500],
        )
    if ad.duration_ms is None:
        yield Rejection(RejectionCode.TAG_NO_DURATION, "The ad does not say how long it is.")
    elif ad.duration_ms > max_duration_ms:
        yield Rejection(
            RejectionCode.TOO_LONG,
            f"The ad has {ad.duration_ms} ms; the limit is {max_duration_ms} ms.",
        )
    elif ad.duration_ms < MIN_DURATION_MS:
        yield Rejection(
            RejectionCode.TOO_SHORT,
            f"The ad has {ad.duration_ms} ms; it has to have at least {MIN_DURATION_MS} ms.",
        )


def _playable(media: Sequence[OfferedMedia]) -> Sequence[OfferedMedia]:
    return [item for item in media if item.mime_type in PLAYABLE_TYPES and not item.is_executable]
