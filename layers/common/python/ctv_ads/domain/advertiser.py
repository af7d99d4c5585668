"""Advertisers: for whom campaigns are booked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ctv_ads.domain.ids import AdvertiserId
from ctv_ads.domain.remark import Remark
from ctv_ads.domain.taxonomy import ad_product_categories


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvertiserTerms:
    """What people say of an advertiser."""

    name: str
    domain: str | None
    """The advertiser's own, such as `acme.example`: OpenRTB's `adomain`."""
    product_category: str | None
    """An id of the IAB Ad Product Taxonomy 2.0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advertiser:
    """An advertiser as stored."""

    advertiser_id: AdvertiserId
    terms: AdvertiserTerms
    version: int
    created_at: datetime
    updated_at: datetime


def remarks_on_advertiser(terms: AdvertiserTerms) -> Sequence[Remark]:
    """Return what the owner should know of what was accepted."""
    category = terms.product_category
    if category is None or category in ad_product_categories():
        return ()
    message = f"{category} is no id of the IAB Ad Product Taxonomy 2.0"
    return (Remark("product_category", "unknown_value", message),)
