"""The algorithm that this product replaces, written as plainly as its authors did, in Python.

Read every active campaign from Redis, filter, pick a creative at random, answer as JSON. It
knows no pods, caps, tokens or reasons; it stands here to be measured beside ours.
"""

import json
import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import redis

_ACTIVE = "origin:campaigns:active"
_COUNTRIES = ("US", "DE", "AT", "GB", "FR", "IT", "ES", "BR")
_CHUNK = 1_000


def fill_origin(client: redis.Redis, campaigns: int) -> None:
    """Store that many active campaigns as the origin keeps them, one creative each."""
    now = datetime.now(UTC)
    for first in range(0, campaigns, _CHUNK):
        pipeline = client.pipeline(transaction=False)
        for number in range(first, min(first + _CHUNK, campaigns)):
            pipeline.zadd(_ACTIVE, {str(number): number % 16})
            pipeline.hset(f"origin:campaign:{number}", mapping=_campaign(number, now))
            pipeline.sadd(f"origin:campaign:{number}:creatives", number)
            pipeline.hset(f"origin:creative:{number}", mapping=_creative(number))
        pipeline.execute()


def _campaign(number: int, now: datetime) -> dict[Any, Any]:
    return {
        "id": number,
        "status": "active",
        "starts_at": (now - timedelta(days=1)).isoformat(),
        "ends_at": (now + timedelta(days=30)).isoformat(),
        "budget_micros": 10**12,
        "spent_micros": 0,
        "cpm_micros": 10_000_000,
        "countries": json.dumps([_COUNTRIES[number % len(_COUNTRIES)]]),
    }


def _creative(number: int) -> dict[Any, Any]:
    return {
        "id": number,
        "duration_ms": 15_000,
        "media_url": f"https://media.example.com/{number}/video.mp4",
    }


def serve_as_the_origin(client: redis.Redis, country: str) -> str:
    """Return its answer, JSON, for a viewer in `country`; the client decodes responses."""
    pipeline = client.pipeline(transaction=False)
    for campaign_id in client.zrange(_ACTIVE, 0, -1):
        pipeline.hgetall(f"origin:campaign:{campaign_id!s}")
    now = datetime.now(UTC)
    for campaign in pipeline.execute():
        if _may_serve(campaign, country, now):
            creatives = sorted(
                map(str, client.smembers(f"origin:campaign:{campaign['id']}:creatives"))
            )
            chosen = random.choice(creatives)  # noqa: S311 - as the origin does
            return json.dumps(client.hgetall(f"origin:creative:{chosen}"))
    return "{}"


def _may_serve(campaign: Mapping[str, str], country: str, now: datetime) -> bool:
    starts_at = datetime.fromisoformat(campaign["starts_at"])
    ends_at = datetime.fromisoformat(campaign["ends_at"])
    return (
        campaign["status"] == "active"
        and starts_at <= now < ends_at
        and int(campaign["spent_micros"]) < int(campaign["budget_micros"])
        and country in json.loads(campaign["countries"])
    )
