"""The form that counts of decisions have in the queue: whole, or refused."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctv_ads.adapters.aws.decision_messages import (
    decode_decisions,
    encode_decisions,
    is_decisions,
)
from ctv_ads.adapters.ids import new_id
from ctv_ads.domain.delivery import DecidedCounts, DecidedRow
from ctv_ads.domain.ids import CreativeId, LineItemId, PlacementId
from ctv_ads.domain.reasons import NoFillReason
from tests.builders import NOON

ROW = DecidedRow(
    hour=NOON,
    placement_id=PlacementId(new_id()),
    country="DE",
    device_type="ctv",
    line_item_id=LineItemId(new_id()),
    creative_id=CreativeId(new_id()),
    ads_served=3,
)
REQUESTS = DecidedRow(
    hour=NOON,
    placement_id=PlacementId(new_id()),
    requests=9,
    opportunities=5,
    no_fills=3,
    no_fill_reasons={NoFillReason.NO_TOKENS: 2, NoFillReason.NO_ROOM: 1},
)
BODY = encode_decisions(DecidedCounts(new_id(), (ROW, REQUESTS)))


def test_what_is_written_is_read() -> None:
    counts = DecidedCounts(new_id(), (ROW, REQUESTS))
    body = encode_decisions(counts)
    assert is_decisions(body)
    assert decode_decisions(body) == counts


def test_versions_before_told_no_reasons() -> None:
    document = json.loads(BODY)
    del document["rows"][1]["no_fill_reasons"]
    (_, row) = decode_decisions(json.dumps(document)).rows
    assert row == replace(REQUESTS, no_fill_reasons={})


def changed(**fields: Any) -> str:
    document = json.loads(BODY)
    document["rows"][0] |= fields
    return json.dumps(document)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("[" * 100_000, id="nested without end"),
        pytest.param("{}", id="an empty object"),
        pytest.param("null", id="nothing"),
        pytest.param(BODY.replace("decisions", "beacons"), id="another kind"),
        pytest.param('{"kind":"decisions","id":"x","rows":[]}', id="a malformed id"),
        pytest.param(
            json.dumps({**json.loads(BODY), "rows": [{}] * 10_001}), id="rows without end"
        ),
        pytest.param(changed(no_fill_reasons={"no_tokens": 1}), id="reasons of no no-fill"),
        pytest.param(changed(no_fill_reasons={"bad_luck": 0}), id="an unknown reason"),
        pytest.param(changed(no_fill_reasons={"no_room": -1}, no_fills=-1), id="fewer than none"),
        pytest.param(changed(no_fill_reasons=["no_room"]), id="reasons without numbers"),
        pytest.param(changed(requests=-1), id="a count below zero"),
        pytest.param(changed(requests=True), id="a count that is none"),
        pytest.param(changed(ads_served=2**40), id="a count that is too great"),
        pytest.param(changed(hour="2026-11-23T12:30:00+00:00"), id="half an hour"),
        pytest.param(changed(hour="2026-11-23T12:00:00"), id="an hour without zone"),
        pytest.param(changed(country="DEU"), id="a country of three letters"),
        pytest.param(changed(device_type="TV!"), id="no device type"),
        pytest.param(changed(line_item_id="x"), id="a malformed line item"),
        pytest.param(changed(line_item_id=None), id="a creative of no line item"),
        pytest.param(changed(placement_id=None), id="no placement"),
    ],
)
def test_what_cannot_be_counted_is_refused(body: str) -> None:
    with pytest.raises(ValueError, match=r"^no counts of decisions: "):
        decode_decisions(body)


@given(st.text())
def test_noise_is_refused(body: str) -> None:
    with pytest.raises(ValueError, match=r"^no counts of decisions: "):
        decode_decisions('{"kind":"decisions"' + body)


def test_hours_are_of_utc_whatever_zone_they_are_told_in() -> None:
    row = decode_decisions(changed(hour="2026-11-23T14:00:00+02:00")).rows[0]
    assert row.hour == NOON
    assert row.hour.utcoffset() == timedelta(0)
