"""Sketches of sessions: they merge, repeats change nothing, and the count is near the truth."""

from hypothesis import given
from hypothesis import strategies as st

from ctv_ads.adapters.session_sketches import count_sessions, merged_sketch

_SESSIONS = st.lists(st.integers(-(2**63), 2**63 - 1).filter(bool), max_size=30)


@given(_SESSIONS, _SESSIONS)
def test_a_few_sessions_are_counted_exactly_however_they_come(
    some: list[int], others: list[int]
) -> None:
    apart = [merged_sketch(None, some), merged_sketch(None, others)]
    together = merged_sketch(apart[0], others)
    assert count_sessions(apart) == count_sessions([together]) == len({*some, *others})


@given(_SESSIONS)
def test_a_session_that_comes_again_changes_nothing(sessions: list[int]) -> None:
    known = merged_sketch(None, sessions)
    assert count_sessions([merged_sketch(known, sessions), known]) == len(set(sessions))


def test_many_sessions_are_counted_within_some_percent_in_little_room() -> None:
    known = None
    for start in range(0, 100_000, 1000):
        # Any odd factor spreads small numbers over 64 bits.
        more = [n * 0x9E3779B97F4A7C15 % 2**63 for n in range(start, start + 1000)]
        known = merged_sketch(known, more)
    assert known is not None
    assert len(known) < 1200
    assert abs(count_sessions([known]) - 100_000) < 8_000


def test_no_sketches_are_no_sessions() -> None:
    assert count_sessions([]) == 0
