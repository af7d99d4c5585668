"""Line items: what is decided on, as it is booked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import lru_cache

from ctv_ads.domain.campaign import LineItemType
from ctv_ads.domain.frequency import FrequencyCap
from ctv_ads.domain.ids import CampaignId, CreativeId, LineItemId
from ctv_ads.domain.pace import Pacing
from ctv_ads.domain.targeting import Rule, Targeting


class LineItemStatus(StrEnum):
    """What people set; a line item serves only while its campaign is active too."""

    ACTIVE = "active"
    PAUSED = "paused"


class RateType(StrEnum):
    """For what is paid: a thousand impressions, a completed view, or all of it at once."""

    CPM = "cpm"
    CPCV = "cpcv"
    FLAT = "flat"


class GoalUnit(StrEnum):
    """In what a goal is stated."""

    IMPRESSIONS = "impressions"
    MICROS = "micros"
    PERCENT = "percent"


class Weekday(StrEnum):
    """A day of the week."""

    MONDAY = "mon"
    TUESDAY = "tue"
    WEDNESDAY = "wed"
    THURSDAY = "thu"
    FRIDAY = "fri"
    SATURDAY = "sat"
    SUNDAY = "sun"


class SeparationBy(StrEnum):
    """What makes rivals."""

    CATEGORY = "category"
    ADVERTISER_DOMAIN = "advertiser_domain"


class SeparationExtent(StrEnum):
    """How far rivals are kept apart."""

    ADJACENT = "adjacent"
    POD = "pod"
    STREAM = "stream"


class CreativeRotation(StrEnum):
    """How a line item chooses among its creatives."""

    EVEN = "even"
    WEIGHTED = "weighted"
    SEQUENTIAL = "sequential"
    OPTIMIZED = "optimized"


class PodPosition(StrEnum):
    """Where in a pod a line item wants to run (OpenRTB 2.6 `slotinpod`, in words)."""

    ANY = "any"
    FIRST = "first"
    LAST = "last"
    FIRST_OR_LAST = "first_or_last"


@dataclass(frozen=True, slots=True)
class Goal:
    """What a line item is to deliver."""

    unit: GoalUnit
    amount: int


@dataclass(frozen=True, slots=True)
class Daypart:
    """Hours of some weekdays, in minutes since midnight, the end excluded."""

    days: tuple[Weekday, ...]
    from_min: int
    to_min: int


@dataclass(frozen=True, slots=True)
class Separation:
    """Rivals of one kind are kept apart this far."""

    by: SeparationBy
    extent: SeparationExtent


@dataclass(frozen=True, slots=True, kw_only=True)
class LineItemTerms:
    """What people say of a line item. None inherits from the campaign, or sets no limit."""

    name: str
    type: LineItemType
    priority: int
    status: LineItemStatus = LineItemStatus.ACTIVE
    rate_type: RateType = RateType.CPM
    rate_micros: int | None = None
    budget_micros: int | None = None
    daily_budget_micros: int | None = None
    goal: Goal | None = None
    pacing: Pacing = Pacing.EVEN
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    timezone: str | None = None
    dayparts: tuple[Daypart, ...] = ()
    targeting: Targeting = field(default_factory=dict)
    frequency_caps: tuple[FrequencyCap, ...] = ()
    separation: tuple[Separation, ...] = ()
    creative_rotation: CreativeRotation = CreativeRotation.EVEN
    pod_position: PodPosition = PodPosition.ANY


@dataclass(frozen=True, slots=True, kw_only=True)
class LineItem:
    """A line item as stored."""

    line_item_id: LineItemId
    campaign_id: CampaignId
    terms: LineItemTerms
    is_default: bool
    billed_micros: int
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CreativeAssignment:
    """A creative that a line item rotates. None inherits the line item's flight."""

    creative_id: CreativeId
    weight: int = 1
    sequence: int | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None


def targeting_of(stored: Mapping[str, Mapping[str, list[str]]]) -> Targeting:
    """Return targeting from its stored form: each value once, empty dimensions left out."""
    sides = (
        (name, _once(rule.get("include", [])), _once(rule.get("exclude", [])))
        for name, rule in stored.items()
    )
    return {name: _rule(include, exclude) for name, include, exclude in sides if include or exclude}


def _once(values: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values)) if len(values) > 1 else tuple(values)


@lru_cache(maxsize=4096)
def _rule(include: tuple[str, ...], exclude: tuple[str, ...]) -> Rule:
    """Return that rule; most line items name the same countries."""
    return Rule(include, exclude)
