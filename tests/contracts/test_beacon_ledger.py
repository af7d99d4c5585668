"""`ports.BeaconLedger`: each beacon once, each impression billed within the budget."""

from datetime import timedelta

import pytest

from ctv_ads.domain.beacon import Beacon, BeaconClaims, BeaconEvent
from ctv_ads.domain.campaign import Campaign
from ctv_ads.domain.invalid_traffic import InvalidTraffic
from ctv_ads.domain.line_item import RateType
from ctv_ads.domain.statistics import CampaignStatistics
from ctv_ads.ports.pipeline import RecordedBatch
from tests.builders import NOON, PRICE_MICROS, Tenant, a_beacon, a_campaign_draft, some_claims
from tests.worlds import World


def claims_of(campaign: Campaign, *, after: timedelta = timedelta(0)) -> BeaconClaims:
    return some_claims(line_item_id=campaign.line_items[0].line_item_id, decided_at=NOON + after)


def impressions(campaign: Campaign, count: int) -> list[Beacon]:
    return [a_beacon(claims_of(campaign, after=timedelta(seconds=i))) for i in range(count)]


def paid_by(campaign: Campaign, rate_type: RateType) -> BeaconClaims:
    return some_claims(line_item_id=campaign.line_items[0].line_item_id, rate_type=rate_type)


def a_campaign_worth(world: World, tenant: Tenant, micros: int) -> Campaign:
    return world.a_serving_campaign(tenant, a_campaign_draft(budget_micros=micros))


def statistics(world: World, tenant: Tenant, campaign: Campaign) -> CampaignStatistics:
    with world.stores.transaction(tenant.caller) as store:
        return store.statistics.of_campaign(campaign.campaign_id, first_day=None, last_day=None)


