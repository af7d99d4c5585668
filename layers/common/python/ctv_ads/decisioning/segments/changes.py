"""What has to be compiled again: a whole organization, or an overlay of what has changed."""

from collections.abc import Mapping
from dataclasses import dataclass

from ctv_ads.domain.ids import LineItemId

Marks = Mapping[LineItemId, int]
"""Of each line item a hash of everything that is published of it."""


@dataclass(frozen=True, slots=True)
class Changes:
    """How an organization differs from its base: what to read again, and what of it has gone."""

    changed: tuple[LineItemId, ...]
    removed: tuple[LineItemId, ...]
    """Of the base, those that are not there any more or have changed."""


def changes_since(base: Marks | None, marks: Marks, *, overlay_limit: int) -> Changes | None:
    """Return what an overlay has to hold, or None when a new base is the better choice.

    Few line items are compiled whole at every change: that takes no longer, and is searched
    faster. More than `overlay_limit` changes make the search of the overlay the slower one.
    """
    if base is None or marks == base:
        return None if base is None else Changes((), ())
    changed = tuple(sorted(key for key, mark in marks.items() if base.get(key) != mark))
    removed = tuple(sorted(key for key, mark in base.items() if marks.get(key) != mark))
    if len(marks) <= overlay_limit or max(len(changed), len(removed)) > overlay_limit:
        return None
    return Changes(changed, removed)
