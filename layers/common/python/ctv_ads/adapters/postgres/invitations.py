"""Invitations; of their tokens only the hash."""

from dataclasses import replace
from datetime import datetime

from psycopg.rows import DictRow

from ctv_ads.adapters.postgres.accounts import scope_of
from ctv_ads.adapters.postgres.database import Connection
from ctv_ads.adapters.postgres.listing import Listing
from ctv_ads.domain.access import Role
from ctv_ads.domain.ids import UserId
from ctv_ads.domain.listing import ListQuery, Page
from ctv_ads.domain.people import Invitation, InvitationId
from ctv_ads.errors import NotFoundError

_REPLACE = """
UPDATE invitations SET deleted_at = %s
WHERE email = %s AND accepted_at IS NULL AND deleted_at IS NULL"""
_ADD = """
INSERT INTO invitations (invitation_id, organization_id, email, role, advertiser_ids,
                         token_hash, invited_by, created_at, expires_at)
VALUES (%s, current_organization(), %s, %s, %s::uuid[], %s, %s, %s, %s)"""
_COLUMNS = "invitation_id, email, role, advertiser_ids, invited_by, created_at, expires_at"
_LISTING = Listing(
    columns=f"{_COLUMNS}, true AS is_open",
    source="invitations WHERE accepted_at IS NULL AND deleted_at IS NULL",
    id_column="invitation_id",
    sorts={"created_at": ("created_at", "timestamptz"), "email": ("email", "text")},
    filters={"open_at": "expires_at > %(open_at)s"},
)
_ONE = f"""
SELECT {_COLUMNS},
       accepted_at IS NULL AND deleted_at IS NULL AND expires_at > %s AS is_open
FROM invitations WHERE invitation_id = %s FOR UPDATE"""  # noqa: S608 - our own texts
_ACCEPT = "UPDATE invitations SET accepted_at = %s WHERE invitation_id = %s"
_DELETE = """
UPDATE invitations SET deleted_at = %s
WHERE invitation_id = %s AND accepted_at IS NULL AND deleted_at IS NULL"""


class PostgresInvitations:
    """Implements `ports.Invitations`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, invitation: Invitation, token_hash: str) -> None:
        """Store an invitation; an earlier open one to the same address is replaced."""
        scope = invitation.advertiser_ids
        self._connection.execute(_REPLACE, (invitation.created_at, invitation.email))
        self._connection.execute(
            _ADD,
            (
                invitation.invitation_id,
                invitation.email,
                invitation.role.value,
                None if scope is None else sorted(scope),
                token_hash,
                invitation.invited_by,
                invitation.created_at,
                invitation.expires_at,
            ),
        )

    def page(self, query: ListQuery, now: datetime) -> Page[Invitation]:
        """Return a page of those that can still be accepted."""
        of_now = replace(query, filters={**query.filters, "open_at": now})
        return _LISTING.page(self._connection, of_now, _invitation)

    def get(self, invitation_id: InvitationId, now: datetime) -> Invitation:
        """Return one, locked."""
        row = self._connection.execute(_ONE.encode(), (now, invitation_id)).fetchone()
        if row is None:
            raise NotFoundError("there is no such invitation")
        return _invitation(row)

    def accept(self, invitation_id: InvitationId, now: datetime) -> None:
        """Use an invitation up."""
        self._connection.execute(_ACCEPT, (now, invitation_id))

    def delete(self, invitation_id: InvitationId, now: datetime) -> bool:
        """Take an open one back; tell whether there was one."""
        return self._connection.execute(_DELETE, (now, invitation_id)).rowcount > 0


def _invitation(row: DictRow) -> Invitation:
    return Invitation(
        invitation_id=InvitationId(str(row["invitation_id"])),
        email=row["email"],
        role=Role(row["role"]),
        advertiser_ids=scope_of(row),
        invited_by=UserId(str(row["invited_by"])),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        is_open=row["is_open"],
    )
