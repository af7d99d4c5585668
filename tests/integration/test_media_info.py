"""Real files, made by FFmpeg, through MediaInfo and the judgement."""

import io
import threading
from collections.abc import Callable
from pathlib import Path
from xml.etree.ElementTree import ParseError

import pytest
from pymediainfo import MediaInfo

from ctv_ads.adapters import iso_boxes, media_info
from ctv_ads.adapters.media_info import probe_media
from ctv_ads.domain.media import (
    AudioTrack,
    MediaLimits,
    MediaProbe,
    RejectionCode,
    VideoTrack,
    judge_media,
)
from tests import media

LIMITS = MediaLimits(max_size_bytes=100_000_000, max_duration_ms=120_000)


def probe(content: bytes) -> MediaProbe:
    return probe_media(io.BytesIO(content), size_bytes=len(content))


def codes(content: bytes, declared: str = "video/mp4") -> list[str]:
    found = judge_media(probe(content), declared_content_type=declared, limits=LIMITS)
    return [str(rejection.code) for rejection in found]


def boxes(content: bytes | bytearray) -> dict[str, tuple[int, int]]:
    """Return where each outermost box starts and ends; the last of its kind."""
    found, place = {}, 0
    while place < len(content):
        size = int.from_bytes(content[place : place + 4])
        found[content[place + 4 : place + 8].decode()] = (place, place + size)
        place += size
    return found


def test_a_good_mp4_is_measured_exactly() -> None:
    content = media.good_mp4().read_bytes()
    assert probe(content) == MediaProbe(
        size_bytes=len(content),
        container="mp4",
        is_truncated=False,
        is_streamable=True,
        duration_ms=2000,
        bitrate_kbps=round(len(content) * 8 / 2000),
        video=VideoTrack(
            width_px=320,
            height_px=180,
            codec_family="h264",
            codec="avc1.64000C",
            frame_rate_milli=25_000,
            scan_type="progressive",
            chroma="4:2:0",
            bit_depth=8,
        ),
        audio=AudioTrack(
            codec_family="aac", codec="mp4a.40.2", channels=2, sampling_rate_hz=48_000
        ),
    )


@pytest.mark.parametrize(
    "file",
    [media.good_mp4, media.index_last_mp4, media.fragmented_mp4, media.silent_mp4],
)
def test_what_players_play_is_fit(file: Callable[[], Path]) -> None:
    assert codes(file().read_bytes()) == []


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        (media.hevc_mp4, ["unsupported_video_codec"]),
        (media.mp3_sound_mp4, ["unsupported_audio_codec"]),
        (media.ten_bit_mp4, ["unsupported_pixel_format"]),
        (media.interlaced_mp4, ["interlaced"]),
        (media.audio_only_mp4, ["no_video_track"]),
        (media.long_mp4, ["too_long"]),
        (media.short_mp4, ["too_short"]),
        (media.raw_h264, ["unsupported_container"]),
        (media.quicktime_mov, ["type_mismatch", "unsupported_container"]),
        (
            media.vp9_webm,
            [
                "type_mismatch",
                "unsupported_container",
                "unsupported_video_codec",
                "unsupported_audio_codec",
            ],
        ),
    ],
)
def test_what_some_players_do_not_play_is_rejected(
    file: Callable[[], Path], expected: list[str]
) -> None:
    assert codes(file().read_bytes()) == expected


@pytest.mark.parametrize("content", [media.JUNK, media.TEXT, media.EMPTY])
def test_what_is_no_video_is_rejected_as_such(content: bytes) -> None:
    assert codes(content) == ["not_a_video"]


@pytest.mark.parametrize(
    ("name", "options", "codec"),
    [
        ("baseline", ("-profile:v", "baseline", "-level", "3.0"), "avc1.42C01E"),
        ("main", ("-profile:v", "main", "-level", "4.0"), "avc1.4D4028"),
        ("high-31", ("-profile:v", "high", "-level", "3.1"), "avc1.64001F"),
        ("high-40", ("-profile:v", "high", "-level", "4.0"), "avc1.640028"),
    ],
)
def test_the_codec_name_has_profile_constraints_and_level(
    name: str, options: tuple[str, ...], codec: str
) -> None:
    file = media.media_file(f"{name}.mp4", *media.H264, *options, *media.AAC)
    video = probe(file.read_bytes()).video
    assert video is not None
    assert video.codec == codec


def test_the_frame_rate_of_american_television_keeps_its_fraction() -> None:
    file = media.media_file("ntsc.mp4", *media.H264, *media.AAC, rate="30000/1001")
    video = probe(file.read_bytes()).video
    assert video is not None
    assert video.frame_rate_milli == 29_970


def test_sound_that_outlasts_the_picture_counts_beyond_padding() -> None:
    options = (*media.H264, *media.AAC)
    padded = media.media_file("fragmented-sound.mp4", *options, "-movflags", "+frag_keyframe")
    assert probe(padded.read_bytes()).duration_ms == 2000
    late = media.media_file("late-sound.mp4", "-t", "1", "-map", "0:v", *options)
    both = media.media_file(
        "outlasting-sound.mp4", "-map", "0:v", "-map", "1:a", "-vf", "trim=end=1", *options
    )
    assert probe(late.read_bytes()).duration_ms == 1000
    assert probe(both.read_bytes()).duration_ms == 2000


