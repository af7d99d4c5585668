"""VAST documents of every version, out of compiled fragments.

Play order is document order: MediaTailor ignores `Ad@sequence` unless told otherwise, and so
do some players, so it only repeats what the order says.
"""

from collections.abc import Sequence
from typing import NamedTuple

from ctv_ads.domain.inventory import ServableCreative, ServableLineItem
from ctv_ads.domain.placement import VastVersion
from ctv_ads.vast.fragments import FragmentMemo
from ctv_ads.vast.versions import RULES

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
_MEMO = FragmentMemo()


class PodAd(NamedTuple):
    """One ad of a pod.

    `ad_serving_id` is unique over the whole answer; it and `token` consist of characters that
    XML and addresses take as they are (letters, digits, `-`, `_`). `expires_s` is how long the
    reservation holds, in seconds: an ad that has not begun to play by then is not paid for.
    """

    ad_serving_id: str
    line_item: ServableLineItem
    creative: ServableCreative
    token: str
    expires_s: int


def vast_document(
    ads: Sequence[PodAd], *, version: VastVersion, base_url: str, memo: FragmentMemo = _MEMO
) -> str:
    """Return the document that plays `ads` in this order; without any, the version's empty one.

    `base_url` is where our beacons are called, without a slash at its end.

    Only a real pod has `Ad@sequence`: behind a wrapper a lone ad with one would vanish (VAST
    4.2 §3.19, allowMultipleAds). 2.0 has none at all; there a pod is several ads, which
    stitchers play in order, and a player that takes them for a choice plays the first.

    The empty document has no Error below its root: 2.0 and 3.0 know none, from 4.0 on it is
    optional (VAST 4.2 §3.2.1), most players never call it, and no-fills are counted when they
    are decided.
    """
    return DECLARATION + vast_element(ads, version=version, base_url=base_url, memo=memo)


def vast_element(
    ads: Sequence[PodAd], *, version: VastVersion, base_url: str, memo: FragmentMemo = _MEMO
) -> str:
    """Return the document without its XML declaration, as it stands in VMAP."""
    rules = RULES[version]
    if not ads:
        return f"{rules.open_root}/>"
    is_numbered = len(ads) > 1 and rules.has_pods
    written = [f"{rules.open_root}>"]
    for number, ad in enumerate(ads, 1):
        fragment = memo.get(ad.line_item, ad.creative, version, base_url)
        sequence = f' sequence="{number}"' if is_numbered else ""
        written.append(f'<Ad id="{ad.ad_serving_id}"{sequence}>{ad.token.join(fragment.head)}')
        if fragment.body:
            body = ad.token.join(fragment.body)
            written.append(f"{ad.ad_serving_id}{body}{ad.expires_s}{fragment.tail}")
    written.append("</VAST>")
    return "".join(written)
