"""Line items as rows: their structured parts are jsonb."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from ctv_ads.domain.campaign import LineItemType
from ctv_ads.domain.frequency import CapKey, CapScope, FrequencyCap
from ctv_ads.domain.ids import CampaignId, CreativeId, LineItemId
from ctv_ads.domain.line_item import (
    CreativeAssignment,
    CreativeRotation,
    Daypart,
    Goal,
    GoalUnit,
    LineItem,
    LineItemStatus,
    LineItemTerms,
    PodPosition,
    RateType,
    Separation,
    SeparationBy,
    SeparationExtent,
    Weekday,
    targeting_of,
)
from ctv_ads.domain.pace import Pacing

_PLAIN = ("name", "priority", "rate_micros", "budget_micros", "daily_budget_micros", "timezone")
_WORDS = {
    "type": LineItemType,
    "status": LineItemStatus,
    "rate_type": RateType,
    "pacing": Pacing,
    "creative_rotation": CreativeRotation,
    "pod_position": PodPosition,
}
_TIMES = ("starts_at", "ends_at")
_GOAL = ("goal_unit", "goal_amount")
_DOCUMENTS = ("dayparts", "targeting", "frequency_caps", "separation")
TERMS = (*_PLAIN, *_WORDS, *_TIMES, *_GOAL, *_DOCUMENTS)
"""The columns that hold a line item's terms."""


def values_of(terms: LineItemTerms) -> dict[str, Any]:
    """Return the terms as values of the columns `TERMS`."""
    goal = terms.goal
    values: dict[str, Any] = {name: getattr(terms, name) for name in (*_PLAIN, *_TIMES)}
    values |= {name: getattr(terms, name).value for name in _WORDS}
    values["goal_unit"] = goal.unit.value if goal else None
    values["goal_amount"] = goal.amount if goal else None
    values["targeting"] = Jsonb({name: asdict(rule) for name, rule in terms.targeting.items()})
    for name in ("dayparts", "frequency_caps", "separation"):
        values[name] = Jsonb([asdict(item) for item in getattr(terms, name)])
    return values


def line_item_of(row: DictRow) -> LineItem:
    """Return a stored line item."""
    return LineItem(
        line_item_id=LineItemId(str(row["line_item_id"])),
        campaign_id=CampaignId(str(row["campaign_id"])),
        terms=_terms(row),
        is_default=row["is_default"],
        billed_micros=row["billed_micros"],
        version=row["version"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def assignment_of(row: DictRow) -> CreativeAssignment:
    """Return a stored assignment."""
    return CreativeAssignment(
        creative_id=CreativeId(str(row["creative_id"])),
        weight=row["weight"],
        sequence=row["sequence"],
        starts_at=_utc(row["starts_at"]),
        ends_at=_utc(row["ends_at"]),
    )


def _terms(row: DictRow) -> LineItemTerms:
    values: dict[str, Any] = {name: row[name] for name in _PLAIN}
    values |= {name: words(row[name]) for name, words in _WORDS.items()}
    values |= {name: _utc(row[name]) for name in _TIMES}
    goal = None
    if row["goal_unit"] is not None:
        goal = Goal(GoalUnit(row["goal_unit"]), row["goal_amount"])
    return LineItemTerms(
        **values,
        goal=goal,
        targeting=targeting_of(row["targeting"]),
        dayparts=tuple(_daypart(item) for item in row["dayparts"]),
        frequency_caps=tuple(_frequency_cap(item) for item in row["frequency_caps"]),
        separation=tuple(
            Separation(SeparationBy(item["by"]), SeparationExtent(item["extent"]))
            for item in row["separation"]
        ),
    )


def _daypart(item: dict[str, Any]) -> Daypart:
    days = tuple(Weekday(day) for day in item["days"])
    return Daypart(days, item["from_min"], item["to_min"])


def _frequency_cap(item: dict[str, Any]) -> FrequencyCap:
    return FrequencyCap(
        item["limit"], item["window_ms"], CapScope(item["scope"]), CapKey(item["key"])
    )


def _utc(moment: datetime | None) -> datetime | None:
    return moment.astimezone(UTC) if moment else None
