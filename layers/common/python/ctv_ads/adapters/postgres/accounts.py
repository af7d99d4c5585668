"""People and their memberships."""

from psycopg.rows import DictRow

from ctv_ads.adapters.postgres.database import Connection
from ctv_ads.domain.access import Account, Role
from ctv_ads.domain.ids import OrganizationId, UserId
from ctv_ads.ports.access import Holder

_BY_EMAIL = "SELECT * FROM account_by_email(%s, %s)"
_SESSION = "SELECT * FROM session_by_token(%s)"
_MEMBER = """
SELECT u.user_id, m.organization_id, o.name AS organization_name, m.role, u.email, u.name,
       u.password_hash, u.version, u.email_verified_at IS NOT NULL AS email_verified,
       m.advertiser_ids
FROM users u
JOIN memberships m USING (user_id)
JOIN organizations o USING (organization_id)
WHERE u.user_id = %s AND m.organization_id = %s"""


class PostgresAccounts:
    """Implements `ports.Accounts`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, user_id: UserId, organization_id: OrganizationId) -> Account | None:
        """Return a member of an organization, or None."""
        row = self._connection.execute(_MEMBER, (user_id, organization_id)).fetchone()
        return account_of(row) if row else None


class PostgresDoors:
    """Implements `ports.Doors` by functions of the schema that pass row-level security."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find_by_email(
        self, email: str, organization_id: OrganizationId | None = None
    ) -> Account | None:
        """Return the account with this address, or None."""
        row = self._connection.execute(_BY_EMAIL, (email, organization_id)).fetchone()
        return account_of(row) if row else None

    def session_holder(self, token_hash: str) -> Holder | None:
        """Return whose session this refresh token belongs to, or None."""
        return self._holder(_SESSION, token_hash)

    def _holder(self, query: str, token_hash: str) -> Holder | None:
        row = self._connection.execute(query.encode(), (token_hash,)).fetchone()
        if row is None:
            return None
        return Holder(UserId(str(row["user_id"])), OrganizationId(str(row["organization_id"])))


def account_of(row: DictRow) -> Account:
    """Return the account of a row that names all its columns."""
    scope = row["advertiser_ids"]
    return Account(
        user_id=UserId(str(row["user_id"])),
        organization_id=OrganizationId(str(row["organization_id"])),
        organization_name=row["organization_name"],
        role=Role(row["role"]),
        email=row["email"],
        name=row["name"],
        password_hash=row["password_hash"],
        version=row["version"],
        email_verified=row["email_verified"],
        advertiser_ids=None if scope is None else frozenset(str(item) for item in scope),
    )
