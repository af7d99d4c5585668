"""The greatest values of a tier, one for each slot: where time is enough for them, the best pod.

Most breaks have more time than ads to fill it with, or slots that run out first. Then this one
pass proves itself, and no search is needed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ctv_ads.decisioning.pod_draft import Draft, Placed, rivalry
from ctv_ads.decisioning.pod_search import Best, Option, is_better
from ctv_ads.decisioning.pod_terms import POD, CandidateTerms
from ctv_ads.domain.reasons import Reason


def by_value(options: Sequence[Option]) -> list[Option]:
    """Return options by value, then by the most time, greatest first, equals in rank order."""
    return sorted(options, key=lambda one: (one.value_micros, one.longest_ms), reverse=True)


@dataclass(slots=True)
class ValuePass:
    """One pass over `options`, which are of all creatives and stand by value.

    `judge` tells how a candidate may run: nobody is judged who need not be.
    """

    draft: Draft
    options: Sequence[Option]
    judge: Callable[[int], Option | Reason]
    best: Best
    base: int = field(init=False)

    def __post_init__(self) -> None:
        self.base = len(self.draft.added)

    def can_be_better(self) -> bool:
        """Tell whether the greatest values are better than the best yet, if all may run."""
        most_ms = sum(option.longest_ms for option in self._greatest())
        value = sum(option.value_micros for option in self._greatest())
        return is_better((value, min(most_ms, self.draft.left_ms)), self.best.worth)

    def may_fit(self) -> bool:
        """Tell whether time could be enough for them."""
        least_ms = sum(option.shortest_ms for option in self._greatest())
        return least_ms <= self.draft.left_ms

    def _greatest(self) -> Sequence[Option]:
        return self.options[: self.draft.spec.max_ads - self.base]

    def run(self) -> bool:
        """Try them, as if time were no matter; return whether nothing can be better."""
        is_proved, rivals = True, GreatestFirst(self.draft)
        for whole in self.options:
            if len(self.draft.added) == self.draft.spec.max_ads:
                break
            if self.draft.is_full() or self.best.nodes_left <= 0:
                is_proved = False
                break
            option = self.judge(whole.candidate)
            if isinstance(option, Option):
                is_proved = self._try(option, rivals) and is_proved
        mine = self.draft.added[self.base :]
        is_longest = all(one.media.duration_ms == _longest_ms(one) for one in mine)
        self.best.keep_better(self.draft, self.base)
        is_proved = is_proved and rivals.is_proved and (is_longest or self.draft.left_ms == 0)
        while len(self.draft.added) > self.base:
            self.draft.remove_last()
        return is_proved

    def _try(self, option: Option, rivals: "GreatestFirst") -> bool:
        """Put it in if the rules let it; tell whether there was time for it."""
        if option.shortest_ms > self.draft.left_ms:
            return False
        self.best.nodes_left -= 1
        rivals.add(option, _longest_first(option))
        return True


def _longest_first(option: Option) -> Sequence[int]:
    """Return its creatives; those of a sequence stay as they are due."""
    if option.terms.line_item.sequence:
        return option.creatives
    creatives = option.terms.creatives
    return sorted(option.creatives, key=lambda index: -creatives[index].duration_ms)


@dataclass(slots=True)
class GreatestFirst:
    """Adds ads by value, and knows whether what the rules refused has cost anything."""

    draft: Draft
    base: int = field(init=False)
    is_proved: bool = True
    """No other choice is worth more, as far as those go that were added or refused here."""
    _gave_way: dict[int, list[CandidateTerms]] = field(default_factory=dict)
    """By the place of an ad, which of its rivals gave way to it."""

    def __post_init__(self) -> None:
        self.base = len(self.draft.added)

    def add(self, option: Option, creatives: Sequence[int]) -> Reason | None:
        """Put in the first of `creatives` that fits, or say why none does."""
        refused = self.draft.add(option.candidate, option.terms, creatives)
        if refused is not None and not self._gives_way(option.terms):
            self.is_proved = False
        return refused

    def _gives_way(self, terms: CandidateTerms) -> bool:
        """Tell whether it costs nothing that this one was refused.

        A rival of it is there that is worth no less, and so may stand for it in any choice. To
        stand for several at once, these have to be rivals of each other.
        """
        for place, placed in enumerate(self.draft.added):
            if _are_rivals(terms, placed.terms):
                others = self._gave_way.setdefault(place, [])
                if place < self.base or all(_are_rivals(terms, other) for other in others):
                    others.append(terms)
                    return True
        return False


def _are_rivals(one: CandidateTerms, other: CandidateTerms) -> bool:
    return rivalry(one.line_item, other.line_item)[0] >= POD


def _longest_ms(placed: Placed) -> int:
    return max(creative.duration_ms for creative in placed.terms.creatives)
