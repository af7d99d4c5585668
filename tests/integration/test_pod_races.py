"""Several processes, few viewers, small budgets, moving time: every rule holds for all of them."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from random import Random
from typing import Any

import pytest
import redis

from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.valkey.pod_filler import ValkeyPodFiller, shard_of
from ctv_ads.adapters.valkey.resp import RespConnection
from ctv_ads.domain.frequency import CapKey, CapScope, FrequencyCap
from ctv_ads.domain.ids import AdvertiserId, CampaignId
from ctv_ads.domain.inventory import ServableLineItem
from ctv_ads.domain.line_item import Separation, SeparationBy, SeparationExtent
from ctv_ads.domain.pod import Candidate, PodSpec, ViewerKeys
from local.valkey import ValkeyServer
from tests.builders import NOON, a_servable_creative, a_servable_line_item
from tests.crowds import in_processes, most_in_window
from tests.pod_worlds import an_id

PROCESSES = 3
BREAKS = 250
SPEC = PodSpec(90_000, 4)
PER_DEVICE = FrequencyCap(3, 600_000, CapScope.LINE_ITEM, CapKey.DEVICE)
PER_HOUSEHOLD = FrequencyCap(6, 1_800_000, CapScope.CAMPAIGN, CapKey.HOUSEHOLD)
APART = Separation(SeparationBy.CATEGORY, SeparationExtent.POD)
NOT_BESIDE = Separation(SeparationBy.ADVERTISER_DOMAIN, SeparationExtent.ADJACENT)


@dataclass(frozen=True, slots=True)
class Shown:
    """One pod as it was answered: who saw which line items with which creatives."""

    at_s: int
    viewer: ViewerKeys
    ads: tuple[tuple[int, int], ...]


def inventory() -> list[ServableLineItem]:
    """The same in every process. The two caps are the campaign's, so they count for all of it."""
    chance = Random(7)  # noqa: S311 - a fixed inventory
    return [
        a_servable_line_item(
            line_item_id=an_id(2, number),
            campaign_id=CampaignId(an_id(3, number % 10)),
            advertiser_id=AdvertiserId(an_id(4, number % 5)),
            price_micros=100 + number,
            value_micros=100 + number,
            category=f"category {number % 7}",
            advertiser_domain=f"{number % 5}.example",
            frequency_caps=(PER_DEVICE, PER_HOUSEHOLD),
            separation=(APART, NOT_BESIDE),
            creatives=[
                a_servable_creative(
                    creative_id=an_id(1, 10 * number + turn),
                    duration_ms=chance.choice((10_000, 15_000, 20_000, 30_000)),
                    media_sha256=f"{chance.randrange(40)}",
                )
                for turn in range(2)
            ],
        )
        for number in range(40)
    ]


def watch(url: str, shards: int, seed: int, results: Any) -> None:
    chance = Random(seed)  # noqa: S311 - repeatable viewers
    ranked = inventory()
    shown = []
    with RespConnection(url, timeout_ms=5_000) as connection:
        filler = ValkeyPodFiller(connection, shards=shards)
        for number in range(BREAKS):
            # Time moves on, and the processes' clocks disagree by up to a minute.
            now = NOON + timedelta(seconds=8 * number + chance.randrange(60))
            viewer = viewer_number(chance.randrange(4))
            offered = sorted(chance.sample(range(len(ranked)), 16))
            pod = filler.fill(
                SPEC,
                [
                    Candidate(ranked[n], ranked[n].creatives, ranked[n].price_micros)
                    for n in offered
                ],
                viewer,
                seed=number,
                now=now,
                version="1",
                record=new_id().encode(),
            )
            ads = tuple((offered[pick.candidate], pick.creative) for pick in pod.picks)
            shown.append(Shown(int(now.timestamp()), viewer, ads))
    results.put(shown)


def viewer_number(number: int) -> ViewerKeys:
    return ViewerKeys(f"session {number}", f"device {number}", f"household {number // 2}")


GRANTED = 1_000


@pytest.fixture(scope="module", params=[1, 4])
def shards(request: pytest.FixtureRequest) -> int:
    found: int = request.param
    return found


@pytest.fixture(scope="module")
def valkey(valkey_server: ValkeyServer, shards: int) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(valkey_server.url) as client:
        client.flushall()
        for shard in range(shards):
            client.hset(f"tok:{{s{shard}}}", "v", "1")
            for line_item in inventory():
                client.hset(f"tok:{{s{shard}}}", line_item.line_item_id, f"5:{GRANTED}")
        yield client


@pytest.fixture(scope="module")
def shown(valkey: redis.Redis, valkey_server: ValkeyServer, shards: int) -> list[Shown]:
    asked = [(valkey_server.url, shards, seed) for seed in range(PROCESSES)]
    return in_processes(watch, asked).answers()


def test_viewers_of_several_homes_meet_several_shards(shards: int) -> None:
    met = {shard_of(viewer_number(number), 0, shards) for number in range(4)}
    assert len(met) == min(shards, 2)


def test_every_granted_micro_is_spent_or_left(
    shown: list[Shown], valkey: redis.Redis, shards: int
) -> None:
    views: dict[int, int] = defaultdict(int)
    for one in shown:
        for number, _ in one.ads:
            views[number] += 1
    spent_out = 0
    for number, line_item in enumerate(inventory()):
        left = [left_of(valkey, shard, line_item) for shard in range(shards)]
        assert sum(left) + views[number] * line_item.price_micros == shards * GRANTED
        spent_out += min(left) < line_item.price_micros
    assert spent_out > 0  # or else budgets were never what limited


def left_of(valkey: redis.Redis, shard: int, line_item: ServableLineItem) -> int:
    held: Any = valkey.hget(f"tok:{{s{shard}}}", line_item.line_item_id)
    return int(held.decode().partition(":")[2])


def test_no_cap_is_exceeded_in_any_window(shown: list[Shown]) -> None:
    by_device: dict[object, list[int]] = defaultdict(list)
    by_household: dict[object, list[int]] = defaultdict(list)
    for one in shown:
        for number, _ in one.ads:
            by_device[one.viewer.device, number].append(one.at_s)
            by_household[one.viewer.household, number % 10].append(one.at_s)
    assert most_in_window(by_device, 600) == PER_DEVICE.limit
    assert most_in_window(by_household, 1_800) == PER_HOUSEHOLD.limit


def test_every_pod_fits_its_break(shown: list[Shown]) -> None:
    ranked = inventory()
    for one in shown:
        lengths = [ranked[number].creatives[turn].duration_ms for number, turn in one.ads]
        assert len(one.ads) <= SPEC.max_ads
        assert sum(lengths) <= (SPEC.duration_ms or 0)
    assert max(len(one.ads) for one in shown) == SPEC.max_ads


def test_no_pod_has_rivals_or_one_film_twice(shown: list[Shown]) -> None:
    ranked = inventory()
    for one in shown:
        line_items = [ranked[number] for number, _ in one.ads]
        films = [ranked[number].creatives[turn].media_sha256 for number, turn in one.ads]
        assert len(set(films)) == len(films)
        assert len({item.category for item in line_items}) == len(line_items)
        assert all(a.advertiser_domain != b.advertiser_domain for a, b in pairwise(line_items))
