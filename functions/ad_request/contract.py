"""The ad request's part of the OpenAPI document; never imported by the handler."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse
from pydantic import BaseModel

from ctv_ads.domain.companions import TrackerEvent
from ctv_ads.domain.reasons import NoFillReason
from functions.ad_request.contract_fields import DecisionRequest, VastRequest, VmapRequest

router = Router()
QUERY_MODELS: Mapping[str, type[VastRequest]] = MappingProxyType(
    {"/api/v1/vast": VastRequest, "/api/v1/vmap": VmapRequest}
)
"""What the queries of the GET routes may hold, by path."""


class Media(BaseModel):
    """One file that plays the ad."""

    url: str
    type: str
    codec: str
    width: int
    height: int
    bitrate_kbps: int


class ThirdPartyTracker(BaseModel):
    """An address of somebody else, as it was given: VAST macros stand in it to be replaced."""

    event: TrackerEvent
    url: str


class Ad(BaseModel):
    """An ad. Fire each address of `tracking` once, when its event happens, and the others'."""

    campaign_id: str
    line_item_id: str
    creative_id: str
    advertiser: str
    title: str
    duration_ms: int
    token: str
    click_through_url: str | None
    vast_tag_url: str | None
    """A third party's VAST, which holds the media; `media` is empty then."""
    media: list[Media]
    tracking: dict[str, str]
    third_party_trackers: list[ThirdPartyTracker]


class AdDecision(BaseModel):
    """The answer: ads in the order they play, or the reason why there is none."""

    decision_id: str
    ads: list[Ad]
    no_fill_reason: NoFillReason | None
    optimality_gap_bp: int
    """By how much the best pod of the candidates could be worth more at most.

    In basis points of that bound; 0 is proved best among them. Line items that the search did not
    offer are not in it.
    """


_VAST: dict[int, OpenAPIResponse] = {
    200: {
        "description": "A VAST document; without an ad it is empty and the header "
        "X-No-Fill-Reason says why",
        "content": {"application/xml": {"schema": {"type": "string"}}},
    },
    400: {"description": "No placement is named"},
}


@router.get(
    "/api/v1/vast",
    summary="Ask for the ads of a break, as VAST",
    tags=["decisions"],
    responses=_VAST,
)
def vast(asked: Annotated[VastRequest, Query()]) -> Response[str]:
    """Fill a break and answer as VAST of the version that is asked for.

    Besides these parameters there are `kv.<name>` for key-values, and VAST's macros by their own
    names and units. A value left in brackets counts as absent; what is malformed is ignored.
    """


@router.post(
    "/api/v1/vast",
    summary="Ask for the ads of a break in a body, as VAST",
    tags=["decisions"],
    responses=_VAST,
)
def post_vast(body: VastRequest) -> Response[str]:
    """Do as GET does, for stitchers that post: a JSON object or a form, of any Content-Type.

    Parameters of the address count too; what the body says goes before them.
    """


@router.get(
    "/api/v1/vmap",
    summary="Ask for all breaks of a piece of content, as VMAP",
    tags=["decisions"],
    responses={
        200: {
            "description": "A VMAP document. X-Decision-Id names the decision of each break, in "
            "their order; without any break X-No-Fill-Reason says why",
            "content": {"application/xml": {"schema": {"type": "string"}}},
        },
        400: {"description": "No placement is named"},
    },
)
def vmap(asked: Annotated[VmapRequest, Query()]) -> Response[str]:
    """Answer as VMAP 1.0 with a break at each place, filled or to be asked for at its time."""


@router.post(
    "/api/v1/ad-request",
    summary="Ask for the ads of a break, as JSON",
    tags=["decisions"],
    responses={
        200: {"description": "The decision"},
        400: {"description": "The body is no JSON object, or names no placement"},
    },
)
def ad_request(body: DecisionRequest) -> AdDecision:
    """Fill a break and answer as JSON, for clients that do not read VAST."""
