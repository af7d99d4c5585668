"""The pacing controller on real PostgreSQL and Valkey: what it grants, takes back and frees."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from ctv_ads.adapters.postgres.token_buckets import PostgresTokenLedger
from ctv_ads.adapters.valkey.grants import ValkeyTokenStore, tokens_key
from ctv_ads.domain.campaign import CampaignStatus
from ctv_ads.use_cases.grant_tokens import GrantTokens
from local.valkey import ValkeyServer
from tests.builders import PRICE_MICROS
from tests.till import LIFETIME, MINUTE, Till, a_till
from tests.worlds import World


@pytest.fixture
def till(postgres_of_session: World, valkey_server: ValkeyServer) -> Iterator[Till]:
    with a_till(postgres_of_session, valkey_server) as till:
        yield till


def test_an_activated_campaign_has_its_tokens_at_the_next_look(till: Till) -> None:
    campaign = till.campaign(10)
    assert till.look().granted == 1
    assert till.tokens(campaign) == 10 * PRICE_MICROS
    assert till.books(campaign) == (10, 0, 10)


def test_a_second_look_changes_nothing(till: Till) -> None:
    campaign = till.campaign(10)
    till.look()
    before = till.held(campaign.line_items[0].line_item_id)
    assert till.look(after=MINUTE).granted == 0
    assert till.held(campaign.line_items[0].line_item_id) == before


def test_what_was_spent_and_billed_is_not_granted_again(till: Till) -> None:
    campaign = till.campaign(10)
    line_item = campaign.line_items[0].line_item_id
    till.look()
    buckets = [till.spend(line_item) for _ in range(11)]
    assert buckets.count(0) == 1
    assert till.bill(line_item, *buckets[:4]) == ["in_time"] * 4
    assert till.look(after=MINUTE).granted == 0
    assert till.books(campaign) == (10, 4, 6)


def test_what_nobody_claims_comes_back_when_its_bucket_expires(till: Till) -> None:
    campaign = till.campaign(10)
    line_item = campaign.line_items[0].line_item_id
    till.look()
    lost = [till.spend(line_item) for _ in range(10)]
    till.look(after=LIFETIME)
    assert till.tokens(campaign) == 0
    till.look(after=LIFETIME)
    assert till.tokens(campaign) == 10 * PRICE_MICROS
    assert till.bill(line_item, *lost) == ["over_budget"] * 10


@pytest.mark.parametrize("status", [CampaignStatus.PAUSED, CampaignStatus.COMPLETED])
def test_what_no_longer_serves_gives_its_tokens_back_at_once(
    till: Till, status: CampaignStatus
) -> None:
    campaign = till.campaign(10)
    till.look()
    till.spend(campaign.line_items[0].line_item_id)
    till.world.set_status(till.tenant, campaign, status)
    assert till.look().taken_back == 1
    assert till.tokens(campaign) == 0
    assert till.books(campaign) == (10, 0, 1)


def test_a_paused_line_item_leaves_its_tokens_to_its_campaign_and_takes_them_up_again(
    till: Till,
) -> None:
    campaign = till.campaign(10)
    line_item = campaign.line_items[0].line_item_id
    till.look()
    till.says(line_item, status="paused")
    till.look()
    assert till.books(campaign) == (10, 0, 0)
    till.says(line_item, status="active")
    till.look()
    assert till.tokens(campaign) == 10 * PRICE_MICROS


def test_an_emptied_valkey_is_filled_again_without_promising_anything_twice(till: Till) -> None:
    campaign = till.campaign(1000)
    till.look()
    first = till.tokens(campaign)
    till.valkey.flushall()
    till.valkey.function_flush("SYNC")
    till.look(after=MINUTE)
    assert 0 < till.tokens(campaign) <= 1000 * PRICE_MICROS - first
    till.look(after=LIFETIME)
    budget, billed, outstanding = till.books(campaign)
    assert billed + outstanding <= budget


def test_what_was_decided_before_valkey_was_lost_is_still_paid(till: Till) -> None:
    campaign = till.campaign(10)
    line_item = campaign.line_items[0].line_item_id
    till.look()
    buckets = [till.spend(line_item) for _ in range(8)]
    till.valkey.flushall()
    till.look(after=MINUTE)
    till.look(after=MINUTE)
    assert till.bill(line_item, *buckets) == ["in_time"] * 8


def test_a_valkey_that_fell_back_to_a_full_bucket_gives_it_up_and_keeps_what_was_shown_reserved(
    till: Till,
) -> None:
    campaign = till.campaign(10)
    line_item = campaign.line_items[0].line_item_id
    till.look()
    copy = till.valkey.hgetall(tokens_key(0))
    spent = [till.spend(line_item) for _ in range(3)]
    till.valkey.hset(tokens_key(0), mapping=copy)  # type: ignore[arg-type]
    assert till.bill(line_item, spent[0]) == ["in_time"]
    assert till.look(after=MINUTE).taken_back == 1
    assert (till.tokens(campaign), till.books(campaign)) == (0, (10, 1, 9))
    assert till.bill(line_item, *spent[1:]) == ["in_time"] * 2
    till.look(after=LIFETIME)
    assert till.tokens(campaign) == 7 * PRICE_MICROS
    assert till.books(campaign) == (10, 3, 7)


def test_a_grant_that_was_never_handed_out_is_free_again_after_a_while(till: Till) -> None:
    campaign = till.campaign(10)
    line_item = campaign.line_items[0].line_item_id
    till.look()
    # As if the controller had died between reserving and handing out.
    till.valkey.hdel(tokens_key(0), line_item)
    till.look(after=MINUTE)
    assert till.tokens(campaign) == 0
    till.look(after=LIFETIME)
    assert till.tokens(campaign) == 10 * PRICE_MICROS


def test_a_look_that_takes_long_leaves_the_rest_to_the_next(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaigns = [till.campaign(10) for _ in range(3)]
    monkeypatch.setattr("ctv_ads.use_cases.grant_tokens._RESERVED_AT_ONCE", 1)
    ledger = PostgresTokenLedger(till.world.pipeline, reservation_lifetime=LIFETIME)

    def clock() -> datetime:
        till.now += timedelta(seconds=8)
        return till.now

    look = GrantTokens(ledger, ValkeyTokenStore(till.valkey), clock)
    assert [look().granted for _ in range(4)] == [1, 1, 1, 0]
    assert all(till.tokens(campaign) for campaign in campaigns)
