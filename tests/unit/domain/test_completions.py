"""Completion rates are rounded, so that what is published changes seldom and stays true."""

import pytest

from ctv_ads.domain.completions import Completions, rounded_completions


@pytest.mark.parametrize("impressions", [0, 1, 7])
def test_of_few_impressions_nothing_is_published(impressions: int) -> None:
    assert rounded_completions(impressions, impressions) is None


@pytest.mark.parametrize(
    ("counted", "published"),
    [
        ((8, 8), Completions(8, 8)),
        ((15, 7), Completions(8, 4)),
        ((100, 0), Completions(64, 0)),
        ((100, 100), Completions(64, 64)),
        ((100, 130), Completions(64, 64)),
        ((100, 90), Completions(64, 58)),
        ((1_000_000, 900_000), Completions(4096, 3712)),
    ],
)
def test_what_is_published_is_rounded(counted: tuple[int, int], published: Completions) -> None:
    assert rounded_completions(*counted) == published


def test_a_rate_is_told_once_enough_have_seen_the_film() -> None:
    assert Completions(32, 32).rate_bp is None
    assert Completions(64, 48).rate_bp == 7_500


def test_a_film_that_is_seen_as_ever_changes_a_dozen_times_in_its_life() -> None:
    seen = {rounded_completions(count, count * 3 // 4) for count in range(8, 100_000)}
    assert len(seen) < 16


@pytest.mark.parametrize("impressions", [64, 333, 4095, 70_001])
def test_a_rounded_rate_is_near_the_true_one(impressions: int) -> None:
    for completes in range(0, impressions, max(impressions // 50, 1)):
        found = rounded_completions(impressions, completes)
        assert found is not None
        assert abs((found.rate_bp or 0) - completes * 10_000 // impressions) <= 10_000 / 64 + 1
