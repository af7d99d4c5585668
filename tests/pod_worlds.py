"""Random breaks, viewers and inventories, small enough that their rules meet often."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from hypothesis import strategies as st

from ctv_ads.domain.campaign import LineItemType
from ctv_ads.domain.frequency import CapKey, CapScope, FrequencyCap
from ctv_ads.domain.ids import AdvertiserId, CampaignId
from ctv_ads.domain.inventory import ServableCreative, ServableLineItem
from ctv_ads.domain.line_item import (
    CreativeRotation,
    PodPosition,
    Separation,
    SeparationBy,
    SeparationExtent,
)
from ctv_ads.domain.pod import Candidate, PodSpec, ViewerKeys
from tests.builders import a_servable_creative, a_servable_line_item

HOUR_MS = 3_600_000
CATEGORIES = (None, "cars", "beer")
DOMAINS = (None, "acme.example", "bolt.example")


def an_id(kind: int, number: int) -> str:
    return str(UUID(int=(kind << 64) + number))


CAPS = st.builds(
    FrequencyCap,
    limit=st.integers(1, 4),
    window_ms=st.sampled_from((None, 1_000, 600_000, HOUR_MS, 24 * HOUR_MS, 30 * 24 * HOUR_MS)),
    scope=st.sampled_from(CapScope),
    key=st.sampled_from(CapKey),
)
SEPARATIONS = st.builds(
    Separation, by=st.sampled_from(SeparationBy), extent=st.sampled_from(SeparationExtent)
)


@st.composite
def creatives(draw: st.DrawFn) -> ServableCreative:
    number = draw(st.integers(0, 11))
    return a_servable_creative(
        creative_id=an_id(1, number),
        duration_ms=draw(st.sampled_from((6_000, 10_000, 15_000, 20_000, 30_000))),
        media_sha256=draw(st.sampled_from(("", f"{number % 7:064x}"))),
    )


@st.composite
def line_items(draw: st.DrawFn, number: int, priority: int) -> ServableLineItem:
    value = draw(st.sampled_from((0, 10, 20, 30, 45, 100, 20_000)))
    is_house = priority == 16
    return a_servable_line_item(
        line_item_id=an_id(2, number),
        campaign_id=CampaignId(an_id(3, draw(st.integers(0, 3)))),
        advertiser_id=AdvertiserId(an_id(4, draw(st.integers(0, 2)))),
        priority=priority,
        price_micros=value,
        value_micros=0 if is_house else value,
        type=LineItemType.HOUSE if is_house else LineItemType.STANDARD,
        needs_tokens=draw(st.booleans()) and not is_house,
        category=draw(st.sampled_from(CATEGORIES)),
        advertiser_domain=draw(st.sampled_from(DOMAINS)),
        creatives=draw(st.lists(creatives(), min_size=0, max_size=3, unique_by=_creative_id)),
        frequency_caps=tuple(draw(st.lists(CAPS, max_size=2))),
        counted_caps=tuple(draw(st.lists(CAPS, max_size=1))),
        separation=tuple(draw(st.lists(SEPARATIONS, max_size=1))),
        creative_rotation=draw(
            st.sampled_from((CreativeRotation.EVEN, CreativeRotation.SEQUENTIAL))
        ),
        pod_position=draw(st.sampled_from((PodPosition.ANY, PodPosition.ANY, *PodPosition))),
    )


def _creative_id(creative: ServableCreative) -> str:
    return creative.creative_id


@st.composite
def inventories(draw: st.DrawFn) -> list[ServableLineItem]:
    """Line items in order of their priority."""
    priorities = sorted(draw(st.lists(st.sampled_from((4, 8, 16)), max_size=12)))
    return [draw(line_items(number, priority)) for number, priority in enumerate(priorities)]


def candidates_of(ranked: Sequence[ServableLineItem]) -> list[Candidate]:
    return [Candidate(one, one.creatives, one.price_micros) for one in ranked]


SPECS = st.builds(
    PodSpec,
    duration_ms=st.sampled_from((None, 15_000, 30_000, 45_000, 60_000, 90_000, 120_000)),
    max_ads=st.integers(1, 6),
)
VIEWERS = st.builds(
    ViewerKeys,
    session=st.sampled_from((None, "s1", "s2")),
    device=st.sampled_from((None, "d1")),
    household=st.sampled_from((None, "h1")),
)


@dataclass(frozen=True, slots=True)
class Break:
    """One break: who asks when, for what, with which candidates left in."""

    after: timedelta
    spec: PodSpec
    viewer: ViewerKeys
    offered: tuple[int, ...]
    nodes: int
    least_more_ms: int


BREAKS = st.builds(
    Break,
    after=st.sampled_from(
        [timedelta(seconds=s) for s in (-60, 0, 0, 1, 20, 600, 3_601, 86_300, 86_401, 2_700_000)]
    ),
    spec=SPECS,
    viewer=VIEWERS,
    offered=st.lists(st.integers(0, 11), max_size=12, unique=True).map(
        lambda numbers: tuple(sorted(numbers))
    ),
    nodes=st.sampled_from((0, 3, 120)),
    least_more_ms=st.sampled_from((0, 0, 0, 1, 10_000)),
)
GRANTS = st.dictionaries(st.integers(0, 11), st.integers(0, 200), max_size=12)
