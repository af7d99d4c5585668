"""Why a break stays empty: every verdict that leaves it so has a word, and every word a cause."""

import pytest

from ctv_ads.decisioning.no_fill import no_fill_reason
from ctv_ads.domain.ids import LineItemId
from ctv_ads.domain.reasons import NoFillReason, Reason

NEAR = [reason for reason in Reason if reason >= 300 or reason is Reason.OUTSIDE_SHARE]
BEFORE_ANY_VERDICT = {
    NoFillReason.UNKNOWN_PLACEMENT,
    NoFillReason.INVENTORY_UNAVAILABLE,
    NoFillReason.NO_LINE_ITEM,
}


@pytest.mark.parametrize("reason", NEAR, ids=lambda reason: reason.wire_name)
def test_a_verdict_is_told_whoever_gave_it(reason: Reason) -> None:
    told = no_fill_reason([reason], [])
    assert told not in BEFORE_ANY_VERDICT
    assert told is no_fill_reason([], [(LineItemId("it"), reason)])


def test_no_word_is_without_a_cause() -> None:
    assert {no_fill_reason([reason], []) for reason in NEAR} | BEFORE_ANY_VERDICT == {*NoFillReason}


def test_the_best_candidate_speaks_before_those_who_were_passed_over() -> None:
    passed_over = [(LineItemId("it"), Reason.CREATIVE_TOO_LONG)]
    verdicts = [Reason.NO_TOKENS, Reason.CAP_CREATIVE]
    assert no_fill_reason(verdicts, passed_over) is NoFillReason.NO_TOKENS


def test_where_nobody_was_near_nothing_on_sale_is_for_this_request() -> None:
    assert no_fill_reason([], []) is NoFillReason.NO_LINE_ITEM
