"""Decisions made again: searched for and filled anew, so that what changed shows."""

from collections.abc import Iterator
from typing import Any

import pytest

from ctv_ads.decisioning.pod_draft import Draft
from ctv_ads.domain.campaign import LineItemType
from ctv_ads.domain.frequency import CapKey, CapScope, FrequencyCap
from ctv_ads.domain.inventory import ServableLineItem
from ctv_ads.domain.line_item import CreativeRotation, Separation, SeparationBy, SeparationExtent
from local.valkey import ValkeyServer
from tests.builders import a_servable_creative, a_servable_line_item
from tests.functions.conftest import Office
from tests.functions.explaining import Server, a_server
from tests.functions.test_decisions import VAST, of, replayed

HOUR_MS = 3_600_000


@pytest.fixture
def server(valkey_server: ValkeyServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with a_server(valkey_server.url, monkeypatch) as server:
        yield server


def assert_made_again(office: Office, server: Server, path: str) -> None:
    answer = server.answer(path)
    again = replayed(office, answer["x-decision-id"])
    assert again["answer"] == answer["body"]
    assert (again["same_candidates"], again["same_picks"]) == (True, True), again
    assert (again["differences"], again["untold"]) == ([], [])


def capped(scope: CapScope, limit: int, **terms: Any) -> ServableLineItem:
    return a_servable_line_item(
        frequency_caps=(FrequencyCap(limit, HOUR_MS, scope, CapKey.SESSION),), **terms
    )


def test_what_the_viewer_had_seen_is_known_from_the_verdicts(
    office: Office, server: Server
) -> None:
    films = [a_servable_creative() for _ in range(3)]
    rule = (Separation(SeparationBy.CATEGORY, SeparationExtent.STREAM),)
    server.publish(
        of(
            office,
            capped(CapScope.LINE_ITEM, 2, priority=4),
            capped(CapScope.CREATIVE, 1, creatives=films, priority=5),
            a_servable_line_item(
                creatives=films, creative_rotation=CreativeRotation.SEQUENTIAL, priority=6
            ),
            a_servable_line_item(category="cars", separation=rule, priority=7),
            a_servable_line_item(category="cars", separation=rule, priority=7),
        )
    )
    for _ in range(5):
        assert_made_again(office, server, f"{VAST}&max_ads=3&session_id=evening")
    assert_made_again(office, server, f"{VAST}&duration_ms=90000&session_id=morning")


def test_a_changed_filler_is_seen(
    office: Office, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    films = [a_servable_creative() for _ in range(2)]
    line_item = a_servable_line_item(creatives=films)
    server.publish(of(office, line_item))
    answer = server.answer(VAST)
    right = Draft._choose
    monkeypatch.setattr(
        Draft, "_choose", lambda own, terms, them: right(own, terms, tuple(them)[::-1])
    )
    again = replayed(office, answer["x-decision-id"])
    assert (again["same_candidates"], again["same_picks"]) == (True, False)
    (slot,) = again["differences"]
    shown = {name: slot[name]["creative_id"] for name in ("recorded", "again")}
    assert shown["recorded"] in answer["body"]
    assert shown["again"] not in answer["body"]
    assert set(shown.values()) == {film.creative_id for film in films}
    assert again["answer"] != answer["body"]


def test_a_filler_that_leaves_an_ad_out_is_seen(
    office: Office, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.publish(of(office, *(a_servable_line_item() for _ in range(2))))
    decision_id = server.answer(f"{VAST}&max_ads=2")["x-decision-id"]
    right = Draft.is_full
    monkeypatch.setattr(
        Draft, "is_full", lambda own: right(Draft(own.spec._replace(max_ads=1), own.is_capped,
                                                  own.added, own.order, own.filled_ms))
    )  # fmt: skip
    again = replayed(office, decision_id)
    assert again["same_picks"] is False
    assert [(one["slot"], one["again"]) for one in again["differences"]] == [(2, None)]


def test_a_house_ad_is_picked_again(office: Office, server: Server) -> None:
    house = a_servable_line_item(
        type=LineItemType.HOUSE, priority=16, price_micros=0, needs_tokens=False
    )
    server.publish(of(office, a_servable_line_item(), house), tokens_micros=0)
    for _ in range(2):
        assert_made_again(office, server, VAST)
