"""Looking for a better choice within one tier: branch and bound, with a limit on its work.

Values are few enough micros, and times few enough milliseconds, that the bound's one division
comes out the same in double precision inside Valkey, which has no other numbers.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ctv_ads.decisioning.pod_draft import Draft, Placed
from ctv_ads.decisioning.pod_terms import CandidateTerms
from ctv_ads.domain.reasons import Reason

NODE_LIMIT = 24
"""How many additions one filling may try beyond the greedy ones."""

_LEAST_GAIN_MS = 1000
"""Less than a second more of the break is no reason to prefer an ad to its equal: the film of
15.015 s would win over that of 15 s for ever (`docs/decisions/0026-ranks-and-turns.md`)."""
_ROUNDING = 0.001
"""Far more than rounding takes from a sum, and far less than a micro."""


def is_better(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Tell whether value and time are worth more: more value, or as much and clearly more time."""
    return (one[0], one[1] - _LEAST_GAIN_MS) >= other


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
    return _ordered(options, lambda option: option.value_micros / option.shortest_ms)


def _reward(option: Option, rate: float) -> float:
    return option.value_micros - rate * option.shortest_ms


def _ordered(options: Sequence[Option], key: Callable[[Option], float]) -> list[Option]:
    """Return options by `key`, greatest first, equals as they came."""
    return sorted(options, key=key, reverse=True)


@dataclass(slots=True)
class Best:
    """The best choice of a tier yet: the greedy one, until `found` holds one that is better."""

    worth: tuple[int, int]
    nodes_left: int
    found: list[Placed] = field(default_factory=list)

    def keep_better(self, draft: Draft, base: int) -> tuple[int, int]:
        """Return what all but the first `base` ads are worth; keep them if they are the best yet."""
        worth = draft.worth_from(base)
        if is_better(worth, self.worth):
            self.worth, self.found = worth, draft.added[base:]
        return worth


class Charge(NamedTuple):
    """What a choice is worth at most if ads pay `rate` for the time they take."""

    rate: float
    worth: float
    last_reward: float
    """The least of the rewards that are in it; 0 where slots are left."""


