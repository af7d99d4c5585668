"""The audit, as people read it."""

from psycopg.rows import DictRow

from ctv_ads.adapters.postgres.database import Connection
from ctv_ads.adapters.postgres.listing import Listing
from ctv_ads.domain.audit import AuditAction, AuditEvent
from ctv_ads.domain.ids import UserId
from ctv_ads.domain.listing import ListQuery, Page

AUDIT_EVENTS = Listing(
    columns="e.audit_event_id, e.occurred_at, e.actor_id, u.name AS actor_name,"
    " u.email AS actor_email, e.request_id, e.action, e.entity, e.entity_id, e.before, e.after",
    source="audit_events e LEFT JOIN users u ON u.user_id = e.actor_id WHERE true",
    # An audit only grows: counting it would take longer every day.
    counted=None,
    id_column="e.audit_event_id",
    sorts={"occurred_at": ("e.occurred_at", "timestamptz")},
    filters={
        "entity": "e.entity = %(entity)s",
        "entity_id": "e.entity_id = %(entity_id)s",
        "actor_id": "e.actor_id = %(actor_id)s",
        "action": "e.action = %(action)s",
        "request_id": "e.request_id = %(request_id)s",
        "since": "e.occurred_at >= %(since)s",
        "before": "e.occurred_at < %(before)s",
    },
)


class PostgresAuditEvents:
    """Implements `ports.AuditEvents`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def page(self, query: ListQuery) -> Page[AuditEvent]:
        """Return the page that `query` asks for, the newest first."""
        return AUDIT_EVENTS.page(self._connection, query, _event)


def _event(row: DictRow) -> AuditEvent:
    return AuditEvent(
        audit_event_id=str(row["audit_event_id"]),
        occurred_at=row["occurred_at"],
        actor_id=UserId(str(row["actor_id"])) if row["actor_id"] else None,
        actor_name=row["actor_name"],
        actor_email=row["actor_email"],
        request_id=row["request_id"],
        action=AuditAction(row["action"]),
        entity=row["entity"],
        entity_id=str(row["entity_id"]),
        before=row["before"],
        after=row["after"],
    )
