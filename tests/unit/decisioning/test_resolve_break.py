"""What a request asks for, together with what the placement says."""

from typing import Any

import pytest

from ctv_ads.decisioning.resolve_break import (
    MAX_ADS_IN_POD,
    USUAL_ADS,
    ResolvedBreak,
    resolve_break,
    slots_in_time,
)
from ctv_ads.domain.ad_request import AdBreak
from ctv_ads.domain.ids import OrganizationId, PlacementId
from ctv_ads.domain.inventory import PublishedPlacement
from ctv_ads.domain.pod import PodSpec


def resolved(asked: AdBreak, **terms: Any) -> ResolvedBreak:
    return resolve_break(asked, PublishedPlacement(PlacementId("p"), OrganizationId("o"), **terms))


def test_without_length_and_number_one_ad_is_wanted() -> None:
    assert resolved(AdBreak()) == ResolvedBreak(PodSpec(None, 1), 0, None)
    assert resolved(AdBreak(), max_ads=4, default_break_ms=60_000).spec == PodSpec(None, 1)


def test_a_length_is_filled_with_as_many_ads_as_the_placement_takes() -> None:
    assert resolved(AdBreak(duration_ms=90_000)).spec == PodSpec(90_000, MAX_ADS_IN_POD)
    assert resolved(AdBreak(duration_ms=90_000), max_ads=4).spec == PodSpec(90_000, 4)


def test_a_number_without_a_length_is_bounded_by_the_placement_only() -> None:
    assert resolved(AdBreak(max_ads=3)).spec == PodSpec(None, 3)
    assert resolved(AdBreak(max_ads=3), max_ads=2).spec == PodSpec(None, 2)
    assert resolved(AdBreak(max_ads=500)).spec == PodSpec(None, MAX_ADS_IN_POD)


def test_a_length_that_nobody_knows_is_the_placements_default() -> None:
    unknown = AdBreak(duration_ms=300_000, is_length_unknown=True)
    assert resolved(unknown, default_break_ms=120_000).spec.duration_ms == 120_000
    assert resolved(unknown).spec == PodSpec(None, 1)


@pytest.mark.parametrize(
    ("spec", "least_ms", "slots"),
    [
        (PodSpec(600_000, MAX_ADS_IN_POD), 15_000, 40),
        (PodSpec(600_000, 30), 15_000, 30),
        (PodSpec(90_000, MAX_ADS_IN_POD), 15_000, USUAL_ADS),
        (PodSpec(90_000, 4), 15_000, 4),
        (PodSpec(86_400_000, MAX_ADS_IN_POD), 1, MAX_ADS_IN_POD),
        (PodSpec(50_000, MAX_ADS_IN_POD), 1, 50),
        (PodSpec(None, 60), 15_000, 60),
    ],
)
def test_a_long_break_has_slots_for_the_shortest_ads(
    spec: PodSpec, least_ms: int, slots: int
) -> None:
    assert slots_in_time(spec, least_ms) == PodSpec(spec.duration_ms, slots)


def test_several_ads_of_an_unknown_length_have_an_end_all_the_same() -> None:
    unknown = AdBreak(duration_ms=300_000, max_ads=4, is_length_unknown=True)
    assert resolved(unknown).spec == PodSpec(300_000, 4)
    assert resolved(unknown, default_break_ms=60_000).spec == PodSpec(60_000, 4)


@pytest.mark.parametrize(
    ("asked", "terms", "lengths"),
    [
        (AdBreak(min_ad_ms=5_000), {"min_ad_ms": 6_000}, (6_000, None)),
        (AdBreak(min_ad_ms=7_000), {"min_ad_ms": 6_000}, (7_000, None)),
        (AdBreak(max_ad_ms=30_000), {"max_ad_ms": 20_000}, (0, 20_000)),
        (AdBreak(max_ad_ms=15_000), {"max_ad_ms": 20_000}, (0, 15_000)),
        (AdBreak(duration_ms=10_000), {"max_ad_ms": 20_000}, (0, 10_000)),
    ],
)
def test_of_two_limits_the_tighter_holds(
    asked: AdBreak, terms: dict[str, int], lengths: tuple[int, int | None]
) -> None:
    found = resolved(asked, **terms)
    assert (found.min_ad_ms, found.max_ad_ms) == lengths
