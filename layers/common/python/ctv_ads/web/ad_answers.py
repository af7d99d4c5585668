"""The JSON answer to an ad request, for clients that do not read VAST."""

from collections.abc import Sequence
from typing import Any

import orjson

from ctv_ads.domain.ids import DecisionId
from ctv_ads.domain.inventory import Rendition
from ctv_ads.domain.reasons import NoFillReason
from ctv_ads.vast.document import PodAd
from ctv_ads.vast.parts import renditions
from ctv_ads.vast.tracking import AdTracking


def json_answer(
    decision_id: DecisionId,
    ads: Sequence[PodAd],
    no_fill_reason: NoFillReason | None,
    *,
    optimality_gap_bp: int,
    base_url: str,
) -> str:
    """Return the document: ads in play order, or the reason why there is none."""
    document = {
        "decision_id": decision_id,
        "ads": [_ad(ad, base_url) for ad in ads],
        "no_fill_reason": no_fill_reason,
        "optimality_gap_bp": optimality_gap_bp,
    }
    return orjson.dumps(document).decode()


def _ad(ad: PodAd, base_url: str) -> dict[str, Any]:
    creative = ad.creative
    return {
        "campaign_id": ad.line_item.campaign_id,
        "line_item_id": ad.line_item.line_item_id,
        "creative_id": creative.creative_id,
        "advertiser": ad.line_item.advertiser_name,
        "title": creative.name,
        "duration_ms": creative.duration_ms,
        "token": ad.token,
        "click_through_url": creative.click_through_url,
        "vast_tag_url": creative.vast_tag_url,
        "media": []
        if creative.vast_tag_url is not None
        else list(map(_media, renditions(creative))),
        "tracking": AdTracking(base_url, ad.token).by_event(),
        "third_party_trackers": [
            {"event": tracker.event, "url": tracker.url} for tracker in creative.trackers
        ],
    }


def _media(rendition: Rendition) -> dict[str, Any]:
    return {
        "url": rendition.url,
        "type": rendition.mime_type,
        "codec": rendition.codec,
        "width": rendition.width_px,
        "height": rendition.height_px,
        "bitrate_kbps": rendition.bitrate_kbps,
    }
