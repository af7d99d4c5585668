"""Golden documents of every version: `tests/cases/vast/<version>/<name>.xml`."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ctv_ads.domain.placement import VastVersion
from ctv_ads.vast.breaks import read_breaks
from ctv_ads.vast.document import PodAd, vast_document
from ctv_ads.vast.vmap import InlineBreak, TagBreak, tag_url, vmap_document
from tests.builders import a_servable_creative, a_servable_line_item
from tests.vast_tools import BASE_URL, EVERYTHING, TAG, VERSIONS

FOLDER = Path(__file__).resolve().parent / "cases" / "vast"
_DECISION = "0193593b-0000-7000-8000-00000000000d"
_POSITIONS = read_breaks("start,00:10:00.000,50%,end").positions


def an_ad(slot: int, **creative: Any) -> PodAd:
    """The ad of that slot, the same in every run."""
    return PodAd(
        ad_serving_id=f"{_DECISION}-{slot}",
        line_item=a_servable_line_item(
            line_item_id=f"0193593b-0000-7000-8000-0000000001{slot:02}",
            advertiser_name='Acme & Söhne <"1989">',
            category="1002",
        ),
        creative=a_servable_creative(
            creative_id=f"0193593b-0000-7000-8000-0000000002{slot:02}",
            name=f"Winter tyres {slot} 🛞 \u05e6\u05de\u05d9\u05d2\u05d9\u05dd",
            duration_ms=10_000 * slot + 40,
            **creative,
        ),
        token=f"token-of-slot-{slot}",
        expires_s=14_400,
    )


def _vast(*ads: PodAd) -> Callable[[VastVersion], str]:
    return lambda version: vast_document(ads, version=version, base_url=BASE_URL)


def _inline(version: VastVersion) -> str:
    pods: tuple[list[PodAd], ...] = (
        [an_ad(1)],
        [an_ad(2), an_ad(3, vast_tag_url=TAG)],
        [],
        [an_ad(4)],
    )
    breaks = [
        InlineBreak(position, f"token-of-{position.break_id}", pod)
        for position, pod in zip(_POSITIONS, pods, strict=True)
    ]
    return vmap_document(breaks, version=version, base_url=BASE_URL)


def _by_tag(version: VastVersion) -> str:
    asked = {"placement": "preroll", "version": version.value, "breaks": "start", "genre": "A & B"}
    breaks = [
        TagBreak(position, f"token-of-{position.break_id}", tag_url(BASE_URL, asked, position, n))
        for n, position in enumerate(_POSITIONS, 1)
    ]
    return vmap_document(breaks, version=version, base_url=BASE_URL)


VAST_CASES: Mapping[str, Callable[[VastVersion], str]] = {
    "no_ad": _vast(),
    "one_ad": _vast(an_ad(1)),
    "pod_of_four": _vast(*(an_ad(slot) for slot in range(1, 5))),
    "everything": _vast(an_ad(1, **EVERYTHING), an_ad(2, **EVERYTHING)),
    "wrapper": _vast(an_ad(1, vast_tag_url=TAG)),
    "wrapper_in_pod": _vast(
        an_ad(1), an_ad(2, vast_tag_url=TAG, **EVERYTHING), an_ad(3, vast_tag_url=TAG)
    ),
}
VMAP_CASES: Mapping[str, Callable[[VastVersion], str]] = {
    "vmap_inline": _inline,
    "vmap_by_tag": _by_tag,
}


def expected(name: str, version: VastVersion, written: str) -> str:
    """Return the golden document; with UPDATE_CASES=1, make it what is written now."""
    golden = FOLDER / version / f"{name}.xml"
    if os.environ.get("UPDATE_CASES"):
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(written, "utf-8")
    return golden.read_text("utf-8")


def every_case(
    cases: Mapping[str, Callable[[VastVersion], str]],
) -> list[tuple[str, VastVersion, str]]:
    """Return name, version and document of each case in each version."""
    return [(name, version, cases[name](version)) for name in cases for version in VERSIONS]
