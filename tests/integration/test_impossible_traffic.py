"""What cannot have happened is kept apart in the recording transaction, once, and never billed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from random import getrandbits
from typing import Any

import pytest

from ctv_ads.adapters.postgres.beacon_ledger import PostgresBeaconLedger
from ctv_ads.domain.beacon import Beacon, BeaconClaims, BeaconEvent
from ctv_ads.domain.campaign import Campaign
from ctv_ads.domain.ids import CreativeId
from ctv_ads.domain.invalid_traffic import InvalidTraffic
from ctv_ads.domain.line_item import RateType
from ctv_ads.domain.traffic_rules import FEWEST_VIEWS, TrafficRules
from ctv_ads.ports.pipeline import RecordedBatch
from tests.builders import DAY, NOON, PRICE_MICROS, Tenant, a_beacon, a_campaign_draft, some_claims
from tests.worlds import World

FILM = timedelta(seconds=15)
"""How long the film of a serving campaign is (`media_facts`)."""
RULES = TrafficRules(early_ms=5_000, session_surplus_ms=300_000)
FITTING = 21
"""How many such films a session may begin at one moment: the first, and what the surplus holds."""
ELSEWHERE = "198.51.100.0/24"


@dataclass(frozen=True, slots=True)
class Booked:
    world: World
    tenant: Tenant
    campaign: Campaign
    ledger: PostgresBeaconLedger
    film: CreativeId
    session: int
    """Nobody else's, and too large for a signed number."""

    def claims(self, **others: Any) -> BeaconClaims:
        line_item_id = self.campaign.line_items[0].line_item_id
        return some_claims(line_item_id=line_item_id, creative_id=self.film, **others)

    def impressions(
        self, count: int, *, session: int | None = None, rate_type: RateType = RateType.CPM
    ) -> list[Beacon]:
        """Return views of one session at one moment; of completed ones, what began comes first."""
        event = BeaconEvent.COMPLETE if rate_type is RateType.CPCV else BeaconEvent.IMPRESSION
        known = self.session if session is None else session
        model = self.claims(session=known, rate_type=rate_type)
        views = [
            a_beacon(
                model._replace(decision_id=some_claims().decision_id),
                event=event,
                received_at=NOON + timedelta(seconds=30, milliseconds=i),
            )
            for i in range(count)
        ]
        if rate_type is RateType.CPCV:
            self.ledger.record([replace(one, event=BeaconEvent.IMPRESSION) for one in views])
        return views

    @property
    def billed(self) -> int:
        """Billed events."""
        campaign = self.world.campaign(self.tenant, self.campaign.campaign_id)
        return campaign.billed_micros // PRICE_MICROS

    def kept(self) -> list[tuple[str, str]]:
        """Return event and rule of what is kept apart."""
        with self.world.pipeline.transaction() as connection:
            rows = connection.execute(
                "SELECT event, rule FROM invalid_beacons WHERE campaign_id = %s ORDER BY 1, 2",
                (self.campaign.campaign_id,),
            ).fetchall()
        return [(row["event"], row["rule"]) for row in rows]


@pytest.fixture
def booked(postgres_of_session: World) -> Booked:
    world = postgres_of_session
    tenant = world.a_tenant()
    campaign = world.a_serving_campaign(tenant, a_campaign_draft(budget_micros=10**9))
    ledger = PostgresBeaconLedger(world.pipeline, RULES)
    film = world.a_ready_creative(tenant, campaign.campaign_id).creative_id
    return Booked(world, tenant, campaign, ledger, film, getrandbits(63) | 2**63)


def after(claims: BeaconClaims, event: BeaconEvent, seconds: float) -> Beacon:
    return a_beacon(claims, event=event, received_at=claims.decided_at + timedelta(seconds=seconds))


def twice(booked: Booked, beacons: Sequence[Beacon]) -> RecordedBatch:
    """Record as the queue may deliver it, and return what happened the first time."""
    first = booked.ledger.record(beacons)
    again = booked.ledger.record(beacons)
    assert (again.recorded, again.billed_impressions) == (0, 0)
    return first


def test_a_film_is_not_over_before_there_was_time_for_it(booked: Booked) -> None:
    claims = booked.claims(rate_type=RateType.CPCV)
    found = twice(booked, [after(claims, BeaconEvent.COMPLETE, 9.9)])
    assert found == RecordedBatch(0, 0, 0, 0, (), invalid={InvalidTraffic.IMPOSSIBLE_ORDER: 1})
    assert booked.kept() == [("complete", "impossible_order")]
    assert booked.billed == 0


def test_the_true_end_of_a_film_counts_after_an_untrue_one(booked: Booked) -> None:
    claims = booked.claims(rate_type=RateType.CPCV)
    booked.ledger.record(
        [after(claims, BeaconEvent.IMPRESSION, 0), after(claims, BeaconEvent.COMPLETE, 1)]
    )
    assert twice(booked, [after(claims, BeaconEvent.COMPLETE, 15)]).billed_impressions == 1
    assert booked.billed == 1


