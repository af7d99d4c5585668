"""Credits and exported files: what the books hold besides deliveries."""

import pytest

from ctv_ads.adapters.postgres.ledger_credits import PostgresLedgerPosting
from ctv_ads.domain.invalid_traffic import InvalidTraffic
from ctv_ads.ports.ledger import Credited
from tests.books import Owner, a_campaign_of
from tests.builders import PRICE_MICROS, a_campaign_draft
from tests.ledgers import entries, faults, impressions, named
from tests.worlds import World


@pytest.fixture
def world(postgres_of_session: World) -> World:
    return postgres_of_session


def test_what_is_marked_as_invalid_later_is_credited_and_told_in_reports(world: World) -> None:
    tenant = world.a_tenant()
    draft = a_campaign_draft(budget_micros=3 * PRICE_MICROS)
    campaign = world.a_serving_campaign(tenant, draft)
    shown = impressions(campaign, 4)
    world.ledger.record(shown)
    posting = PostgresLedgerPosting(world.pipeline)
    for credited in (
        Credited(3, 3 * PRICE_MICROS, never_billed=1),
        Credited(0, 0, credited_before=3, never_billed=1),
    ):
        found = posting.credit(named(shown), "found later", rule=InvalidTraffic.DATA_CENTRE)
        assert found == credited
    with world.stores.transaction(tenant.caller) as store:
        told = store.statistics.invalid(campaign.campaign_id, first_day=None, last_day=None)
    assert [(one.rule, one.beacons) for one in told] == [(InvalidTraffic.DATA_CENTRE, 4)]
    assert faults(world, campaign) == []


def test_a_credit_is_an_entry_and_given_once(world: World, owner: Owner) -> None:
    tenant = world.a_tenant()
    draft = a_campaign_draft(budget_micros=3 * PRICE_MICROS)
    campaign = world.a_serving_campaign(tenant, draft)
    shown = impressions(campaign, 4)
    world.ledger.record(shown)
    posting = PostgresLedgerPosting(world.pipeline)
    assert posting.credit(named(shown), "data centre, found later") == Credited(
        3, 3 * PRICE_MICROS, never_billed=1
    )
    assert posting.credit(named(shown), "again") == Credited(
        0, 0, credited_before=3, never_billed=1
    )
    assert world.campaign(tenant, campaign.campaign_id).billed_micros == 0
    (_, credit) = entries(owner, campaign)
    assert (credit["kind"], credit["debit_account"], credit["credit_account"]) == (
        "credit",
        "revenue",
        "receivable",
    )
    assert (credit["amount_micros"], credit["reason"]) == (
        3 * PRICE_MICROS,
        "data centre, found later",
    )
    assert faults(world, campaign) == []
    assert world.ledger.record(impressions(campaign, 1)).billed_impressions == 1
    assert faults(world, campaign) == []


def test_what_was_never_billed_is_not_credited(world: World) -> None:
    campaign = a_campaign_of(world, 5)
    posting = PostgresLedgerPosting(world.pipeline)
    assert posting.credit(named(impressions(campaign, 2)), "unknown") == Credited(0, 0, unknown=2)
    assert posting.credit([], "nothing").is_complete
