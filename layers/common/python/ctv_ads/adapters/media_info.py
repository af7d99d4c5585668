"""Reads the facts of a media file from its headers, over any seekable file object.

MediaInfo tells tracks, durations and formats; `iso_boxes` tells what MediaInfo does not.
Uploads come from outside, and MediaInfo may loop on a damaged file, for minutes in its own code
or by asking for the same bytes for ever: it gets a budget of bytes and of time to think.
"""

from collections.abc import Mapping
from concurrent.futures import Future, wait
from threading import Thread
from time import monotonic
from typing import Any
from xml.etree.ElementTree import ParseError

from pymediainfo import MediaInfo

from ctv_ads.adapters import iso_boxes
from ctv_ads.adapters.iso_boxes import SeekableFile
from ctv_ads.domain.media import AudioTrack, MediaProbe, VideoTrack

_CONTAINERS = {
    "MPEG-4": "mp4",
    "WebM": "webm",
    "Matroska": "matroska",
    "MPEG-TS": "mpeg-ts",
    "BDAV": "mpeg-ts",
    "MPEG-PS": "mpeg-ps",
    "AVI": "avi",
    "Flash Video": "flv",
    "Windows Media": "wmv",
    "MXF": "mxf",
    "Ogg": "ogg",
}
_CODEC_FAMILIES = {
    "AVC": "h264",
    "MPEG-4 Visual": "mpeg4",
    "MPEG Video": "mpeg2",
    "MPEG Audio": "mp3",
}

# A file of 100 MB takes about 1 MB, and MediaInfo thinks for 3 ms.
_READ_BUDGET_BYTES = 32 * 1024 * 1024
_THINKING_LIMIT_S = 5.0

# AAC comes in whole frames of about 21 ms and muxers pad the last one, so sound that outlasts
# the picture by this much is no part of the ad's length.
_SOUND_PADDING_MS = 250

_Fields = Mapping[str, Any]


def probe_media(file: SeekableFile, *, size_bytes: int) -> MediaProbe:
    """Return what a media file's headers tell; content that is no video gives an empty probe.

    Reads the headers and a few frames, not the whole file, and leaves `file` open.

    Args:
        file: opened for reading bytes; `adapters.aws.object_reader` is one, BytesIO another.
        size_bytes: how large the file is.

    Raises:
        Exception: only what `file` itself raises when it is read.
    """
    boxes = iso_boxes.top_boxes(file, size_bytes)
    tracks = None if iso_boxes.is_damaged(file, boxes) else _media_info(file)
    if tracks is None:
        return MediaProbe(size_bytes=size_bytes, is_damaged=True)
    general, video, audio = (_first(tracks, kind) for kind in ("General", "Video", "Audio"))
    container = _container(general, has_video=bool(video))
    if container is None:
        return MediaProbe(size_bytes=size_bytes)
    is_cut = bool(boxes) and iso_boxes.is_cut(file, boxes, size_bytes)
    duration_ms = _duration_ms(general, video)
    return MediaProbe(
        size_bytes=size_bytes,
        container=container,
        is_truncated=is_cut or general.get("istruncated") == "Yes",
        is_streamable=iso_boxes.index_comes_first(boxes),
        duration_ms=duration_ms,
        bitrate_kbps=round(size_bytes * 8 / duration_ms) if duration_ms else None,
        video=_video_track(video, iso_boxes.avc_name(file, boxes)) if video else None,
        audio=_audio_track(audio) if audio else None,
    )


class _BudgetedFile:
    """The file as MediaInfo sees it: it ends when the budget of bytes is spent."""

    def __init__(self, file: SeekableFile) -> None:
        self._file = file
        self._bytes_left = _READ_BUDGET_BYTES
        self._thinking_since: float | None = monotonic()

    @property
    def is_spent(self) -> bool:
        return self._bytes_left <= 0

    @property
    def thinking_s(self) -> float:
        """How long MediaInfo has not asked for bytes; waiting for them does not count."""
        since = self._thinking_since
        return 0.0 if since is None else monotonic() - since

    def read(self, length: int = -1) -> bytes:
        self._thinking_since = None
        data = b"" if self.is_spent else self._file.read(length)
        self._bytes_left -= len(data)
        self._thinking_since = monotonic()
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


