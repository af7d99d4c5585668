"""VAST 4.2 documents, in the order that the official XSD wants."""

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from ctv_ads.domain.beacon import TRACKED_EVENTS, BeaconEvent
from ctv_ads.domain.companions import LINEAR_EVENTS, TrackerEvent, UniversalAdId, Verification
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
    if ad.creative.vast_tag_url is not None:
        return _wrapper_document(ad, ad.creative.vast_tag_url)
    creative, tracking = ad.creative, ad.tracking
    return (
        f"{_DECLARATION}{_ROOT}>"
        f'<Ad id="{ad.ad_serving_id}"><InLine>'
        f"<AdSystem>{AD_SYSTEM}</AdSystem>{_pings(creative, tracking)}"
        f"<AdServingId>{ad.ad_serving_id}</AdServingId>"
        f"<AdTitle>{_text(creative.name)}</AdTitle>"
        f"{_ad_verifications(creative)}"
        f"<Advertiser>{_text(ad.advertiser_name)}</Advertiser>"
        f"<Creatives>{_creative(creative, tracking)}</Creatives>"
        "</InLine></Ad></VAST>"
    )


def _wrapper_document(ad: InlineAd, tag_url: str) -> str:
    """Return the document that plays a third party's ad with our trackers around it.

    A wrapper has no AdServingId, UniversalAdId or media (VAST 4.2 §3.19).
    """
    creative, tracking = ad.creative, ad.tracking
    return (
        f"{_DECLARATION}{_ROOT}>"
        f'<Ad id="{ad.ad_serving_id}"><Wrapper followAdditionalWrappers="true"'
        ' allowMultipleAds="false">'
        f"<AdSystem>{AD_SYSTEM}</AdSystem>{_pings(creative, tracking)}"
        f"{_ad_verifications(creative)}"
        f'<Creatives><Creative id="{creative.creative_id}"><Linear>'
        f"{_tracking_events(creative, tracking)}{_wrapper_clicks(creative, tracking)}"
        f"</Linear></Creative></Creatives>{_elements('VASTAdTagURI', [tag_url])}"
        "</Wrapper></Ad></VAST>"
    )


def _wrapper_clicks(creative: ServableCreative, tracking: AdTracking) -> str:
    """Return our click trackers; where the click leads is the third party's to say."""
    addresses = [
        tracking.vast_url(BeaconEvent.CLICK_TRACKING),
        *_others(creative, TrackerEvent.CLICK_TRACKING),
    ]
    return f"<VideoClicks>{_elements('ClickTracking', addresses)}</VideoClicks>"


def _pings(creative: ServableCreative, tracking: AdTracking) -> str:
    """Return Error* and Impression+: ours first, then those of third parties."""
    errors = [tracking.vast_url(BeaconEvent.ERROR), *_others(creative, TrackerEvent.ERROR)]
    impressions = [
        tracking.vast_url(BeaconEvent.IMPRESSION),
        *_others(creative, TrackerEvent.IMPRESSION),
    ]
    return _elements("Error", errors) + _elements("Impression", impressions)


def _creative(creative: ServableCreative, tracking: AdTracking) -> str:
    # MediaTailor keeps its transcode by Creative@id, so it is the creative's immutable id.
    return (
        f'<Creative id="{creative.creative_id}"><Linear>'
        f"{_tracking_events(creative, tracking)}"
        f"<Duration>{_duration(creative.duration_ms)}</Duration>"
        f"<MediaFiles>{_media_file(creative)}</MediaFiles>"
        f"{_video_clicks(creative, tracking)}</Linear>"
        f"{_universal_ad_id(creative.universal_ad_id)}</Creative>"
    )


def _tracking_events(creative: ServableCreative, tracking: AdTracking) -> str:
    addresses = [(event.value, tracking.vast_url(event)) for event in TRACKED_EVENTS]
    addresses += [(event.value, url) for event in LINEAR_EVENTS for url in _others(creative, event)]
    events = "".join(
        f'<Tracking event="{event}">{_cdata(url)}</Tracking>' for event, url in addresses
    )
    return f"<TrackingEvents>{events}</TrackingEvents>"


def _media_file(creative: ServableCreative) -> str:
    return (
        f'<MediaFile delivery="progressive" type="{creative.mime_type}"'
        f' width="{creative.width_px}" height="{creative.height_px}"'
        f' codec="{creative.codec}" bitrate="{creative.bitrate_kbps}"'
        f' fileSize="{creative.size_bytes}">{_cdata(creative.media_url)}</MediaFile>'
    )


def _video_clicks(creative: ServableCreative, tracking: AdTracking) -> str:
    click_through = creative.click_through_url
    addresses = list(_others(creative, TrackerEvent.CLICK_TRACKING))
    if click_through is not None:
        addresses.insert(0, tracking.vast_url(BeaconEvent.CLICK_TRACKING))
    if not addresses:
        return ""
    through = _elements("ClickThrough", [click_through] if click_through is not None else [])
    return f"<VideoClicks>{_elements('ClickTracking', addresses)}{through}</VideoClicks>"


def _universal_ad_id(ad_id: UniversalAdId | None) -> str:
    """Return the registered id, once; without one both parts are `unknown` (VAST 4.2 §3.7.1)."""
    known = ad_id or UniversalAdId("unknown", "unknown")
    registry, value = quoteattr(known.registry), _text(known.value)
    return f"<UniversalAdId idRegistry={registry}>{value}</UniversalAdId>"


def _ad_verifications(creative: ServableCreative) -> str:
    """Return AdVerifications if a vendor is attached, and never an empty one.

    It holds no TrackingEvents: some players take the first such block of an ad for the
    creative's and lose the quartiles.
    """
    if not creative.verifications:
        return ""
    vendors = "".join(_verification(item) for item in creative.verifications)
    return f"<AdVerifications>{vendors}</AdVerifications>"


def _verification(item: Verification) -> str:
    parameters = _elements("VerificationParameters", [item.parameters] if item.parameters else [])
    return (
        f"<Verification vendor={quoteattr(item.vendor)}>"
        '<JavaScriptResource apiFramework="omid" browserOptional="true">'
        f"{_cdata(item.javascript_url)}</JavaScriptResource>{parameters}</Verification>"
    )


def _others(creative: ServableCreative, event: TrackerEvent) -> Sequence[str]:
    """Return the addresses that third parties want called at `event`."""
    return [tracker.url for tracker in creative.trackers if tracker.event is event]


def _elements(name: str, texts: Sequence[str]) -> str:
    return "".join(f"<{name}>{_cdata(text)}</{name}>" for text in texts)


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
