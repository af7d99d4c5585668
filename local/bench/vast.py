"""Writing documents alone: a pod that is decided and signed, as VAST and VMAP."""

from collections.abc import Callable

from ctv_ads.domain.placement import VastVersion
from ctv_ads.vast.breaks import read_breaks
from ctv_ads.vast.document import PodAd, vast_document
from ctv_ads.vast.fragments import FragmentMemo
from ctv_ads.vast.vmap import InlineBreak, vmap_document
from local.bench.inventory import ORGANIZATION, inventory_of
from local.bench.measuring import Figures, measure

_BASE_URL = "https://ads.example.com"
_TOKEN = "t" * 170
_DAY_S = 24 * 60 * 60


def measure_documents(*, calls: int) -> dict[str, Figures]:
    """Return what one document with four ads costs, known and met for the first time."""
    pod = [
        PodAd(f"bench-{slot}", line_item, line_item.creatives[0], _TOKEN, _DAY_S)
        for slot, line_item in enumerate(inventory_of(4).line_items[ORGANIZATION], 1)
    ]
    breaks = [
        InlineBreak(position, _TOKEN, [ad])
        for position, ad in zip(read_breaks("start,25%,50%,end").positions, pod, strict=True)
    ]
    candidates: dict[str, Callable[[], object]] = {
        f"VAST {version}, 4 ads": _writer(pod, version) for version in VastVersion
    }
    candidates["VAST 4.2, 4 ads, first time"] = lambda: vast_document(
        pod, version=VastVersion.V4_2, base_url=_BASE_URL, memo=FragmentMemo()
    )
    candidates["VMAP with VAST 4.2, 4 breaks"] = lambda: vmap_document(
        breaks, version=VastVersion.V4_2, base_url=_BASE_URL
    )
    return measure(candidates, calls=calls)


def _writer(pod: list[PodAd], version: VastVersion) -> Callable[[], object]:
    return lambda: vast_document(pod, version=version, base_url=_BASE_URL)
