"""`/api/v1/campaigns/{campaign_id}/delivery`: is it delivering, and if not, why?"""

from datetime import UTC, datetime

from aws_lambda_powertools.event_handler.api_gateway import Router
from pydantic import BaseModel

from ctv_ads.bootstrap.control_plane import SignedIn
from ctv_ads.bootstrap.delivery import DeliveryChecking
from ctv_ads.domain.delivery_health import Cause, DeliveryStanding, Health, Source
from ctv_ads.domain.ids import CampaignId
from ctv_ads.domain.pacing import LimitedBy
from ctv_ads.domain.spending import TokenUnit
from ctv_ads.use_cases.check_delivery import DeliveryReport, LineItemDelivery
from ctv_ads.web.cursors import write_cursor
from ctv_ads.web.fields import Id
from ctv_ads.web.lists import PageCursor, PageSize, list_query
from ctv_ads.web.resolver import SIGNED_IN

router = Router()

_SORT = "created_at"


class CauseView(BaseModel):
    """One thing that keeps a line item from delivering, and what would help.

    `code` is stable: of decisions and of the inventory it is the reason that explained decisions
    name too. `times` of `of` decisions or requests met it.
    """

    source: Source
    code: str
    message: str
    fix: str
    times: int
    of: int

    @classmethod
    def of_cause(cls, cause: Cause) -> "CauseView":
        """Return what the API tells of a cause."""
        return cls(**{name: getattr(cause, name) for name in cls.model_fields})


class FiguresView(BaseModel):
    """As the pacing controller saw it at `observed_at`; amounts count `unit`.

    `urgency` is how much of what is due is missing, in ninths.
    """

    unit: TokenUnit
    due: int
    delivered: int
    reserved: int
    urgency: int
    limited_by: LimitedBy
    observed_at: datetime

    @classmethod
    def of_standing(cls, standing: DeliveryStanding, unit: TokenUnit) -> "FiguresView":
        """Return what the API tells of a standing."""
        return cls(
            unit=unit,
            due=standing.due,
            delivered=standing.delivered,
            reserved=standing.reserved,
            urgency=standing.urgency,
            limited_by=standing.limited_by,
            observed_at=standing.observed_at.astimezone(UTC),
        )


class LineItemHealth(BaseModel):
    """Whether one line item delivers. `causes` is empty when all is well."""

    line_item_id: str
    name: str
    health: Health
    causes: list[CauseView]
    figures: FiguresView | None
    """None: the pacing controller has not looked at it, or it has no limits."""

    @classmethod
    def of_delivery(cls, one: LineItemDelivery) -> "LineItemHealth":
        """Return what the API tells of a line item's delivery."""
        return cls(
            line_item_id=one.line_item.line_item_id,
            name=one.line_item.terms.name,
            health=one.verdict.health,
            causes=[CauseView.of_cause(cause) for cause in one.verdict.causes],
            figures=FiguresView.of_standing(one.standing, one.unit) if one.standing else None,
        )


class DeliveryPage(BaseModel):
    """A page of line items, and on how many recent decisions and searches it rests.

    None could not be read at this moment, so nothing is concluded from it.
    """

    items: list[LineItemHealth]
    next_cursor: str | None
    count: int
    decisions_read: int | None
    requests_searched: int | None

    @classmethod
    def of_report(cls, report: DeliveryReport) -> "DeliveryPage":
        """Return what the API tells of a report."""
        return cls(
            items=[LineItemHealth.of_delivery(one) for one in report.items],
            next_cursor=write_cursor(report.page.next_cursor),
            count=report.page.totals["count"],
            decisions_read=report.decisions_read,
            requests_searched=report.requests_searched,
        )


@router.get(
    "/api/v1/campaigns/<campaign_id>/delivery",
    summary="Tell whether a campaign's line items deliver, and if not, why",
    tags=["analytics"],
    security=SIGNED_IN,
)
def delivery(
    campaign_id: Id,
    caller: SignedIn,
    checking: DeliveryChecking,
    limit: PageSize = 50,
    cursor: PageCursor = None,
) -> DeliveryPage:
    """Judge each line item by its booking, its pacing, recent decisions and the inventory."""
    query = list_query(limit=limit, sort=_SORT, cursor=cursor, campaign_id=campaign_id)
    return DeliveryPage.of_report(checking(caller, CampaignId(campaign_id), query))
