"""One version of the published inventory, without the line items: those are loaded by need."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from ctv_ads.domain.ids import LineItemId, OrganizationId
from ctv_ads.domain.inventory import PublishedPlacement


@dataclass(frozen=True, slots=True)
class PublishedSegments:
    """Where an organization's line items are: names of compiled segments, hashes of their bytes.

    `removed` are those of the base that have gone since, or that the overlay holds changed.
    """

    base: str
    overlay: str | None = None
    removed: tuple[LineItemId, ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a decision starts from. Of two versions the greater is the later."""

    version: str
    built_at: datetime
    placements: Mapping[str, PublishedPlacement]
    """By key and by id."""
    segments: Mapping[OrganizationId, PublishedSegments] = field(
        default_factory=lambda: MappingProxyType({})
    )
