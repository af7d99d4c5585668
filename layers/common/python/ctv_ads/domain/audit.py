"""What the audit keeps: who changed what, and how it was before."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from ctv_ads.domain.ids import UserId


class AuditAction(StrEnum):
    """What was done to a thing."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One change of one thing. Without an actor it was the system itself.

    `before` and `after` hold the thing's columns, without counters and secrets. The actor's
    name and address are None once the person has left the organization.
    """

    audit_event_id: str
    occurred_at: datetime
    actor_id: UserId | None
    actor_name: str | None
    actor_email: str | None
    request_id: str | None
    action: AuditAction
    entity: str
    entity_id: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