def _media_info(file: SeekableFile) -> list[_Fields] | None:
    """Return the tracks that MediaInfo finds, or None if it does not come to an end."""
    budgeted = _BudgetedFile(file)
    outcome: Future[list[_Fields]] = Future()
    # A daemon, because a thread that is lost in MediaInfo's C code cannot be stopped.
    Thread(target=_parse, args=(budgeted, outcome), daemon=True).start()
    while not wait([outcome], timeout=_THINKING_LIMIT_S / 4).done:
        if budgeted.thinking_s > _THINKING_LIMIT_S:
            return None
    return None if budgeted.is_spent else outcome.result()


def _parse(file: _BudgetedFile, outcome: Future[list[_Fields]]) -> None:
    try:
        # 0 makes MediaInfo stop at the headers; its default reads large parts of the file.
        info = MediaInfo.parse(file, parse_speed=0, encoding_errors="replace")
        assert isinstance(info, MediaInfo)  # noqa: S101 - a text only if `output` is given
        outcome.set_result([track.to_data() for track in info.tracks])
    except ParseError:
        outcome.set_result([])  # the file's own texts broke MediaInfo's XML: nothing to serve
    except BaseException as error:  # noqa: BLE001 - the waiting thread raises it
        outcome.set_exception(error)


def _first(tracks: list[_Fields], kind: str) -> _Fields:
    return next((track for track in tracks if track.get("track_type") == kind), {})


def _whole(value: object) -> int | None:
    """Return MediaInfo's figure, an int or a text such as `2045.688`, as a whole number."""
    try:
        return round(float(str(value)))
    except (ValueError, OverflowError):
        return None


def _container(general: _Fields, *, has_video: bool) -> str | None:
    format_name = str(general.get("format", ""))
    container = _CONTAINERS.get(format_name)
    if container == "mp4":
        brand = str(general.get("codec_id", "qt"))  # only old QuickTime has no brand
        return "mov" if brand.startswith("qt") else "3gp" if brand.startswith("3g") else "mp4"
    if container is None and has_video:
        return format_name.lower()
    return container


def _duration_ms(general: _Fields, video: _Fields) -> int | None:
    longest, picture = _whole(general.get("duration")), _whole(video.get("duration"))
    if longest is None or picture is None:
        return longest or picture
    return longest if longest - picture > _SOUND_PADDING_MS else picture


def _family(track: _Fields) -> str:
    name = str(track.get("format", "unknown"))
    return _CODEC_FAMILIES.get(name, name.lower())


def _video_track(track: _Fields, avc_name: str | None) -> VideoTrack:
    family = _family(track)
    scan_type, frame_rate = track.get("scan_type"), track.get("frame_rate")
    return VideoTrack(
        width_px=_whole(track.get("width")) or 0,
        height_px=_whole(track.get("height")) or 0,
        codec_family=family,
        codec=avc_name if family == "h264" else track.get("codec_id"),
        frame_rate_milli=_whole(float(frame_rate) * 1000) if frame_rate else None,
        scan_type=scan_type.lower() if scan_type else None,
        chroma=track.get("chroma_subsampling"),
        bit_depth=_whole(track.get("bit_depth")),
    )


def _audio_track(track: _Fields) -> AudioTrack:
    name = track.get("codec_id")
    return AudioTrack(
        codec_family=_family(track),
        # MediaInfo writes RFC 6381's dots as hyphens: mp4a-40-2.
        codec=name.replace("-", ".") if name and name.startswith("mp4a") else name,
        channels=_whole(track.get("channel_s")),
        sampling_rate_hz=_whole(track.get("sampling_rate")),
    )
