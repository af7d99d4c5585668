"""Line items known to be out of tokens, so that searches need not offer them again and again."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ctv_ads.domain.ids import LineItemId

_FOR = timedelta(seconds=2)
"""They are asked again after this long, for a grant may have come."""


@dataclass(slots=True)
class Exhausted:
    """What this process has learned; forgotten after two seconds and on every new inventory."""

    _known: frozenset[LineItemId] = frozenset()
    _until: datetime | None = field(default=None)

    def at(self, now: datetime) -> frozenset[LineItemId]:
        """Return those that need not be offered now."""
        if self._until is not None and now >= self._until:
            self.forget()
        return self._known

    def learn(self, line_items: Iterable[LineItemId], now: datetime) -> None:
        """Remember that these are out of tokens."""
        found = frozenset(line_items)
        if found:
            self._known |= found
            self._until = self._until or now + _FOR

    def forget(self) -> None:
        """Offer everybody again."""
        self._known = frozenset()
        self._until = None
