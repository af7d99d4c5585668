"""Beacon addresses: one for each event, and what players have to put into them."""

from ctv_ads.domain.beacon import TRACKED_EVENTS, BeaconEvent
from ctv_ads.vast.tracking import AdTracking

TRACKING = AdTracking("https://ads.example.com", "token")


def test_every_tracker_defeats_caches_and_the_error_asks_its_code() -> None:
    for event in BeaconEvent:
        address = TRACKING.vast_url(event)
        assert address.startswith(f"https://ads.example.com/api/v1/t/{event}/token?")
        assert address.endswith("cb=[CACHEBUSTING]")
        assert ("code=[ERRORCODE]" in address) is (event is BeaconEvent.ERROR)


def test_simple_clients_get_addresses_without_macros() -> None:
    by_event = TRACKING.by_event()
    assert set(by_event) == {"impression", "clickTracking", "error", *TRACKED_EVENTS}
    assert not any("[" in address for address in by_event.values())
