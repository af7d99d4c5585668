"""Persons and memberships: who writes them, and that an owner is left."""

from collections.abc import Sequence
from datetime import datetime

import psycopg
from psycopg.rows import DictRow

from ctv_ads.adapters.postgres.accounts import scope_of
from ctv_ads.adapters.postgres.database import Connection
from ctv_ads.adapters.postgres.listing import Listing
from ctv_ads.domain.access import Role
from ctv_ads.domain.ids import OrganizationId, UserId
from ctv_ads.domain.listing import ListQuery, Page
from ctv_ads.domain.people import Member
from ctv_ads.errors import ConflictError, FieldProblem, NotFoundError
from ctv_ads.ports.people import NewPerson

_ADD_PERSON = """
INSERT INTO users (user_id, email, name, password_hash, email_verified_at)
VALUES (%s, %s, %s, %s, %s)"""
_ADD_ORGANIZATION = "INSERT INTO organizations (organization_id, name) VALUES (%s, %s)"
_JOIN = """
INSERT INTO memberships (organization_id, user_id, role, advertiser_ids)
VALUES (current_organization(), %s, %s, %s::uuid[])"""
_COLUMNS = "m.user_id, u.email, u.name, m.role, m.advertiser_ids, m.created_at, m.version"
_MEMBERS = "memberships m JOIN users u USING (user_id)"
_LISTING = Listing(
    columns=_COLUMNS,
    source=f"{_MEMBERS} WHERE true",
    id_column="m.user_id",
    sorts={"joined_at": ("m.created_at", "timestamptz"), "email": ("u.email", "text")},
    filters={"q": "u.name ILIKE %(q)s OR u.email ILIKE %(q)s"},
)
_ONE = f"SELECT {_COLUMNS} FROM {_MEMBERS} WHERE m.user_id = %s"  # noqa: S608 - our own texts
_HAS = f"SELECT 1 FROM {_MEMBERS} WHERE u.email = %s"  # noqa: S608
# In one order, so that two who change owners at once wait for one another and not in a circle.
_OWNERS = "SELECT user_id FROM memberships WHERE role = 'owner' ORDER BY user_id FOR UPDATE"
_CHANGE = """
UPDATE memberships SET role = %s, advertiser_ids = %s::uuid[], version = version + 1
WHERE user_id = %s"""
_REMOVE = "DELETE FROM memberships WHERE user_id = %s"
_UNKNOWN = """
SELECT wanted::text FROM unnest(%s::uuid[]) AS wanted
WHERE NOT EXISTS (
    SELECT FROM advertisers WHERE advertiser_id = wanted AND deleted_at IS NULL
)"""
_LOCK_SELF = "SELECT version FROM users WHERE user_id = %s FOR UPDATE"
_RENAME = """
UPDATE users SET name = %s, version = version + 1, updated_at = %s WHERE user_id = %s"""
_RESET = """
UPDATE users SET password_hash = %s, password_changed_at = %s WHERE user_id = %s"""
_VERIFY = """
UPDATE users SET email_verified_at = coalesce(email_verified_at, %s) WHERE user_id = %s"""


class PostgresPeople:
    """Implements `ports.People`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add_person(self, person: NewPerson) -> None:
        """Store a person."""
        values = (
            person.user_id,
            person.email,
            person.name,
            person.password_hash,
            person.verified_at,
        )
        try:
            self._connection.execute(_ADD_PERSON, values)
        except psycopg.errors.UniqueViolation as error:
            message = "somebody has registered with this address"
            problem = FieldProblem("email", "taken", message)
            raise ConflictError(message, [problem]) from error

    def add_organization(self, organization_id: OrganizationId, name: str) -> None:
        """Store the organization of this transaction."""
        self._connection.execute(_ADD_ORGANIZATION, (organization_id, name))

    def join(self, user_id: UserId, role: Role, advertiser_ids: frozenset[str] | None) -> None:
        """Make a person a member."""
        try:
            self._connection.execute(_JOIN, (user_id, role.value, _array(advertiser_ids)))
        except psycopg.errors.UniqueViolation as error:
            raise ConflictError("this person belongs to the organization already") from error

    def page(self, query: ListQuery) -> Page[Member]:
        """Return a page of the members."""
        return _LISTING.page(self._connection, query, _member)

    def has_member(self, email: str) -> bool:
        """Tell whether the person with this address belongs to the organization."""
        return self._connection.execute(_HAS.encode(), (email,)).fetchone() is not None

    def member(self, user_id: UserId, *, for_update: bool = False) -> Member:
        """Return one member."""
        query = f"{_ONE} FOR UPDATE OF m" if for_update else _ONE
        row = self._connection.execute(query.encode(), (user_id,)).fetchone()
        if row is None:
            raise NotFoundError("there is no such member")
        return _member(row)

    def lock_owners(self) -> Sequence[UserId]:
        """Return the owners, and let nobody else change who they are meanwhile."""
        return [UserId(str(row["user_id"])) for row in self._connection.execute(_OWNERS)]

    def change_role(
        self, user_id: UserId, role: Role, advertiser_ids: frozenset[str] | None
    ) -> None:
        """Write a member's role and count the version up."""
        self._connection.execute(_CHANGE, (role.value, _array(advertiser_ids), user_id))

    def remove(self, user_id: UserId) -> None:
        """Make a person no member."""
        self._connection.execute(_REMOVE, (user_id,))

    def unknown_advertisers(self, advertiser_ids: frozenset[str]) -> Sequence[str]:
        """Return those that do not exist in the organization."""
        rows = self._connection.execute(_UNKNOWN, (_array(advertiser_ids),))
        return [row["wanted"] for row in rows]

    def lock_self(self, user_id: UserId) -> int:
        """Return the version of the acting person, locked."""
        row = self._connection.execute(_LOCK_SELF, (user_id,)).fetchone()
        if row is None:
            raise NotFoundError("this account no longer exists")
        return int(row["version"])

    def rename(self, user_id: UserId, name: str, now: datetime) -> None:
        """Write a person's name and count the version up."""
        self._connection.execute(_RENAME, (name, now, user_id))

    def set_password(self, user_id: UserId, password_hash: str, now: datetime) -> None:
        """Write a person's password."""
        self._connection.execute(_RESET, (password_hash, now, user_id))

    def verify_email(self, user_id: UserId, now: datetime) -> None:
        """Note that the person holds their address."""
        self._connection.execute(_VERIFY, (now, user_id))


def _array(advertiser_ids: frozenset[str] | None) -> list[str] | None:
    return None if advertiser_ids is None else sorted(advertiser_ids)


def _member(row: DictRow) -> Member:
    return Member(
        user_id=UserId(str(row["user_id"])),
        email=row["email"],
        name=row["name"],
        role=Role(row["role"]),
        advertiser_ids=scope_of(row),
        joined_at=row["created_at"],
        version=row["version"],
    )
