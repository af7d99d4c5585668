"""Looking for a better choice within one tier: branch and bound, with a limit on its work.

Values are few enough micros, and times few enough milliseconds, that the bound's one division
comes out the same in double precision inside Valkey, which has no other numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ctv_ads.decisioning.pod_draft import Draft, Placed, worth
from ctv_ads.decisioning.pod_terms import CandidateTerms

NODE_LIMIT = 40
"""How many additions one filling may try beyond the greedy ones."""

_NO_TIME_LIMIT = 0


@dataclass(frozen=True, slots=True)
class Option:
    """A candidate that may be chosen: its creatives in the order to be tried."""

    candidate: int
    terms: CandidateTerms
    creatives: tuple[int, ...]

    @property
    def value_micros(self) -> int:
        """What showing it is expected to earn."""
        return self.terms.line_item.value_micros

    @property
    def shortest_ms(self) -> int:
        """The least time that it takes."""
        return min(self.terms.creatives[index].duration_ms for index in self.creatives)

    @property
    def longest_ms(self) -> int:
        """The most time that it takes."""
        return max(self.terms.creatives[index].duration_ms for index in self.creatives)


def by_density(options: Sequence[Option]) -> list[Option]:
    """Return options by value per time, greatest first, equals in rank order."""
    ordered: list[Option] = []
    for option in options:
        at = len(ordered)
        while at and _is_denser(option, ordered[at - 1]):
            at -= 1
        ordered.insert(at, option)
    return ordered


def _is_denser(one: Option, other: Option) -> bool:
    return one.value_micros * other.shortest_ms > other.value_micros * one.shortest_ms


@dataclass(slots=True)
class Search:
    """One search over `options`, which stand by density; `best` starts as the greedy choice."""

    draft: Draft
    options: list[Option]
    best: tuple[int, int]
    nodes_left: int
    found: list[Placed] | None = None
    base: int = field(init=False)

    def __post_init__(self) -> None:
        self.base = len(self.draft.added)

    def bound(self, start: int) -> tuple[int, int]:
        """Return more than any choice among the options from `start` on can add.

        The value is the lesser of what time allows (whole ads, then a part of one) and of
        what slots allow (the most valuable ones, as many as fit).
        """
        left_ms = self.draft.left_ms or 0
        rest = self.options[start:]
        slots = self.draft.spec.max_ads - len(self.draft.added)
        in_time, room_ms = 0, left_ms
        for option in rest:
            if option.shortest_ms > room_ms:
                in_time += int(float(room_ms) * option.value_micros / option.shortest_ms)
                break
            in_time += option.value_micros
            room_ms -= option.shortest_ms
        most = max((option.value_micros for option in rest), default=0)
        longest = max((option.longest_ms for option in rest), default=0)
        return min(in_time, slots * most), min(left_ms, slots * longest)

    def run(self, start: int = 0) -> None:
        """Look for a better choice until all are tried, or the work is done."""
        value, time = worth(self.draft.added[self.base :])
        if (value, time) > self.best:
            self.best, self.found = (value, time), self.draft.added[self.base :]
        for at in range(start, len(self.options)):
            more_value, more_time = self.bound(at)
            if self.draft.is_full() or (value + more_value, time + more_time) <= self.best:
                return
            for creative in _lengths(self.options[at]):
                if self.nodes_left <= 0:
                    return
                self.nodes_left -= 1
                if self._try(self.options[at], creative):
                    self.run(at + 1)
                    self.draft.remove_last()

    def _try(self, option: Option, creative: Sequence[int]) -> bool:
        return self.draft.add(option.candidate, option.terms, creative) is None


def _lengths(option: Option) -> list[tuple[int, ...]]:
    """Return the option's creatives, those of one length together."""
    groups: dict[int, list[int]] = {}
    for index in option.creatives:
        groups.setdefault(option.terms.creatives[index].duration_ms, []).append(index)
    return [tuple(group) for group in groups.values()]
