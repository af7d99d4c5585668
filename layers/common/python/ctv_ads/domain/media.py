"""What a video file is, whether connected TVs can play it, and every reason why not.

The baseline is what MediaTailor, Roku and Google's IMA SDK all play as a progressive file:
an MP4 with one H.264 picture (8 bits, 4:2:0, progressive) and AAC sound, or no sound.
Standard library only: nothing here opens a file, `adapters/media_info.py` does.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

MIN_DURATION_MS = 1000
"""An ad below a second is an editing accident, and players round it to nothing."""

MIME_TYPE_BY_CONTAINER = {
    "mp4": "video/mp4",
    "mov": "video/quicktime",
    "3gp": "video/3gpp",
    "webm": "video/webm",
    "matroska": "video/x-matroska",
    "mpeg-ts": "video/mp2t",
    "avi": "video/x-msvideo",
}


@dataclass(frozen=True, slots=True)
class VideoTrack:
    """The facts of one picture track; None is what the file does not tell."""

    width_px: int
    height_px: int
    codec_family: str
    """Lower-case name of the standard: `h264`, `hevc`, `vp9`, `av1`."""
    codec: str | None
    """RFC 6381 name, such as `avc1.640028`; None if it cannot be told from the file."""
    frame_rate_milli: int | None
    """Frames in 1,000 s: 29,970 for 29.97 frames per second."""
    scan_type: str | None
    """`progressive`, or how it is interlaced: `interlaced`, `mbaff`, `paff`."""
    chroma: str | None
    """Chroma subsampling, such as `4:2:0`."""
    bit_depth: int | None


@dataclass(frozen=True, slots=True)
class AudioTrack:
    """The facts of one sound track; None is what the file does not tell."""

    codec_family: str
    """Lower-case name of the standard: `aac`, `mp3`, `ac-3`, `opus`."""
    codec: str | None
    """RFC 6381 name, such as `mp4a.40.2`."""
    channels: int | None
    sampling_rate_hz: int | None


@dataclass(frozen=True, slots=True)
class MediaProbe:
    """What the prober saw in a file, before anybody judges it."""

    size_bytes: int
    container: str | None = None
    """`mp4`, `mov`, `webm`, …; None if the content is no video container at all."""
    is_truncated: bool = False
    """The file's own index says that bytes are missing, or the index itself is missing."""
    is_damaged: bool = False
    """The headers are so wrong that reading them was given up; nothing else is known."""
    is_streamable: bool = False
    """The index stands before the pictures, so that playing can start at once."""
    duration_ms: int | None = None
    bitrate_kbps: int | None = None
    """Average over the whole file, sound included; 1 kbit is 1,000 bits."""
    video: VideoTrack | None = None
    audio: AudioTrack | None = None


@dataclass(frozen=True, slots=True)
class MediaFacts:
    """What a ready creative carries: what VAST's `MediaFile` and ad operations ask for."""

    duration_ms: int
    width_px: int
    height_px: int
    frame_rate_milli: int | None
    video_codec: str
    audio_codec: str | None
    audio_channels: int | None
    bitrate_kbps: int
    size_bytes: int
    mime_type: str
    is_streamable: bool
    sha256: str
    """Lower-case hexadecimal digest of the whole file."""

    @property
    def codecs(self) -> str:
        """The codecs as RFC 6381 lists them: `avc1.640028,mp4a.40.2`."""
        return ",".join(codec for codec in (self.video_codec, self.audio_codec) if codec)


@dataclass(frozen=True, slots=True)
class MediaLimits:
    """The largest and the longest file that may become a creative."""

    max_size_bytes: int
    max_duration_ms: int


class RejectionCode(StrEnum):
    """Why a file cannot become a creative. Values are part of the API: never renamed."""

    NOT_A_VIDEO = "not_a_video"
    TYPE_MISMATCH = "type_mismatch"
    UNSUPPORTED_CONTAINER = "unsupported_container"
    DAMAGED = "damaged"
    TRUNCATED = "truncated"
    NO_VIDEO_TRACK = "no_video_track"
    UNSUPPORTED_VIDEO_CODEC = "unsupported_video_codec"
    UNSUPPORTED_PIXEL_FORMAT = "unsupported_pixel_format"
    INTERLACED = "interlaced"
    UNSUPPORTED_AUDIO_CODEC = "unsupported_audio_codec"
    TOO_LARGE = "too_large"
    TOO_LONG = "too_long"
    TOO_SHORT = "too_short"
    SIZE_MISMATCH = "size_mismatch"
    DURATION_MISMATCH = "duration_mismatch"
    TAG_ADDRESS_REFUSED = "tag_address_refused"
    TAG_UNREACHABLE = "tag_unreachable"
    TAG_TOO_SLOW = "tag_too_slow"
    TAG_TOO_LARGE = "tag_too_large"
    TAG_NOT_VAST = "tag_not_vast"
    TAG_NO_AD = "tag_no_ad"
    TAG_SEVERAL_ADS = "tag_several_ads"
    TAG_TOO_MANY_WRAPPERS = "tag_too_many_wrappers"
    TAG_LOOP = "tag_loop"
    TAG_NOT_LINEAR = "tag_not_linear"
    TAG_NO_PLAYABLE_MEDIA = "tag_no_playable_media"
    TAG_NO_DURATION = "tag_no_duration"


@dataclass(frozen=True, slots=True)
class Rejection:
    """One reason, with a sentence for the person who uploaded the file."""

    code: RejectionCode
    message: str


def judge_media(
    probe: MediaProbe, *, declared_content_type: str, limits: MediaLimits
) -> tuple[Rejection, ...]:
    """Return every reason why the file is unfit to serve; empty means that it is fit.

    A reason that only follows from another is left out: a file that is no video has no codec
    to complain about, and a truncated one may merely have lost its tracks.
    """
    return tuple(_reasons(probe, declared_content_type, limits))


