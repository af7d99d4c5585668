"""Lists: which part, in which order, and what all of it comes to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page ended: the sort value, as text, and the id of its last item."""

    sort: str
    value: str
    item_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """What is asked of a list. Filters that are None are not applied."""

    limit: int
    sort: str
    """One of the list's sort names; with `-` before it, the greatest first."""
    cursor: Cursor | None = None
    filters: Mapping[str, object] = field(default_factory=dict)

    @property
    def sort_name(self) -> str:
        """The sort without its direction."""
        return self.sort.removeprefix("-")

    @property
    def is_descending(self) -> bool:
        """Whether the greatest comes first."""
        return self.sort.startswith("-")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page. `totals` are of everything the filters let through, not of this page."""

    items: tuple[T, ...]
    next_cursor: Cursor | None
    totals: Mapping[str, int]
