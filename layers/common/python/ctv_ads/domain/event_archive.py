"""Archived events: what a day's files hold, and what is told of them."""

from dataclasses import dataclass
from datetime import date

SCHEMA_VERSION = 1
_COLUMNS = (
    ("organization_id", "uuid"),
    ("campaign_id", "uuid"),
    ("decision_id", "uuid"),
    ("slot", "smallint"),
    ("event", "text"),
    ("line_item_id", "uuid"),
    ("creative_id", "uuid"),
    ("placement_id", "uuid"),
    ("decided_at", "timestamp"),
    ("received_at", "timestamp"),
    ("price_micros", "bigint"),
    ("billed_micros", "bigint"),
    ("client_network", "text"),
    ("user_agent_class", "text"),
    ("vast_error_code", "smallint"),
    ("rate_type", "text"),
    ("bucket", "bigint"),
    ("country", "text"),
    ("device_type", "text"),
    ("session", "bigint"),
    ("batch", "bigint"),
)
_BREAK_COLUMNS = (
    ("organization_id", "uuid"),
    ("decision_id", "uuid"),
    ("event", "text"),
    ("placement_id", "uuid"),
    ("received_at", "timestamp"),
    ("vast_error_code", "smallint"),
)


@dataclass(frozen=True, slots=True)
class ArchivedKind:
    """What is archived by day, in folders of its name.

    `columns` are names and SQL types, in the order of the files. Times are UTC. Nothing is quoted;
    what is empty is null, or was not known. The day is in the folder's name.
    """

    name: str
    columns: tuple[tuple[str, str], ...]


EVENTS = ArchivedKind("events", _COLUMNS)
BREAKS = ArchivedKind("breaks", _BREAK_COLUMNS)
"""What players tell of whole breaks."""


@dataclass(frozen=True, slots=True)
class ArchivedPart:
    """One file. `sha256` is of its bytes as they are stored, in hexadecimal digits."""

    key: str
    events: int
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class ArchivedDay:
    """What a manifest says."""

    day: date
    parts: tuple[ArchivedPart, ...]
    schema_version: int = SCHEMA_VERSION

    @property
    def events(self) -> int:
        """How many events the day has."""
        return sum(part.events for part in self.parts)
