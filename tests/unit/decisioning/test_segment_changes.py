"""What has to be compiled again after a change."""

import pytest

from ctv_ads.decisioning.segments.changes import Changes, changes_since
from ctv_ads.domain.ids import LineItemId

A, B, C, D = (LineItemId(name) for name in "abcd")
BASE = {A: 0x10, B: 0x20, C: 0x30}
"""Marks of line items that are all on schedule: urgency is the last digit."""


def test_without_a_base_everything_is_compiled() -> None:
    assert changes_since(None, BASE, overlay_limit=2) is None
    assert changes_since(None, {}, overlay_limit=2) is None


def test_what_is_as_it_was_changes_nothing() -> None:
    assert changes_since(BASE, dict(BASE), overlay_limit=0) == Changes((), ())


def test_an_overlay_holds_what_is_new_or_changed_and_hides_what_has_gone() -> None:
    marks = {A: 0x10, B: 0x50, D: 0x40}
    assert changes_since(BASE, marks, overlay_limit=2) == Changes((B, D), (B, C))


@pytest.mark.parametrize(
    "marks",
    [{A: 0x70, B: 0x70, C: 0x70}, {A: 0x10, B: 0x20}],
    ids=["many changes", "few line items"],
)
def test_a_new_base_is_made_of_many_changes_or_of_few_line_items(
    marks: dict[LineItemId, int],
) -> None:
    assert changes_since(BASE, marks, overlay_limit=2) is None


def many(**urgencies: int) -> dict[LineItemId, int]:
    """Return marks of 30 line items, some of them behind."""
    names = [*"abcd", *(f"other {number:02}" for number in range(26))]
    return {
        LineItemId(name): (number << 4) - (1 << 63) | urgencies.get(name, 0)
        for number, name in enumerate(names)
    }


def test_urgency_that_has_hardly_changed_is_not_published_for_itself() -> None:
    assert changes_since(many(), many(a=1), overlay_limit=8) == Changes((), ())
    assert changes_since(BASE, {**BASE, A: 0x11}, overlay_limit=8) == Changes((), ())


def test_urgency_that_moved_by_two_steps_is_a_change_either_way() -> None:
    expected = Changes((A, B), (A, B))
    assert changes_since(many(a=3), many(a=1, b=2), overlay_limit=8) == expected
    assert changes_since(BASE, {**BASE, A: 0x12}, overlay_limit=8) is None, "few are compiled whole"


def test_the_furthest_off_take_half_of_the_overlay() -> None:
    marks = many(a=2, b=9, c=4, d=3)
    assert changes_since(many(), marks, overlay_limit=6) == Changes((B, C, D), (B, C, D))


def test_other_changes_go_before_urgency() -> None:
    marks = many(a=2, b=9) | {LineItemId(f"other {number:02}"): number for number in range(5)}
    changes = changes_since(many(), marks, overlay_limit=6)
    assert changes is not None
    assert [key for key in changes.changed if len(key) == 1] == [B]
    assert len(changes.changed) == len(changes.removed) == 6


def test_a_quarter_that_is_far_off_makes_a_new_base() -> None:
    off = {f"other {number:02}": 5 for number in range(7)}
    assert changes_since(many(), many(**off), overlay_limit=6) is not None
    assert changes_since(many(), many(**off, a=5), overlay_limit=6) is None
