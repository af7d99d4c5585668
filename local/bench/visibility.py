"""From a player's beacon to the statistics that people read, through the running product."""

import random
import re
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import httpx

from local.bench.product import running_product
from local.processes import LocalError
from local.seed import PASSWORD, PEOPLE, PLACEMENT

LIMIT_S = 6.0
_SERVES_WITHIN_S = 120.0
_SEEN_WITHIN_S = 30.0
_LOOK_EVERY_S = 0.1
# Tools are listed as crawlers, and no viewer sees so many ads at once.
_TELEVISION = {"user-agent": "Roku/DVP-14.5 (14.5.4.5934)"}
_TOKEN = re.compile(r"/t/impression/([A-Za-z0-9_-]+)")


@dataclass(frozen=True, slots=True)
class Visible:
    """Seconds until the statistics held as many impressions as had been sent."""

    beacons: int
    p50_s: float
    p99_s: float
    longest_s: float


def measure_visibility(folder: Path, *, beacons: int = 200, seconds: float = 40) -> Visible:
    """Start the seeded product in `folder`, send impressions at random moments, and look.

    Statistics count and do not name, so that the n-th impression sent is taken as visible when
    n are counted: in sum that is what all of them waited, whatever their order.

    Raises:
        LocalError: the product did not start, or did not count what it had accepted.
    """
    with running_product(folder) as base_url, httpx.Client(base_url=base_url, timeout=30) as client:
        credentials = {"email": PEOPLE[1][0], "password": PASSWORD}
        answer = client.post("/api/v1/auth/login", json=credentials).raise_for_status()
        client.headers["authorization"] = f"Bearer {answer.json()['access_token']}"
        campaigns = client.get("/api/v1/campaigns").raise_for_status().json()["items"]
        ids = [campaign["id"] for campaign in campaigns]
        tokens = _tokens(client, beacons)
        sent: list[float] = []
        before = _impressions(client, ids)
        sender = threading.Thread(target=_send, args=(base_url, tokens, seconds, sent))
        sender.start()
        waited = _look(client, ids, before, sent, beacons)
        sender.join()
    waited.sort()
    return Visible(
        beacons=beacons,
        p50_s=round(waited[len(waited) // 2], 2),
        p99_s=round(waited[len(waited) * 99 // 100], 2),
        longest_s=round(waited[-1], 2),
    )


def _tokens(client: httpx.Client, wanted: int) -> list[str]:
    found: list[str] = []
    deadline = time.monotonic() + _SERVES_WITHIN_S
    while len(found) < wanted:
        query = {"placement": PLACEMENT, "duration_ms": "120000", "max_ads": "4"}
        query["session_id"] = f"viewer {len(found)}"
        answer = client.get("/api/v1/vast", params=query).raise_for_status()
        tokens = list(dict.fromkeys(_TOKEN.findall(answer.text)))
        found += tokens
        if time.monotonic() > deadline:
            raise LocalError(f"the product served {len(found)} ads in {_SERVES_WITHIN_S} s")
        if not tokens:
            time.sleep(1)
    return found[:wanted]


def _send(base_url: str, tokens: list[str], seconds: float, sent: list[float]) -> None:
    chance = random.Random(1)  # noqa: S311 - no secret
    moments = sorted(chance.uniform(0, seconds) for _ in tokens)
    started = time.monotonic()
    with httpx.Client(base_url=base_url, timeout=30, headers=_TELEVISION) as client:
        for moment, token in zip(moments, tokens, strict=True):
            time.sleep(max(started + moment - time.monotonic(), 0))
            at = time.monotonic()
            client.get(f"/api/v1/t/impression/{token}").raise_for_status()
            sent.append(at)


def _look(
    client: httpx.Client, ids: list[str], before: int, sent: list[float], beacons: int
) -> list[float]:
    waited: list[float] = []
    while len(waited) < beacons:
        seen = _impressions(client, ids) - before
        now = time.monotonic()
        waited += [now - at for at in sent[len(waited) : seen]]
        if len(sent) > len(waited) and now - sent[len(waited)] > _SEEN_WITHIN_S:
            raise LocalError(f"{len(sent)} impressions were accepted, {seen} are counted")
        time.sleep(_LOOK_EVERY_S)
    return waited


def _impressions(client: httpx.Client, ids: list[str]) -> int:
    total = 0
    for campaign_id in ids:
        answer = client.get(f"/api/v1/campaigns/{campaign_id}/stats").raise_for_status()
        total += answer.json()["totals"]["impressions"]
    return total
