"""AWS MediaTailor as a client, as far as its documentation tells: what it would complain of.

Names are those of its log `AdDecisionServerInteractions`. Three things it only describes have
names of ours, in lower case.
"""

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from lxml import etree

MAX_WRAPPERS = 7
Answer = tuple[int, str]
"""Status and body of one call of the ad server."""
Fetch = Callable[[str], Answer]
_STANDARD_EVENTS = frozenset(
    {
        *("start", "firstQuartile", "midpoint", "thirdQuartile", "complete", "mute", "unmute"),
        *("pause", "resume", "rewind", "skip", "playerExpand", "playerCollapse", "progress"),
        *("creativeView", "loaded", "closeLinear", "fullscreen", "exitFullscreen", "expand"),
        *("collapse", "acceptInvitation", "acceptInvitationLinear", "close"),
    }
)
_QUARTILES = frozenset({"start", "firstQuartile", "midpoint", "thirdQuartile", "complete"})


def complaints(answer: Answer, fetch: Fetch | None = None) -> list[str]:
    """Return what it would log of an answer, each once; wrappers are followed by `fetch`."""
    return list(dict.fromkeys(_of_answer(answer, fetch, depth=0)))


def _of_answer(answer: Answer, fetch: Fetch | None, *, depth: int) -> Iterator[str]:
    status, body = answer
    if status != 200:
        yield "ERROR_ADS_INVALID_RESPONSE"
        return
    try:
        root = etree.fromstring(body.encode())
    except etree.XMLSyntaxError:
        yield "ERROR_ADS_RESPONSE_PARSE"
        return
    name = etree.QName(root).localname
    if name == "VMAP":
        yield from _of_vmap(root, fetch)
    elif name == "VAST":
        yield from _of_vast(root, fetch, depth)
    else:
        yield "ERROR_ADS_RESPONSE_UNKNOWN_ROOT_ELEMENT"


def _of_vmap(root: etree._Element, fetch: Fetch | None) -> Iterator[str]:
    breaks = _all(root, "AdBreak")
    if not any(_all(item, "AdSource") for item in breaks):
        yield "EMPTY_VMAP_RESPONSE"
    for item in breaks:
        for vast in _all(item, "AdSource", "VASTAdData", "VAST"):
            yield from (one for one in _of_vast(vast, fetch, 0) if one != "EMPTY_VAST_RESPONSE")


def _of_vast(root: etree._Element, fetch: Fetch | None, depth: int) -> Iterator[str]:
    ads = _all(root, "Ad")
    if not ads:
        yield "EMPTY_VAST_RESPONSE"
    ids = [ad.get("id") for ad in ads]
    if len(set(ids)) < len(ids):
        yield "repeated Ad@id"
    for ad in ads:
        for inline in _all(ad, "InLine"):
            yield from _of_inline(inline)
        for wrapper in _all(ad, "Wrapper"):
            yield from _of_wrapper(wrapper, fetch, depth)


def _of_inline(inline: etree._Element) -> Iterator[str]:
    if not any(_text(item) for item in _all(inline, "Impression")):
        yield "ERROR_VAST_MISSING_IMPRESSION"
    creatives = _all(inline, "Creatives", "Creative")
    if not creatives:
        yield "ERROR_VAST_MISSING_CREATIVES"
    linears = _all(inline, "Creatives", "Creative", "Linear")
    if len(linears) > 1:
        yield "ERROR_VAST_MULTIPLE_LINEAR"
    if (
        creatives
        and not linears
        and not _all(inline, "Creatives", "Creative", "NonLinearAds", "NonLinear")
    ):
        yield "ERROR_VAST_MISSING_OVERLAYS"
    for linear in linears:
        yield from _of_linear(linear)
        files = _all(linear, "MediaFiles", "MediaFile")
        if not files:
            yield "ERROR_VAST_MISSING_MEDIAFILES"
        if not all(map(_is_usable, files)):
            yield "ERROR_VAST_INVALID_MEDIA_FILE"


def _of_linear(linear: etree._Element) -> Iterator[str]:
    if len(_all(linear, "TrackingEvents")) > 1:
        yield "ERROR_VAST_MULTIPLE_TRACKING_EVENTS"
    events = {item.get("event", "") for item in _all(linear, "TrackingEvents", "Tracking")}
    if not events <= _STANDARD_EVENTS:
        yield "non-standard tracking events"
    if not events >= _QUARTILES:
        yield "missing standard tracking events"


def _of_wrapper(wrapper: etree._Element, fetch: Fetch | None, depth: int) -> Iterator[str]:
    if not any(_text(item) for item in _all(wrapper, "Impression")):
        yield "ERROR_VAST_MISSING_IMPRESSION"
    for linear in _all(wrapper, "Creatives", "Creative", "Linear"):
        yield from _of_linear(linear)
    addresses = [_text(item) for item in _all(wrapper, "VASTAdTagURI")]
    if len(addresses) != 1 or not _is_address(addresses[0]):
        yield "ERROR_VAST_INVALID_VAST_AD_TAG_URI"
    elif fetch is not None:
        yield from _of_redirect(fetch(addresses[0]), fetch, depth + 1)


def _of_redirect(answer: Answer, fetch: Fetch, depth: int) -> Iterator[str]:
    found = list(_of_answer(answer, fetch, depth=depth)) if depth <= MAX_WRAPPERS else ["too deep"]
    if "EMPTY_VAST_RESPONSE" in found:
        yield "ERROR_VAST_REDIRECT_EMPTY_RESPONSE"
    elif depth > MAX_WRAPPERS or any(one.startswith("ERROR_ADS") for one in found):
        yield "ERROR_VAST_REDIRECT_FAILED"
    else:
        if len(_all(etree.fromstring(answer[1].encode()), "Ad")) > 1:
            yield "ERROR_VAST_REDIRECT_MULTIPLE_VAST"
        yield from found


def _is_usable(file: etree._Element) -> bool:
    sizes = [file.get(name, "") for name in ("width", "height", "bitrate")]
    return (
        _is_address(_text(file))
        and file.get("delivery") in {"progressive", "streaming"}
        and "/" in file.get("type", "")
        and all(size.isdecimal() and int(size) > 0 for size in sizes)
    )


def _is_address(text: str) -> bool:
    parts = urlsplit(text)
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def _text(item: etree._Element) -> str:
    return (item.text or "").strip()


def _all(item: etree._Element, *path: str) -> list[etree._Element]:
    found = [item]
    for name in path:
        found = [
            child
            for one in found
            for child in one
            if isinstance(child.tag, str) and etree.QName(child).localname == name
        ]
    return found
