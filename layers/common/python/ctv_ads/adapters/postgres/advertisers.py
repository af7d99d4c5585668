"""Advertisers."""

from dataclasses import asdict
from datetime import datetime

from psycopg.rows import DictRow

from ctv_ads.adapters.postgres.database import Connection
from ctv_ads.adapters.postgres.listing import Listing
from ctv_ads.domain.access import Caller
from ctv_ads.domain.advertiser import Advertiser, AdvertiserTerms
from ctv_ads.domain.ids import AdvertiserId
from ctv_ads.domain.listing import ListQuery, Page
from ctv_ads.errors import NotFoundError

_COLUMNS = "advertiser_id, name, domain, product_category, version, created_at, updated_at"
_ONE = f"""
SELECT {_COLUMNS} FROM advertisers WHERE advertiser_id = %s AND deleted_at IS NULL"""  # noqa: S608
_LISTING = Listing(
    columns=_COLUMNS,
    source="advertisers WHERE deleted_at IS NULL",
    id_column="advertiser_id",
    sorts={"name": ("name", "text"), "created_at": ("created_at", "timestamptz")},
    filters={"q": "advertiser_id IN (SELECT advertisers_named(%(q)s))"},
)
_INSERT = """
INSERT INTO advertisers (advertiser_id, organization_id, name, domain, product_category)
VALUES (%(advertiser_id)s, %(organization_id)s, %(name)s, %(domain)s, %(product_category)s)"""
_UPDATE = """
UPDATE advertisers SET name = %(name)s, domain = %(domain)s,
       product_category = %(product_category)s, version = version + 1, updated_at = %(now)s
WHERE advertiser_id = %(advertiser_id)s AND deleted_at IS NULL"""
_DELETE = """
UPDATE advertisers SET deleted_at = %(now)s, version = version + 1, updated_at = %(now)s
WHERE advertiser_id = %(advertiser_id)s AND deleted_at IS NULL"""
_LIVE_CAMPAIGNS = """
SELECT count(*) AS live FROM campaigns
WHERE advertiser_id = %s AND status IN ('draft', 'active', 'paused') AND deleted_at IS NULL"""


class PostgresAdvertisers:
    """Implements `ports.Advertisers`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, advertiser_id: AdvertiserId, terms: AdvertiserTerms, caller: Caller) -> None:
        """Store a new advertiser."""
        ids = {"advertiser_id": advertiser_id, "organization_id": caller.organization_id}
        self._connection.execute(_INSERT, asdict(terms) | ids)

    def get(self, advertiser_id: AdvertiserId, *, for_update: bool = False) -> Advertiser:
        """Return one advertiser."""
        query = f"{_ONE} FOR UPDATE" if for_update else _ONE
        row = self._connection.execute(query, (advertiser_id,)).fetchone()
        if row is None:
            raise NotFoundError("there is no such advertiser")
        return _advertiser(row)

    def page(self, query: ListQuery) -> Page[Advertiser]:
        """Return a page of them."""
        return _LISTING.page(self._connection, query, _advertiser)

    def update(self, advertiser_id: AdvertiserId, terms: AdvertiserTerms, now: datetime) -> None:
        """Write the terms and count the version up."""
        values = asdict(terms) | {"advertiser_id": advertiser_id, "now": now}
        self._connection.execute(_UPDATE, values)

    def delete(self, advertiser_id: AdvertiserId, now: datetime) -> None:
        """Hide the advertiser."""
        self._connection.execute(_DELETE, {"advertiser_id": advertiser_id, "now": now})

    def live_campaigns(self, advertiser_id: AdvertiserId) -> int:
        """Count its campaigns that may still serve."""
        row = self._connection.execute(_LIVE_CAMPAIGNS, (advertiser_id,)).fetchone()
        return int(row["live"]) if row else 0


def _advertiser(row: DictRow) -> Advertiser:
    return Advertiser(
        advertiser_id=AdvertiserId(str(row["advertiser_id"])),
        terms=AdvertiserTerms(
            name=row["name"], domain=row["domain"], product_category=row["product_category"]
        ),
        version=row["version"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )
