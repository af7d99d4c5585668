"""What a request for ads may say, for the OpenAPI document; never imported by the handler."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, Field

from ctv_ads.domain.ad_request import BreakType

_DAY_MS = 86_400_000
_NOT_BLANK = r"\S"
_Text = Annotated[str | None, Field(max_length=200)]
_Flag = Annotated[str | None, Field(pattern="^[01]$", examples=["0", "1"])]
_TRUSTED = "Only of placements whose `trusted_caller` is set"
_Length = Annotated[int | None, Field(ge=1, le=_DAY_MS)]


class VastRequestVersion(StrEnum):
    """Versions of VAST that may be asked for."""

    V2_0 = "2.0"
    V3_0 = "3.0"
    V4_0 = "4.0"
    V4_1 = "4.1"
    V4_2 = "4.2"
    V4_3 = "4.3"


class _Break(BaseModel):
    """The opportunity. Without `duration_ms` and `max_ads` one ad is wanted."""

    duration_ms: Annotated[
        int | None,
        Field(
            le=_DAY_MS,
            description="Length of the break; 0 or less is no time, and no ad. Exactly 300000 is "
            "what stitchers send for an unknown one: the placement's default is taken. More than "
            "a day counts as a day",
        ),
    ] = None
    max_ads: Annotated[
        int | None, Field(ge=1, le=100, description="Most ads wanted; more count as a hundred")
    ] = None
    min_ad_ms: Annotated[int | None, Field(ge=0, le=_DAY_MS, description="Shortest ad wanted")] = (
        None
    )
    max_ad_ms: Annotated[_Length, Field(description="Longest ad wanted")] = None
    break_type: Annotated[
        BreakType | None, Field(description="Where in the content the break lies")
    ] = None
    avail_index: Annotated[
        int | None, Field(ge=0, le=100_000, description="Number of the break in its session")
    ] = None


class _Viewer(BaseModel):
    """Who watches. Ids and addresses are hashed at the door, and dropped if privacy says so."""

    session_id: Annotated[
        str | None, Field(description="Names one playback; frequency caps by session count by it")
    ] = None
    ifa: Annotated[str | None, Field(description="Advertising id of the device")] = None
    ifa_type: Annotated[
        str | None, Field(description="Its kind, such as rida; a `sessionid` is no device's")
    ] = None
    ip: Annotated[str | None, Field(description=f"Address of the device. {_TRUSTED}")] = None
    ua: Annotated[str | None, Field(description=f"User agent of the device. {_TRUSTED}")] = None
    country: Annotated[
        str | None, Field(description=f"ISO 3166-1 alpha-2. {_TRUSTED}", examples=["AT"])
    ] = None
    region: Annotated[
        str | None,
        Field(
            description=f"ISO 3166-2, with or without the country. {_TRUSTED}", examples=["US-CA"]
        ),
    ] = None
    metro: Annotated[str | None, Field(description=f"Nielsen DMA. {_TRUSTED}")] = None
    city: Annotated[_Text, Field(description=_TRUSTED)] = None
    postal: Annotated[
        str | None,
        Field(description=f"Postal code; only its first part is kept. {_TRUSTED}"),
    ] = None
    segments: Annotated[
        str | None,
        Field(description=f"Audience segments, separated by commas. {_TRUSTED}"),
    ] = None
    device_type: Annotated[
        str | None,
        Field(
            description="ctv, connected_device, set_top_box, phone, tablet, pc, or AdCOM's number; "
            "else the user agent tells"
        ),
    ] = None
    os: Annotated[
        str | None, Field(description="Such as tizen or roku; else the user agent tells")
    ] = None
    make: Annotated[_Text, Field(description="Such as Samsung; else the user agent tells")] = None


class _Content(BaseModel):
    """What is watched."""

    app_bundle: Annotated[str | None, Field(description="Bundle or package of the app")] = None
    channel: _Text = None
    network: _Text = None
    content_id: _Text = None
    genre: Annotated[
        str | None, Field(description="One or more, separated by commas", examples=["News,Sports"])
    ] = None
    rating: Annotated[str | None, Field(description="Such as TV-14")] = None
    language: Annotated[str | None, Field(description="BCP 47", examples=["de-AT"])] = None
    livestream: _Flag = None


class _Player(BaseModel):
    """What the player can do."""

    mime: Annotated[
        str | None,
        Field(description="Media types it plays, separated by commas", examples=["video/mp4"]),
    ] = None
    max_bitrate_kbps: Annotated[int | None, Field(ge=1, le=1_000_000)] = None


class _Privacy(BaseModel):
    """Signals of privacy. One that cannot be read is a refusal, and every one may only refuse."""

    gdpr: Annotated[_Flag, Field(description="Whether the GDPR applies")] = None
    gdpr_consent: Annotated[str | None, Field(description="TCF v2 string")] = None
    gpp: Annotated[str | None, Field(description="GPP string")] = None
    gpp_sid: Annotated[
        str | None,
        Field(description="Sections of it that apply, separated by commas; else all do"),
    ] = None
    us_privacy: Annotated[str | None, Field(description="US Privacy String")] = None
    coppa: Annotated[_Flag, Field(description="Whether a child watches")] = None
    lmt: Annotated[_Flag, Field(description="Whether tracking is limited on the device")] = None


class _Where(BaseModel):
    """Who asks."""

    placement: Annotated[
        str,
        Field(description="Key or id of the placement", examples=["demo"], pattern=_NOT_BLANK),
    ]


class DecisionRequest(_Privacy, _Player, _Content, _Viewer, _Break, _Where):
    """A request for ads.

    Besides these there are key-values, `kv.<name>`, each with one or more values between commas.
    VAST's macros are names too, in their own units: `BREAKMAXDURATION` is in seconds. A value
    left in brackets, `-1` and `-2` count as absent; what is malformed is ignored and recorded.
    """


class VastRequest(DecisionRequest):
    """A request for ads as VAST."""

    version: Annotated[
        VastRequestVersion | None, Field(description="Version of VAST; else the placement's")
    ] = None


class VmapMode(StrEnum):
    """Whether breaks hold their ads, or addresses that are asked when their time has come."""

    INLINE = "inline"
    TAG = "tag"


class VmapRequest(VastRequest):
    """A request for all breaks of a piece of content."""

    breaks: Annotated[
        str | None,
        Field(
            description="Where breaks are: start, end, HH:MM:SS[.mmm], n%; separated by commas",
            examples=["start,00:10:00.000,50%,end"],
        ),
    ] = None
    mode: VmapMode = VmapMode.INLINE
