"""What the creatives API takes of what goes along with a creative."""

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from ctv_ads.domain.companions import MAX_TRACKERS, MAX_VERIFICATIONS, TrackerEvent
from ctv_ads.web.fields import Body, Name, PlainText, SecureAddress


class UniversalAdIdBody(Body):
    """The id under which a registry knows the creative."""

    registry: Annotated[
        str,
        StringConstraints(max_length=100, pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$"),
        Field(description="Root domain of the registry", examples=["ad-id.org"]),
    ]
    value: Annotated[Name, Field(examples=["ABCD0001000H"])]


class TrackerBody(Body):
    """An address of a third party, called at an event with ours; VAST macros may stand in it."""

    event: TrackerEvent
    url: Annotated[
        SecureAddress, Field(examples=["https://t.example/i?cb=[CACHEBUSTING]&ad=[ADSERVINGID]"])
    ]


class VerificationBody(Body):
    """A verification vendor's Open Measurement script."""

    vendor: Annotated[Name, Field(examples=["company.com-omid"])]
    javascript_url: SecureAddress
    parameters: PlainText | None = None


def _each_once(trackers: tuple[TrackerBody, ...]) -> tuple[TrackerBody, ...]:
    """Refuse repeats: the third party would count the same event twice."""
    if len({(tracker.event, tracker.url) for tracker in trackers}) < len(trackers):
        raise ValueError("each address may stand once for an event")
    return trackers


Trackers = Annotated[
    tuple[TrackerBody, ...],
    Field(max_length=MAX_TRACKERS, json_schema_extra={"uniqueItems": True}),
    AfterValidator(_each_once),
]
Verifications = Annotated[tuple[VerificationBody, ...], Field(max_length=MAX_VERIFICATIONS)]
