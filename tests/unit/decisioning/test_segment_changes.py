"""What has to be compiled again after a change."""

import pytest

from ctv_ads.decisioning.segments.changes import Changes, changes_since
from ctv_ads.domain.ids import LineItemId

A, B, C, D = (LineItemId(name) for name in "abcd")
BASE = {A: 1, B: 2, C: 3}


def test_without_a_base_everything_is_compiled() -> None:
    assert changes_since(None, BASE, overlay_limit=2) is None
    assert changes_since(None, {}, overlay_limit=2) is None


def test_what_is_as_it_was_changes_nothing() -> None:
    assert changes_since(BASE, dict(BASE), overlay_limit=0) == Changes((), ())


def test_an_overlay_holds_what_is_new_or_changed_and_hides_what_has_gone() -> None:
    marks = {A: 1, B: 5, D: 4}
    assert changes_since(BASE, marks, overlay_limit=2) == Changes((B, D), (B, C))


@pytest.mark.parametrize(
    "marks", [{A: 7, B: 7, C: 7}, {A: 1, B: 2}], ids=["many changes", "few line items"]
)
def test_a_new_base_is_made_of_many_changes_or_of_few_line_items(
    marks: dict[LineItemId, int],
) -> None:
    assert changes_since(BASE, marks, overlay_limit=2) is None
