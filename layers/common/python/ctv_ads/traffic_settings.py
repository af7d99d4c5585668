"""Settings of recording beacons; `settings.py` says how they are read."""

from dataclasses import dataclass

from ctv_ads.settings import _HTTP, Settings, _positive, _setting


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficSettings(Settings):
    """How generous the rules of invalid traffic are that `functions/impressions/consumer.py` holds."""

    early_beacon_ms: int = _setting(
        "EARLY_BEACON_MS",
        "how long before its time a part of a film may be reported",
        _positive,
        10_000,
    )
    session_surplus_ms: int = _setting(
        "SESSION_SURPLUS_MS",
        "how far a session may be ahead of the films that it has reported",
        _positive,
        300_000,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadEventSettings(Settings):
    """Where `functions/impressions/consumer.py` puts what it gives up."""

    dead_ad_event_queue_url: str = _setting(
        "DEAD_AD_EVENT_QUEUE_URL", "SQS queue of beacons' messages that were given up", _HTTP
    )
