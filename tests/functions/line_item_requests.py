"""Requests for line items."""

from typing import Any

from ctv_ads.domain.campaign import Campaign
from tests.functions.conftest import Answer, Office

LINE_ITEMS = "/api/v1/line-items"
EVERYTHING: dict[str, Any] = {
    "name": "Evenings in Austria",
    "type": "sponsorship",
    "priority": 3,
    "status": "paused",
    "rate_type": "cpcv",
    "rate_micros": 25_001,
    "budget_micros": 900_000,
    "daily_budget_micros": 100_000,
    "goal": {"unit": "percent", "amount": 100},
    "pacing": "front_loaded",
    "starts_at": "2026-11-23T12:00:00Z",
    "ends_at": "2026-11-30T12:00:00Z",
    "timezone": "Europe/Vienna",
    "dayparts": [{"days": ["mon", "tue"], "from_min": 1080, "to_min": 1440}],
    "targeting": {
        "country": {"include": ["AT", "DE"], "exclude": []},
        "region": {"include": [], "exclude": ["AT-9"]},
        "device_type": {"include": ["ctv"], "exclude": []},
        "language": {"include": ["de-AT"], "exclude": []},
        "livestream": {"include": ["true"], "exclude": []},
        "break_type": {"include": ["preroll"], "exclude": []},
        "kv.section": {"include": ["sports"], "exclude": []},
    },
    "frequency_caps": [
        {"limit": 3, "window_ms": 86_400_000, "scope": "campaign", "key": "household"},
        {"limit": 1, "window_ms": None, "scope": "creative", "key": "session"},
    ],
    "separation": [{"by": "category", "extent": "pod"}],
    "creative_rotation": "weighted",
    "pod_position": "first_or_last",
}


def list_path(campaign: Campaign) -> str:
    return f"/api/v1/campaigns/{campaign.campaign_id}/line-items"


def make(office: Office, campaign: Campaign, **fields: Any) -> Answer:
    return office.send("campaigns", "POST", list_path(campaign), {"name": "Evenings", **fields})


def change(office: Office, line_item_id: str, if_match: str = "*", **fields: Any) -> Answer:
    path = f"{LINE_ITEMS}/{line_item_id}"
    return office.send("campaigns", "PATCH", path, fields, headers={"if-match": if_match})


def warned(answer: Answer) -> list[tuple[str, str]]:
    return [(warning["path"], warning["code"]) for warning in answer.json["warnings"]]
