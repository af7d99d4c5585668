"""What decisions add to the statistics: room of breaks, requests, ads served."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ctv_ads.adapters.aws.decision_messages import encode_decisions
from ctv_ads.decisioning.count_decisions import (
    MadeDecision,
    counted,
    opportunities_in,
    opportunities_of,
)
from ctv_ads.domain.ad_request import AdBreak
from ctv_ads.domain.delivery import DecidedCounts, DecidedRow
from ctv_ads.domain.ids import CreativeId, LineItemId, OrganizationId, PlacementId
from ctv_ads.domain.inventory import PublishedPlacement
from ctv_ads.domain.pod import PodSpec
from ctv_ads.domain.reasons import NoFillReason
from ctv_ads.use_cases.drain_decisions import KEYS_AT_ONCE, ROWS_IN_MESSAGE, messages_of
from tests.builders import NOON

SQS_BYTES = 262_144
PLACEMENT, OTHER = PlacementId("p1"), PlacementId("p2")
ITEM, RIVAL = LineItemId("l1"), LineItemId("l2")
RED, BLUE = CreativeId("c1"), CreativeId("c2")


@pytest.mark.parametrize(
    ("duration_ms", "max_ads", "opportunities"),
    [
        (None, 1, 1),
        (None, 4, 4),
        (15_000, 4, 1),
        (59_999, 4, 1),
        (60_000, 4, 2),
        (300_000, 4, 4),
        (120_000, 20, 4),
    ],
)
def test_a_break_has_room_for_ads_of_30_s(
    duration_ms: int | None, max_ads: int, opportunities: int
) -> None:
    assert opportunities_of(PodSpec(duration_ms, max_ads)) == opportunities


def test_the_placement_says_what_the_request_leaves_open() -> None:
    placement = PublishedPlacement(PLACEMENT, OrganizationId("o"), default_break_ms=90_000)
    asked = AdBreak(duration_ms=300_000, is_length_unknown=True)
    assert opportunities_in(asked, placement) == 3


@pytest.mark.parametrize(
    ("asked", "opportunities"),
    [
        (AdBreak(), 1),
        (AdBreak(max_ads=3), 3),
        (AdBreak(duration_ms=90_000), 3),
        (AdBreak(duration_ms=300_000, is_length_unknown=True), 1),
        (AdBreak(max_ads=100), 100),
        (AdBreak(max_ads=500), 100),
    ],
)
def test_without_its_placement_the_request_alone_says_it(
    asked: AdBreak, opportunities: int
) -> None:
    assert opportunities_in(asked, None) == opportunities


def a_decision(*served: tuple[LineItemId, CreativeId | None], **others: Any) -> MadeDecision:
    parts: dict[str, Any] = {
        "decided_at": NOON,
        "placement_id": PLACEMENT,
        "country": "AT",
        "device_type": "ctv",
        "opportunities": 2,
    }
    return MadeDecision(**(parts | others), served=served)


def a_row(**others: Any) -> DecidedRow:
    parts: dict[str, Any] = {
        "hour": NOON,
        "placement_id": PLACEMENT,
        "country": "AT",
        "device_type": "ctv",
    }
    return DecidedRow(**(parts | others))


def test_requests_are_counted_by_place_and_ads_by_line_item_and_creative() -> None:
    late = NOON + timedelta(minutes=59, seconds=59)
    decisions = [
        a_decision((ITEM, RED), (RIVAL, BLUE)),
        a_decision((ITEM, RED), (ITEM, None), decided_at=late),
        a_decision(no_fill=NoFillReason.NO_TOKENS),
        a_decision(placement_id=OTHER, opportunities=1, no_fill=NoFillReason.NO_ROOM),
        a_decision(placement_id=OTHER, opportunities=1, no_fill=NoFillReason.NO_LINE_ITEM),
        a_decision(placement_id=OTHER, opportunities=1, no_fill=NoFillReason.NO_ROOM),
    ]
    expected = [
        a_row(
            requests=3,
            opportunities=6,
            no_fills=1,
            no_fill_reasons={NoFillReason.NO_TOKENS: 1},
        ),
        a_row(
            placement_id=OTHER,
            requests=3,
            opportunities=3,
            no_fills=3,
            no_fill_reasons={NoFillReason.NO_LINE_ITEM: 1, NoFillReason.NO_ROOM: 2},
        ),
        a_row(line_item_id=ITEM, ads_served=1),
        a_row(line_item_id=ITEM, creative_id=RED, ads_served=2),
        a_row(line_item_id=RIVAL, creative_id=BLUE, ads_served=1),
    ]
    assert counted(decisions, keys_at_once=100) == [expected]
    assert counted(decisions[::-1], keys_at_once=100) == [expected]


@pytest.mark.parametrize(
    "other",
    [
        {"decided_at": NOON + timedelta(hours=1)},
        {"placement_id": OTHER},
        {"country": ""},
        {"device_type": "phone"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_each_hour_placement_country_and_device_counts_apart(other: dict[str, Any]) -> None:
    (rows,) = counted([a_decision(), a_decision(**other)], keys_at_once=100)
    assert [row.requests for row in rows] == [1, 1]


def test_which_message_a_line_item_is_in_does_not_depend_on_known_creatives() -> None:
    names = [LineItemId(f"l{number:03}") for number in range(250)]
    creatives = [CreativeId(f"c{number}") for number in range(5)]
    known = [a_decision(*((name, creative) for creative in creatives)) for name in names]
    unknown = [a_decision(*((name, None) for _ in creatives)) for name in names]
    ids = []
    for decisions in (known, unknown):
        messages = list(messages_of("s0-1-0-9-0", decisions))
        ids.append(
            {message.message_id: {row.line_item_id for row in message.rows} for message in messages}
        )
    assert ids[0] == ids[1]
    assert len(ids[0]) == 3


def test_messages_of_other_batches_have_other_ids() -> None:
    first, second = (next(messages_of(span, [a_decision()])) for span in ("s0-1", "s1-1"))
    assert first.message_id != second.message_id
    assert first.rows == second.rows


def test_every_message_is_below_what_sqs_takes() -> None:
    creatives = [(ITEM, CreativeId(f"{number:036}")) for number in range(1000)]
    messages = list(messages_of("s0-1-0-9-0", [a_decision(*creatives)]))
    assert sum(row.ads_served for message in messages for row in message.rows) == 1000
    assert len({message.message_id for message in messages}) == len(messages) == 2

    longest = a_row(
        placement_id=PlacementId("p" * 36),
        device_type="d" * 32,
        line_item_id=LineItemId("l" * 36),
        creative_id=CreativeId("c" * 36),
        requests=2**40,
        opportunities=2**40,
        no_fills=2**40,
        ads_served=2**40,
    )
    # A row of requests names neither, but its reasons.
    asked = replace(
        longest,
        line_item_id=None,
        creative_id=None,
        no_fill_reasons=dict.fromkeys(NoFillReason, 2**40),
    )
    message = DecidedCounts(
        "m" * 36, ((asked,) * KEYS_AT_ONCE + (longest,) * ROWS_IN_MESSAGE)[:ROWS_IN_MESSAGE]
    )
    assert len(encode_decisions(message).encode()) < SQS_BYTES
