"""VAST 4.2 documents, in the order that the official XSD wants."""

from dataclasses import dataclass
from xml.sax.saxutils import escape

from ctv_ads.domain.beacon import TRACKED_EVENTS, BeaconEvent
from ctv_ads.domain.inventory import ServableCreative
from ctv_ads.vast.tracking import AdTracking

AD_SYSTEM = "CTV Ad Server"
_ROOT = '<VAST version="4.2" xmlns="http://www.iab.com/VAST"'
_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'

NO_AD = f"{_DECLARATION}{_ROOT}/>"
"""The valid empty answer. It carries no Error address: most players never call it, so
no-fills are counted when they are decided (VAST 4.2 §3.2.1 makes Error optional)."""


@dataclass(frozen=True, slots=True)
class InlineAd:
    """One linear ad, ready to be written."""

    ad_serving_id: str
    advertiser_name: str
    creative: ServableCreative
    tracking: AdTracking


def vast_document(ad: InlineAd) -> str:
    """Return the VAST 4.2 document that plays `ad`.

    `Ad@sequence` is left out: behind a wrapper a lone ad with a sequence would vanish
    (VAST 4.2 §3.3.1 keeps it for pods).
    """
    tracking = ad.tracking
    return (
        f"{_DECLARATION}{_ROOT}>"
        f'<Ad id="{ad.ad_serving_id}"><InLine>'
        f"<AdSystem>{AD_SYSTEM}</AdSystem>"
        f"<Error>{_cdata(tracking.vast_url(BeaconEvent.ERROR))}</Error>"
        f"<Impression>{_cdata(tracking.vast_url(BeaconEvent.IMPRESSION))}</Impression>"
        f"<AdServingId>{ad.ad_serving_id}</AdServingId>"
        f"<AdTitle>{_text(ad.creative.name)}</AdTitle>"
        f"<Advertiser>{_text(ad.advertiser_name)}</Advertiser>"
        f"<Creatives>{_creative(ad.creative, tracking)}</Creatives>"
        "</InLine></Ad></VAST>"
    )


def _creative(creative: ServableCreative, tracking: AdTracking) -> str:
    events = "".join(
        f'<Tracking event="{event}">{_cdata(tracking.vast_url(event))}</Tracking>'
        for event in TRACKED_EVENTS
    )
    # MediaTailor keeps its transcode by Creative@id, so it is the creative's immutable id.
    return (
        f'<Creative id="{creative.creative_id}"><Linear>'
        f"<TrackingEvents>{events}</TrackingEvents>"
        f"<Duration>{_duration(creative.duration_ms)}</Duration>"
        f"<MediaFiles>{_media_file(creative)}</MediaFiles>"
        f"{_video_clicks(creative, tracking)}</Linear>"
        '<UniversalAdId idRegistry="unknown">unknown</UniversalAdId></Creative>'
    )


def _media_file(creative: ServableCreative) -> str:
    return (
        f'<MediaFile delivery="progressive" type="{creative.mime_type}"'
        f' width="{creative.width_px}" height="{creative.height_px}"'
        f' codec="{creative.codec}" bitrate="{creative.bitrate_kbps}"'
        f' fileSize="{creative.size_bytes}">{_cdata(creative.media_url)}</MediaFile>'
    )


def _video_clicks(creative: ServableCreative, tracking: AdTracking) -> str:
    if creative.click_through_url is None:
        return ""
    return (
        f"<VideoClicks><ClickTracking>{_cdata(tracking.vast_url(BeaconEvent.CLICK_TRACKING))}"
        f"</ClickTracking><ClickThrough>{_cdata(creative.click_through_url)}</ClickThrough>"
        "</VideoClicks>"
    )


def _duration(duration_ms: int) -> str:
    """Return HH:MM:SS.mmm (VAST 4.2 §3.8.1)."""
    seconds, ms = divmod(duration_ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}.{ms:03}"


def _text(text: str) -> str:
    return escape(text)


def _cdata(url: str) -> str:
    """Return `url` as CDATA; a literal `]]>` would end it early, so it is split in two."""
    return f"<![CDATA[{url.replace(']]>', ']]]]><![CDATA[>')}]]>"
