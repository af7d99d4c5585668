"""Reads the facts of a media file from its headers, over any seekable file object.

MediaInfo tells tracks, durations and formats. It does not tell the constraint flags that an
RFC 6381 codec name needs, nor does it miss an index that a cut has removed to the byte; both
stand in the boxes of the ISO base media file format (ISO/IEC 14496-12), so this module reads
those boxes' headers itself.
"""

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, BinaryIO
from xml.etree.ElementTree import ParseError

from pymediainfo import MediaInfo

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
_ISO_CONTAINERS = {"mp4", "mov", "3gp"}

# A file may declare millions of boxes of 8 bytes. A fragment for every frame of a long ad at
# 60 frames per second takes two boxes per frame, which still fits.
_MAX_BOXES = 20_000

# AAC comes in whole frames of about 21 ms and muxers pad the last one, so sound that outlasts
# the picture by this much is no part of the ad's length.
_SOUND_PADDING_MS = 250

_Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Box:
    """A box: its four-letter kind, and where its content stands in the file."""

    kind: bytes
    starts_at: int
    ends_at: int


def probe_media(file: BinaryIO, *, size_bytes: int) -> MediaProbe:
    """Return what a media file's headers tell; content that is no video gives an empty probe.

    Reads the headers and a few frames, not the whole file, and leaves `file` open.

    Args:
        file: seekable, opened for reading bytes.
        size_bytes: how large the file is.

    Raises:
        Exception: only what `file` itself raises when it is read.
    """
    tracks = _media_info(file)
    general = _first(tracks, "General")
    video, audio = _first(tracks, "Video"), _first(tracks, "Audio")
    container = _container(general, has_video=bool(video))
    if container is None:
        return MediaProbe(size_bytes=size_bytes)
    is_iso = container in _ISO_CONTAINERS
    boxes = list(islice(_boxes(file, 0, size_bytes), _MAX_BOXES)) if is_iso else []
    duration_ms = _duration_ms(general, video)
    return MediaProbe(
        size_bytes=size_bytes,
        container=container,
        is_truncated=_says_truncated(general) or (is_iso and _is_cut(file, boxes, size_bytes)),
        is_streamable=_index_comes_first(boxes),
        duration_ms=duration_ms,
        bitrate_kbps=round(size_bytes * 8 / duration_ms) if duration_ms else None,
        video=_video_track(video, _avc_name(file, boxes)) if video else None,
        audio=_audio_track(audio) if audio else None,
    )


def _media_info(file: BinaryIO) -> list[_Fields]:
    try:
        # 0 makes MediaInfo stop at the headers; its default reads large parts of the file.
        info = MediaInfo.parse(file, parse_speed=0, encoding_errors="replace")
    except ParseError:
        return []  # the file's own texts broke MediaInfo's XML: it is no file to serve
    assert isinstance(info, MediaInfo)  # noqa: S101 - it is a text only if `output` is given
    return [track.to_data() for track in info.tracks]


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


def _says_truncated(general: _Fields) -> bool:
    return general.get("istruncated") == "Yes"


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


# --- Boxes of the ISO base media file format --------------------------------------------------


def _boxes(file: BinaryIO, starts_at: int, ends_at: int) -> Iterator[_Box]:
    """Yield the boxes between two places, reading their headers only; stop at nonsense."""
    while starts_at + 8 <= ends_at:
        file.seek(starts_at)
        header = file.read(16)
        size, length = int.from_bytes(header[:4]), 8
        if size == 1:
            size, length = int.from_bytes(header[8:16]), 16
        elif size == 0:  # the box goes on to the end of the file
            size = ends_at - starts_at
        if size < length or len(header) < length:
            return
        yield _Box(header[4:8], starts_at + length, starts_at + size)
        starts_at += size


def _is_cut(file: BinaryIO, boxes: list[_Box], size_bytes: int) -> bool:
    """Tell whether an ISO file lacks its index, its pictures or the end of a box."""
    kinds = {box.kind for box in boxes}
    # Garbage behind the last box harms nobody; only kinds that players read count.
    needed = (box for box in boxes if box.kind in {b"moov", b"mdat", b"moof"})
    if not {b"moov", b"mdat"} <= kinds or any(box.ends_at > size_bytes for box in needed):
        return True
    # A box may be declared to go on to the end, wherever that is: its samples tell its size.
    present = sum(box.ends_at - box.starts_at for box in boxes if box.kind == b"mdat")
    return present < sum(_sample_bytes(file, box) for box in boxes if box.kind == b"moov")


def _sample_bytes(file: BinaryIO, index: _Box) -> int:
    """Return how many bytes of samples the index lists; those of fragments are not in it."""
    total = 0
    for table in _inside(file, index, b"trak", b"mdia", b"minf", b"stbl", b"stsz"):
        file.seek(table.starts_at + 4)  # behind version and flags
        common_size, count = int.from_bytes(file.read(4)), int.from_bytes(file.read(4))
        sizes = array("I")
        if not common_size and 4 * count <= table.ends_at - file.tell():
            sizes.frombytes(file.read(4 * count))
            sizes.byteswap()  # the file is big-endian, every machine we run on is not
        total += common_size * count + sum(sizes)
    return total


def _index_comes_first(boxes: list[_Box]) -> bool:
    order = [box.kind for box in boxes if box.kind in {b"moov", b"mdat"}]
    return order[:1] == [b"moov"]


def _inside(file: BinaryIO, outer: _Box, *path: bytes) -> Iterator[_Box]:
    """Yield every box at `path` below `outer`."""
    for box in islice(_boxes(file, outer.starts_at, outer.ends_at), _MAX_BOXES):
        if box.kind == path[0]:
            yield from _inside(file, box, *path[1:]) if path[1:] else (box,)


def _avc_name(file: BinaryIO, boxes: list[_Box]) -> str | None:
    """Return the RFC 6381 name of the first H.264 track: `avc1.640028`.

    Its six digits are the profile, constraint flags and level of the decoder configuration
    record (ISO/IEC 14496-15), as they stand in the file.
    """
    for index in (box for box in boxes if box.kind == b"moov"):
        for table in _inside(file, index, b"trak", b"mdia", b"minf", b"stbl", b"stsd"):
            # The table opens with version, flags and a count, 8 bytes in all.
            entries = _Box(table.kind, table.starts_at + 8, table.ends_at)
            for entry in _boxes(file, entries.starts_at, entries.ends_at):
                # The fields of a picture's entry take 78 bytes; more boxes follow them.
                fields = _Box(entry.kind, entry.starts_at + 78, entry.ends_at)
                for record in _inside(file, fields, b"avcC"):
                    file.seek(record.starts_at)
                    return f"{entry.kind.decode('latin-1')}.{file.read(4)[1:].hex().upper()}"
    return None
