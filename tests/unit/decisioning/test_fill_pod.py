"""The choice against every possible one: slow, and obviously right."""

from collections.abc import Iterator, Sequence
from itertools import combinations, groupby, product

from hypothesis import given, settings
from hypothesis import strategies as st

from ctv_ads.decisioning.fill_pod import Filled, fill_pod
from ctv_ads.decisioning.pod_state import ViewerState
from ctv_ads.decisioning.pod_terms import CandidateTerms, terms_of
from ctv_ads.domain.inventory import ServableLineItem
from ctv_ads.domain.line_item import Separation, SeparationBy, SeparationExtent
from ctv_ads.domain.pod import Candidate, PodSpec
from ctv_ads.domain.reasons import Reason
from tests.builders import a_servable_creative, a_servable_line_item
from tests.pod_worlds import an_id

NOBODY = ViewerState({}, {})
ALL_OF_IT = 1_000_000
BY_CATEGORY, BY_DOMAIN = (Separation(by, SeparationExtent.POD) for by in SeparationBy)

Pod = tuple[tuple[int, int], ...]
"""Positions of candidates and of their creatives."""


@st.composite
def an_offer(draw: st.DrawFn) -> list[ServableLineItem]:
    """Few line items of up to three tiers, in rank order: tier, then value per time."""
    found = [
        a_servable_line_item(
            line_item_id=an_id(2, number),
            needs_tokens=False,
            priority=draw(st.sampled_from((4, 8))),
            value_micros=draw(st.integers(0, 9)),
            category=draw(st.sampled_from((None, None, "cars", "beer"))),
            advertiser_domain=draw(st.sampled_from((None, "a.example", "b.example"))),
            separation=draw(
                st.sampled_from(((BY_CATEGORY,), (BY_CATEGORY, BY_DOMAIN), (BY_DOMAIN,), ()))
            ),
            creatives=[
                a_servable_creative(
                    creative_id=an_id(1, 10 * number + turn),
                    duration_ms=1_000 * draw(st.sampled_from((5, 6, 10, 15, 20))),
                    media_sha256=draw(st.sampled_from(("", "", "a", "b"))),
                )
                for turn in range(draw(st.integers(1, 2)))
            ],
        )
        for number in range(draw(st.integers(0, 6)))
    ]
    return sorted(found, key=lambda one: (one.priority, -one.value_micros / length_ms(one)))


def length_ms(line_item: ServableLineItem) -> int:
    return min(creative.duration_ms for creative in line_item.creatives)


def every_pod(offer: Sequence[ServableLineItem], spec: PodSpec) -> Iterator[Pod]:
    for size in range(spec.max_ads + 1):
        for some in combinations(range(len(offer)), size):
            for turns in product(*(range(len(offer[one].creatives)) for one in some)):
                pod = tuple(zip(some, turns, strict=True))
                if is_allowed(pod, offer, spec):
                    yield pod


def is_allowed(pod: Pod, offer: Sequence[ServableLineItem], spec: PodSpec) -> bool:
    media = [offer[one].creatives[turn] for one, turn in pod]
    films = [creative.media_sha256 for creative in media if creative.media_sha256]
    pairs = combinations([offer[one] for one, _ in pod], 2)
    length_ms = sum(creative.duration_ms for creative in media)
    return (
        (spec.duration_ms is None or length_ms <= spec.duration_ms)
        and len(set(films)) == len(films)
        and not any(are_rivals(one, other) for one, other in pairs)
    )


def are_rivals(one: ServableLineItem, other: ServableLineItem) -> bool:
    """Tell whether a rule of either keeps both out of one pod."""
    rules = one.separation + other.separation
    by_category = one.category == other.category and one.category is not None
    by_domain = (
        one.advertiser_domain == other.advertiser_domain and one.advertiser_domain is not None
    )
    return (by_category and BY_CATEGORY in rules) or (by_domain and BY_DOMAIN in rules)


def worth_of(pod: Pod, offer: Sequence[ServableLineItem], priority: int) -> tuple[int, int]:
    in_tier = [(one, turn) for one, turn in pod if offer[one].priority == priority]
    value = sum(offer[one].value_micros for one, _ in in_tier)
    return value, sum(offer[one].creatives[turn].duration_ms for one, turn in in_tier)


def filled(offer: Sequence[ServableLineItem], spec: PodSpec, nodes: int = ALL_OF_IT) -> Filled:
    terms: list[CandidateTerms] = [terms_of(Candidate(one, one.creatives, 0)) for one in offer]
    return fill_pod(spec, terms, NOBODY, now_s=0, node_limit=nodes)


def picks_of(found: Filled) -> Pod:
    return tuple((pick.candidate, pick.creative) for pick in found.pod.picks)


SPECS = st.builds(
    PodSpec,
    duration_ms=st.sampled_from((None, None, 5_000, 20_000, 30_000, 45_000)),
    max_ads=st.integers(1, 4),
).filter(lambda spec: spec.duration_ms is not None or spec.max_ads > 1)
"""One slot without a length is no pod to be made better: it goes to the first in rank."""


@settings(max_examples=400, deadline=None)
@given(offer=an_offer(), spec=SPECS)
def test_with_time_to_search_no_pod_is_worth_more(
    offer: list[ServableLineItem], spec: PodSpec
) -> None:
    found = filled(offer, spec)
    pod = picks_of(found)
    assert is_allowed(pod, offer, spec)
    assert len(pod) <= spec.max_ads
    # The first tier's value is the greatest of all; the second's, of those that keep the first.
    rivals = list(every_pod(offer, spec))
    for priority, _ in groupby(offer, key=lambda one: one.priority):
        mine = worth_of(pod, offer, priority)
        assert mine[0] == max(worth_of(rival, offer, priority)[0] for rival in rivals)
        first = tuple(one for one in pod if offer[one[0]].priority <= priority)
        rivals = [rival for rival in rivals if set(first) <= set(rival)]
    assert found.pod.optimality_gap_bp == 0


@settings(max_examples=300, deadline=None)
@given(offer=an_offer(), spec=SPECS, nodes=st.integers(0, 8))
def test_the_gap_is_never_understated(
    offer: list[ServableLineItem], spec: PodSpec, nodes: int
) -> None:
    if len({one.priority for one in offer}) > 1:
        return
    found = filled(offer, spec, nodes)
    mine = sum(offer[one].value_micros for one, _ in picks_of(found))
    best = max(sum(offer[one].value_micros for one, _ in pod) for pod in every_pod(offer, spec))
    assert mine >= best * (1 - found.pod.optimality_gap_bp / 10_000) - 1e-9


@settings(max_examples=200, deadline=None)
@given(offer=an_offer(), spec=SPECS)
def test_every_candidate_has_its_verdict_and_nothing_more_fits(
    offer: list[ServableLineItem], spec: PodSpec
) -> None:
    found = filled(offer, spec)
    pod = picks_of(found)
    assert len(found.pod.verdicts) == len(offer)
    for number, verdict in enumerate(found.pod.verdicts):
        assert (verdict is Reason.CHOSEN) == (number in {one for one, _ in pod})
    for number, line_item in enumerate(offer):
        if number in {one for one, _ in pod} or len(pod) == spec.max_ads:
            continue
        for turn in range(len(line_item.creatives)):
            assert not is_allowed((*pod, (number, turn)), offer, spec)
