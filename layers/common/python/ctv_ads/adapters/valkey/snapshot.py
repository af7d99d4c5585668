"""The published form of the inventory: JSON, deflated, behind its SHA-256."""

import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from ctv_ads.domain.campaign import LineItemType
from ctv_ads.domain.companions import Tracker, TrackerEvent, UniversalAdId, Verification
from ctv_ads.domain.frequency import CapKey, CapScope, FrequencyCap
from ctv_ads.domain.ids import OrganizationId
from ctv_ads.domain.inventory import (
    Inventory,
    PublishedPlacement,
    Rendition,
    ServableCreative,
    ServableLineItem,
)
from ctv_ads.domain.line_item import (
    CreativeRotation,
    Daypart,
    Pacing,
    PodPosition,
    RateType,
    Separation,
    SeparationBy,
    SeparationExtent,
    Weekday,
)
from ctv_ads.domain.placement import VastVersion
from ctv_ads.domain.targeting import Rule
from ctv_ads.errors import SnapshotCorruptError

FORMAT = 2
CURRENT_KEY = "{inventory}:current"
_DIGEST_BYTES = 32
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def snapshot_key(version: str) -> str:
    """Return the Valkey key under which that version lies."""
    return "{inventory}:snapshot:" + version


def _to_ms(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def _from_ms(ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=ms)


def encode_inventory(inventory: Inventory) -> tuple[str, bytes]:
    """Return the version and the bytes to publish. Later inventories have greater versions."""
    document = {
        "format": FORMAT,
        "built_at_ms": _to_ms(inventory.built_at),
        "placements": {key: _values(placement) for key, placement in inventory.placements.items()},
        "line_items": {
            organization: [_line_item_row(item) for item in items]
            for organization, items in inventory.line_items.items()
        },
    }
    packed = zlib.compress(orjson.dumps(document), level=6)
    digest = hashlib.sha256(packed).digest()
    return f"{_to_ms(inventory.built_at):013d}-{digest.hex()[:12]}", digest + packed


def decode_inventory(version: str, published: bytes) -> Inventory:
    """Return the inventory that `encode_inventory` made.

    Raises:
        SnapshotCorruptError: the bytes are not what was published, or of another format.
    """
    digest, packed = published[:_DIGEST_BYTES], published[_DIGEST_BYTES:]
    if hashlib.sha256(packed).digest() != digest:
        raise SnapshotCorruptError(f"snapshot {version} does not match its checksum")
    try:
        return _inventory(version, orjson.loads(zlib.decompress(packed)))
    except (zlib.error, ValueError, LookupError, TypeError, AttributeError) as error:
        # Written whole, but by a version of this product that writes otherwise.
        raise SnapshotCorruptError(f"snapshot {version} is of another kind: {error!r}") from error


def _inventory(version: str, document: Mapping[str, Any]) -> Inventory:
    if document["format"] != FORMAT:
        raise SnapshotCorruptError(f"snapshot {version} has format {document['format']}")
    return Inventory(
        version=version,
        built_at=_from_ms(document["built_at_ms"]),
        placements={key: _placement(row) for key, row in document["placements"].items()},
        line_items={
            OrganizationId(organization): tuple(_line_item(row) for row in rows)
            for organization, rows in document["line_items"].items()
        },
    )


def _placement(row: Mapping[str, Any]) -> PublishedPlacement:
    return PublishedPlacement(
        **{
            **row,
            "vast_version": VastVersion(row["vast_version"]),
            "blocked_categories": tuple(row["blocked_categories"]),
            "blocked_domains": tuple(row["blocked_domains"]),
        }
    )


def _values(record: object) -> dict[str, Any]:
    return {item.name: getattr(record, item.name) for item in fields(record)}  # type: ignore[arg-type]


def _line_item_row(item: ServableLineItem) -> dict[str, Any]:
    return _values(item) | {
        "starts_at": _to_ms(item.starts_at),
        "ends_at": _to_ms(item.ends_at),
        "creatives": [_creative_row(creative) for creative in item.creatives],
    }


def _creative_row(creative: ServableCreative) -> dict[str, Any]:
    return _values(creative) | {
        "starts_at": _to_ms(creative.starts_at) if creative.starts_at else None,
        "ends_at": _to_ms(creative.ends_at) if creative.ends_at else None,
    }


def _line_item(row: Mapping[str, Any]) -> ServableLineItem:
    return ServableLineItem(
        **{
            **row,
            "starts_at": _from_ms(row["starts_at"]),
            "ends_at": _from_ms(row["ends_at"]),
            "creatives": tuple(_creative(creative) for creative in row["creatives"]),
            "type": LineItemType(row["type"]),
            "rate_type": RateType(row["rate_type"]),
            "dayparts": tuple(_daypart(item) for item in row["dayparts"]),
            "targeting": {
                name: Rule(tuple(rule["include"]), tuple(rule["exclude"]))
                for name, rule in row["targeting"].items()
            },
            "frequency_caps": tuple(_cap(item) for item in row["frequency_caps"]),
            "separation": tuple(_separation(item) for item in row["separation"]),
            "creative_rotation": CreativeRotation(row["creative_rotation"]),
            "pacing": Pacing(row["pacing"]),
            "pod_position": PodPosition(row["pod_position"]),
        }
    )


def _daypart(row: Mapping[str, Any]) -> Daypart:
    return Daypart(tuple(map(Weekday, row["days"])), row["from_min"], row["to_min"])


def _cap(row: Mapping[str, Any]) -> FrequencyCap:
    return FrequencyCap(row["limit"], row["window_ms"], CapScope(row["scope"]), CapKey(row["key"]))


def _separation(row: Mapping[str, Any]) -> Separation:
    return Separation(SeparationBy(row["by"]), SeparationExtent(row["extent"]))


def _creative(row: Mapping[str, Any]) -> ServableCreative:
    ad_id = row.get("universal_ad_id")
    return ServableCreative(
        **{
            **row,
            "universal_ad_id": UniversalAdId(**ad_id) if ad_id else None,
            "starts_at": None if row["starts_at"] is None else _from_ms(row["starts_at"]),
            "ends_at": None if row["ends_at"] is None else _from_ms(row["ends_at"]),
            "trackers": tuple(
                Tracker(TrackerEvent(item["event"]), item["url"])
                for item in row.get("trackers", ())
            ),
            "verifications": tuple(Verification(**item) for item in row.get("verifications", ())),
            "renditions": tuple(Rendition(**item) for item in row.get("renditions", ())),
        }
    )
