"""Golden cases of the ad request: `tests/cases/ad_request`."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ctv_ads.domain.ids import (
    AdvertiserId,
    CampaignId,
    CreativeId,
    LineItemId,
    OrganizationId,
    PlacementId,
)
from ctv_ads.domain.inventory import (
    Inventory,
    PublishedPlacement,
    ServableCreative,
    ServableLineItem,
    rank_key,
)
from tests.builders import NOON

FOLDER = Path(__file__).resolve().parent / "cases" / "ad_request"
DECISION_ID = "0193593b-0000-7000-8000-00000000000d"
_ORGANIZATION = OrganizationId("0193593b-0000-7000-8000-000000000001")
_PLACEMENT = PlacementId("0193593b-0000-7000-8000-000000000002")
_CREATIVE = {
    "name": "Winter tyres, 15 s",
    "duration_ms": 15_000,
    "width_px": 1920,
    "height_px": 1080,
    "bitrate_kbps": 5_000,
    "size_bytes": 9_375_000,
    "codec": "avc1.640028",
    "mime_type": "video/mp4",
    "click_through_url": None,
}
_LINE_ITEM = {
    "advertiser_name": "Acme",
    "priority": 8,
    "price_micros": 20_000,
    "starts_at": "2026-11-22T12:00:00+00:00",
    "ends_at": "2026-12-22T12:00:00+00:00",
    "remaining_micros": 1_000_000,
}


@dataclass(frozen=True, slots=True)
class Case:
    """One request with the inventory it meets and the answer it gets."""

    path: Path
    about: str
    request: Mapping[str, Any]
    inventory: Inventory | None
    seed: int
    answer: Mapping[str, Any]

    def expected_vast(self, answered: str) -> str:
        """Return the golden document; with UPDATE_CASES=1, make it what was answered."""
        golden = self.path.with_suffix(".xml")
        if os.environ.get("UPDATE_CASES"):
            golden.write_text(answered)
        return golden.read_text()


def cases() -> Sequence[Case]:
    return [_case(path) for path in sorted(FOLDER.glob("*/*.json"))]


def _case(path: Path) -> Case:
    document = json.loads(path.read_text())
    return Case(
        path=path,
        about=document["about"],
        request=document["request"],
        inventory=_inventory(document["line_items"]) if "line_items" in document else None,
        seed=document.get("seed", 0),
        answer=document["answer"],
    )


def _inventory(given: Sequence[Mapping[str, Any]]) -> Inventory:
    placement = PublishedPlacement(_PLACEMENT, _ORGANIZATION)
    items = [_line_item(number, item) for number, item in enumerate(given)]
    return Inventory(
        version="golden",
        built_at=NOON,
        placements={"preroll": placement, _PLACEMENT: placement},
        line_items={_ORGANIZATION: tuple(sorted(items, key=rank_key))},
    )


def _line_item(number: int, given: Mapping[str, Any]) -> ServableLineItem:
    values = {**_LINE_ITEM, **given}
    creatives = values.pop("creatives", [{}])
    moments = {name: datetime.fromisoformat(values[name]) for name in ("starts_at", "ends_at")}
    return ServableLineItem(
        **{
            **values,
            **moments,
            "line_item_id": LineItemId(f"0193593b-0000-7000-8000-0000000000a{number}"),
            "campaign_id": CampaignId(f"0193593b-0000-7000-8000-0000000000b{number}"),
            "advertiser_id": AdvertiserId(f"0193593b-0000-7000-8000-0000000000c{number}"),
            "creatives": tuple(
                _creative(f"{number}{position}", creative)
                for position, creative in enumerate(creatives)
            ),
        }
    )


def _creative(number: str, given: Mapping[str, Any]) -> ServableCreative:
    creative_id = CreativeId(f"0193593b-0000-7000-8000-0000000000{number:0>2}")
    media_url = f"https://media.example.com/{creative_id}/video.mp4"
    return ServableCreative(
        **{"creative_id": creative_id, "media_url": media_url, **_CREATIVE, **given}
    )
