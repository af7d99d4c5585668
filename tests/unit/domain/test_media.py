"""Which files become creatives, and what their senders are told if they do not."""

from dataclasses import replace
from typing import Any

import pytest

from ctv_ads.domain.media import (
    AudioTrack,
    MediaFacts,
    MediaLimits,
    MediaProbe,
    Rejection,
    RejectionCode,
    VideoTrack,
    facts_of,
    judge_media,
)

LIMITS = MediaLimits(max_size_bytes=100_000_000, max_duration_ms=120_000)
VIDEO = VideoTrack(
    width_px=1920,
    height_px=1080,
    codec_family="h264",
    codec="avc1.640028",
    frame_rate_milli=29_970,
    scan_type="progressive",
    chroma="4:2:0",
    bit_depth=8,
)
AUDIO = AudioTrack(codec_family="aac", codec="mp4a.40.2", channels=2, sampling_rate_hz=48_000)
FIT = MediaProbe(
    size_bytes=7_500_000,
    container="mp4",
    is_streamable=True,
    duration_ms=30_000,
    bitrate_kbps=2_000,
    video=VIDEO,
    audio=AUDIO,
)


def judged(probe: MediaProbe, declared: str = "video/mp4") -> tuple[Rejection, ...]:
    return judge_media(probe, declared_content_type=declared, limits=LIMITS)


def codes(probe: MediaProbe, declared: str = "video/mp4") -> list[RejectionCode]:
    return [rejection.code for rejection in judged(probe, declared)]


def with_video(**facts: Any) -> MediaProbe:
    return replace(FIT, video=replace(VIDEO, **facts))


def test_an_h264_mp4_with_aac_is_fit() -> None:
    assert judged(FIT) == ()


def test_a_silent_ad_is_fit() -> None:
    assert judged(replace(FIT, audio=None)) == ()


def test_an_index_behind_the_pictures_is_no_reason() -> None:
    assert judged(replace(FIT, is_streamable=False)) == ()


def test_what_the_file_does_not_tell_about_its_pixels_is_no_reason() -> None:
    assert judged(with_video(scan_type=None, chroma=None, bit_depth=None)) == ()


def test_a_file_at_its_limits_is_fit() -> None:
    assert judged(replace(FIT, size_bytes=100_000_000, duration_ms=120_000)) == ()


def test_a_declared_type_may_carry_parameters_and_capitals() -> None:
    assert judged(FIT, 'Video/MP4; codecs="avc1.640028"') == ()


@pytest.mark.parametrize(
    ("probe", "code", "message"),
    [
        (
            MediaProbe(size_bytes=20),
            RejectionCode.NOT_A_VIDEO,
            "The file's content is not a video.",
        ),
        (MediaProbe(size_bytes=0), RejectionCode.NOT_A_VIDEO, "The file is empty."),
        (
            MediaProbe(size_bytes=20, is_damaged=True),
            RejectionCode.DAMAGED,
            "The file's headers are damaged.",
        ),
        (
            replace(FIT, is_truncated=True),
            RejectionCode.TRUNCATED,
            "The file ends early: it refers to more than its 7,500,000 bytes.",
        ),
        (
            replace(FIT, video=None),
            RejectionCode.NO_VIDEO_TRACK,
            "The file has no video track.",
        ),
        (
            with_video(codec_family="hevc", codec="hvc1", bit_depth=10),
            RejectionCode.UNSUPPORTED_VIDEO_CODEC,
            "The video is hevc; it has to be H.264.",
        ),
        (
            with_video(codec="avc3.640028"),
            RejectionCode.UNSUPPORTED_VIDEO_CODEC,
            "The H.264 video is stored as avc3.640028; it has to be avc1.",
        ),
        (
            with_video(codec=None),
            RejectionCode.UNSUPPORTED_VIDEO_CODEC,
            "The H.264 video is stored as an unknown kind; it has to be avc1.",
        ),
        (
            with_video(bit_depth=10),
            RejectionCode.UNSUPPORTED_PIXEL_FORMAT,
            "The video has 10 bits and chroma 4:2:0; it has to be 8 bits and 4:2:0.",
        ),
        (
            with_video(chroma="4:2:2"),
            RejectionCode.UNSUPPORTED_PIXEL_FORMAT,
            "The video has 8 bits and chroma 4:2:2; it has to be 8 bits and 4:2:0.",
        ),
        (
            with_video(scan_type="mbaff"),
            RejectionCode.INTERLACED,
            "The video is interlaced (mbaff); it has to be progressive.",
        ),
        (
            replace(FIT, audio=replace(AUDIO, codec_family="mp3")),
            RejectionCode.UNSUPPORTED_AUDIO_CODEC,
            "The audio is mp3; it has to be AAC, or absent.",
        ),
        (
            replace(FIT, size_bytes=130_000_000),
            RejectionCode.TOO_LARGE,
            "The file has 130 MB; the limit is 100 MB.",
        ),
        (
            replace(FIT, size_bytes=100_000_001),
            RejectionCode.TOO_LARGE,
            "The file has 100.000001 MB; the limit is 100 MB.",
        ),
        (
            replace(FIT, duration_ms=130_000),
            RejectionCode.TOO_LONG,
            "The file is 130 s long; the limit is 120 s.",
        ),
        (
            replace(FIT, duration_ms=40),
            RejectionCode.TOO_SHORT,
            "The file is 0.04 s long; it has to be at least 1 s.",
        ),
        (
            replace(FIT, duration_ms=None),
            RejectionCode.TOO_SHORT,
            "The file is 0 s long; it has to be at least 1 s.",
        ),
    ],
)
def test_one_fault_is_one_reason_with_its_figures(
    probe: MediaProbe, code: RejectionCode, message: str
) -> None:
    assert judged(probe) == (Rejection(code, message),)


