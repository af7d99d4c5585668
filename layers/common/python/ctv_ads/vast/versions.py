"""What distinguishes the versions of VAST, as data.

Where a version's XSD is narrower than its text, the XSD is kept to: 2.0 and 3.0 allow one
`Error`, 3.0 no attributes of `Wrapper`, and both no `Error` below the root.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ctv_ads.domain.companions import LINEAR_EVENTS, TrackerEvent
from ctv_ads.domain.placement import VastVersion

_NAMESPACE = ' xmlns="http://www.iab.com/VAST"'
_OWN_NAME: Mapping[TrackerEvent, str] = {event: event.value for event in LINEAR_EVENTS}


@dataclass(frozen=True, slots=True)
class VersionRules:
    """One version's rules. `open_root` lacks the end of its tag: `>` or `/>`."""

    version: VastVersion
    open_root: str
    events: Mapping[TrackerEvent, str]
    """The version's name of each linear event; what is missing does not exist in it."""
    is_base_first: bool
    """4.x: first what InLine and Wrapper share, media before clicks, several errors,
    Category. Before: AdTitle and VASTAdTagURI early, clicks before media, one error,
    Extensions last."""
    has_pods: bool = True
    """`Ad@sequence`, and with it what else 3.0 brought: Advertiser, codec, milliseconds."""
    has_ad_serving_id: bool = False
    """4.1: AdServingId, Expires, the size of a file, AdVerifications for Open Measurement."""
    has_id_value: bool = False
    """4.0 alone wants UniversalAdId@idValue."""


def _old(version: VastVersion, events: Mapping[TrackerEvent, str], *, pods: bool) -> VersionRules:
    return VersionRules(
        version, f'<VAST version="{version}"', events, is_base_first=False, has_pods=pods
    )


def _new(version: VastVersion, events: Mapping[TrackerEvent, str]) -> VersionRules:
    return VersionRules(
        version=version,
        open_root=f'<VAST version="{version}"{_NAMESPACE}',
        events=events,
        is_base_first=True,
        has_ad_serving_id=version is not VastVersion.V4_0,
        has_id_value=version is VastVersion.V4_0,
    )


def _without(names: Mapping[TrackerEvent, str], *gone: TrackerEvent) -> Mapping[TrackerEvent, str]:
    return {event: name for event, name in names.items() if event not in gone}


# 4.0 renamed fullscreen and exitFullscreen; closeLinear paused in 4.0; loaded came with 4.1.
_EVENTS_4_0 = _without(_OWN_NAME, TrackerEvent.LOADED, TrackerEvent.CLOSE_LINEAR)
_EVENTS_3_0: Mapping[TrackerEvent, str] = {
    **_without(_OWN_NAME, TrackerEvent.LOADED),
    TrackerEvent.PLAYER_EXPAND: "fullscreen",
    TrackerEvent.PLAYER_COLLAPSE: "exitFullscreen",
}
_EVENTS_2_0 = _without(_EVENTS_3_0, TrackerEvent.CLOSE_LINEAR, TrackerEvent.PLAYER_COLLAPSE)

RULES: Mapping[VastVersion, VersionRules] = {
    rules.version: rules
    for rules in (
        _old(VastVersion.V2_0, _EVENTS_2_0, pods=False),
        _old(VastVersion.V3_0, _EVENTS_3_0, pods=True),
        _new(VastVersion.V4_0, _EVENTS_4_0),
        _new(VastVersion.V4_1, _OWN_NAME),
        _new(VastVersion.V4_2, _OWN_NAME),
        _new(VastVersion.V4_3, _OWN_NAME),
    )
}
