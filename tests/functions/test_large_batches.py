"""Batches that hold more than one transaction should, and more than there is time for."""

import tracemalloc
from collections.abc import Sequence
from typing import Any

import pytest

from ctv_ads.adapters.aws.beacon_messages import encode_message
from ctv_ads.domain.beacon import Beacon, BeaconEvent
from ctv_ads.errors import DependencyUnavailableError
from ctv_ads.ports.pipeline import RecordedBatch
from functions.impressions import consumer
from tests.builders import PRICE_MICROS, a_beacon, some_claims
from tests.functions.recorded import Context, failures, sqs_event
from tests.worlds import World

OF_A_CALL = 500


class Ledger:
    """Passes batches on, tells how many beacons each had, and fails from one of them on."""

    def __init__(self, world: World, *, fails_at: int = 1_000) -> None:
        self.sizes: list[int] = []
        self._world = world
        self._fails_at = fails_at

    def record(self, beacons: Sequence[Beacon]) -> RecordedBatch:
        self.sizes.append(len(beacons))
        if len(self.sizes) > self._fails_at:
            raise DependencyUnavailableError("postgresql", "Connection refused")
        return self._world.ledger.record(beacons)


@pytest.fixture
def world(postgres_of_session: World) -> World:
    return postgres_of_session


def messages(world: World, number: int) -> tuple[list[str], Any, Any]:
    """Return bodies, each of 500 beacons of one ad, and whose campaign it is."""
    tenant = world.a_tenant()
    campaign = world.a_serving_campaign(tenant)
    line_item_id = campaign.line_items[0].line_item_id
    return [_body(line_item_id) for _ in range(number)], tenant, campaign


def _body(line_item_id: Any) -> str:
    claims = some_claims(line_item_id=line_item_id)
    others = [a_beacon(claims, event=BeaconEvent.START)] * (OF_A_CALL - 1)
    return encode_message([a_beacon(claims), *others])


def test_a_batch_is_recorded_in_transactions_of_about_ten_thousand_beacons(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger(world)
    monkeypatch.setattr(consumer, "beacon_ledger", lambda: ledger)
    bodies, tenant, campaign = messages(world, 45)
    assert failures(consumer.lambda_handler(sqs_event(*bodies), Context())) == []  # type: ignore[arg-type]
    assert ledger.sizes == [10_000, 10_000, 2_500]
    billed = world.campaign(tenant, campaign.campaign_id).billed_micros
    assert billed == 45 * PRICE_MICROS


def test_what_there_is_no_time_for_comes_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger(world)
    monkeypatch.setattr(consumer, "beacon_ledger", lambda: ledger)
    bodies, tenant, campaign = messages(world, 45)
    answer = consumer.lambda_handler(sqs_event(*bodies), Context(12_000, 9_999))  # type: ignore[arg-type]
    assert failures(answer) == [f"m{number}" for number in range(40, 45)]
    assert ledger.sizes == [10_000, 10_000]
    billed = world.campaign(tenant, campaign.campaign_id).billed_micros
    assert billed == 40 * PRICE_MICROS


def test_however_late_it_is_the_first_part_is_tried(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger(world)
    monkeypatch.setattr(consumer, "beacon_ledger", lambda: ledger)
    bodies, _, _ = messages(world, 1)
    assert failures(consumer.lambda_handler(sqs_event(*bodies), Context(1))) == []  # type: ignore[arg-type]


def test_memory_is_bounded_by_the_part_and_not_by_the_batch(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    class NoLedger:
        def record(self, beacons: Sequence[Beacon]) -> RecordedBatch:
            return RecordedBatch(len(beacons), 0, 0, 0, ())

    monkeypatch.setattr(consumer, "beacon_ledger", NoLedger)
    bodies, _, _ = messages(world, 20)
    peaks = []
    for times in (1, 6):
        event = sqs_event(*bodies * times)
        tracemalloc.start()
        consumer.lambda_handler(event, Context())  # type: ignore[arg-type]
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 2.5 * peaks[0]
