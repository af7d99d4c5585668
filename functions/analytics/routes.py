"""`/api/v1/campaigns/{campaign_id}/stats`."""

from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Query

from ctv_ads.bootstrap.control_plane import OpenStores, SignedIn
from ctv_ads.domain.ids import CampaignId
from ctv_ads.domain.statistics import BreakdownBy
from ctv_ads.web.fields import Day, Id
from ctv_ads.web.resolver import SIGNED_IN
from functions.analytics.schemas import StatisticsView

router = Router()

_FirstDay = Annotated[Day | None, Query(alias="from", description="First day, UTC")]
_LastDay = Annotated[Day | None, Query(alias="to", description="Last day, UTC")]

_By = Annotated[BreakdownBy | None, Query(description="Tell delivery apart along this too")]


@router.get(
    "/api/v1/campaigns/<campaign_id>/stats",
    summary="Read a campaign's delivery and spend",
    tags=["analytics"],
    security=SIGNED_IN,
)
def campaign_statistics(
    campaign_id: Id,
    caller: SignedIn,
    stores: OpenStores,
    first_day: _FirstDay = None,
    last_day: _LastDay = None,
    by: _By = None,
) -> StatisticsView:
    """Return totals, the daily series and invalid traffic, of the whole flight unless days are given."""
    wanted, parts = CampaignId(campaign_id), None
    with stores.transaction(caller) as store:
        found = store.statistics.of_campaign(wanted, first_day=first_day, last_day=last_day)
        invalid = store.statistics.invalid(wanted, first_day=first_day, last_day=last_day)
        if by is not None:
            parts = store.statistics.breakdown(wanted, by, first_day=first_day, last_day=last_day)
    return StatisticsView.of(wanted, found, parts, invalid)
