"""The ad request's part of the OpenAPI document; never imported by the handler."""

from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import BaseModel, Field

from ctv_ads.domain.companions import TrackerEvent
from ctv_ads.domain.reasons import NoFillReason

router = Router()

_NOT_BLANK = r"\S"
_Placement = Annotated[
    str,
    Field(description="Key or id of the placement", examples=["demo"], pattern=_NOT_BLANK),
]
_MaxAdMs = Annotated[int | None, Field(gt=0, description="Longest ad wanted, in milliseconds")]


class AdRequest(BaseModel):
    """A request for ads. Unknown fields are ignored."""

    placement: _Placement
    max_ad_ms: _MaxAdMs = None


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


@router.get(
    "/api/v1/vast",
    summary="Ask for an ad, as VAST 4.2",
    tags=["decisions"],
    responses={
        200: {
            "description": "A VAST document; without an ad it is empty and the header "
            "X-No-Fill-Reason says why",
            "content": {"application/xml": {"schema": {"type": "string"}}},
        },
        400: {"description": "No placement is named"},
    },
)
def vast(
    placement: Annotated[
        str,
        Query(description="Key or id of the placement", examples=["demo"], pattern=_NOT_BLANK),
    ],
    max_ad_ms: Annotated[
        int | None, Query(gt=0, description="Longest ad wanted, in milliseconds")
    ] = None,
) -> Response[str]:
    """Choose an ad for a break and answer as VAST. Parameters still in brackets count as absent."""


@router.post(
    "/api/v1/ad-request",
    summary="Ask for an ad, as JSON",
    tags=["decisions"],
    responses={
        200: {"description": "The decision"},
        400: {"description": "The body is no JSON object, or names no placement"},
    },
)
def ad_request(body: AdRequest) -> AdDecision:
    """Choose an ad for a break and answer as JSON, for clients that do not read VAST."""
