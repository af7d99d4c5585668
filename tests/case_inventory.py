"""The inventory of a golden case: what its JSON says, and for the rest the defaults below."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain
from typing import Any

from ctv_ads.decisioning.segments.rows import line_item_of, to_ms
from ctv_ads.domain.ids import CreativeId, OrganizationId, PlacementId
from ctv_ads.domain.inventory import Inventory, PublishedPlacement, ServableLineItem, rank_key
from ctv_ads.domain.placement import VastVersion
from tests.builders import NOON

PLACEMENT_ID = PlacementId("0193593b-0000-7000-8000-000000000002")
_ORGANIZATION = OrganizationId("0193593b-0000-7000-8000-000000000001")
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
    "creatives": [{}],
}


def placement_of(given: Mapping[str, Any]) -> PublishedPlacement:
    """Return the placement `preroll` with what the case says of it."""
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in given.items()
    }
    if "vast_version" in values:
        values["vast_version"] = VastVersion(values["vast_version"])
    return PublishedPlacement(PLACEMENT_ID, _ORGANIZATION, **values)


def inventory_of(given: Sequence[Mapping[str, Any]], placement: PublishedPlacement) -> Inventory:
    """Return the inventory with these line items, the first of them number 0."""
    items = [_line_item(number, item) for number, item in enumerate(given)]
    return Inventory(
        version="golden",
        built_at=NOON,
        placements={"preroll": placement, PLACEMENT_ID: placement},
        line_items={_ORGANIZATION: tuple(sorted(items, key=rank_key))},
    )


def names_of(given: Sequence[Mapping[str, Any]]) -> Mapping[str, str]:
    """Return what a case calls line items and, where there are several, creatives, by id."""
    return dict(chain.from_iterable(_names(number, item) for number, item in enumerate(given)))


def _names(number: int, item: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    called = item.get("called", str(number))
    creatives = item.get("creatives", [{}])
    names = [(_line_item_id(number), called)]
    if len(creatives) > 1:
        for position, creative in enumerate(creatives):
            name = f"{called}/{creative.get('called', position)}"
            names.append((_creative_id(number, position), name))
    return names


def _line_item_id(number: int) -> str:
    return f"0193593b-0000-7000-8000-0000000000a{number:x}"


def _creative_id(number: int, position: int) -> CreativeId:
    return CreativeId(f"0193593b-0000-7000-8000-0000000000{number:x}{position:x}")


def _line_item(number: int, given: Mapping[str, Any]) -> ServableLineItem:
    values = {**_LINE_ITEM, **given}
    values.pop("called", None)
    campaign, advertiser = values.pop("campaign", number), values.pop("advertiser", number)
    remaining_micros = values.pop("remaining_micros")
    row = {
        "campaign_id": f"0193593b-0000-7000-8000-0000000000b{campaign:x}",
        "advertiser_id": f"0193593b-0000-7000-8000-0000000000c{advertiser:x}",
        "value_micros": values["price_micros"],
        **_in_ms(values),
        "creatives": [_creative(number, *each) for each in enumerate(values["creatives"])],
    }
    item = line_item_of(f"{_line_item_id(number)}\t{json.dumps(row)}")
    return replace(item, remaining_micros=remaining_micros)


def _creative(number: int, position: int, given: Mapping[str, Any]) -> dict[str, Any]:
    creative_id = _creative_id(number, position)
    media_url = f"https://media.example.com/{creative_id}/video.mp4"
    values = {"creative_id": creative_id, "media_url": media_url, **_CREATIVE, **_in_ms(given)}
    values.pop("called", None)
    return values


def _in_ms(values: Mapping[str, Any]) -> dict[str, Any]:
    moments = {name: values[name] for name in ("starts_at", "ends_at") if values.get(name)}
    return {**values, **{name: to_ms(datetime.fromisoformat(at)) for name, at in moments.items()}}
