"""Advertisers as the API takes and gives them."""

from datetime import UTC, datetime

from pydantic import BaseModel

from ctv_ads.domain.advertiser import Advertiser, AdvertiserTerms, remarks_on_advertiser
from ctv_ads.domain.listing import Page
from ctv_ads.web.cursors import write_cursor
from ctv_ads.web.fields import Body, Name
from functions.campaigns.schemas.shared import Category, Change, Domain, RemarkView


class NewAdvertiser(Body):
    """An advertiser to be made."""

    name: Name
    domain: Domain | None = None
    product_category: Category | None = None

    def terms(self) -> AdvertiserTerms:
        """Return it in the domain's terms."""
        return AdvertiserTerms(**self.model_dump())


class AdvertiserChange(Change):
    """What to change of an advertiser."""

    name: Name = ""
    domain: Domain | None = None
    product_category: Category | None = None


class AdvertiserView(BaseModel):
    """An advertiser; `product_category` is an id of the IAB Ad Product Taxonomy 2.0."""

    id: str
    name: str
    domain: str | None
    product_category: str | None
    version: int
    created_at: datetime
    updated_at: datetime
    warnings: list[RemarkView]

    @classmethod
    def of(cls, advertiser: Advertiser) -> "AdvertiserView":
        """Return what the API tells of an advertiser."""
        terms = advertiser.terms
        return cls(
            id=advertiser.advertiser_id,
            name=terms.name,
            domain=terms.domain,
            product_category=terms.product_category,
            version=advertiser.version,
            created_at=advertiser.created_at.astimezone(UTC),
            updated_at=advertiser.updated_at.astimezone(UTC),
            warnings=RemarkView.of(remarks_on_advertiser(terms)),
        )


class AdvertiserPage(BaseModel):
    """A part of the advertisers; `totals` are of all that the filters let through."""

    items: list[AdvertiserView]
    next_cursor: str | None
    totals: dict[str, int]

    @classmethod
    def of(cls, page: Page[Advertiser]) -> "AdvertiserPage":
        """Return what the API tells of a page."""
        return cls(
            items=[AdvertiserView.of(item) for item in page.items],
            next_cursor=write_cursor(page.next_cursor),
            totals=dict(page.totals),
        )
