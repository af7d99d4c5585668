"""The parts of an ad that several versions of VAST share, with a mark where the token goes."""

from collections.abc import Iterable, Sequence

from ctv_ads.domain.beacon import TRACKED_EVENTS, BeaconEvent
from ctv_ads.domain.companions import LINEAR_EVENTS, TrackerEvent, UniversalAdId, Verification
from ctv_ads.domain.inventory import Rendition, ServableCreative, files_of
from ctv_ads.vast.markup import cdata, clean, escaped, foreign_cdata, time_of_day
from ctv_ads.vast.tracking import AdTracking
from ctv_ads.vast.versions import VersionRules

TOKEN = "\0"  # noqa: S105 - a mark, not a secret
"""Stands where each ad has its own token; no text of ours or others' holds it (`clean`)."""

_UNREGISTERED = UniversalAdId("unknown", "unknown")
_H264 = ("avc1", "avc3")


def marked_tracking(base_url: str) -> AdTracking:
    """Return the beacon addresses below `base_url` with the mark for a token."""
    return AdTracking(clean(base_url), TOKEN)


def pings(creative: ServableCreative, tracking: AdTracking, rules: VersionRules) -> tuple[str, str]:
    """Return Error* and Impression+: ours first, then those of third parties.

    Before 4.0 there may be one Error only, so it is ours.
    """
    errors = others(creative, TrackerEvent.ERROR) if rules.is_base_first else ()
    impressions = others(creative, TrackerEvent.IMPRESSION)
    return (
        _own_and_others("Error", tracking.vast_url(BeaconEvent.ERROR), errors),
        _own_and_others("Impression", tracking.vast_url(BeaconEvent.IMPRESSION), impressions),
    )


def tracking_events(creative: ServableCreative, tracking: AdTracking, rules: VersionRules) -> str:
    """Return TrackingEvents: what we count, then what third parties do and the version knows."""
    ours = "".join(_tracking(event, cdata(tracking.vast_url(event))) for event in TRACKED_EVENTS)
    theirs = "".join(
        _tracking(rules.events[event], foreign_cdata(url))
        for event in LINEAR_EVENTS
        if event in rules.events
        for url in others(creative, event)
    )
    return f"<TrackingEvents>{ours}{theirs}</TrackingEvents>"


def video_clicks(creative: ServableCreative, tracking: AdTracking, rules: VersionRules) -> str:
    """Return VideoClicks, or nothing if nobody wants to hear of clicks."""
    through = creative.click_through_url
    theirs = elements("ClickTracking", others(creative, TrackerEvent.CLICK_TRACKING))
    if through is None:
        return f"<VideoClicks>{theirs}</VideoClicks>" if theirs else ""
    page = elements("ClickThrough", [through])
    heard = _click_tracking(tracking) + theirs
    ordered = heard + page if rules.is_base_first else page + heard
    return f"<VideoClicks>{ordered}</VideoClicks>"


def wrapper_clicks(creative: ServableCreative, tracking: AdTracking) -> str:
    """Return our click trackers; where the click leads is the third party's to say."""
    theirs = elements("ClickTracking", others(creative, TrackerEvent.CLICK_TRACKING))
    return f"<VideoClicks>{_click_tracking(tracking)}{theirs}</VideoClicks>"


def duration(duration_ms: int, rules: VersionRules) -> str:
    """Return Duration, in 2.0 to the nearest second: it knows no fractions (2.0 §2.3.3)."""
    if rules.has_pods:
        return f"<Duration>{time_of_day(duration_ms)}</Duration>"
    seconds = max(1, (duration_ms + 500) // 1000)
    return f"<Duration>{time_of_day(seconds * 1000)[:8]}</Duration>"


def media_files(creative: ServableCreative, rules: VersionRules) -> str:
    """Return MediaFiles with every rendition, the best first."""
    files = "".join(_media_file(item, rules) for item in renditions(creative))
    return f"<MediaFiles>{files}</MediaFiles>"


def renditions(creative: ServableCreative) -> Sequence[Rendition]:
    """Return the creative's files, best first.

    Many players take the first that they can play, and every one plays H.264 in MP4; stitchers
    take the one of the highest bitrate, wherever it stands.
    """
    return sorted(files_of(creative), key=_preference)


def universal_ad_id(ad_id: UniversalAdId | None, *, has_id_value: bool) -> str:
    """Return the registered id, once; without one both parts are `unknown` (VAST 4.2 §3.7.1)."""
    known = ad_id or _UNREGISTERED
    value = escaped(known.value)
    attribute = f' idValue="{value}"' if has_id_value else ""
    registry = escaped(known.registry)
    return f'<UniversalAdId idRegistry="{registry}"{attribute}>{value}</UniversalAdId>'


def ad_verifications(creative: ServableCreative) -> str:
    """Return AdVerifications if a vendor is attached, and never an empty one.

    It holds no TrackingEvents: some players take the first such block of an ad for the
    creative's and lose the quartiles.
    """
    if not creative.verifications:
        return ""
    vendors = "".join(_verification(item) for item in creative.verifications)
    return f"<AdVerifications>{vendors}</AdVerifications>"


def extension(kind: str, content: str) -> str:
    """Return an Extension that holds `content`, or nothing without any."""
    return f'<Extension type="{kind}">{content}</Extension>' if content else ""


def elements(name: str, texts: Iterable[str]) -> str:
    """Return one element with each of the texts that others have written."""
    return "".join(f"<{name}>{foreign_cdata(text)}</{name}>" for text in texts)


def others(creative: ServableCreative, event: TrackerEvent) -> Sequence[str]:
    """Return the addresses that third parties want called at `event`."""
    return [tracker.url for tracker in creative.trackers if tracker.event is event]


def _own_and_others(name: str, own: str, theirs: Iterable[str]) -> str:
    return f"<{name}>{cdata(own)}</{name}>{elements(name, theirs)}"


def _tracking(event: str, address: str) -> str:
    return f'<Tracking event="{event}">{address}</Tracking>'


def _click_tracking(tracking: AdTracking) -> str:
    own = cdata(tracking.vast_url(BeaconEvent.CLICK_TRACKING))
    return f"<ClickTracking>{own}</ClickTracking>"


def _preference(item: Rendition) -> tuple[bool, bool, int]:
    is_h264_file = item.mime_type == "video/mp4" and item.codec.startswith(_H264)
    return (not is_h264_file, item.is_streaming, -item.bitrate_kbps)


def _media_file(item: Rendition, rules: VersionRules) -> str:
    delivery = "streaming" if item.is_streaming else "progressive"
    codec = f' codec="{escaped(item.codec)}"' if rules.has_pods else ""
    has_size = rules.has_ad_serving_id and item.size_bytes is not None
    size = f' fileSize="{item.size_bytes}"' if has_size else ""
    return (
        f'<MediaFile delivery="{delivery}" type="{escaped(item.mime_type)}"'
        f' width="{item.width_px}" height="{item.height_px}"{codec}'
        f' bitrate="{item.bitrate_kbps}"{size}>{foreign_cdata(item.url)}</MediaFile>'
    )


def _verification(item: Verification) -> str:
    parameters = elements("VerificationParameters", [item.parameters] if item.parameters else [])
    return (
        f'<Verification vendor="{escaped(item.vendor)}">'
        '<JavaScriptResource apiFramework="omid" browserOptional="true">'
        f"{foreign_cdata(item.javascript_url)}</JavaScriptResource>{parameters}</Verification>"
    )
