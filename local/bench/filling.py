"""Fill a database with as many campaigns as a large customer has, and with two neighbours."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from ctv_ads.adapters.ids import new_id
from ctv_ads.domain.access import Account, Role
from ctv_ads.domain.ids import OrganizationId, UserId

EMAIL = "bench@example.com"
CAMPAIGNS = 10_000
LINE_ITEMS_EACH = 10
_NEIGHBOURS = 2
_ADVERTISERS = 20

_ORGANIZATION = (
    "INSERT INTO organizations (organization_id, name) VALUES (%(organization)s, 'Bench')"
)
_USER = """
INSERT INTO users (user_id, email, name, password_hash)
VALUES (%(user)s, %(email)s, 'Bench', %(hash)s)"""
_MEMBERSHIP = """
INSERT INTO memberships (organization_id, user_id, role)
VALUES (%(organization)s, %(user)s, 'owner')"""
_ADVERTISER_ROWS = """
INSERT INTO advertisers (advertiser_id, organization_id, name)
SELECT uuidv7(), %(organization)s, 'Advertiser ' || n FROM generate_series(1, %(advertisers)s) n"""
_CAMPAIGN_ROWS = """
INSERT INTO campaigns (campaign_id, organization_id, advertiser_id, name, status, budget_micros,
                       billed_micros, cpm_micros, starts_at, ends_at, created_by, created_at)
SELECT uuidv7(), %(organization)s, ids[1 + n %% cardinality(ids)],
       (ARRAY['Winter', 'Summer', 'Autumn', 'Spring'])[1 + n %% 4] || ' Campaign '
           || lpad(n::text, 5, '0'),
       (ARRAY['draft', 'active', 'paused', 'completed', 'archived'])[1 + n %% 5],
       1000000000 + n, n * 1000, 20000000, now() - n * interval '1 minute',
       now() + n * interval '1 hour', %(user)s, now() - (%(campaigns)s - n) * interval '1 second'
FROM generate_series(1, %(campaigns)s) n,
     (SELECT array_agg(advertiser_id) AS ids FROM advertisers
      WHERE organization_id = %(organization)s) a"""
_LINE_ITEM_ROWS = """
INSERT INTO line_items (line_item_id, organization_id, campaign_id, name, is_default)
SELECT uuidv7(), organization_id, campaign_id, 'Line item ' || n, n = 1
FROM campaigns, generate_series(1, %(each)s) n WHERE organization_id = %(organization)s"""


@dataclass(frozen=True, slots=True)
class Filled:
    """Whose data is measured."""

    organization_id: str
    user_id: str
    advertiser_ids: Sequence[str]
    campaign_ids: Sequence[str]
    account: Account


def fill(
    connection: psycopg.Connection[Any], *, password_hash: str, campaigns: int = CAMPAIGNS
) -> Filled:
    """Fill the organization that is measured, and neighbours as large with fewer line items."""
    # Neither audit nor foreign keys while so much is written at once.
    connection.execute("SET session_replication_role = replica")
    owner = _organization(connection, EMAIL, password_hash, campaigns, LINE_ITEMS_EACH)
    for number in range(_NEIGHBOURS):
        _organization(connection, f"{number}@example.com", "-", campaigns, 1)
    connection.execute("SET session_replication_role = DEFAULT")
    connection.execute("VACUUM ANALYZE")
    return owner


def _organization(
    connection: psycopg.Connection[Any], email: str, password_hash: str, campaigns: int, each: int
) -> Filled:
    organization, user = new_id(), new_id()
    values = {
        "organization": organization,
        "user": user,
        "email": email,
        "hash": password_hash,
        "advertisers": _ADVERTISERS,
        "campaigns": campaigns,
        "each": each,
    }
    for statement in (
        _ORGANIZATION,
        _USER,
        _MEMBERSHIP,
        _ADVERTISER_ROWS,
        _CAMPAIGN_ROWS,
        _LINE_ITEM_ROWS,
    ):
        connection.execute(statement, values)
    return Filled(
        organization_id=organization,
        user_id=user,
        advertiser_ids=_ids(connection, "advertiser_id", "advertisers", organization),
        campaign_ids=_ids(connection, "campaign_id", "campaigns", organization),
        account=Account(
            user_id=UserId(user),
            organization_id=OrganizationId(organization),
            organization_name="Bench",
            role=Role.OWNER,
            email=email,
            name="Bench",
            password_hash=password_hash,
        ),
    )


def _ids(
    connection: psycopg.Connection[Any], column: str, table: str, organization: str
) -> list[str]:
    query = f"SELECT {column} FROM {table} WHERE organization_id = %s"  # noqa: S608 - our own texts
    return [str(row[0]) for row in connection.execute(query.encode(), (organization,))]
