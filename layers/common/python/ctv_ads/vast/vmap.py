"""VMAP 1.0: the breaks of one piece of content, each with its ads or where to ask for them.

Stitchers and IMA read the ads that stand in the document (`inline`); Shaka reads only
addresses (`tag`), and only with the prefix `vmap:`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlencode

from ctv_ads.domain.beacon import BeaconEvent
from ctv_ads.domain.placement import VastVersion
from ctv_ads.vast.breaks import BreakPosition
from ctv_ads.vast.document import DECLARATION, PodAd, vast_element
from ctv_ads.vast.markup import cdata, foreign_cdata
from ctv_ads.vast.parts import TOKEN, marked_tracking

_OPEN = '<vmap:VMAP xmlns:vmap="http://www.iab.net/videosuite/vmap" version="1.0">'
# The XSD knows no vast4; players that look at it at all take it for "VAST, read on".
_TEMPLATE_TYPES = {VastVersion.V2_0: "vast2"}
_OF_THE_WHOLE_DOCUMENT = frozenset({"breaks", "mode", "break_type", "avail_index"})
_EVENTS = (BeaconEvent.BREAK_START, BeaconEvent.BREAK_END, BeaconEvent.ERROR)


@dataclass(frozen=True, slots=True)
class InlineBreak:
    """A break with its ads in play order, none for a no-fill.

    `token` is what the break's own beacons carry. Over all breaks of one document the ids of
    positions and ads are unique: some players drop what they believe to have seen.
    """

    position: BreakPosition
    token: str
    ads: Sequence[PodAd]


@dataclass(frozen=True, slots=True)
class TagBreak:
    """A break that is decided when the player comes to it, by asking `tag_url`."""

    position: BreakPosition
    token: str
    tag_url: str


def vmap_document(
    breaks: Sequence[InlineBreak | TagBreak], *, version: VastVersion, base_url: str
) -> str:
    """Return the document with `breaks` in this order.

    A break without an ad stays, with an empty VAST in it, so that positions and breakStart can
    be counted. `version` is that of the VAST inside, or that tags will answer in, `base_url` where our beacons are called.
    """
    written = [DECLARATION, _OPEN]
    written += [_ad_break(number, item, version, base_url) for number, item in enumerate(breaks, 1)]
    written.append("</vmap:VMAP>")
    return "".join(written)


def tag_url(
    base_url: str, parameters: Mapping[str, str], position: BreakPosition, number: int
) -> str:
    """Return where the `number`-th break is asked for: what the VMAP was asked for, as VAST."""
    kept = {name: value for name, value in parameters.items() if name not in _OF_THE_WHOLE_DOCUMENT}
    own = {"break_type": position.break_type.value, "avail_index": str(number)}
    return f"{base_url}/api/v1/vast?{urlencode(kept | own)}"


def _ad_break(
    number: int, item: InlineBreak | TagBreak, version: VastVersion, base_url: str
) -> str:
    if isinstance(item, InlineBreak):
        vast = vast_element(item.ads, version=version, base_url=base_url)
        source = f"<vmap:VASTAdData>{vast}</vmap:VASTAdData>"
    else:
        template = _TEMPLATE_TYPES.get(version, "vast3")
        address = foreign_cdata(item.tag_url)
        source = f'<vmap:AdTagURI templateType="{template}">{address}</vmap:AdTagURI>'
    position = item.position
    return (
        f'<vmap:AdBreak timeOffset="{position.time_offset}" breakType="linear"'
        f' breakId="{position.break_id}">'
        f'<vmap:AdSource id="{number}" allowMultipleAds="true" followRedirects="true">'
        f"{source}</vmap:AdSource>{item.token.join(_tracking(base_url))}</vmap:AdBreak>"
    )


@lru_cache(maxsize=64)
def _tracking(base_url: str) -> tuple[str, ...]:
    """Return a break's TrackingEvents, cut where its token goes."""
    tracking = marked_tracking(base_url)
    events = "".join(
        f'<vmap:Tracking event="{event}">{cdata(tracking.vast_url(event))}</vmap:Tracking>'
        for event in _EVENTS
    )
    return tuple(f"<vmap:TrackingEvents>{events}</vmap:TrackingEvents>".split(TOKEN))
