"""The collector's part of the OpenAPI document; never imported by the handler."""

from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Path, Query
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse
from pydantic import BaseModel, Field

from ctv_ads.domain.beacon import BeaconEvent

router = Router()

_EVENTS = ", ".join(BeaconEvent)

_RECEIVED: dict[int, OpenAPIResponse] = {
    204: {"description": "Received; the answer never depends on what the token says"},
    503: {"description": "The queue did not take it: try again after Retry-After seconds"},
}


class ShownAd(BaseModel):
    """An ad that was shown."""

    token: Annotated[str, Field(min_length=1, description="`token` of the ad, from the decision")]


@router.get(
    "/api/v1/t/<event>/<token>",
    summary="Fire a beacon",
    tags=["beacons"],
    responses=_RECEIVED,
)
def beacon(
    event: Annotated[str, Path(description=f"One of {_EVENTS}; others are not counted")],
    token: Annotated[str, Path()],
    code: Annotated[str | None, Query(description="VAST error code, for event `error`")] = None,
) -> Response[None]:
    """Tell that `event` happened to the ad of `token`."""


@router.post(
    "/api/v1/impression",
    summary="Report an impression",
    tags=["beacons"],
    responses={**_RECEIVED, 400: {"description": "The body is no JSON object with a token"}},
)
def impression(body: ShownAd) -> Response[None]:
    """Tell that the ad was shown, for clients that fire no beacon addresses."""


@router.post(
    "/api/v1/track-impression",
    summary="Report an impression (another name)",
    tags=["beacons"],
    responses={**_RECEIVED, 400: {"description": "The body is no JSON object with a token"}},
)
def track_impression(body: ShownAd) -> Response[None]:
    """Do the same as `/api/v1/impression`."""