@pytest.mark.parametrize("fraction", [0.02, 0.5, 0.9, 0.99, 0.9999])
@pytest.mark.parametrize("file", [media.good_mp4, media.index_last_mp4, media.fragmented_mp4])
def test_a_file_cut_anywhere_is_truncated(file: Callable[[], Path], fraction: float) -> None:
    assert "truncated" in codes(media.truncated(file(), fraction))


@pytest.mark.parametrize("file", [media.good_mp4, media.index_last_mp4])
def test_a_file_cut_between_two_boxes_is_truncated(file: Callable[[], Path]) -> None:
    content = file().read_bytes()
    for _, end in list(boxes(content).values())[:-1]:
        assert codes(content[:end]) == ["truncated"]


def test_a_cut_is_seen_even_when_a_box_claims_to_go_on_to_the_end() -> None:
    content = bytearray(media.good_mp4().read_bytes())
    start, _ = boxes(content)["mdat"]
    content[start : start + 4] = bytes(4)
    assert codes(bytes(content)) == []
    assert codes(bytes(content[:-1])) == ["truncated"]


def test_a_box_with_a_long_size_is_read() -> None:
    content = media.index_last_mp4().read_bytes()
    start, end = boxes(content)["mdat"]
    longer = (1).to_bytes(4) + b"mdat" + (end - start).to_bytes(8)
    # FFmpeg leaves an empty box of 8 bytes before the media, for exactly this purpose.
    whole = content[: start - 8] + longer.replace(
        (end - start).to_bytes(8), (end - start + 8).to_bytes(8)
    )
    assert codes(whole + content[start + 8 :]) == []


def test_garbage_behind_the_last_box_harms_nobody() -> None:
    assert codes(media.good_mp4().read_bytes() + bytes(100)) == []


@pytest.mark.parametrize("table", [b"elst", b"stts", b"stsc", b"sbgp", b"sgpd"])
def test_a_table_that_claims_more_than_it_holds_is_damaged(table: bytes) -> None:
    # MediaInfo would believe it, and fill the memory for a minute.
    content = bytearray(media.good_mp4().read_bytes())
    offset = {b"sbgp": 8, b"sgpd": 12}.get(table, 4)
    count = content.index(table) + 4 + offset
    content[count] = 0xFF
    assert codes(bytes(content)) == ["damaged"]


def test_the_newer_kind_of_a_table_is_known() -> None:
    content = bytearray(media.good_mp4().read_bytes())
    table = content.index(b"sbgp") + 4
    content[table] = 1  # version 1 has one more field before the count
    content[table + 12] = 0xFF
    assert codes(bytes(content)) == ["damaged"]


def test_a_fragment_that_claims_too_many_samples_is_damaged() -> None:
    content = bytearray(media.fragmented_mp4().read_bytes())
    content[content.index(b"trun") + 8] = 0xFF
    assert codes(bytes(content)) == ["damaged"]


def test_nonsense_in_the_index_never_raises() -> None:
    whole = media.good_mp4().read_bytes()
    start, end = boxes(whole)["moov"]
    for place in range(start, end, 61):
        content = bytearray(whole)
        content[place : place + 4] = b"\xff\xff\xff\xff"
        assert set(codes(bytes(content))) <= set(RejectionCode)


def test_a_probe_that_reads_for_ever_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media_info, "_READ_BUDGET_BYTES", 50_000)
    assert codes(media.good_mp4().read_bytes()) == ["damaged"]


def test_a_probe_that_thinks_for_ever_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    monkeypatch.setattr(media_info, "_THINKING_LIMIT_S", 0.5)
    monkeypatch.setattr(MediaInfo, "parse", lambda *_, **__: released.wait(10))
    assert codes(media.good_mp4().read_bytes()) == ["damaged"]
    released.set()


def test_texts_that_break_the_xml_are_no_fault_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    def parse(*_: object, **__: object) -> None:
        raise ParseError

    monkeypatch.setattr(MediaInfo, "parse", parse)
    assert codes(media.good_mp4().read_bytes()) == ["not_a_video"]


def test_countless_boxes_are_not_walked_to_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(iso_boxes, "_MAX_BOXES", 2)
    assert "truncated" in codes(media.good_mp4().read_bytes())


class UnreadableFile(io.BytesIO):
    """Fails as a file on a network may, once MediaInfo reads it."""

    def read(self, length: int | None = -1, /) -> bytes:
        if length and length > 16:
            raise OSError("the network is away")
        return super().read(length)


def test_the_fault_of_the_file_is_no_fault_of_its_content() -> None:
    content = media.good_mp4().read_bytes()
    with pytest.raises(OSError, match="the network is away"):
        probe_media(UnreadableFile(content), size_bytes=len(content))


@pytest.mark.parametrize("index_first", [True, False])
def test_a_large_file_is_read_in_small_part(*, index_first: bool) -> None:
    path = media.large_mp4(index_first=index_first)

    class CountingFile(io.FileIO):
        bytes_read = 0

        def read(self, length: int | None = -1, /) -> bytes:
            data = super().read(length) or b""
            self.bytes_read += len(data)
            return data

    size_bytes = path.stat().st_size
    with CountingFile(path) as file:
        found = probe_media(file, size_bytes=size_bytes)
        assert found.is_streamable is index_first
        assert found.duration_ms == 16_000
        assert size_bytes > 15_000_000
        assert file.bytes_read < 1_000_000
