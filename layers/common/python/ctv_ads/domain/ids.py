"""Identifiers: UUIDv7 as lower-case text, so they sort by creation time and are never reused."""

import re
from typing import NewType

OrganizationId = NewType("OrganizationId", str)
UserId = NewType("UserId", str)
AdvertiserId = NewType("AdvertiserId", str)
PlacementId = NewType("PlacementId", str)
CampaignId = NewType("CampaignId", str)
LineItemId = NewType("LineItemId", str)
CreativeId = NewType("CreativeId", str)
DecisionId = NewType("DecisionId", str)

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def is_id(text: str) -> bool:
    """Tell whether `text` can be the id of anything."""
    return _UUID.fullmatch(text) is not None


def made_at_ms(known_id: str) -> int:
    """Return when an id of ours was made, in ms since 1970 (UUIDv7, RFC 9562 §5.7)."""
    return int(known_id.replace("-", "")[:12], 16)
