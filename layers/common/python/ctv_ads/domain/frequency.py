"""Frequency caps: how often one viewer sees an ad."""

from dataclasses import dataclass
from enum import StrEnum


class CapScope(StrEnum):
    """Of what the views are counted together."""

    CREATIVE = "creative"
    LINE_ITEM = "line_item"
    CAMPAIGN = "campaign"
    ADVERTISER = "advertiser"


class CapKey(StrEnum):
    """For whom they are counted."""

    SESSION = "session"
    DEVICE = "device"
    HOUSEHOLD = "household"


@dataclass(frozen=True, slots=True)
class FrequencyCap:
    """At most `limit` views in any `window_ms`; None is the viewing session."""

    limit: int
    window_ms: int | None
    scope: CapScope
    key: CapKey
