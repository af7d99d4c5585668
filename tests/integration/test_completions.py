"""Rotation learns from the statistics: the film that is seen to its end comes first more often."""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

import pytest

from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.postgres.completions import MEMORY, PostgresCompletions
from ctv_ads.decisioning.rotation import rotated
from ctv_ads.domain.beacon import BeaconEvent
from ctv_ads.domain.campaign import CampaignStatus, LineItemType
from ctv_ads.domain.ids import CreativeId, LineItemId
from ctv_ads.domain.inventory import ServableLineItem
from ctv_ads.domain.line_item import CreativeRotation, LineItemTerms, RateType
from tests.builders import NOON, Tenant, a_beacon, some_claims
from tests.worlds import World

LATER = NOON + timedelta(hours=1)


@dataclass(slots=True)
class Channel:
    """A line item with two films, and what viewers did with them."""

    world: World
    tenant: Tenant
    line_item_id: LineItemId
    films: tuple[CreativeId, CreativeId]

    def seen(self, film: CreativeId, *, times: int, to_the_end: int) -> None:
        beacons = []
        for number in range(times):
            claims = some_claims(line_item_id=self.line_item_id, creative_id=film, price_micros=0)
            beacons.append(a_beacon(claims))
            if number < to_the_end:
                beacons.append(a_beacon(claims, event=BeaconEvent.COMPLETE, received_at=LATER))
        self.world.ledger.record(beacons)

    def learn(self) -> int:
        return PostgresCompletions(self.world.pipeline).learn(now=LATER)

    def published(self) -> ServableLineItem:
        inventory = self.world.source.load(now=NOON)
        items = inventory.line_items[self.tenant.organization_id]
        return next(item for item in items if item.line_item_id == self.line_item_id)

    def mark(self) -> int:
        reading = self.world.source.read({}, now=NOON, overlay_limit=10)
        return reading.organizations[self.tenant.organization_id].marks[self.line_item_id]

    def firsts(self) -> Counter[CreativeId]:
        item = self.published()
        return Counter(
            rotated(item, item.creatives, seed=seed)[0].creative_id for seed in range(300)
        )


def a_channel(world: World, **terms: object) -> Channel:
    tenant = world.a_tenant()
    campaign = world.a_campaign(tenant)
    films = [world.a_ready_creative(tenant, campaign.campaign_id).creative_id for _ in range(2)]
    world.set_status(tenant, campaign, CampaignStatus.ACTIVE)
    line_item_id = LineItemId(new_id())
    booked = LineItemTerms(name="Learns", type=LineItemType.STANDARD, priority=1, **terms)  # type: ignore[arg-type]
    with world.stores.transaction(tenant.caller) as store:
        store.line_items.add(line_item_id, campaign.campaign_id, booked, tenant.caller)
    return Channel(world, tenant, line_item_id, (films[0], films[1]))


@pytest.fixture
def channel(postgres_of_session: World) -> Channel:
    return a_channel(postgres_of_session, creative_rotation=CreativeRotation.OPTIMIZED)


def test_the_film_that_is_seen_to_its_end_comes_first_after_publication(channel: Channel) -> None:
    liked, disliked = channel.films
    before = channel.firsts()
    assert 100 < before[liked] < 200, "nothing is known yet"
    channel.seen(liked, times=100, to_the_end=90)
    channel.seen(disliked, times=100, to_the_end=40)
    assert channel.firsts() == before, "and nothing is learned yet"
    mark = channel.mark()
    channel.learn()
    assert channel.mark() != mark, "so that it is published"
    assert channel.firsts()[liked] > 290
    found = {one.creative_id: one for one in channel.published().creatives}
    assert (found[liked].impressions, found[liked].completes) == (64, 58)
    assert found[liked].completion_rate_bp == 9062
    assert found[disliked].completion_rate_bp == 4062


def test_some_more_views_change_nothing_that_is_published(channel: Channel) -> None:
    film, other = channel.films
    channel.seen(film, times=100, to_the_end=80)
    channel.seen(other, times=3, to_the_end=3)
    channel.learn()
    item, mark = channel.published(), channel.mark()
    channel.seen(film, times=20, to_the_end=16)
    channel.learn()
    assert (channel.published(), channel.mark()) == (item, mark)
    assert [one.impressions for one in item.creatives if one.creative_id == other] == [0]


def test_what_was_long_ago_is_forgotten(channel: Channel) -> None:
    film, _ = channel.films
    channel.seen(film, times=100, to_the_end=80)
    PostgresCompletions(channel.world.pipeline).learn(now=NOON + MEMORY + timedelta(days=1))
    assert {one.impressions for one in channel.published().creatives} == {0}


def test_completed_views_are_worth_what_they_are_completed(postgres_of_session: World) -> None:
    channel = a_channel(postgres_of_session, rate_type=RateType.CPCV, rate_micros=20_000)
    assert channel.published().value_micros == 18_000
    for film in channel.films:
        channel.seen(film, times=64, to_the_end=32)
    channel.learn()
    assert channel.published().value_micros == 10_000


def test_whose_rotation_does_not_learn_is_left_as_it_is(postgres_of_session: World) -> None:
    channel = a_channel(postgres_of_session)
    mark = channel.mark()
    channel.seen(channel.films[0], times=100, to_the_end=80)
    channel.learn()
    assert channel.mark() == mark
