"""Several ad servers at once, few devices, small budgets, moving time: every promise holds.

As `test_pod_races`, but whole: from the request at the handler to the signed tokens in its answer.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, pairwise
from random import Random
from typing import Any

import pytest
import redis

from ctv_ads.adapters.decision_notes import decode_note
from ctv_ads.adapters.valkey.pod_filler import read_outcome
from ctv_ads.adapters.valkey.resp import RespConnection
from ctv_ads.domain.access import Caller, Role
from ctv_ads.domain.frequency import CapKey, CapScope, FrequencyCap
from ctv_ads.domain.ids import AdvertiserId, CampaignId, DecisionId, OrganizationId, UserId
from ctv_ads.domain.inventory import Inventory, ServableLineItem
from ctv_ads.domain.line_item import Separation, SeparationBy, SeparationExtent
from ctv_ads.domain.reasons import Reason
from local.valkey import ValkeyServer
from tests.builders import a_servable_creative, a_servable_line_item, an_inventory
from tests.crowds import Seen, in_processes, most_in_window, publish, watch
from tests.functions.explaining import explaining_by
from tests.pod_worlds import an_id

PROCESSES, REQUESTS, VIEWERS = 3, 200, 4
GRANTED = 1_500
BREAK_MS, MAX_ADS = 90_000, 4
ORGANIZATION = OrganizationId(an_id(5, 1))
PER_DEVICE = FrequencyCap(3, 600_000, CapScope.LINE_ITEM, CapKey.DEVICE)
PER_HOUSEHOLD = FrequencyCap(6, 1_800_000, CapScope.CAMPAIGN, CapKey.HOUSEHOLD)
APART = Separation(SeparationBy.CATEGORY, SeparationExtent.POD)
NOT_BESIDE = Separation(SeparationBy.ADVERTISER_DOMAIN, SeparationExtent.ADJACENT)


def line_items() -> list[ServableLineItem]:
    chance = Random(7)  # noqa: S311 - a fixed inventory
    return [
        a_servable_line_item(
            line_item_id=an_id(2, number),
            campaign_id=CampaignId(an_id(3, number % 10)),
            advertiser_id=AdvertiserId(an_id(4, number % 20)),
            price_micros=100 + number,
            value_micros=100 + number,
            category=f"category {number % 7}",
            advertiser_domain=f"{number % 5}.example",
            frequency_caps=(PER_DEVICE, PER_HOUSEHOLD),
            counted_caps=(PER_HOUSEHOLD,),
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


BY_ID = {item.line_item_id: item for item in line_items()}
FILMS = {one.creative_id: one for item in BY_ID.values() for one in item.creatives}


def inventory() -> Inventory:
    made = an_inventory(*BY_ID.values(), organization_id=ORGANIZATION)
    trusting = {key: replace(one, trusted_caller=True) for key, one in made.placements.items()}
    return replace(made, placements=trusting)


@pytest.fixture(scope="module")
def valkey(valkey_server: ValkeyServer) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(valkey_server.url) as client:
        client.flushall()
        publish(valkey_server.url, inventory(), tokens_micros=GRANTED)
        yield client


@pytest.fixture(scope="module")
def seen(valkey: redis.Redis, valkey_server: ValkeyServer) -> list[Seen]:
    query = f"placement=preroll&duration_ms={BREAK_MS}&max_ads={MAX_ADS}"
    asked = [(valkey_server.url, seed, query, REQUESTS, VIEWERS) for seed in range(PROCESSES)]
    return in_processes(watch, asked).answers()


def test_every_request_is_answered(seen: list[Seen]) -> None:
    assert len(seen) == PROCESSES * REQUESTS
    assert {one.status for one in seen} == {200}
    assert len({one.decision_id for one in seen}) == len(seen)


def test_every_granted_micro_is_spent_or_left(seen: list[Seen], valkey: redis.Redis) -> None:
    views = Counter(line_item for one in seen for line_item, _ in one.ads)
    spent_out = 0
    for name, line_item in BY_ID.items():
        held: Any = valkey.hget("tok:{s0}", name)
        left = int(held.decode().partition(":")[2])
        assert left + views[name] * line_item.price_micros == GRANTED
        spent_out += left < line_item.price_micros
    assert spent_out > 0  # or else budgets were never what limited


def test_no_cap_is_exceeded_in_any_window(seen: list[Seen]) -> None:
    by_device: dict[object, list[int]] = defaultdict(list)
    by_household: dict[object, list[int]] = defaultdict(list)
    for one in seen:
        for name, _ in one.ads:
            by_device[one.viewer, name].append(one.at_s)
            by_household[one.viewer // 2, BY_ID[name].campaign_id].append(one.at_s)
    assert most_in_window(by_device, 600) == PER_DEVICE.limit
    assert most_in_window(by_household, 1_800) == PER_HOUSEHOLD.limit


def test_every_pod_fits_its_break(seen: list[Seen]) -> None:
    for one in seen:
        assert len(one.ads) <= MAX_ADS
        assert sum(FILMS[film].duration_ms for _, film in one.ads) <= BREAK_MS
    assert max(len(one.ads) for one in seen) == MAX_ADS


def test_no_pod_has_rivals_or_one_film_twice(seen: list[Seen]) -> None:
    for one in seen:
        shown = [BY_ID[name] for name, _ in one.ads]
        films = [FILMS[film].media_sha256 for _, film in one.ads]
        assert len(set(films)) == len(films)
        assert len({item.category for item in shown}) == len(shown)
        assert all(a.advertiser_domain != b.advertiser_domain for a, b in pairwise(shown))


def test_every_decision_left_a_record_that_says_what_was_answered(
    seen: list[Seen], valkey: redis.Redis
) -> None:
    stored: Any = valkey.xrange("rec:{s0}")
    records = {}
    for _, fields in stored:
        note, outcome = decode_note(fields[b"d"]), read_outcome(fields[b"r"])
        assert len(outcome.verdicts) == len(note.candidates)
        chosen = {
            name
            for name, verdict in zip(note.candidates, outcome.verdicts, strict=True)
            if verdict is Reason.CHOSEN
        }
        picked = [note.candidates[pick.candidate] for pick in outcome.picks]
        assert set(picked) == chosen
        records[note.decision_id] = picked
    assert len(stored) == len(records) == len(seen)
    for one in seen:
        assert records[DecisionId(one.decision_id)] == [name for name, _ in one.ads]


def test_every_line_item_has_one_reason_in_every_explanation(
    seen: list[Seen], valkey_server: ValkeyServer
) -> None:
    caller = Caller(UserId(an_id(6, 1)), ORGANIZATION, Role.ANALYST)
    with RespConnection(valkey_server.url, timeout_ms=5_000) as connection:
        explaining = explaining_by(connection)
        for one in seen[::40]:
            told = explaining.explain(caller, DecisionId(one.decision_id))
            candidates = [each.line_item.line_item_id for each in told.candidates]
            assert Counter(chain(candidates, *told.removed.values())) == Counter(list(BY_ID))
