"""From a change of a campaign, over the API, to the last ad of it that the running product answers."""

import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import httpx

from local.bench.product import running_product
from local.processes import LocalError
from local.seed import PASSWORD, PEOPLE, PLACEMENT

LIMIT_MS = 2_000
_ASKERS = 3
_WATCHED_S = 4.0
"""After a change, until it is taken back: an ad that comes within is late by as much."""
_SHOWN_WITHIN_S = 30.0
_PAUSED = {"status": "paused"}
_ACTIVE = {"status": "active"}
_NO_BUDGET = {"budget_micros": 1}


def measure_changes(folder: Path, *, rounds: int) -> dict[str, dict[str, float]]:
    """Return by kind of change how many ms after its request began the last ad was answered.

    The product is the seeded one, with its gateway, functions, queue and databases, while several
    callers ask for pods all the time.

    Raises:
        LocalError: the product did not start, or a campaign that was changed back is not shown.
    """
    with running_product(folder) as base_url, httpx.Client(base_url=base_url, timeout=30) as client:
        credentials = {"email": PEOPLE[1][0], "password": PASSWORD}
        answer = client.post("/api/v1/auth/login", json=credentials).raise_for_status()
        client.headers["authorization"] = f"Bearer {answer.json()['access_token']}"
        campaigns = client.get("/api/v1/campaigns").raise_for_status().json()["items"]
        with _asking(base_url) as shown:
            late: dict[str, list[float]] = defaultdict(list)
            ids = [campaign["id"] for campaign in campaigns]
            for campaign_id in islice(cycle(ids), rounds):
                late["pause"].append(_late_ms(client, campaign_id, _PAUSED, shown))
                _change(client, campaign_id, _ACTIVE)
            # A campaign without a budget is completed, and stays so.
            for campaign_id in ids:
                late["budget"].append(_late_ms(client, campaign_id, _NO_BUDGET, shown))
    return {kind: _summary(times) for kind, times in late.items()}


def _summary(late_ms: Sequence[float]) -> dict[str, float]:
    ordered = sorted(late_ms)
    return {
        "changes": len(ordered),
        "p50_ms": ordered[len(ordered) // 2],
        "p99_ms": ordered[len(ordered) * 99 // 100],
    }


_Shown = dict[str, float]
"""By campaign, when it was last in an answer."""


def _late_ms(
    client: httpx.Client, campaign_id: str, change: Mapping[str, object], shown: _Shown
) -> float:
    _await_shown(campaign_id, shown, since=time.monotonic())
    began = time.monotonic()
    _change(client, campaign_id, change)
    time.sleep(_WATCHED_S)
    return round(max(shown[campaign_id] - began, 0) * 1000, 1)


def _change(client: httpx.Client, campaign_id: str, change: Mapping[str, object]) -> None:
    path = f"/api/v1/campaigns/{campaign_id}"
    if "status" in change:
        client.put(f"{path}/status", json=change).raise_for_status()
        return
    version = client.get(path).raise_for_status().headers["etag"]
    client.patch(path, json=change, headers={"if-match": version}).raise_for_status()


def _await_shown(campaign_id: str, shown: _Shown, *, since: float) -> None:
    while shown.get(campaign_id, 0) < since:
        if time.monotonic() > since + _SHOWN_WITHIN_S:
            raise LocalError(f"campaign {campaign_id} is active and is not shown")
        time.sleep(0.02)


@contextmanager
def _asking(base_url: str) -> Iterator[_Shown]:
    """Have several callers ask for pods without a pause, until the end of this block."""
    shown: _Shown = {}
    is_over = threading.Event()
    askers = [
        threading.Thread(target=_ask, args=(base_url, shown, is_over), daemon=True)
        for _ in range(_ASKERS)
    ]
    for asker in askers:
        asker.start()
    try:
        yield shown
    finally:
        is_over.set()
        for asker in askers:
            asker.join()


def _ask(base_url: str, shown: _Shown, is_over: threading.Event) -> None:
    asked: dict[str, Any] = {"placement": PLACEMENT, "duration_ms": 600_000}
    with httpx.Client(base_url=base_url, timeout=30) as client:
        while not is_over.is_set():
            answer = client.post("/api/v1/ad-request", json=asked).raise_for_status()
            at = time.monotonic()
            shown.update({ad["campaign_id"]: at for ad in answer.json()["ads"]})