class BeaconLedgerContract:
    """Every implementation of `BeaconLedger` keeps these promises."""

    def test_an_impression_is_billed_at_its_price(self, world: World) -> None:
        tenant = world.a_tenant()
        campaign = a_campaign_worth(world, tenant, 1_000_000)
        assert world.ledger.record(impressions(campaign, 1)) == RecordedBatch(1, 0, 1, 0, ())
        assert world.campaign(tenant, campaign.campaign_id).billed_micros == PRICE_MICROS

    def test_the_price_is_the_tokens_whatever_the_campaign_costs_by_now(self, world: World) -> None:
        tenant = world.a_tenant()
        campaign = a_campaign_worth(world, tenant, 1_000_000)
        line_item_id = campaign.line_items[0].line_item_id
        world.ledger.record([a_beacon(some_claims(line_item_id=line_item_id, price_micros=7))])
        assert world.campaign(tenant, campaign.campaign_id).billed_micros == 7

    def test_the_same_batch_twice_changes_nothing(self, world: World) -> None:
        tenant = world.a_tenant()
        campaign = a_campaign_worth(world, tenant, 1_000_000)
        batch = impressions(campaign, 3)
        world.ledger.record(batch)
        before = statistics(world, tenant, campaign)
        assert world.ledger.record(batch) == RecordedBatch(0, 3, 0, 0, ())
        assert statistics(world, tenant, campaign) == before

    def test_fifty_repeats_in_one_batch_count_once(self, world: World) -> None:
        tenant = world.a_tenant()
        campaign = a_campaign_worth(world, tenant, 1_000_000)
        claims = claims_of(campaign)
        repeats = [
            a_beacon(claims, received_at=NOON + timedelta(seconds=late)) for late in range(50)
        ]
        repeated = {InvalidTraffic.REPEATED: 49}
        assert world.ledger.record(repeats) == RecordedBatch(1, 49, 1, 0, (), invalid=repeated)
        assert world.campaign(tenant, campaign.campaign_id).billed_micros == PRICE_MICROS

    def test_each_event_of_an_ad_counts_once_and_only_impressions_cost(self, world: World) -> None:
        tenant = world.a_tenant()
        campaign = a_campaign_worth(world, tenant, 1_000_000)
        claims = claims_of(campaign)
        batch = [a_beacon(claims, event=event) for event in BeaconEvent] * 2
        recorded = world.ledger.record(batch)
        assert recorded == RecordedBatch(len(BeaconEvent), len(BeaconEvent), 1, 0, ())
        counts = statistics(world, tenant, campaign).totals
        assert (counts.impressions, counts.starts, counts.first_quartiles) == (1, 1, 1)
        assert (counts.midpoints, counts.third_quartiles, counts.completes) == (1, 1, 1)
        assert (counts.clicks, counts.errors, counts.spend_micros) == (1, 1, PRICE_MICROS)

    def test_two_slots_of_one_decision_are_two_ads(self, world: World) -> None:
        tenant = world.a_tenant()
        campaign = a_campaign_worth(world, tenant, 1_000_000)
        first = claims_of(campaign)
        second = some_claims(decision_id=first.decision_id, slot=2, line_item_id=first.line_item_id)
        recorded = world.ledger.record([a_beacon(first), a_beacon(second)])
        assert (recorded.recorded, recorded.billed_impressions) == (2, 2)

    def test_it_bills_to_the_last_affordable_impression(self, world: World) -> None:
        tenant = world.a_tenant()
        campaign = a_campaign_worth(world, tenant, 3 * PRICE_MICROS + PRICE_MICROS - 1)
        assert world.ledger.record(impressions(campaign, 5)) == RecordedBatch(
            5, 0, 3, 2, (), a_budget_has_ended=True
        )
        found = statistics(world, tenant, campaign)
        assert found.billed_micros == found.totals.spend_micros == 3 * PRICE_MICROS
        assert (found.totals.impressions, found.totals.unbilled_impressions) == (5, 2)

    def test_an_exact_budget_is_used_up_to_the_micro(self, world: World) -> None:
        tenant = world.a_tenant()
        campaign = a_campaign_worth(world, tenant, 2 * PRICE_MICROS)
        world.ledger.record(impressions(campaign, 1))
        world.ledger.record(impressions(campaign, 2))
        assert world.campaign(tenant, campaign.campaign_id).remaining_micros == 0

    def test_the_budget_goes_to_the_earliest_decisions_of_a_batch(self, world: World) -> None:
        tenant = world.a_tenant()
        campaign = a_campaign_worth(world, tenant, PRICE_MICROS)
        early, late = impressions(campaign, 2)
        world.ledger.record([late, early])
        assert world.ledger.record([early, late]).duplicates == 2
        with world.stores.transaction(tenant.caller) as store:
            found = store.statistics.of_campaign(
                campaign.campaign_id, first_day=None, last_day=None
            )
        assert (found.totals.spend_micros, found.totals.unbilled_impressions) == (PRICE_MICROS, 1)

    def test_repeats_take_nothing_from_what_a_new_impression_may_use(self, world: World) -> None:
        tenant = world.a_tenant()
        campaign = a_campaign_worth(world, tenant, 2 * PRICE_MICROS)
        first, second = impressions(campaign, 2)
        world.ledger.record([first])
        assert world.ledger.record([first, first, second]) == RecordedBatch(
            1, 2, 1, 0, (), a_budget_has_ended=True
        )
        assert world.campaign(tenant, campaign.campaign_id).remaining_micros == 0

    def test_what_is_too_dear_leaves_the_budget_to_what_is_not(self, world: World) -> None:
        tenant = world.a_tenant()
        campaign = a_campaign_worth(world, tenant, 60_000)
        line_item_id = campaign.line_items[0].line_item_id
        batch = [
            a_beacon(
                some_claims(
                    line_item_id=line_item_id,
                    decided_at=NOON + timedelta(seconds=second),
                    price_micros=price_micros,
                )
            )
            for second, price_micros in enumerate((100_000, 10_000, 40_000, 20_000, 10_000))
        ]
        assert world.ledger.record(batch) == RecordedBatch(5, 0, 3, 2, (), a_budget_has_ended=True)
        assert statistics(world, tenant, campaign).billed_micros == 60_000

    def test_campaigns_of_one_batch_pay_for_themselves(self, world: World) -> None:
        rich, poor = world.a_tenant(), world.a_tenant()
        paying = a_campaign_worth(world, rich, 1_000_000)
        broke = a_campaign_worth(world, poor, PRICE_MICROS)
        batch = [*impressions(broke, 2), *impressions(paying, 4)]
        assert world.ledger.record(batch) == RecordedBatch(6, 0, 5, 1, (), a_budget_has_ended=True)
        assert world.campaign(rich, paying.campaign_id).billed_micros == 4 * PRICE_MICROS
        assert world.campaign(poor, broke.campaign_id).billed_micros == PRICE_MICROS

    def test_beacons_of_unknown_line_items_are_named_and_leave_the_rest_alone(
        self, world: World
    ) -> None:
        campaign = a_campaign_worth(world, world.a_tenant(), 1_000_000)
        known = impressions(campaign, 2)
        batch = [a_beacon(), known[0], a_beacon(), known[1]]
        assert world.ledger.record(batch) == RecordedBatch(2, 0, 2, 0, (0, 2))

    def test_a_deleted_campaign_still_pays_for_what_was_shown(self, world: World) -> None:
        tenant = world.a_tenant()
        campaign = a_campaign_worth(world, tenant, 1_000_000)
        with world.stores.transaction(tenant.caller) as store:
            store.campaigns.delete(campaign.campaign_id, NOON)
        assert world.ledger.record(impressions(campaign, 1)).billed_impressions == 1

    def test_a_free_impression_counts_as_billed(self, world: World) -> None:
        campaign = a_campaign_worth(world, world.a_tenant(), 0)
        line_item_id = campaign.line_items[0].line_item_id
        free = a_beacon(some_claims(line_item_id=line_item_id, price_micros=0))
        assert world.ledger.record([free]) == RecordedBatch(1, 0, 1, 0, ())

    def test_a_completed_view_is_billed_at_its_completion_and_once(self, world: World) -> None:
        tenant = world.a_tenant()
        campaign = a_campaign_worth(world, tenant, 1_000_000)
        claims = paid_by(campaign, RateType.CPCV)
        assert world.ledger.record([a_beacon(claims)]) == RecordedBatch(1, 0, 0, 0, ())
        complete = a_beacon(claims, event=BeaconEvent.COMPLETE)
        assert world.ledger.record([complete, complete]) == RecordedBatch(1, 1, 1, 0, ())
        assert world.ledger.record([complete]).billed_impressions == 0
        assert world.campaign(tenant, campaign.campaign_id).billed_micros == PRICE_MICROS

    def test_a_completion_is_billed_though_its_impression_was_lost(self, world: World) -> None:
        tenant = world.a_tenant()
        campaign = a_campaign_worth(world, tenant, 1_000_000)
        claims = paid_by(campaign, RateType.CPCV)
        start, complete = (
            a_beacon(claims, event=event) for event in (BeaconEvent.START, BeaconEvent.COMPLETE)
        )
        assert world.ledger.record([complete, start]).billed_impressions == 1
        counts = statistics(world, tenant, campaign).totals
        assert (counts.impressions, counts.completes) == (0, 1)
        assert counts.spend_micros == PRICE_MICROS

    def test_a_completion_of_what_never_began_waits(self, world: World) -> None:
        tenant = world.a_tenant()
        campaign = a_campaign_worth(world, tenant, 1_000_000)
        claims = paid_by(campaign, RateType.CPCV)
        complete = a_beacon(claims, event=BeaconEvent.COMPLETE)
        assert world.ledger.record([complete]) == RecordedBatch(0, 0, 0, 0, (), held=1)
        assert world.campaign(tenant, campaign.campaign_id).billed_micros == 0
        assert world.ledger.record([a_beacon(claims)]) == RecordedBatch(2, 0, 1, 0, ())
        assert world.ledger.record([complete]) == RecordedBatch(0, 1, 0, 0, ())
        assert world.campaign(tenant, campaign.campaign_id).billed_micros == PRICE_MICROS

    def test_a_completion_paid_by_impression_costs_nothing(self, world: World) -> None:
        campaign = a_campaign_worth(world, world.a_tenant(), 1_000_000)
        complete = a_beacon(paid_by(campaign, RateType.CPM), event=BeaconEvent.COMPLETE)
        assert world.ledger.record([complete]) == RecordedBatch(1, 0, 0, 0, ())

    def test_of_a_flat_rate_no_event_is_billed(self, world: World) -> None:
        tenant = world.a_tenant()
        campaign = a_campaign_worth(world, tenant, 1_000_000)
        claims = paid_by(campaign, RateType.FLAT)
        batch = [a_beacon(claims, event=event) for event in BeaconEvent]
        assert world.ledger.record(batch) == RecordedBatch(len(BeaconEvent), 0, 0, 0, ())
        assert statistics(world, tenant, campaign).totals.spend_micros == 0

    def test_no_beacons_are_no_work(self, world: World) -> None:
        assert world.ledger.record([]) == RecordedBatch(0, 0, 0, 0, ())

    def test_a_repeat_after_midnight_meets_its_first(self, world: World) -> None:
        campaign = a_campaign_worth(world, world.a_tenant(), 1_000_000)
        claims = claims_of(campaign, after=timedelta(hours=12) - timedelta(milliseconds=1))
        assert claims.decided_at.date() == NOON.date()
        tomorrow = NOON + timedelta(hours=13)
        world.ledger.record([a_beacon(claims)])
        late = a_beacon(claims, received_at=tomorrow)
        assert world.ledger.record([late]) == RecordedBatch(
            0, 1, 0, 0, (), invalid={InvalidTraffic.REPEATED: 1}
        )

    def test_decisions_on_both_sides_of_midnight_are_of_two_days(self, world: World) -> None:
        tenant = world.a_tenant()
        campaign = a_campaign_worth(world, tenant, 1_000_000)
        midnight = timedelta(hours=12)
        moments = (midnight - timedelta(milliseconds=1), midnight)
        world.ledger.record([a_beacon(claims_of(campaign, after=moment)) for moment in moments])
        series = statistics(world, tenant, campaign).series
        assert [(day.day.day, day.counts.impressions) for day in series] == [(23, 1), (24, 1)]


class TestPostgresBeaconLedger(BeaconLedgerContract):
    @pytest.fixture
    def world(self, postgres_of_session: World) -> World:
        return postgres_of_session
