"""Line items as the API takes and gives them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, Field

from ctv_ads.domain.campaign import DEFAULT_PRIORITY_BY_TYPE, LineItemSummary, LineItemType
from ctv_ads.domain.line_item import (
    CreativeRotation,
    Goal,
    LineItemStatus,
    LineItemTerms,
    PodPosition,
    RateType,
    Separation,
    targeting_of,
)
from ctv_ads.domain.listing import Page
from ctv_ads.domain.pace import Pacing
from ctv_ads.domain.targeting import MAX_DIMENSIONS
from ctv_ads.use_cases.line_items import ShownLineItem
from ctv_ads.web.cursors import write_cursor
from ctv_ads.web.fields import Micros, Moment, Name, Timezone
from functions.campaigns.schemas.line_item_parts import (
    CapBody,
    DaypartBody,
    GoalBody,
    RuleBody,
    SeparationBody,
)
from functions.campaigns.schemas.shared import Change, RemarkView

_Priority = Annotated[int, Field(strict=True, ge=1, le=16)]
_Rate = Annotated[Micros, Field(gt=0)]
_Targeting = Annotated[dict[str, RuleBody], Field(max_length=MAX_DIMENSIONS)]


class _Terms(Change):
    """What can be said of a line item. Null inherits from the campaign, or sets no limit."""

    status: LineItemStatus = LineItemStatus.ACTIVE
    rate_type: RateType = RateType.CPM
    rate_micros: Annotated[
        _Rate | None,
        Field(description="Null: the campaign's CPM. A CPM is a multiple of 1,000 micros"),
    ] = None
    budget_micros: Micros | None = None
    daily_budget_micros: Micros | None = None
    goal: GoalBody | None = None
    pacing: Pacing = Pacing.EVEN
    starts_at: Moment | None = None
    ends_at: Moment | None = None
    timezone: Timezone | None = None
    dayparts: Annotated[list[DaypartBody], Field(max_length=50)] = Field(default_factory=list)
    targeting: _Targeting = Field(
        default_factory=dict, examples=[{"country": {"include": ["AT", "DE"]}}]
    )
    frequency_caps: Annotated[list[CapBody], Field(max_length=10)] = Field(default_factory=list)
    separation: Annotated[list[SeparationBody], Field(max_length=6)] = Field(default_factory=list)
    creative_rotation: CreativeRotation = CreativeRotation.EVEN
    pod_position: Annotated[
        PodPosition,
        Field(description="Where in a pod it runs; it runs nowhere else, and alone it is both"),
    ] = PodPosition.ANY

    def changes(self) -> dict[str, Any]:
        """Return the fields that were sent, in the domain's terms."""
        every: dict[str, Any] = super().changes()
        if "goal" in every:
            every["goal"] = Goal(self.goal.unit, self.goal.amount) if self.goal else None
        if "targeting" in every:
            every["targeting"] = targeting_of(
                {name: rule.model_dump() for name, rule in self.targeting.items()}
            )
        for name in ("dayparts", "frequency_caps"):
            if name in every:
                every[name] = tuple(dict.fromkeys(item.value() for item in every[name]))
        if "separation" in every:
            pairs = (Separation(item.by, item.extent) for item in self.separation)
            every["separation"] = tuple(dict.fromkeys(pairs))
        return every


class NewLineItem(_Terms):
    """A line item to be made. Without a priority it has its type's, as in Google Ad Manager."""

    name: Name
    type: LineItemType = LineItemType.STANDARD
    priority: _Priority | None = None

    def terms(self) -> LineItemTerms:
        """Return it in the domain's terms."""
        priority = self.priority or DEFAULT_PRIORITY_BY_TYPE[self.type]
        return LineItemTerms(**self.changes() | {"type": self.type, "priority": priority})


class LineItemChange(_Terms):
    """What to change of a line item."""

    name: Name = ""
    type: LineItemType = LineItemType.STANDARD
    priority: _Priority = 8


class LineItemSummaryView(BaseModel):
    """A line item as its campaign shows it. Without a rate it sells at the campaign's CPM."""

    id: str
    name: str
    type: LineItemType
    priority: int
    rate_micros: int | None
    is_default: bool

    @classmethod
    def of(cls, line_item: LineItemSummary) -> Self:
        """Return what a campaign tells of a line item."""
        return cls(
            id=line_item.line_item_id,
            name=line_item.name,
            type=line_item.type,
            priority=line_item.priority,
            rate_micros=line_item.rate_micros,
            is_default=line_item.is_default,
        )


class LineItemView(BaseModel):
    """A line item. Null inherits from the campaign, or sets no limit."""

    id: str
    campaign_id: str
    name: str
    type: LineItemType
    priority: int
    status: LineItemStatus
    rate_type: RateType
    rate_micros: int | None
    budget_micros: int | None
    daily_budget_micros: int | None
    billed_micros: int
    goal: GoalBody | None
    pacing: Pacing
    starts_at: datetime | None
    ends_at: datetime | None
    timezone: str | None
    dayparts: list[DaypartBody]
    targeting: dict[str, RuleBody]
    frequency_caps: list[CapBody]
    separation: list[SeparationBody]
    creative_rotation: CreativeRotation
    pod_position: PodPosition
    is_default: bool
    version: int
    created_at: datetime
    updated_at: datetime
    warnings: list[RemarkView]

    @classmethod
    def of(cls, shown: ShownLineItem) -> Self:
        """Return what the API tells of a line item."""
        item = shown.line_item
        return cls.model_validate(
            {
                **_plain_terms(item.terms),
                "id": item.line_item_id,
                "campaign_id": item.campaign_id,
                "billed_micros": item.billed_micros,
                "is_default": item.is_default,
                "version": item.version,
                "created_at": item.created_at.astimezone(UTC),
                "updated_at": item.updated_at.astimezone(UTC),
                "warnings": RemarkView.of(shown.remarks),
            }
        )


class LineItemPage(BaseModel):
    """A part of a campaign's line items; `totals` are of all that the filters let through."""

    items: list[LineItemView]
    next_cursor: str | None
    totals: dict[str, int]

    @classmethod
    def of(cls, items: Sequence[ShownLineItem], page: Page[Any]) -> Self:
        """Return what the API tells of a page."""
        return cls(
            items=[LineItemView.of(item) for item in items],
            next_cursor=write_cursor(page.next_cursor),
            totals=dict(page.totals),
        )


def _plain_terms(terms: LineItemTerms) -> dict[str, Any]:
    """Return the terms as the API gives them."""
    values: dict[str, Any] = {
        name: getattr(terms, name) for name in LineItemView.model_fields if hasattr(terms, name)
    }
    values["goal"] = GoalBody.of(terms.goal) if terms.goal else None
    values["dayparts"] = [DaypartBody.of(item) for item in terms.dayparts]
    values["frequency_caps"] = [CapBody.of(item) for item in terms.frequency_caps]
    values["separation"] = [SeparationBody.of(item) for item in terms.separation]
    values["targeting"] = {name: RuleBody.of(rule) for name, rule in terms.targeting.items()}
    return values
