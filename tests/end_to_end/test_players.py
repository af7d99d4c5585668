"""A player of others, in a browser: it plays our pods and breaks, and calls their beacons."""

import json
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest

from tests.end_to_end.people import PRICE_MICROS, Document, Person, Player
from tests.end_to_end.product import Product, eventually
from tests.end_to_end.tenants import Tenant
from tests.end_to_end.videos import Video, another
from tests.vast_clients import FOLDER

pytestmark = pytest.mark.xdist_group("end_to_end")

_COUNTED = {
    "impression": "impressions",
    "start": "starts",
    "firstQuartile": "first_quartiles",
    "midpoint": "midpoints",
    "thirdQuartile": "third_quartiles",
    "complete": "completes",
}
_CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "chrome")


def watch(product: Product, content: str, query: str, *, ads: int) -> dict[str, list[str]]:
    """Let Shaka Player play `content` with the ads of a tag, until that many are over."""
    browser = next(filter(None, map(shutil.which, _CHROMIUM)), None)
    if browser is None:
        pytest.skip("there is no Chromium on this machine")
    tag = f"{product.base_url}/api/v1/{query}"
    asked = {"browser": browser, "content": content, "tag": tag, "ads": ads}
    run = subprocess.run(
        ["node", "play.mjs"],
        cwd=FOLDER,
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    told: dict[str, list[str]] = json.loads(run.stdout)
    assert told["failed"] == [], told
    return told


def test_a_player_plays_a_pod_and_calls_its_beacons(
    product: Product, tenant: Tenant, owner: Person, player: Player, video: Video
) -> None:
    campaigns = [owner.run_campaign(another(video, number)) for number in range(2)]
    content = player.ad()["media"][0]["url"]
    query = f"vast?placement={tenant.placement}&max_ads=2"
    eventually(
        lambda: player.http.get(f"/api/v1/{query}").text.count("<Ad ") == 2,
        within_s=5,
        what="both are on air",
    )
    told = watch(product, content, query, ads=2)
    assert len(told["asked"]) == 1
    _assert_every_event_of(told["beacons"], ads=2)
    _assert_counted(product, owner, campaigns, told["beacons"])


def test_a_player_asks_for_each_break_of_a_vmap_when_it_comes(
    product: Product, tenant: Tenant, owner: Person, player: Player, video: Video
) -> None:
    campaign = owner.run_campaign(video)
    content = player.ad()["media"][0]["url"]
    query = f"vmap?placement={tenant.placement}&mode=tag&breaks=start,end"
    told = watch(product, content, query, ads=2)
    types = [url.partition("break_type=")[2].partition("&")[0] for url in told["asked"]]
    assert types == ["preroll", "postroll"]
    _assert_every_event_of(told["beacons"], ads=2)
    _assert_counted(product, owner, [campaign], told["beacons"])


def _assert_every_event_of(beacons: list[str], *, ads: int) -> None:
    by_token: dict[str, set[str]] = {}
    for token, event in _called(beacons):
        by_token.setdefault(token, set()).add(event)
    # That of a break of a VMAP, which this player does not call, would be a token of its own.
    expected: Any = {"impression", "start", "firstQuartile", "midpoint", "thirdQuartile"}
    assert len(by_token) == ads
    assert all(events >= expected for events in by_token.values())
    assert any("complete" in events for events in by_token.values())


def _assert_counted(
    product: Product, owner: Person, campaigns: list[Document], beacons: list[str]
) -> None:
    """Every event of every ad is in the statistics once, and every impression is billed once."""
    called = Counter(_COUNTED[event] for _, event in _called(beacons) if event in _COUNTED)

    def totals() -> Counter[str]:
        counted: Counter[str] = Counter()
        for campaign in campaigns:
            told = owner.statistics(campaign)["totals"]
            assert not any(told["invalid_beacons"].values()), told
            counted.update({name: told[name] for name in (*_COUNTED.values(), "spend_micros")})
        return counted

    expected = called + Counter({"spend_micros": called["impressions"] * PRICE_MICROS})
    eventually(lambda: totals() == expected, within_s=20, what=f"counted and billed: {expected}")
    eventually(lambda: product.messages_in("ad-events") == 0, within_s=20, what="quiet")
    assert totals() == expected, "nothing came twice"


def _called(beacons: Iterable[str]) -> set[tuple[str, str]]:
    """Return of which tokens which events were called."""
    parts = [url.partition("?")[0].split("/") for url in beacons]
    return {(token, event) for *_, event, token in parts}
