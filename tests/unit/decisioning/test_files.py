"""Which of a creative's files a break takes, and why it may take none."""

from dataclasses import replace

import pytest

from ctv_ads.decisioning.segments import files
from ctv_ads.decisioning.segments.creatives import fitting_creatives
from ctv_ads.decisioning.segments.files import FileLimits, file_limits, fitted
from ctv_ads.decisioning.segments.query import Query, query_of
from ctv_ads.domain.ad_request import AdRequest
from ctv_ads.domain.ids import OrganizationId, PlacementId
from ctv_ads.domain.inventory import (
    PublishedPlacement,
    Rendition,
    ServableCreative,
    files_of,
)
from ctv_ads.domain.reasons import Reason
from tests.builders import NOON, a_servable_creative

PLACEMENT = PublishedPlacement(PlacementId("p"), OrganizationId("o"))
HLS = "application/x-mpegURL"


def a_file(kbps: int, mime: str = "video/mp4", width_px: int = 1280) -> Rendition:
    height_px = width_px * 9 // 16
    url = f"https://media.example.com/{kbps}"
    return Rendition(url, mime, width_px, height_px, kbps, "avc1.64001f")


FILM = replace(
    a_servable_creative(
        renditions=(a_file(2_500), a_file(4_000, HLS), a_file(16_000, width_px=3840))
    ),
    bitrate_kbps=8_000,
    width_px=1920,
    height_px=1080,
)


def rates(creative: ServableCreative | Reason) -> list[int]:
    assert isinstance(creative, ServableCreative)
    return [file.bitrate_kbps for file in files_of(creative)]


@pytest.mark.parametrize(
    ("limits", "left"),
    [
        (FileLimits(max_bitrate_kbps=8_000), [8_000, 2_500, 4_000]),
        (FileLimits(max_bitrate_kbps=7_999), [2_500, 4_000]),
        (FileLimits(max_bitrate_kbps=2_500), [2_500]),
        (FileLimits(mimes=("video/mp4",)), [8_000, 2_500, 16_000]),
        (FileLimits(mimes=(HLS.lower(),)), [4_000]),
        (FileLimits(("video/mp4",), 3_000), [2_500]),
        (FileLimits(max_width_px=1920), [8_000, 2_500, 4_000]),
        (FileLimits(max_width_px=1280), [2_500, 4_000]),
        (FileLimits(max_height_px=720), [2_500, 4_000]),
    ],
    ids=str,
)
def test_the_files_that_fit_are_left_whichever_came_first(
    limits: FileLimits, left: list[int]
) -> None:
    assert rates(fitted(FILM, limits)) == left
    assert fitted(FILM, limits) is fitted(FILM, limits), "what is packed for it is known again"


def test_a_creative_all_of_whose_files_fit_stays_the_same() -> None:
    assert fitted(FILM, FileLimits(max_bitrate_kbps=16_000)) is FILM
    assert rates(FILM) == [8_000, 2_500, 4_000, 16_000]


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (FileLimits(mimes=("video/webm",)), Reason.CREATIVE_MIME),
        (FileLimits(mimes=()), Reason.CREATIVE_MIME),
        (FileLimits(max_bitrate_kbps=2_499), Reason.CREATIVE_BITRATE),
        (FileLimits(max_width_px=1279), Reason.CREATIVE_DIMENSIONS),
        (FileLimits(max_height_px=719), Reason.CREATIVE_DIMENSIONS),
        (FileLimits((HLS.lower(),), 3_999), Reason.CREATIVE_BITRATE),
        (FileLimits(("video/mp4",), 3_000, 640), Reason.CREATIVE_DIMENSIONS),
    ],
    ids=str,
)
def test_why_none_fits_is_what_the_one_that_came_farthest_lacks(
    limits: FileLimits, reason: Reason
) -> None:
    assert fitted(FILM, limits) is reason


@pytest.mark.parametrize(
    ("asked", "said", "limits"),
    [
        ({}, {}, None),
        ({"accepted_mimes": ("a/b",)}, {}, FileLimits(("a/b",))),
        ({}, {"accepted_mimes": ("a/b",)}, FileLimits(("a/b",))),
        ({"accepted_mimes": ("c/d", "a/b")}, {"accepted_mimes": ("a/b",)}, FileLimits(("a/b",))),
        ({"accepted_mimes": ("c/d",)}, {"accepted_mimes": ("a/b",)}, FileLimits(())),
        ({"max_bitrate_kbps": 5}, {}, FileLimits(max_bitrate_kbps=5)),
        ({}, {"max_bitrate_kbps": 5}, FileLimits(max_bitrate_kbps=5)),
        ({"max_bitrate_kbps": 4}, {"max_bitrate_kbps": 5}, FileLimits(max_bitrate_kbps=4)),
        ({"max_bitrate_kbps": 6}, {"max_bitrate_kbps": 5}, FileLimits(max_bitrate_kbps=5)),
        ({}, {"max_width_px": 9, "max_height_px": 8}, FileLimits(None, None, 9, 8)),
    ],
    ids=str,
)
def test_player_and_placement_both_have_to_accept_a_file(
    asked: dict[str, object], said: dict[str, object], limits: FileLimits | None
) -> None:
    request = replace(AdRequest("p"), **asked)  # type: ignore[arg-type]
    assert file_limits(request, replace(PLACEMENT, **said)) == limits  # type: ignore[arg-type]


def a_query(max_bitrate_kbps: int | None = None) -> Query:
    request = AdRequest("p", max_bitrate_kbps=max_bitrate_kbps)
    return query_of(request, PLACEMENT, now=NOON, seed=1, min_ad_ms=10_000)


def test_only_what_is_left_out_makes_other_creatives() -> None:
    light, heavy, film = (
        replace(a_servable_creative(), bitrate_kbps=rate) for rate in (1_000, 9_000, 1_000)
    )
    creatives = (light, film)
    assert fitting_creatives(creatives, a_query()) is creatives
    assert fitting_creatives(creatives, a_query(max_bitrate_kbps=1_000)) is creatives
    assert fitting_creatives((light, heavy), a_query(max_bitrate_kbps=1_000)) == (light,)
    found = fitting_creatives((light, FILM), a_query(max_bitrate_kbps=3_000))
    assert not isinstance(found, Reason)
    assert found[0] is light
    assert rates(found[1]) == [2_500]


def test_a_creative_that_is_too_short_is_that_before_its_files_are_asked() -> None:
    short = replace(FILM, duration_ms=5_000)
    assert fitting_creatives((short,), a_query()) is Reason.CREATIVE_TOO_SHORT
    limited = a_query(max_bitrate_kbps=1)
    assert fitting_creatives((short,), limited) is Reason.CREATIVE_TOO_SHORT
    assert fitting_creatives((short, FILM), limited) is Reason.CREATIVE_BITRATE
    fitting_files = a_query(max_bitrate_kbps=3_000)
    assert fitting_creatives((short,), fitting_files) is Reason.CREATIVE_TOO_SHORT


def test_of_many_creatives_the_oldest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    known: dict[object, object] = {}
    monkeypatch.setattr(files, "_fitted_before", known)
    creatives = [a_servable_creative() for _ in range(files._MOST_KEPT + 1)]
    for creative in creatives:
        fitted(creative, FileLimits(max_bitrate_kbps=1))
    assert len(known) == files._MOST_KEPT + 1 - files._DROPPED