def facts_of(probe: MediaProbe, *, sha256: str) -> MediaFacts:
    """Return the facts of a file that `judge_media` found fit.

    Raises:
        ValueError: the probe lacks a fact that every fit file has.
    """
    video = probe.video
    if probe.duration_ms is None or probe.bitrate_kbps is None or probe.container is None:
        raise ValueError("the probe has no duration, bitrate or container")
    if video is None or video.codec is None:
        raise ValueError("the probe has no video track with a known codec")
    return MediaFacts(
        duration_ms=probe.duration_ms,
        width_px=video.width_px,
        height_px=video.height_px,
        frame_rate_milli=video.frame_rate_milli,
        video_codec=video.codec,
        audio_codec=probe.audio.codec if probe.audio else None,
        audio_channels=probe.audio.channels if probe.audio else None,
        bitrate_kbps=probe.bitrate_kbps,
        size_bytes=probe.size_bytes,
        mime_type=MIME_TYPE_BY_CONTAINER[probe.container],
        is_streamable=probe.is_streamable,
        sha256=sha256,
    )


def _reasons(probe: MediaProbe, declared: str, limits: MediaLimits) -> Iterator[Rejection]:
    if probe.size_bytes > limits.max_size_bytes:
        size, limit = _shifted(probe.size_bytes, 6), _shifted(limits.max_size_bytes, 6)
        yield Rejection(
            RejectionCode.TOO_LARGE, f"The file has {size} MB; the limit is {limit} MB."
        )
    if probe.is_damaged:
        yield Rejection(RejectionCode.DAMAGED, "The file's headers are damaged.")
        return
    if probe.container is None:
        what = "The file is empty" if probe.size_bytes == 0 else "The file's content is not a video"
        yield Rejection(RejectionCode.NOT_A_VIDEO, f"{what}.")
        return
    yield from _container_reasons(probe.container, declared)
    if probe.is_truncated:
        yield Rejection(
            RejectionCode.TRUNCATED,
            f"The file ends early: it refers to more than its {probe.size_bytes:,} bytes.",
        )
    if probe.video:
        yield from _video_reasons(probe.video, probe.container)
        yield from _duration_reasons(probe, limits)
    elif not probe.is_truncated:
        yield Rejection(RejectionCode.NO_VIDEO_TRACK, "The file has no video track.")
    if probe.audio and probe.audio.codec_family != "aac":
        yield Rejection(
            RejectionCode.UNSUPPORTED_AUDIO_CODEC,
            f"The audio is {probe.audio.codec_family}; it has to be AAC, or absent.",
        )


def _container_reasons(container: str, declared: str) -> Iterator[Rejection]:
    declared_type = declared.partition(";")[0].strip().lower()
    found_type = MIME_TYPE_BY_CONTAINER.get(container)
    if found_type is not None and found_type != declared_type:
        yield Rejection(
            RejectionCode.TYPE_MISMATCH,
            f"The file was announced as {declared_type or 'nothing'}; its content is {found_type}.",
        )
    if container != "mp4":
        # QuickTime too: its boxes are MP4's, but Roku and IMA go by the type video/mp4.
        yield Rejection(
            RejectionCode.UNSUPPORTED_CONTAINER,
            f"The file's container is {container}; it has to be mp4.",
        )


def _video_reasons(video: VideoTrack, container: str) -> Iterator[Rejection]:
    if video.codec_family != "h264":
        yield Rejection(
            RejectionCode.UNSUPPORTED_VIDEO_CODEC,
            f"The video is {video.codec_family}; it has to be H.264.",
        )
        return
    if container == "mp4" and not (video.codec or "").startswith("avc1."):
        # avc3 and encv: decoder settings inside the stream, or an encrypted one.
        yield Rejection(
            RejectionCode.UNSUPPORTED_VIDEO_CODEC,
            f"The H.264 video is stored as {video.codec or 'an unknown kind'}; it has to be avc1.",
        )
    if (video.bit_depth or 8) != 8 or (video.chroma or "4:2:0") != "4:2:0":
        yield Rejection(
            RejectionCode.UNSUPPORTED_PIXEL_FORMAT,
            f"The video has {video.bit_depth} bits and chroma {video.chroma}; "
            "it has to be 8 bits and 4:2:0.",
        )
    if (video.scan_type or "progressive") != "progressive":
        yield Rejection(
            RejectionCode.INTERLACED,
            f"The video is interlaced ({video.scan_type}); it has to be progressive.",
        )


def _duration_reasons(probe: MediaProbe, limits: MediaLimits) -> Iterator[Rejection]:
    if probe.duration_ms is None and probe.container != "mp4":
        return  # a bare stream need not tell its length
    duration_ms = probe.duration_ms or 0
    if duration_ms > limits.max_duration_ms:
        length, limit = _shifted(duration_ms, 3), _shifted(limits.max_duration_ms, 3)
        yield Rejection(
            RejectionCode.TOO_LONG, f"The file is {length} s long; the limit is {limit} s."
        )
    # What is left of a truncated file says nothing about the length of the ad.
    if duration_ms < MIN_DURATION_MS and not probe.is_truncated:
        length, limit = _shifted(duration_ms, 3), _shifted(MIN_DURATION_MS, 3)
        yield Rejection(
            RejectionCode.TOO_SHORT,
            f"The file is {length} s long; it has to be at least {limit} s.",
        )


def _shifted(value: int, digits: int) -> str:
    """Write `value` divided by 10 to the power of `digits`, exact and without idle zeros."""
    text = f"{value:0{digits + 1}d}"
    return f"{int(text[:-digits]):,}.{text[-digits:]}".rstrip("0").rstrip(".")
