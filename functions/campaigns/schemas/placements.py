"""Placements as the API takes and gives them."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field, StringConstraints

from ctv_ads.domain.listing import Page
from ctv_ads.domain.placement import (
    SERVED_VAST_VERSION,
    Placement,
    PlacementTerms,
    VastVersion,
)
from ctv_ads.web.cursors import write_cursor
from ctv_ads.web.fields import Micros, Name
from functions.campaigns.schemas.shared import Category, Change, Domain, Label

_DAY_MS = 24 * 60 * 60 * 1000
_Length = Annotated[int, Field(strict=True, ge=1, le=_DAY_MS)]
_Ads = Annotated[int, Field(strict=True, ge=1, le=100)]
_Mimes = Annotated[
    list[
        Annotated[
            str,
            StringConstraints(
                pattern=r"^[A-Za-z0-9.+-]{1,60}/[A-Za-z0-9.+-]{1,60}$", to_lower=True
            ),
        ]
    ],
    Field(max_length=20),
]
_Bitrate = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
_Pixels = Annotated[int, Field(strict=True, ge=1, le=100_000)]
_Flag = Annotated[bool, Field(strict=True)]
_Categories = Annotated[list[Category], Field(max_length=500)]
_Domains = Annotated[list[Domain], Field(max_length=500)]


class _Terms(Change):
    """What can be said of a placement, the name apart."""

    app_bundle: Label | None = None
    channel: Label | None = None
    default_break_ms: _Length | None = None
    max_ads: _Ads | None = None
    min_ad_ms: _Length | None = None
    max_ad_ms: _Length | None = None
    vast_version: VastVersion = SERVED_VAST_VERSION
    floor_cpm_micros: Micros = 0
    blocked_categories: _Categories = Field(default_factory=list)
    blocked_domains: _Domains = Field(default_factory=list)
    accepted_mimes: Annotated[
        _Mimes,
        Field(
            description="Types of file that its players play; none said accepts all",
            examples=[["video/mp4"]],
        ),
    ] = Field(default_factory=list)
    max_bitrate_kbps: Annotated[
        _Bitrate | None,
        Field(
            description="Files of a greater bitrate are not offered, nor creatives of such alone"
        ),
    ] = None
    max_width_px: _Pixels | None = None
    max_height_px: _Pixels | None = None
    trusted_caller: Annotated[
        _Flag,
        Field(description="Whether what its requests say of the viewer's address is believed"),
    ] = False

    def changes(self) -> dict[str, Any]:
        """Return the fields that were sent, each value of a list once."""
        sent = super().changes()
        lists = {k: tuple(dict.fromkeys(v)) for k, v in sent.items() if isinstance(v, list)}
        return sent | lists


class NewPlacement(_Terms):
    """A placement to be made. Its key is public and unique among all organizations."""

    key: Annotated[
        str,
        StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$"),
        Field(
            description="What devices send; it never changes, and does not look like an id",
            examples=["news-preroll"],
        ),
    ]
    name: Name

    def terms(self) -> PlacementTerms:
        """Return it in the domain's terms."""
        sent = self.changes()
        del sent["key"]
        return PlacementTerms(**sent)


class PlacementChange(_Terms):
    """What to change of a placement; the key stays."""

    name: Name = ""


class PlacementView(BaseModel):
    """A placement. Null leaves it to the request."""

    id: str
    key: str
    name: str
    app_bundle: str | None
    channel: str | None
    default_break_ms: int | None
    max_ads: int | None
    min_ad_ms: int | None
    max_ad_ms: int | None
    vast_version: VastVersion
    floor_cpm_micros: int
    blocked_categories: list[str]
    blocked_domains: list[str]
    accepted_mimes: list[str]
    max_bitrate_kbps: int | None
    max_width_px: int | None
    max_height_px: int | None
    trusted_caller: bool
    version: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, placement: Placement) -> "PlacementView":
        """Return what the API tells of a placement."""
        return cls(
            id=placement.placement_id,
            key=placement.key,
            **asdict(placement.terms),
            version=placement.version,
            created_at=placement.created_at.astimezone(UTC),
            updated_at=placement.updated_at.astimezone(UTC),
        )


class PlacementPage(BaseModel):
    """A part of the placements; `totals` are of all that the filters let through."""

    items: list[PlacementView]
    next_cursor: str | None
    totals: dict[str, int]

    @classmethod
    def of(cls, page: Page[Placement]) -> "PlacementPage":
        """Return what the API tells of a page."""
        return cls(
            items=[PlacementView.of(item) for item in page.items],
            next_cursor=write_cursor(page.next_cursor),
            totals=dict(page.totals),
        )
