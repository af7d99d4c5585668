"""What has to be compiled again: a whole organization, or an overlay of what has changed."""

from collections.abc import Mapping
from dataclasses import dataclass

from ctv_ads.domain.ids import LineItemId

Marks = Mapping[LineItemId, int]
"""Of each line item a hash of everything that is published of it, its urgency in the last bits."""
URGENCY_BITS = 4
URGENT_STEPS = 2
"""By so many steps urgency has to differ from what is published to be published for itself."""
_URGENCY = (1 << URGENCY_BITS) - 1
_ANEW = 4
"""Of so many line items one has to be that far off for urgency alone to renew a large base."""


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
    Urgency changes all the time, so it takes what room is left of half an overlay, the furthest
    off first; what finds none keeps the rank that it had.
    """
    if base is None or marks == base:
        return None if base is None else Changes((), ())
    altered = {key for key, mark in marks.items() if _is_altered(base.get(key), mark)}
    gone = [key for key in base if key not in marks or key in altered]
    urgent = _urgent(base, marks, altered)
    if not (altered or gone or urgent):
        return Changes((), ())
    is_large = len(marks) > overlay_limit
    if not is_large or max(len(altered), len(gone)) > overlay_limit:
        return None
    room = min(overlay_limit // 2, overlay_limit - max(len(altered), len(gone)))
    if len(urgent) > max(room, len(marks) // _ANEW):
        return None
    moved = urgent[:room]
    return Changes(tuple(sorted([*altered, *moved])), tuple(sorted([*gone, *moved])))


def _is_altered(published: int | None, mark: int) -> bool:
    return published is None or (published ^ mark) > _URGENCY or (published ^ mark) < 0


def _urgent(base: Marks, marks: Marks, altered: set[LineItemId]) -> list[LineItemId]:
    """Return whose urgency alone is no longer what is published, the furthest off first."""
    off = [
        (-abs((mark & _URGENCY) - (base[key] & _URGENCY)), key)
        for key, mark in marks.items()
        if key not in altered and base[key] != mark
    ]
    return [key for steps, key in sorted(off) if -steps >= URGENT_STEPS]