@dataclass(slots=True)
class Search:
    """One search over `options` for better than the `best` yet.

    They stand by density; in a break without a length, where time costs nothing, by value.
    """

    draft: Draft
    options: list[Option]
    best: Best
    base: int = field(init=False)
    charges: tuple[Charge, ...] = field(init=False)
    ceiling: tuple[int, int] = field(init=False)
    """More than any choice can be worth; what reaches it is proved best."""
    users: Counter[bytes] = field(init=False)
    _misplaced: int = field(init=False)

    def __post_init__(self) -> None:
        self.base = len(self.draft.added)
        runs_out = self._rate_where_time_runs_out()
        self.charges = tuple(self._charge(rate) for rate in (0.0, runs_out / 2, runs_out))
        self.ceiling = self._ceiling()
        self.users = self._users()
        self._misplaced = self.draft.misplaced

    @property
    def proved_micros(self) -> int:
        """Return what no choice can be worth more than.

        That is the best found if everything was tried. Where an ad was refused for its place
        alone, another order of adding might have let it in.
        """
        is_whole = self.best.nodes_left > 0 and self.draft.misplaced == self._misplaced
        return self.best.worth[0] if is_whole else self.ceiling[0]

    def can_be_better(self) -> bool:
        """Tell whether a choice may be better than the best yet."""
        return is_better(self.ceiling, self.best.worth)

    def _ceiling(self) -> tuple[int, int]:
        """Return the bound of the whole, tightened by charging ads for the time they take.

        Half the rate at which time runs out is near the best where time and slots are both short.
        """
        value, time = self.bound(0)
        return min(value, *(int(charge.worth + _ROUNDING) for charge in self.charges)), time

    def _charge(self, rate: float) -> Charge:
        """Charge ads for their time.

        At any rate, time at that rate and the best rewards beyond it, as many as there are
        slots, are worth no less than any choice (Lagrange).
        """
        slots = self.draft.spec.max_ads - self.base
        rewards = [_reward(one, rate) for one in self.options]
        worth_it = sorted((reward for reward in rewards if reward > 0), reverse=True)[:slots]
        total = rate * self.draft.left_ms
        for reward in worth_it:
            total += reward
        return Charge(rate, total, worth_it[-1] if len(worth_it) == slots else 0.0)

    def hopeful(self) -> list[Option]:
        """Return who may be in a choice that is worth as much as the best yet."""
        return [
            one for one in self.options if all(self._may_be_in(one, c) for c in self.charges[1:])
        ]

    def _may_be_in(self, option: Option, charge: Charge) -> bool:
        """Tell it by a charge: for one that is not in it, the last reward has to go."""
        reward = _reward(option, charge.rate)
        at_most = charge.worth - charge.last_reward + reward + _ROUNDING
        return reward >= charge.last_reward or at_most >= self.best.worth[0]

    def _rate_where_time_runs_out(self) -> float:
        room_ms = self.draft.left_ms
        for option in self.options:
            if option.shortest_ms > room_ms:
                return option.value_micros / option.shortest_ms
            room_ms -= option.shortest_ms
        return 0.0

    def bound(self, start: int) -> tuple[int, int]:
        """Return more than any choice among the options from `start` on can add.

        The value is the lesser of what time allows (whole ads, then a part of one) and of
        what slots allow (the most valuable ones, as many as fit).
        """
        left_ms = self.draft.left_ms
        rest = self.options[start:]
        slots = self.draft.spec.max_ads - len(self.draft.added)
        if self.draft.is_endless:
            return sum(option.value_micros for option in rest[:slots]), 0
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

    def try_rewards(
        self, judge: Callable[[int], Option | Reason], *, is_tried_by_value: bool
    ) -> None:
        """Try the choices by reward: a good one at once lets much be left out.

        `judge` tells how a candidate may run: nobody is judged who need not be. Where time has
        no price, the choice by value is the only one.
        """
        if not self.draft.is_endless:
            self._try_greedily(self.charges[1].rate, judge)
        if not is_tried_by_value:
            self._try_greedily(0.0, judge)

    def _try_greedily(self, rate: float, judge: Callable[[int], Option | Reason]) -> None:
        for one in _ordered(self.options, lambda one: _reward(one, rate)):
            if self.best.nodes_left <= 0 or self.draft.is_full():
                break
            option = judge(one.candidate) if self._fits(one) else None
            if isinstance(option, Option) and self._fits(option):
                self.best.nodes_left -= 1
                self._try(option, option.creatives)
        self.best.keep_better(self.draft, self.base)
        while len(self.draft.added) > self.base:
            self.draft.remove_last()

    def _fits(self, option: Option) -> bool:
        return option.shortest_ms <= self.draft.left_ms

    def run(self) -> None:
        """Look for a better choice until all are tried, or the work is done."""
        self._branch(0)

    def _branch(self, start: int) -> None:
        value, time = self.best.keep_better(self.draft, self.base)
        for at in range(start, len(self.options)):
            more_value, more_time = self.bound(at)
            if self.draft.is_full() or not self.can_be_better():
                return
            if not is_better((value + more_value, time + more_time), self.best.worth):
                return
            for creatives in self._ways(self.options[at]):
                if self.best.nodes_left <= 0:
                    return
                self.best.nodes_left -= 1
                if self._try(self.options[at], creatives):
                    self._branch(at + 1)
                    self.draft.remove_last()

    def _try(self, option: Option, creatives: Sequence[int]) -> bool:
        return self.draft.add(option.candidate, option.terms, creatives) is None

    def _ways(self, option: Option) -> list[tuple[int, ...]]:
        """Return the option's creatives, those together that make no difference to others.

        A sequence is not left for the sake of others: what is due and fits is shown.
        """
        if option.terms.line_item.sequence:
            return [option.creatives]
        groups: dict[tuple[int, bytes, bytes], list[int]] = {}
        for index in option.creatives:
            creative = option.terms.creatives[index]
            film = creative.media if self.users[creative.media] > 1 else b""
            capped = creative.field if self.users[creative.field] > 1 else b""
            length_ms = 0 if self.draft.is_endless else creative.duration_ms
            groups.setdefault((length_ms, film, capped), []).append(index)
        return [tuple(group) for group in groups.values()]

    def _users(self) -> Counter[bytes]:
        """Count by how many options each film and each creative may be used."""
        return Counter(
            key
            for option in self.options
            for key in {
                key
                for index in option.creatives
                for key in option.terms.creatives[index][::2]  # field and media
            }
        )
