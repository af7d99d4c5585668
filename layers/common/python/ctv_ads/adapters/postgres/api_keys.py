"""API keys; of each only the hash."""

from datetime import datetime

from psycopg.rows import DictRow

from ctv_ads.adapters.postgres.database import Connection
from ctv_ads.adapters.postgres.listing import Listing
from ctv_ads.domain.access import Role
from ctv_ads.domain.ids import UserId
from ctv_ads.domain.listing import ListQuery, Page
from ctv_ads.domain.people import ApiKey, ApiKeyId

_ADD = """
INSERT INTO api_keys (api_key_id, organization_id, name, role, prefix, token_hash, created_by,
                      created_at, expires_at)
VALUES (%s, current_organization(), %s, %s, %s, %s, %s, %s, %s)"""
_LISTING = Listing(
    columns="k.api_key_id, k.name, k.role, k.prefix, k.created_by, k.created_at, k.expires_at,"
    " u.last_used_at",
    source="api_keys k LEFT JOIN api_key_uses u USING (api_key_id) WHERE k.deleted_at IS NULL",
    counted="api_keys k WHERE k.deleted_at IS NULL",
    id_column="k.api_key_id",
    sorts={"created_at": ("k.created_at", "timestamptz"), "name": ("k.name", "text")},
    filters={"q": "k.name ILIKE %(q)s"},
)
_REVOKE = "UPDATE api_keys SET deleted_at = %s WHERE api_key_id = %s AND deleted_at IS NULL"
_USED = """
INSERT INTO api_key_uses (api_key_id, organization_id, last_used_at)
VALUES (%s, current_organization(), %s)
ON CONFLICT (api_key_id) DO UPDATE SET last_used_at = excluded.last_used_at"""


class PostgresApiKeys:
    """Implements `ports.ApiKeys`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, key: ApiKey, token_hash: str) -> None:
        """Store a key's hash."""
        self._connection.execute(
            _ADD,
            (
                key.api_key_id,
                key.name,
                key.role.value,
                key.prefix,
                token_hash,
                key.created_by,
                key.created_at,
                key.expires_at,
            ),
        )

    def page(self, query: ListQuery) -> Page[ApiKey]:
        """Return a page of the keys that are not revoked."""
        return _LISTING.page(self._connection, query, _key)

    def revoke(self, api_key_id: ApiKeyId, now: datetime) -> bool:
        """Make a key useless; tell whether there was one."""
        return self._connection.execute(_REVOKE, (now, api_key_id)).rowcount > 0

    def used(self, api_key_id: ApiKeyId, now: datetime) -> None:
        """Note when a key was used."""
        self._connection.execute(_USED, (api_key_id, now))


def _key(row: DictRow) -> ApiKey:
    return ApiKey(
        api_key_id=ApiKeyId(str(row["api_key_id"])),
        name=row["name"],
        role=Role(row["role"]),
        prefix=row["prefix"],
        created_by=UserId(str(row["created_by"])),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        last_used_at=row["last_used_at"],
    )
