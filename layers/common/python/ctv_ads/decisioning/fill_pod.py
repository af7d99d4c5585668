"""Fill one break: caps, tokens, separation, places, and the best use of its time.

Pure: candidates in rank order, what is remembered of the viewer, the tokens and the time come
in; the pod and everything to be remembered go out. `adapters/valkey/pod_*.lua` do the same
inside Valkey, and a differential test holds the two together.

Tiers are filled one after the other, so a lower one never costs a higher one anything. Within
a tier the greedy choice in rank order stands unless one pass over the greatest values or a
search finds one that is worth more: expected value first, then time filled, to the second. In
several slots without a length time costs nothing, so the greedy choice is that of the greatest
values; one slot alone goes to the first in rank.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

from ctv_ads.decisioning.pod_by_value import GreatestFirst, ValuePass, by_value
from ctv_ads.decisioning.pod_draft import Draft, Placed, cap_reason
from ctv_ads.decisioning.pod_search import NODE_LIMIT, Best, Option, Search, by_density
from ctv_ads.decisioning.pod_state import ViewerState
from ctv_ads.decisioning.pod_terms import CREATIVE, SESSION, STREAM, CandidateTerms, CapTerms
from ctv_ads.decisioning.viewer_history import (
    SHOWN,
    SHOWN_APART,
    due_in_sequence,
    has_rival,
    is_reached,
)
from ctv_ads.domain.pod import FilledPod, Pick, PodSpec
from ctv_ads.domain.reasons import Reason

_SEPARATED = (Reason.SEPARATED_BY_CATEGORY, Reason.SEPARATED_BY_DOMAIN)
_FULL = (Reason.POD_HAS_NO_SLOT_LEFT, Reason.POD_HAS_NO_TIME_LEFT)


class Filled(NamedTuple):
    """The pod, and its ads in play order."""

    pod: FilledPod
    order: tuple[Placed, ...]


def fill_pod(
    spec: PodSpec,
    candidates: Sequence[CandidateTerms],
    state: ViewerState,
    *,
    now_s: int,
    node_limit: int = NODE_LIMIT,
) -> Filled:
    """Return the best pod for the break that all rules allow."""
    filling = _Filling(spec, candidates, state, now_s, node_limit)
    for _, tier in groupby(range(len(candidates)), lambda i: candidates[i].line_item.tier):
        filling.fill_tier(list(tier))
    filling.retry_separated()
    return filling.outcome()


@dataclass(slots=True)
class _Filling:
    spec: PodSpec
    candidates: Sequence[CandidateTerms]
    state: ViewerState
    now_s: int
    nodes_left: int
    draft: Draft = field(init=False)
    verdicts: dict[int, Reason] = field(default_factory=dict)
    options: dict[int, Option | Reason] = field(default_factory=dict)
    worth_micros: int = 0
    bound_micros: int = 0

    def __post_init__(self) -> None:
        self.draft = Draft(self.spec, self._is_capped)

    def fill_tier(self, tier: list[int]) -> None:
        base = len(self.draft.added)
        if self.draft.is_endless:
            is_proved = self._offer_by_value(tier)
        else:
            is_proved = False
            for index in tier:
                self.verdicts[index] = self._offer(index)
        bound = self.draft.worth_from(base)[0]
        if is_proved:
            self._put_in(self._take_out(base))
        else:
            bound = self._improve(tier, base)
        self.worth_micros += self.draft.worth_from(base)[0]
        self.bound_micros += bound

    def retry_separated(self) -> None:
        """Offer what was refused beside a rival once more, now that others stand between."""
        refused = [index for index, reason in self.verdicts.items() if reason in _SEPARATED]
        taken: list[int] | None = None
        while taken != []:
            taken = [index for index in refused if self._offer(index) is Reason.CHOSEN]
            refused = [index for index in refused if index not in taken]
            self.verdicts.update(dict.fromkeys(taken, Reason.CHOSEN))

    def outcome(self) -> Filled:
        order = tuple(self.draft.order)
        gap_bp = 0
        if self.bound_micros > self.worth_micros:
            missing = (self.bound_micros - self.worth_micros) * 10_000
            gap_bp = -(-missing // self.bound_micros)
        picks = tuple(Pick(one.candidate, one.creative, self._bucket(one)) for one in order)
        verdicts = tuple(self._told(index) for index in range(len(self.candidates)))
        return Filled(FilledPod(picks, verdicts, gap_bp), order)

    def _told(self, index: int) -> Reason:
        """Return the verdict: of who came to a full pod and is known to be refused by any, that."""
        verdict, option = self.verdicts[index], self.options.get(index)
        return option if verdict in _FULL and isinstance(option, Reason) else verdict

    def _bucket(self, placed: Placed) -> int:
        spends = placed.terms.spends_micros
        return self.state.grants[placed.terms.line_item.token].bucket if spends else 0

    def _offer(self, index: int) -> Reason:
        full = self.draft.is_full()
        if full is not None:
            return full
        option = self._option(index)
        if isinstance(option, Reason):
            return option
        return self.draft.add(index, option.terms, option.creatives) or Reason.CHOSEN

    def _offer_by_value(self, tier: list[int]) -> bool:
        """Offer the greatest values first; return whether no choice can be worth more."""
        greatest = GreatestFirst(self.draft)
        for index in sorted(tier, key=self._after_greater):
            option = self.draft.is_full() or self._option(index)
            if isinstance(option, Option):
                refused = greatest.add(option, option.creatives)
                self.verdicts[index] = refused or Reason.CHOSEN
            else:
                self.verdicts[index] = option
        return greatest.is_proved

    def _after_greater(self, index: int) -> tuple[bool, int]:
        """Sort by value, equals in rank order, and who has nothing to show last.

        One slot alone is no pod to be made better: its order is the rank, value per second.
        """
        terms = self.candidates[index]
        value_micros = terms.line_item.value_micros if self.spec.max_ads > 1 else 0
        return not terms.creatives, -value_micros

    def _improve(self, tier: list[int], base: int) -> int:
        """Put a better choice in the place of the greedy one; return the proved bound."""
        if len(self.draft.added) == base and self.draft.is_full():
            return 0
        best = Best(self.draft.worth_from(base), self.nodes_left)
        chosen = self._take_out(base)
        proved = self._find_better(tier, len(chosen), best)
        self.nodes_left = best.nodes_left
        self._put_in(best.found or chosen)
        if best.found:
            self._settle(tier, chosen)
        return proved

    def _find_better(self, tier: list[int], greedy_ads: int, best: Best) -> int:
        """Look for a choice that beats the greedy one; return what none can be worth more than."""
        is_tried = self.draft.is_endless
        if not is_tried and greedy_ads == self.spec.max_ads - len(self.draft.added):
            values = self._value_pass(tier, best)
            if not values.can_be_better():
                return best.worth[0]
            is_tried = values.may_fit()
            if is_tried and values.run():
                return best.worth[0]
        search = self._search([i for i in tier if self._may_run(i)], best)
        if len(search.options) == greedy_ads or not search.can_be_better():
            return best.worth[0]
        search.try_rewards(self._option, is_tried_by_value=is_tried)
        hopeful = sorted(option.candidate for option in search.hopeful())
        search = self._search([i for i in hopeful if isinstance(self._option(i), Option)], best)
        if not search.can_be_better():
            return best.worth[0]
        search.run()
        return search.proved_micros

    def _value_pass(self, tier: list[int], best: Best) -> ValuePass:
        options = by_value([self._whole_option(i) for i in tier if self._may_run(i)])
        return ValuePass(self.draft, options, self._option, best)

    def _search(self, tier: list[int], best: Best) -> Search:
        options = [self._known_option(i) for i in tier]
        if self.draft.is_endless:
            return Search(self.draft, sorted(options, key=lambda one: -one.value_micros), best)
        return Search(self.draft, by_density(options), best)

    def _may_run(self, index: int) -> bool:
        """Tell whether nothing is known yet that keeps it out of every pod."""
        known = self.options.get(index)
        return bool(self.candidates[index].creatives) and not isinstance(known, Reason)

    def _known_option(self, index: int) -> Option:
        known = self.options.get(index)
        return known if isinstance(known, Option) else self._whole_option(index)

    def _whole_option(self, index: int) -> Option:
        terms = self.candidates[index]
        return Option(index, terms, tuple(range(len(terms.creatives))))

    def _take_out(self, base: int) -> list[Placed]:
        out = [self.draft.remove_last() for _ in range(len(self.draft.added) - base)]
        return out[::-1]

    def _put_in(self, found: Sequence[Placed]) -> None:
        """Put in a choice: in rank order if the rules let it, else as it was found."""
        base = len(self.draft.added)
        self._put_back(sorted(found, key=lambda placed: placed.candidate))
        if len(self.draft.added) - base < len(found):
            self._take_out(base)
            self._put_back(found)

    def _put_back(self, placed: Sequence[Placed]) -> None:
        for one in placed:
            self.draft.add(one.candidate, one.terms, (one.creative,))

    def _settle(self, tier: list[int], greedy: Sequence[Placed]) -> None:
        """Say of each of the tier what came of it after the search."""
        chosen = {placed.candidate for placed in self.draft.added}
        outranked = {placed.candidate for placed in greedy}
        for index in tier:
            if index in chosen:
                self.verdicts[index] = Reason.CHOSEN
            else:
                verdict = self._offer(index)
                is_outranked = index in outranked and verdict is not Reason.CHOSEN
                self.verdicts[index] = Reason.OUTRANKED if is_outranked else verdict

    def _option(self, index: int) -> Option | Reason:
        """Return with which creatives a candidate may run, or what forbids it in any pod."""
        if index not in self.options:
            terms = self.candidates[index]
            creatives = tuple(self._creatives(terms))
            reason = self._standing(terms, creatives)
            self.options[index] = reason or Option(index, terms, creatives)
        return self.options[index]

    def _standing(self, terms: CandidateTerms, creatives: tuple[int, ...]) -> Reason | None:
        line_item = terms.line_item
        grant = self.state.grants.get(line_item.token)
        if terms.spends_micros and (grant is None or grant.remaining_micros < terms.spends_micros):
            return Reason.NO_TOKENS
        for cap in line_item.caps:
            if self.state.key_for(cap.key) is None:
                return Reason.CAP_WITHOUT_VIEWER
            if cap.scope != CREATIVE and self._is_capped(cap, cap.field, 0):
                return cap_reason(cap)
        if self._is_shown(line_item.category, line_item.category_extent):
            return Reason.SEPARATED_BY_CATEGORY
        if self._is_shown(line_item.domain, line_item.domain_extent):
            return Reason.SEPARATED_BY_DOMAIN
        return None if creatives else self._no_creative(terms)

    def _no_creative(self, terms: CandidateTerms) -> Reason:
        return Reason.CAP_CREATIVE if terms.creatives else Reason.NO_CREATIVE_IN_FLIGHT

    def _creatives(self, terms: CandidateTerms) -> Iterator[int]:
        """Yield the creatives that are not capped, in the order to be tried."""
        caps = [cap for cap in terms.line_item.caps if cap.scope == CREATIVE]
        for index in self._in_turn(terms):
            media = terms.creatives[index]
            if not any(self._is_capped(cap, media.field, 0) for cap in caps):
                yield index

    def _in_turn(self, terms: CandidateTerms) -> Sequence[int]:
        """Return all creatives: of a sequence first the one that is due, or comes next and fits."""
        found, key = range(len(terms.creatives)), self.state.sequence_key()
        turns, name = terms.line_item.turns, terms.line_item.sequence
        if not name or key is None:
            return found
        due = due_in_sequence(self.state.hashes[key].get(name), self.now_s)
        places = [turns.index(creative.field) for creative in terms.creatives]
        return sorted(found, key=lambda index: (places[index] - due) % len(turns))

    def _is_shown(self, rival: bytes, extent: int) -> bool:
        """Tell whether an earlier break of the session keeps this rival out."""
        shown = self.state.hashes.get(SESSION)
        if not rival or shown is None:
            return False
        value = shown.get(SHOWN if extent == STREAM else SHOWN_APART)
        return has_rival(value, rival, self.now_s)

    def _is_capped(self, cap: CapTerms, counted: bytes, already: int) -> bool:
        key = self.state.key_for(cap.key)
        value = self.state.hashes[key].get(counted) if key is not None else None
        return is_reached(cap, value, already, self.now_s)
