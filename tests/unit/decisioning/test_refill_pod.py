"""Breaks filled again from their records alone, and a changed filler that shows."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ctv_ads.adapters.memory.pod_filler import InMemoryPodFiller
from ctv_ads.decisioning import fill_pod
from ctv_ads.decisioning.pod_draft import Draft
from ctv_ads.decisioning.pod_state import Grant
from ctv_ads.decisioning.pod_terms import SESSION
from ctv_ads.decisioning.refill_pod import (
    Recalled,
    Refilled,
    Views,
    refill,
    refill_as_recorded,
)
from ctv_ads.domain.frequency import CapKey, CapScope, FrequencyCap
from ctv_ads.domain.inventory import ServableLineItem
from ctv_ads.domain.line_item import (
    CreativeRotation,
    Separation,
    SeparationBy,
    SeparationExtent,
)
from ctv_ads.domain.pod import FilledPod, PodSpec, ViewerKeys
from ctv_ads.domain.reasons import Reason
from tests.builders import NOON, a_servable_creative, a_servable_line_item
from tests.pod_worlds import BREAKS, GRANTS, Break, an_id, candidates_of, inventories

VIEWER = ViewerKeys("s", "d", "h")
MINUTE = timedelta(minutes=1)
HOUR_MS = 3_600_000


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ranked=inventories(), breaks=st.lists(BREAKS, min_size=1, max_size=8), grants=GRANTS)
def test_a_break_is_filled_again_as_it_was(
    ranked: list[ServableLineItem], breaks: list[Break], grants: dict[int, int]
) -> None:
    filler = InMemoryPodFiller()
    for number, amount in grants.items():
        filler.grants[an_id(2, number).encode()] = Grant(5, amount)
    now = NOON
    for one in breaks:
        now += one.after
        candidates = candidates_of([ranked[n] for n in one.offered if n < len(ranked)])
        recorded = filler.fill(
            one.spec, candidates, one.viewer, seed=1, now=now, version=None, record=b""
        )
        again = refill_as_recorded(one.spec, candidates, one.viewer, recorded, now=now)
        assert again.is_same is not False
        if again.is_same:
            assert again.pod.picks == recorded.picks


class Evening:
    """Breaks of one viewer, one minute after the other, filled with what is remembered."""

    def __init__(self, *line_items: ServableLineItem, poor: ServableLineItem | None = None) -> None:
        self.filler = InMemoryPodFiller()
        self.candidates = candidates_of(line_items)
        self.now = NOON
        for one in line_items:
            token = one.line_item_id.encode()
            self.filler.grants[token] = Grant(5, 0 if one is poor else 10**9)

    def fill(self, spec: PodSpec, viewer: ViewerKeys = VIEWER) -> FilledPod:
        self.now += MINUTE
        return self.filler.fill(
            spec, self.candidates, viewer, seed=1, now=self.now, version=None, record=b""
        )

    def again(self, spec: PodSpec, recorded: FilledPod, viewer: ViewerKeys = VIEWER) -> Refilled:
        return refill_as_recorded(spec, self.candidates, viewer, recorded, now=self.now)

    def assert_same(self, spec: PodSpec, *, breaks: int, viewer: ViewerKeys = VIEWER) -> None:
        for _ in range(breaks):
            recorded = self.fill(spec, viewer)
            again = self.again(spec, recorded, viewer)
            assert (again.is_same, again.pod.picks) == (True, recorded.picks)
            assert again.pod.verdicts == recorded.verdicts


def capped(scope: CapScope, limit: int, **terms: Any) -> ServableLineItem:
    cap = FrequencyCap(limit, HOUR_MS, scope, CapKey.DEVICE)
    return a_servable_line_item(frequency_caps=(cap,), **terms)


ONE, THREE = PodSpec(None, 1), PodSpec(None, 3)


@pytest.mark.parametrize("scope", [CapScope.LINE_ITEM, CapScope.CAMPAIGN, CapScope.ADVERTISER])
def test_who_was_capped_before_stays_refused(scope: CapScope) -> None:
    Evening(capped(scope, 2), a_servable_line_item()).assert_same(ONE, breaks=4)


def test_a_cap_that_two_ads_of_a_break_reach_is_reached_again() -> None:
    first = capped(CapScope.CAMPAIGN, 3)
    second = capped(CapScope.CAMPAIGN, 3, campaign_id=first.campaign_id)
    Evening(first, second, a_servable_line_item()).assert_same(THREE, breaks=3)


def test_a_capped_creative_makes_way_for_the_next() -> None:
    films = [a_servable_creative() for _ in range(3)]
    Evening(capped(CapScope.CREATIVE, 1, creatives=films)).assert_same(ONE, breaks=4)


def test_a_creative_that_two_share_under_caps_is_shown_again() -> None:
    films = [a_servable_creative(media_sha256=f"{number:064x}") for number in range(2)]
    first = capped(CapScope.CREATIVE, 1, creatives=films[:1])
    evening = Evening(first, capped(CapScope.CREATIVE, 3, creatives=films))
    evening.assert_same(PodSpec(None, 2), breaks=1)


def test_what_one_viewer_had_seen_is_not_counted_for_one_without_keys() -> None:
    evening = Evening(a_servable_line_item())
    known = Recalled(views=[Views(SESSION, b"x", 1, 60)], sequences={b"q": 1})
    pod = refill(ONE, evening.candidates, ViewerKeys(), known, now=NOON)
    assert len(pod.picks) == 1


def test_a_sequence_goes_on_where_it_was() -> None:
    films = [a_servable_creative() for _ in range(3)]
    line_item = a_servable_line_item(creatives=films, creative_rotation=CreativeRotation.SEQUENTIAL)
    Evening(line_item).assert_same(ONE, breaks=5)
    Evening(line_item).assert_same(ONE, breaks=2, viewer=ViewerKeys())


def test_rivals_of_earlier_breaks_and_of_this_one_are_kept_out() -> None:
    rule = (Separation(SeparationBy.CATEGORY, SeparationExtent.STREAM),)
    rivals = [a_servable_line_item(category="cars", separation=rule) for _ in range(3)]
    Evening(*rivals, a_servable_line_item()).assert_same(THREE, breaks=3)


def test_who_has_no_tokens_has_none_again() -> None:
    poor = a_servable_line_item()
    Evening(poor, a_servable_line_item(), poor=poor).assert_same(ONE, breaks=2)


def test_a_cap_without_a_viewer_is_judged_again() -> None:
    evening = Evening(capped(CapScope.CAMPAIGN, 1), a_servable_line_item())
    evening.assert_same(ONE, breaks=2, viewer=ViewerKeys())


def long_break() -> tuple[Evening, PodSpec]:
    """One that the search would fill with the last line item, had it tokens."""
    film = [a_servable_creative(duration_ms=20_000)]
    small = [a_servable_line_item(value_micros=20, creatives=film) for _ in range(2)]
    big = a_servable_line_item(value_micros=50, creatives=[a_servable_creative(duration_ms=40_000)])
    return Evening(*small, big, poor=big), PodSpec(40_000, 2)


def test_who_came_to_a_full_pod_and_has_no_tokens_is_told_to_have_none() -> None:
    evening, spec = long_break()
    recorded = evening.fill(spec)
    assert recorded.verdicts[2] is Reason.NO_TOKENS
    assert evening.again(spec, recorded).is_same is True


def kept_apart(by: SeparationBy, extent: SeparationExtent, **terms: Any) -> ServableLineItem:
    return a_servable_line_item(separation=(Separation(by, extent),), **terms)


def test_a_rival_of_the_pod_may_have_been_kept_out_by_an_earlier_break() -> None:
    domain, category = SeparationBy.ADVERTISER_DOMAIN, SeparationBy.CATEGORY
    pod, stream = SeparationExtent.POD, SeparationExtent.STREAM
    before = Evening(a_servable_line_item(advertiser_domain="a.example"))
    before.fill(ONE)
    evening = Evening(
        a_servable_line_item(value_micros=10),
        kept_apart(domain, pod, advertiser_domain="a.example", category="cars", value_micros=100),
        kept_apart(domain, stream, advertiser_domain="a.example", value_micros=100),
        kept_apart(category, pod, category="cars", value_micros=20),
    )
    evening.filler.hashes = before.filler.hashes
    two = PodSpec(None, 2)
    recorded = evening.fill(two)
    assert [pick.candidate for pick in recorded.picks] == [0, 1]
    again = evening.again(two, recorded)
    assert [pick.candidate for pick in again.pod.picks] == [2, 3]
    assert again.is_same is None
    assert evening.candidates[2].line_item.line_item_id in again.untold


def test_who_was_outranked_with_a_long_creative_may_have_had_its_short_one_capped() -> None:
    films = [a_servable_creative(duration_ms=ms) for ms in (10_000, 30_000)]
    line_item = capped(CapScope.CREATIVE, 1, creatives=films, value_micros=45)
    more = [a_servable_creative(duration_ms=10_000)]
    evening = Evening(line_item, a_servable_line_item(creatives=more, value_micros=20_000))
    evening.fill(ONE)
    spec = PodSpec(30_000, 5)
    recorded = evening.fill(spec)
    assert recorded.verdicts == (Reason.OUTRANKED, Reason.CHOSEN)
    again = evening.again(spec, recorded)
    assert (again.is_same, again.untold) == (None, (films[0].creative_id,))


def test_a_filler_that_takes_the_last_creative_first_is_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    evening = Evening(a_servable_line_item(creatives=[a_servable_creative() for _ in range(2)]))
    recorded = evening.fill(ONE)
    right = Draft._choose
    monkeypatch.setattr(
        Draft, "_choose", lambda own, terms, them: right(own, terms, tuple(them)[::-1])
    )
    again = evening.again(ONE, recorded)
    assert again.is_same is False
    assert (again.pod.picks[0].creative, recorded.picks[0].creative) == (1, 0)


def test_a_filler_that_forgets_separation_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = (Separation(SeparationBy.CATEGORY, SeparationExtent.POD),)
    rivals = [a_servable_line_item(category="cars", separation=rule) for _ in range(2)]
    evening = Evening(*rivals)
    recorded = evening.fill(THREE)
    assert len(recorded.picks) == 1
    monkeypatch.setattr(Draft, "_refuse", lambda *_: None)
    monkeypatch.setattr(Draft, "_place", lambda own, _: (len(own.order), 0))
    assert evening.again(THREE, recorded).is_same is False


def test_a_filler_that_does_not_search_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    evening, spec = long_break()
    evening.filler.grants = dict.fromkeys(evening.filler.grants, Grant(5, 10**9))
    recorded = evening.fill(spec)
    assert len(recorded.picks) == 1
    monkeypatch.setattr(fill_pod._Filling, "_find_better", lambda *given: given[-1].worth[0])
    assert evening.again(spec, recorded).is_same is False


def test_a_longer_creative_that_was_capped_is_told_as_untold() -> None:
    films = [a_servable_creative(duration_ms=ms) for ms in (10_000, 20_000)]
    line_item = capped(CapScope.CREATIVE, 1, creatives=films)
    other = a_servable_line_item(creatives=[a_servable_creative(duration_ms=10_000)])
    evening, spec = Evening(line_item, other), PodSpec(30_000, 2)
    for _ in range(2):
        recorded = evening.fill(spec)
        assert evening.again(spec, recorded).is_same is not False


def test_where_a_sequence_began_is_not_known_of_a_break_with_a_length(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    films = [a_servable_creative() for _ in range(2)]
    line_item = a_servable_line_item(creatives=films, creative_rotation=CreativeRotation.SEQUENTIAL)
    evening, spec = Evening(line_item), PodSpec(60_000, 1)
    recorded = evening.fill(spec)
    assert evening.again(spec, recorded).is_same is True
    monkeypatch.setattr(Draft, "_choose", lambda *_: 1)
    again = evening.again(spec, recorded)
    assert (again.is_same, again.untold) == (None, (line_item.line_item_id,))
