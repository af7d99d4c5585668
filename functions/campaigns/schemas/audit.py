"""What the audit gives."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel

from ctv_ads.domain.audit import AuditAction, AuditEvent
from ctv_ads.domain.listing import Page
from ctv_ads.web.cursors import write_cursor


class ActorView(BaseModel):
    """Who did it. Name and email are null once the person has left the organization."""

    id: str
    name: str | None
    email: str | None


class AuditEventView(BaseModel):
    """One change of one thing; without an actor the system made it."""

    id: str
    occurred_at: datetime
    actor: ActorView | None
    request_id: str | None
    action: AuditAction
    entity: str
    entity_id: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None

    @classmethod
    def of(cls, event: AuditEvent) -> "AuditEventView":
        """Return what the API tells of an event."""
        actor = None
        if event.actor_id is not None:
            actor = ActorView(id=event.actor_id, name=event.actor_name, email=event.actor_email)
        return cls(
            id=event.audit_event_id,
            occurred_at=event.occurred_at.astimezone(UTC),
            actor=actor,
            request_id=event.request_id,
            action=event.action,
            entity=event.entity,
            entity_id=event.entity_id,
            before=event.before,
            after=event.after,
        )


class AuditPage(BaseModel):
    """Changes, the newest first; `next_cursor` fetches those before them, null at the end."""

    items: list[AuditEventView]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[AuditEvent]) -> "AuditPage":
        """Return what the API tells of a page."""
        return cls(
            items=[AuditEventView.of(event) for event in page.items],
            next_cursor=write_cursor(page.next_cursor),
        )