def test_order_alone_proves_nothing(booked: Booked) -> None:
    claims = booked.claims(rate_type=RateType.CPCV)
    # A stitcher reports segments as they are fetched, and a player tells the end first.
    events = [
        after(claims, BeaconEvent.COMPLETE, 10.1),
        after(claims, BeaconEvent.FIRST_QUARTILE, 10.2),
        after(claims, BeaconEvent.IMPRESSION, 10.3),
    ]
    assert twice(booked, events) == RecordedBatch(3, 0, 1, 0, ())
    assert booked.kept() == []


def test_a_repeat_from_another_network_is_listed_and_the_first_stays_billed(
    booked: Booked,
) -> None:
    first = a_beacon(booked.claims())
    again = replace(first, client_network=ELSEWHERE, received_at=NOON + timedelta(minutes=1))
    third = replace(first, client_network="192.0.2.0/24", received_at=NOON + timedelta(minutes=2))
    assert booked.ledger.record([first]).billed_impressions == 1
    found = twice(booked, [again, third])
    assert found == RecordedBatch(0, 2, 0, 0, (), invalid={InvalidTraffic.REPLAYED: 2})
    assert booked.kept() == [("impression", "replayed")] * 2
    assert booked.billed == 1


def test_a_replay_beside_its_first_in_one_batch_is_found(booked: Booked) -> None:
    first = a_beacon(booked.claims())
    again = replace(first, client_network=ELSEWHERE, received_at=NOON + timedelta(minutes=1))
    assert twice(booked, [again, first]).invalid == {InvalidTraffic.REPLAYED: 1}
    assert (booked.kept(), booked.billed) == ([("impression", "replayed")], 1)


def test_the_same_message_again_is_no_replay_nor_is_what_costs_nothing(booked: Booked) -> None:
    claims = booked.claims()
    beacons = [a_beacon(claims), a_beacon(claims, event=BeaconEvent.START)]
    twice(booked, beacons)
    booked.ledger.record([replace(beacons[1], client_network=ELSEWHERE)])
    assert booked.kept() == []


@pytest.mark.parametrize("rate_type", [RateType.CPM, RateType.CPCV])
@pytest.mark.parametrize("size", [1000, 7])
def test_a_session_sees_no_more_than_there_is_time_for(
    booked: Booked, rate_type: RateType, size: int
) -> None:
    views = booked.impressions(FITTING + 10, rate_type=rate_type)
    for _ in range(2):
        for start in range(0, len(views), size):
            booked.ledger.record(views[start : start + size])
    assert booked.kept() == [(views[0].event.value, "impossible_rate")] * 10
    assert booked.billed == FITTING


def test_nobody_knows_how_much_an_unknown_session_sees(booked: Booked) -> None:
    views = booked.impressions(FITTING + 10, session=0)
    assert twice(booked, views) == RecordedBatch(FITTING + 10, 0, FITTING + 10, 0, ())


def test_sessions_are_told_apart(booked: Booked) -> None:
    views = [
        *booked.impressions(FITTING, session=booked.session),
        *booked.impressions(FITTING, session=booked.session - 2**63),
    ]
    assert twice(booked, views).billed_impressions == 2 * FITTING


def test_a_window_goes_over_midnight(booked: Booked) -> None:
    midnight = (NOON + DAY).replace(hour=0)
    views = [
        replace(
            view,
            claims=view.claims._replace(decided_at=at),
            received_at=at,
        )
        for i, view in enumerate(booked.impressions(FITTING + 4))
        for at in [midnight + timedelta(milliseconds=i - FITTING)]
    ]
    for start in range(0, len(views), 10):
        booked.ledger.record(views[start : start + 10])
    assert booked.kept() == [("impression", "impossible_rate")] * 4


def test_what_a_refused_batch_leaves_is_recorded(booked: Booked) -> None:
    views = booked.impressions(FITTING + 1)
    start = replace(views[-1], event=BeaconEvent.START)
    found = booked.ledger.record([*views, views[-1], start, a_beacon()])
    assert found.invalid == {InvalidTraffic.IMPOSSIBLE_RATE: 2}
    assert (found.recorded, found.duplicates) == (FITTING + 1, 0)
    assert found.unknown == (FITTING + 3,)


@pytest.mark.parametrize("known", [0, FEWEST_VIEWS])
def test_a_crowd_of_unknown_line_items_is_unknown(booked: Booked, known: int) -> None:
    booked.ledger.record(booked.impressions(known))
    stranger = a_beacon(some_claims(session=booked.session), received_at=NOON + 2 * FILM)
    strangers = [stranger] * FEWEST_VIEWS
    unknown = tuple(range(FEWEST_VIEWS))
    assert twice(booked, strangers) == RecordedBatch(0, 0, 0, 0, unknown)
    assert booked.kept() == []
