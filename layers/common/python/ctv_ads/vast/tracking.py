"""Beacon addresses: one token per ad, one address per event."""

from dataclasses import dataclass

from ctv_ads.domain.beacon import TRACKED_EVENTS, BeaconEvent


@dataclass(frozen=True, slots=True)
class AdTracking:
    """The beacon addresses of one ad, below `base_url`."""

    base_url: str
    token: str

    def url(self, event: BeaconEvent) -> str:
        """Return the plain address of `event`, complete as it stands."""
        return f"{self.base_url}/api/v1/t/{event}/{self.token}"

    def vast_url(self, event: BeaconEvent) -> str:
        """Return the address of `event` with the VAST macros that a player replaces.

        [CACHEBUSTING] keeps browsers from dropping a repeated address; [ERRORCODE] carries
        the VAST error (VAST 4.2 §6).
        """
        macros = "code=[ERRORCODE]&" if event is BeaconEvent.ERROR else ""
        return f"{self.url(event)}?{macros}cb=[CACHEBUSTING]"

    def by_event(self) -> dict[str, str]:
        """Return plain addresses by event name, for clients that do not read VAST."""
        events = (BeaconEvent.IMPRESSION, *TRACKED_EVENTS, BeaconEvent.CLICK_TRACKING)
        return {event.value: self.url(event) for event in (*events, BeaconEvent.ERROR)}
