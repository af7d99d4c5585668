"""The structured parts of a line item, the same on the way in and out."""

from datetime import timedelta
from typing import Annotated, Self

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from ctv_ads.domain.frequency import CapKey, CapScope, FrequencyCap
from ctv_ads.domain.line_item import (
    Daypart,
    Goal,
    GoalUnit,
    Separation,
    SeparationBy,
    SeparationExtent,
    Weekday,
)
from ctv_ads.domain.targeting import MAX_VALUES, Rule
from ctv_ads.web.fields import MAX_MICROS, Body
from functions.campaigns.schemas.shared import Label

_DAY_MIN = 24 * 60
_LONGEST_WINDOW_MS = int(timedelta(days=90).total_seconds()) * 1000
_Values = Annotated[list[Label], Field(max_length=MAX_VALUES)]


class GoalBody(Body):
    """What the line item is to deliver."""

    unit: GoalUnit
    amount: Annotated[int, Field(strict=True, gt=0, le=MAX_MICROS)]

    @classmethod
    def of(cls, goal: Goal) -> Self:
        """Return what the API tells of it."""
        return cls(unit=goal.unit, amount=goal.amount)


class DaypartBody(Body):
    """Minutes since midnight in the line item's time zone, `to_min` excluded.

    What passes midnight is two of them.
    """

    days: Annotated[list[Weekday], Field(min_length=1, max_length=7)]
    from_min: Annotated[int, Field(strict=True, ge=0, lt=_DAY_MIN)]
    to_min: Annotated[int, Field(strict=True, gt=0, le=_DAY_MIN)]

    @field_validator("to_min")
    @classmethod
    def _has_a_length(cls, to_min: int, others: ValidationInfo) -> int:
        if to_min <= others.data.get("from_min", 0):
            raise PydanticCustomError("daypart_without_length", "must be after from_min")
        return to_min

    def value(self) -> Daypart:
        """Return it in the domain's terms, each day once."""
        return Daypart(tuple(dict.fromkeys(self.days)), self.from_min, self.to_min)

    @classmethod
    def of(cls, daypart: Daypart) -> Self:
        """Return what the API tells of it."""
        return cls(days=list(daypart.days), from_min=daypart.from_min, to_min=daypart.to_min)


class RuleBody(Body):
    """Any of `include` (all, when empty) and none of `exclude`."""

    include: _Values = Field(default_factory=list)
    exclude: _Values = Field(default_factory=list)

    @classmethod
    def of(cls, rule: Rule) -> Self:
        """Return what the API tells of it."""
        return cls(include=list(rule.include), exclude=list(rule.exclude))


class CapBody(Body):
    """At most `limit` views in any `window_ms`; null is the viewing session."""

    limit: Annotated[int, Field(strict=True, ge=1, le=1_000)]
    window_ms: Annotated[int, Field(strict=True, ge=1_000, le=_LONGEST_WINDOW_MS)] | None = None
    scope: CapScope = CapScope.LINE_ITEM
    key: CapKey = CapKey.DEVICE

    def value(self) -> FrequencyCap:
        """Return it in the domain's terms."""
        return FrequencyCap(self.limit, self.window_ms, self.scope, self.key)

    @classmethod
    def of(cls, cap: FrequencyCap) -> Self:
        """Return what the API tells of it."""
        return cls(limit=cap.limit, window_ms=cap.window_ms, scope=cap.scope, key=cap.key)


class SeparationBody(Body):
    """Rivals of one kind are kept apart this far."""

    by: SeparationBy
    extent: SeparationExtent

    @classmethod
    def of(cls, separation: Separation) -> Self:
        """Return what the API tells of it."""
        return cls(by=separation.by, extent=separation.extent)
