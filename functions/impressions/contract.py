"""The collector's part of the OpenAPI document; never imported by the handler."""

from typing import Annotated, Literal

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


class TrackedEvent(BaseModel):
    """One thing that happened to an ad."""

    event: BeaconEvent
    token: Annotated[str, Field(min_length=1, description="`token` of the ad, from the decision")]
    code: Annotated[int | None, Field(description="VAST error code, for event `error`")] = None


class TrackedEvents(BaseModel):
    """Up to 500 things that happened, to one viewer's ads."""

    events: Annotated[list[TrackedEvent], Field(min_length=1, max_length=500)]


class RefusedItem(BaseModel):
    """Why an item of a batch is none."""

    path: str
    code: str
    message: str


class ItemResult(BaseModel):
    """What became of one item. Accepted does not say that its token is genuine.

    A `duplicate` has the event and the token of an item before it, which counts.
    """

    status: Literal["accepted", "duplicate", "rejected"]
    error: RefusedItem | None = None


class BatchResult(BaseModel):
    """What became of a batch; `results` stand in the order of its events.

    `accepted` counts duplicates too: nothing is wrong with them.
    """

    accepted: int
    rejected: int
    results: list[ItemResult]


@router.post(
    "/api/v1/events",
    summary="Fire many beacons in one call",
    tags=["beacons"],
    responses={
        200: {"description": "What became of each; accepted ones are queued, all of them"},
        400: {"description": "There is no list of 1 to 500 events"},
        503: {"description": "The queue took none of them: send all again after Retry-After"},
    },
)
def events(body: TrackedEvents) -> BatchResult:
    """Tell what happened to several ads: the cheap way for stitchers and SDKs."""


@router.get(
    "/api/v1/t/<event>/<token>",
    summary="Fire a beacon",
    tags=["beacons"],
    responses={
        **_RECEIVED,
        200: {
            "description": "Received, as a 1x1 GIF when asked with `gif`",
            "content": {"image/gif": {"schema": {"type": "string", "format": "binary"}}},
        },
    },
)
def beacon(
    event: Annotated[str, Path(description=f"One of {_EVENTS}; others are not counted")],
    token: Annotated[str, Path()],
    code: Annotated[str | None, Query(description="VAST error code, for event `error`")] = None,
    gif: Annotated[
        str | None, Query(description="Given, with any value, the answer is a 1x1 GIF")
    ] = None,
) -> Response[None]:
    """Tell that `event` happened to the ad of `token`."""


@router.head(
    "/api/v1/t/<event>/<token>",
    summary="Ask whether beacons are taken",
    tags=["beacons"],
    responses={204: {"description": "They are; this one is not counted"}},
)
def beacon_head(event: Annotated[str, Path()], token: Annotated[str, Path()]) -> Response[None]:
    """Do nothing: some players look before they call."""


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
