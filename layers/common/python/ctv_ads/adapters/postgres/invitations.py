"""Invitations; of their tokens only the hash."""

from collections.abc import Sequence
from datetime import datetime

from psycopg.rows import DictRow

from ctv_ads.adapters.postgres.accounts import scope_of
from ctv_ads.adapters.postgres.database import Connection
from ctv_ads.domain.access import Role
from ctv_ads.domain.ids import UserId
from ctv_ads.domain.people import Invitation, InvitationId
from ctv_ads.errors import NotFoundError

_REPLACE = """
UPDATE invitations SET deleted_at = %s
WHERE email = %s AND accepted_at IS NULL AND deleted_at IS NULL"""
_ADD = """
INSERT INTO invitations (invitation_id, organization_id, email, role, advertiser_ids,
                         token_hash, invited_by, created_at, expires_at)
VALUES (%s, current_organization(), %s, %s, %s::uuid[], %s, %s, %s, %s)"""
_COLUMNS = """
SELECT invitation_id, email, role, advertiser_ids, invited_by, created_at, expires_at,
       accepted_at IS NULL AND deleted_at IS NULL AND expires_at > %s AS is_open
FROM invitations"""
_OPEN = f"""{_COLUMNS} WHERE accepted_at IS NULL AND deleted_at IS NULL AND expires_at > %s
ORDER BY invitation_id DESC LIMIT 1000"""
_ONE = f"{_COLUMNS} WHERE invitation_id = %s FOR UPDATE"
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

    def open(self, now: datetime) -> Sequence[Invitation]:
        """Return those that can still be accepted, newest first."""
        return [_invitation(row) for row in self._connection.execute(_OPEN.encode(), (now, now))]

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
