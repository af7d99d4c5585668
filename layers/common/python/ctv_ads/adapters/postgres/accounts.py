"""People and their memberships."""

from psycopg.rows import DictRow

from ctv_ads.adapters.postgres.database import Connection
from ctv_ads.domain.access import Account, Role
from ctv_ads.domain.ids import OrganizationId, UserId

_BY_EMAIL = "SELECT * FROM account_by_email(%s)"
_MEMBER = """
SELECT u.user_id, m.organization_id, o.name AS organization_name, m.role, u.email, u.name,
       u.password_hash
FROM users u
JOIN memberships m USING (user_id)
JOIN organizations o USING (organization_id)
WHERE u.user_id = %s AND m.organization_id = %s"""


class PostgresAccounts:
    """Implements `ports.Accounts`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find_by_email(self, email: str) -> Account | None:
        """Return the account with this address, or None."""
        row = self._connection.execute(_BY_EMAIL, (email,)).fetchone()
        return _account(row) if row else None

    def find(self, user_id: UserId, organization_id: OrganizationId) -> Account | None:
        """Return a member of an organization, or None."""
        row = self._connection.execute(_MEMBER, (user_id, organization_id)).fetchone()
        return _account(row) if row else None


def _account(row: DictRow) -> Account:
    return Account(
        user_id=UserId(str(row["user_id"])),
        organization_id=OrganizationId(str(row["organization_id"])),
        organization_name=row["organization_name"],
        role=Role(row["role"]),
        email=row["email"],
        name=row["name"],
        password_hash=row["password_hash"],
    )
