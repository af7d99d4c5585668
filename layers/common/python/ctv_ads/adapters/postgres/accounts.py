"""People and their memberships."""

from psycopg.rows import DictRow

from ctv_ads.adapters.postgres.database import Connection
from ctv_ads.domain.access import Account, Caller, Role, lesser
from ctv_ads.domain.ids import OrganizationId, UserId
from ctv_ads.domain.people import ApiKeyId, InvitationId
from ctv_ads.ports.access import Holder
from ctv_ads.ports.people import FoundKey, KnownPerson

_BY_EMAIL = "SELECT * FROM account_by_email(%s, %s)"
_SESSION = "SELECT * FROM session_by_token(%s)"
_PERSON = "SELECT * FROM person_by_email(%s)"
_INVITATION = "SELECT * FROM invitation_by_token(%s)"
_EMAIL = "SELECT * FROM email_token_owner(%s)"
_KEY = "SELECT * FROM api_key_by_prefix(%s)"
_OWN = "SELECT * FROM own_account() WHERE user_id = %s AND organization_id = %s"


class PostgresAccounts:
    """Implements `ports.Accounts`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, user_id: UserId, organization_id: OrganizationId) -> Account | None:
        """Return who acts, or None if this is not the person or no longer a member."""
        row = self._connection.execute(_OWN, (user_id, organization_id)).fetchone()
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

    def find_person(self, email: str) -> KnownPerson | None:
        """Return the person with this address, of whatever organization or none."""
        row = self._connection.execute(_PERSON, (email,)).fetchone()
        return KnownPerson(UserId(str(row["user_id"])), row["password_hash"]) if row else None

    def invitation(self, token_hash: str) -> tuple[InvitationId, OrganizationId] | None:
        """Return which invitation this token is of, and where to, or None."""
        row = self._connection.execute(_INVITATION, (token_hash,)).fetchone()
        if row is None:
            return None
        return InvitationId(str(row["invitation_id"])), OrganizationId(str(row["organization_id"]))

    def email_token_holder(self, token_hash: str) -> Holder | None:
        """Return to whom this token was sent, or None."""
        return self._holder(_EMAIL, token_hash)

    def api_key(self, prefix: str) -> FoundKey | None:
        """Return the key with this prefix, with who acts by it, or None."""
        row = self._connection.execute(_KEY, (prefix,)).fetchone()
        if row is None:
            return None
        return FoundKey(
            api_key_id=ApiKeyId(str(row["api_key_id"])),
            caller=Caller(
                user_id=UserId(str(row["user_id"])),
                organization_id=OrganizationId(str(row["organization_id"])),
                # A key is never mightier than the person who made it is now.
                role=lesser(Role(row["key_role"]), Role(row["maker_role"])),
                advertiser_ids=scope_of(row),
            ),
            token_hash=row["token_hash"],
            expires_at=row["expires_at"],
            last_used_at=row["last_used_at"],
        )

    def _holder(self, query: str, token_hash: str) -> Holder | None:
        row = self._connection.execute(query.encode(), (token_hash,)).fetchone()
        if row is None:
            return None
        return Holder(UserId(str(row["user_id"])), OrganizationId(str(row["organization_id"])))


def account_of(row: DictRow) -> Account:
    """Return the account of a row that names all its columns."""
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
        advertiser_ids=scope_of(row),
    )


def scope_of(row: DictRow) -> frozenset[str] | None:
    """Return the advertisers to which somebody is bound; None means all."""
    scope = row["advertiser_ids"]
    return None if scope is None else frozenset(str(item) for item in scope)
