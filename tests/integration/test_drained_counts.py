"""Counting drained decisions by creative, on the inventory that they were made on if it is there."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from ctv_ads.decisioning.repeat_pod import NotRepeatableError, picked_again
from ctv_ads.decisioning.segments.compile import compile_segment
from ctv_ads.decisioning.segments.index import LineItemIndex
from ctv_ads.decisioning.segments.layers import Layer
from ctv_ads.decisioning.segments.segment import Segment
from ctv_ads.decisioning.segments.snapshot import Snapshot
from ctv_ads.domain.ids import OrganizationId
from ctv_ads.domain.pod import Pick
from ctv_ads.errors import SnapshotCorruptError
from local.emulator import Emulator
from local.valkey import ValkeyServer
from tests.builders import NOON
from tests.drains import FIVE, Street, five_decisions
from tests.functions.explaining import a_server
from tests.worlds import World


@pytest.fixture
def street(
    valkey_server: ValkeyServer,
    aws_emulator: Emulator,
    postgres_of_session: World,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Street]:
    with a_server(valkey_server.url, monkeypatch) as server:
        yield Street.open(server, aws_emulator, postgres_of_session, valkey_server.url)


class Gone:
    """A history that keeps nothing."""

    def load(self, version: str) -> None:
        return None


def test_an_inventory_that_is_gone_costs_the_creative_only(street: Street) -> None:
    five_decisions(street)
    assert street.run(history=Gone()).without_creative == 4
    street.consume()
    assert street.statistics() == FIVE
    assert street.creatives() == {"00000000-0000-0000-0000-000000000000": 4}
    assert street.no_fills() == {"no_line_item": 1}


def test_no_fills_are_counted_by_their_reason(street: Street) -> None:
    five_decisions(street)
    street.decide("&mime=video/webm")
    street.run()
    street.consume(times=2)
    assert street.statistics() == {**FIVE, "requests": 6, "opportunities": 6, "no_fills": 2}
    assert street.no_fills() == {"no_line_item": 1, "no_creative_fits": 1}


class Another:
    """A history in which every version is another inventory."""

    def __init__(self, street: Street, line_items: LineItemIndex | None) -> None:
        self._street, self._line_items = street, line_items

    def load(self, version: str) -> Any:
        inventory = self._street.world.source.load(now=self._street.server.now)
        self.snapshot = Snapshot(version, NOON, inventory.placements)
        return self

    def line_items(self, organization_id: OrganizationId) -> LineItemIndex:
        if self._line_items is None:
            raise SnapshotCorruptError("segment: another checksum")
        return self._line_items


@pytest.mark.parametrize("creatives", [None, 0, 1], ids=["corrupt", "unknown", "fewer"])
def test_an_inventory_that_does_not_fit_costs_the_creative_only(
    street: Street, creatives: int | None
) -> None:
    for _ in range(9):
        street.world.a_ready_creative(street.tenant, street.campaign.campaign_id)
    inventory = street.world.source.load(now=street.server.now)
    street.server.publish(inventory)
    for seed in range(9):
        street.server.seed = seed
        street.decide()
    index = None
    if creatives is not None:
        (item,) = inventory.line_items[street.tenant.organization_id]
        kept = [replace(item, creatives=item.creatives[:1])] if creatives else []
        index = LineItemIndex([Layer(Segment(compile_segment(kept)))])
    assert street.run(history=Another(street, index)).decisions == 9
    street.consume()
    nine = {"requests": 9, "opportunities": 9, "no_fills": 0, "ads_served": 9}
    assert street.statistics() == nine


def test_a_corrupt_inventory_counts_as_gone(street: Street) -> None:
    class Corrupt(Gone):
        def load(self, version: str) -> None:
            raise SnapshotCorruptError("root: another checksum")

    five_decisions(street)
    assert street.run(history=Corrupt()).without_creative == 4


def test_a_creative_beyond_those_of_the_inventory_cannot_be_told(street: Street) -> None:
    street.decide()
    (batch,) = street.stream().take()
    record = batch.entries[0].record
    assert record is not None
    inventory = street.world.source.load(now=street.server.now)
    items = inventory.line_items[street.tenant.organization_id]
    index = LineItemIndex([Layer(Segment(compile_segment(items)))])
    placement = inventory.placements[street.tenant.placement_id]
    ((name, creative),) = picked_again(index, record, placement)
    assert (name, creative) == (street.line_item_id, items[0].creatives[0].creative_id)
    (pick,) = record.outcome.picks
    outcome = record.outcome._replace(picks=(Pick(pick.candidate, 1, pick.bucket),))
    with pytest.raises(NotRepeatableError):
        picked_again(index, replace(record, outcome=outcome), placement)