def test_another_type_than_declared_is_a_reason() -> None:
    assert judged(FIT, "video/webm") == (
        Rejection(
            RejectionCode.TYPE_MISMATCH,
            "The file was announced as video/webm; its content is video/mp4.",
        ),
    )


def test_an_upload_without_a_type_is_told_so() -> None:
    (rejection,) = judged(FIT, "")
    assert rejection.message == "The file was announced as nothing; its content is video/mp4."


def test_quicktime_is_not_served_even_when_declared() -> None:
    assert judged(replace(FIT, container="mov"), "video/quicktime") == (
        Rejection(
            RejectionCode.UNSUPPORTED_CONTAINER,
            "The file's container is mov; it has to be mp4.",
        ),
    )


def test_a_container_without_a_known_type_is_only_unsupported() -> None:
    assert codes(replace(FIT, container="mxf")) == [RejectionCode.UNSUPPORTED_CONTAINER]


def test_a_bare_stream_is_not_blamed_for_an_untold_length() -> None:
    stream = replace(FIT, container="avc", duration_ms=None)
    assert codes(stream) == [RejectionCode.UNSUPPORTED_CONTAINER]


def test_every_reason_is_told_at_once() -> None:
    webm = replace(
        FIT,
        size_bytes=130_000_000,
        container="webm",
        duration_ms=130_000,
        video=replace(VIDEO, codec_family="vp9", codec="V_VP9"),
        audio=replace(AUDIO, codec_family="opus", codec="A_OPUS"),
    )
    assert codes(webm) == [
        RejectionCode.TOO_LARGE,
        RejectionCode.TYPE_MISMATCH,
        RejectionCode.UNSUPPORTED_CONTAINER,
        RejectionCode.UNSUPPORTED_VIDEO_CODEC,
        RejectionCode.TOO_LONG,
        RejectionCode.UNSUPPORTED_AUDIO_CODEC,
    ]


def test_a_large_file_that_is_no_video_has_both_reasons() -> None:
    junk = MediaProbe(size_bytes=130_000_000)
    assert codes(junk) == [RejectionCode.TOO_LARGE, RejectionCode.NOT_A_VIDEO]


def test_a_truncated_file_is_not_blamed_for_what_it_lost() -> None:
    rest = replace(FIT, is_truncated=True, video=None, audio=None, duration_ms=None)
    assert codes(rest) == [RejectionCode.TRUNCATED]
    assert codes(replace(rest, video=VIDEO)) == [RejectionCode.TRUNCATED]


def test_codes_are_their_own_wire_names() -> None:
    assert {str(code) for code in RejectionCode} == {code.name.lower() for code in RejectionCode}


def test_a_fit_file_gives_the_facts_of_a_creative() -> None:
    facts = facts_of(FIT, sha256="ab" * 32)
    assert facts == MediaFacts(
        duration_ms=30_000,
        width_px=1920,
        height_px=1080,
        frame_rate_milli=29_970,
        video_codec="avc1.640028",
        audio_codec="mp4a.40.2",
        audio_channels=2,
        bitrate_kbps=2_000,
        size_bytes=7_500_000,
        mime_type="video/mp4",
        is_streamable=True,
        sha256="ab" * 32,
    )
    assert facts.codecs == "avc1.640028,mp4a.40.2"


def test_a_silent_ad_names_one_codec() -> None:
    facts = facts_of(replace(FIT, audio=None), sha256="ab" * 32)
    assert (facts.audio_codec, facts.audio_channels, facts.codecs) == (None, None, "avc1.640028")


@pytest.mark.parametrize(
    "unfit",
    [
        replace(FIT, duration_ms=None),
        replace(FIT, bitrate_kbps=None),
        replace(FIT, container=None),
        replace(FIT, video=None),
        with_video(codec=None),
    ],
)
def test_an_unfit_file_gives_no_facts(unfit: MediaProbe) -> None:
    with pytest.raises(ValueError, match="the probe has no"):
        facts_of(unfit, sha256="ab" * 32)
