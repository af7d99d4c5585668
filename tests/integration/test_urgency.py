"""Who is behind schedule is offered first after the next publication, and again in a replay."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from ctv_ads.adapters.postgres.line_item_delivery import PostgresDeliveryStandings
from ctv_ads.adapters.valkey.inventory_store import ValkeyInventoryStore
from ctv_ads.domain.campaign import Campaign
from ctv_ads.domain.ids import DecisionId, LineItemId
from ctv_ads.use_cases.explain_decisions import ExplainDecisions
from ctv_ads.use_cases.publish_inventory import PublishInventory
from local.valkey import ValkeyServer
from tests.builders import DAY, NOON, PRICE_MICROS
from tests.functions.explaining import Server, a_server, explaining_by
from tests.till import MINUTE, Till, a_till
from tests.worlds import World

HOUR = timedelta(hours=1)
SEEDS = range(12)
EACH_HOUR = 10


@dataclass(slots=True)
class Race:
    """Two equal line items that are to deliver 10 impressions an hour for a day, from noon."""

    till: Till
    server: Server
    explaining: ExplainDecisions

    def a_line_item(self) -> Campaign:
        campaign = self.till.campaign(24 * EACH_HOUR, pacing="even")
        self.till.says(only(campaign), starts_at=NOON, ends_at=NOON + DAY)
        return campaign

    def publish(self) -> str:
        store = ValkeyInventoryStore(self.till.valkey)
        return PublishInventory(self.till.world.source, store, lambda: self.till.now)()

    def urgency(self, campaign: Campaign) -> int:
        standings = PostgresDeliveryStandings(self.till.world.api)
        (one,) = standings.of_campaign(self.till.tenant.caller, campaign.campaign_id)
        return one.urgency

    def decide(self) -> list[DecisionId]:
        self.server.now = self.till.now
        made = []
        for self.server.seed in SEEDS:
            path = f"/api/v1/vast?placement={self.till.tenant.placement_key}"
            made.append(DecisionId(self.server.answer(path)["x-decision-id"]))
        return made

    def firsts(self, decisions: list[DecisionId]) -> Counter[LineItemId]:
        caller = self.till.tenant.caller
        told = [self.explaining.explain(caller, one) for one in decisions]
        return Counter(one.candidates[0].line_item.line_item_id for one in told)


def only(campaign: Campaign) -> LineItemId:
    (line_item,) = campaign.line_items
    return line_item.line_item_id


@pytest.fixture
def race(
    postgres_of_session: World, valkey_server: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Race]:
    with (
        a_server(valkey_server.url, monkeypatch) as server,
        a_till(postgres_of_session, valkey_server) as till,
    ):
        yield Race(till, server, explaining_by(server.connection))


def test_of_two_equals_the_one_behind_schedule_is_offered_first_and_again(race: Race) -> None:
    ahead, behind = race.a_line_item(), race.a_line_item()
    race.till.look()
    first_version = race.publish()
    before = race.decide()
    assert race.firsts(before).keys() == {only(ahead), only(behind)}, "they take turns"
    race.till.bill(only(ahead), *[0] * EACH_HOUR)
    race.till.look(after=HOUR)
    assert (race.urgency(ahead), race.urgency(behind)) == (0, 8), "of ten due, one is on its way"
    assert race.publish() > first_version
    after = race.decide()
    assert race.firsts(after) == {only(behind): len(SEEDS)}
    assert race.firsts(before).keys() == {only(ahead), only(behind)}, "as it was then"
    for one in (*before, *after):
        assert race.explaining.replay(race.till.tenant.caller, one).is_same_search


def test_who_sits_on_its_tokens_is_looked_at_every_five_minutes(race: Race) -> None:
    idle = race.a_line_item()
    race.till.look(after=4 * MINUTE)
    assert (race.urgency(idle), race.till.tokens(idle)) == (0, PRICE_MICROS), "none is due yet"
    race.till.look(after=4 * MINUTE)
    assert race.urgency(idle) == 0, "it was decided on four minutes ago"
    race.till.look(after=MINUTE)
    assert (race.urgency(idle), race.till.tokens(idle)) == (9, PRICE_MICROS)
