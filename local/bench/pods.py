"""Filling breaks: what one call costs the caller, and what it costs Valkey."""

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from random import Random
from typing import Any

from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.valkey.pod_filler import ValkeyPodFiller
from ctv_ads.adapters.valkey.resp import RespConnection
from ctv_ads.domain.frequency import CapKey, CapScope, FrequencyCap
from ctv_ads.domain.ids import AdvertiserId, CampaignId, CreativeId, LineItemId
from ctv_ads.domain.inventory import ServableCreative, ServableLineItem
from ctv_ads.domain.line_item import Separation, SeparationBy, SeparationExtent
from ctv_ads.domain.pod import Candidate, FilledPod, PodSpec, ViewerKeys
from local.bench.measuring import Figures, measure

CANDIDATES = 24
SHAPES = {
    "1 ad": (PodSpec(None, 1), (30_000,)),
    "4 ads of 30 s in 120 s": (PodSpec(120_000, 4), (30_000,)),
    "4 ads of any length in 100 s": (PodSpec(100_000, 4), (10_000, 15_000, 20_000, 30_000)),
}
_LINE_ITEMS = 200
_VIEWERS = 2_000
_ENOUGH = 10**13
_NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
_FLOOR = "one Valkey echo"


def measure_pods(valkey_url: str, *, calls: int) -> dict[str, tuple[Figures, float]]:
    """Return, by shape of break, the caller's figures and Valkey's CPU per call in microseconds.

    Valkey's CPU is that of its main thread, sockets included; an echo of the same size has it too.
    """
    found: dict[str, tuple[Figures, float]] = {}
    with RespConnection(valkey_url, timeout_ms=2000) as connection:
        connection.call("FLUSHALL")
        for name, fill in _candidates(connection).items():
            fill()
            before_us = _valkey_cpu_us(connection)
            rounds = measure({name: fill}, calls=calls)
            spent_us = _valkey_cpu_us(connection) - before_us
            warm_up = calls // 10 + 1
            found[name] = rounds[name], round(spent_us / (rounds[name].calls + warm_up), 1)
    return found


def _candidates(connection: RespConnection) -> dict[str, Callable[[], object]]:
    frame = b"x" * 4_000
    shapes = {name: _filling(connection, spec, lengths) for name, (spec, lengths) in SHAPES.items()}
    return {_FLOOR: lambda: connection.call("ECHO", frame), **shapes}


def _filling(
    connection: RespConnection, spec: PodSpec, lengths: tuple[int, ...]
) -> Callable[[], FilledPod]:
    chance = Random(1)  # noqa: S311 - the same inventory in every run
    line_items = sorted(
        (_line_item(number, chance, lengths) for number in range(_LINE_ITEMS)),
        key=lambda item: -item.value_micros / item.creatives[0].duration_ms,
    )
    for line_item in line_items:
        connection.call("HSET", "tok:{s0}", line_item.line_item_id, f"1:{_ENOUGH}")
    offers = [
        [
            Candidate(line_items[rank], line_items[rank].creatives, line_items[rank].price_micros)
            for rank in sorted(chance.sample(range(_LINE_ITEMS), CANDIDATES))
        ]
        for _ in range(100)
    ]
    filler, turns = ValkeyPodFiller(connection), count()

    def fill() -> FilledPod:
        turn = next(turns)
        viewer = ViewerKeys(f"session {turn % _VIEWERS}", f"device {turn % _VIEWERS}")
        return filler.fill(
            spec,
            offers[turn % len(offers)],
            viewer,
            seed=turn,
            now=_NOW,
            version=None,
            record=b"a record of usual size".ljust(600),
        )

    return fill


def _line_item(number: int, chance: Random, lengths: tuple[int, ...]) -> ServableLineItem:
    price_micros = chance.randrange(10_000, 40_000)
    return ServableLineItem(
        line_item_id=LineItemId(new_id()),
        campaign_id=CampaignId(new_id()),
        advertiser_id=AdvertiserId(new_id()),
        advertiser_name="Bench",
        priority=8,
        price_micros=price_micros,
        value_micros=price_micros,
        starts_at=_NOW,
        ends_at=_NOW,
        remaining_micros=0,
        category=str(number % 60),
        advertiser_domain=f"{number % 40}.example",
        separation=(Separation(SeparationBy.CATEGORY, SeparationExtent.POD),),
        frequency_caps=(FrequencyCap(3, 86_400_000, CapScope.LINE_ITEM, CapKey.DEVICE),),
        creatives=(_creative(number, chance.choice(lengths)),),
    )


def _creative(number: int, duration_ms: int) -> ServableCreative:
    return ServableCreative(
        creative_id=CreativeId(new_id()),
        name="Bench",
        duration_ms=duration_ms,
        width_px=1920,
        height_px=1080,
        bitrate_kbps=5_000,
        size_bytes=1,
        codec="avc1.640028",
        mime_type="video/mp4",
        media_url="https://media.example.com/video.mp4",
        click_through_url=None,
        media_sha256=f"{number:064x}",
    )


def _valkey_cpu_us(connection: RespConnection) -> float:
    reply: Any = connection.call("INFO", "cpu")
    figures = dict(line.split(":") for line in reply.decode().split() if ":" in line)
    return 1e6 * sum(float(figures[f"used_cpu_{kind}_main_thread"]) for kind in ("user", "sys"))
