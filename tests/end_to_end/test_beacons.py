"""Every beacon counts once, an impression is billed once, and statistics follow in seconds."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.end_to_end.ledger import assert_reconciled, billed, events_of
from tests.end_to_end.people import PRICE_MICROS, Document, Person, Player, fired
from tests.end_to_end.product import Product, eventually
from tests.end_to_end.vast import play
from tests.end_to_end.videos import Video

pytestmark = pytest.mark.xdist_group("end_to_end")

_STATISTICS_WITHIN_S = 6.0


def test_a_player_fires_the_whole_vast_and_statistics_follow(
    product: Product, owner: Person, player: Player, video: Video, figure: Any
) -> None:
    campaign = owner.run_campaign(video)
    player.ad()
    before = owner.statistics(campaign)
    assert before["totals"]["impressions"] == 0
    assert before["series"] == []

    played = play(player.vast().content)
    assert played is not None
    player.fire(played.every_url())

    def counted() -> Document | None:
        now = owner.statistics(campaign)
        return now if now["totals"]["errors"] else None

    seen = eventually(counted, within_s=_STATISTICS_WITHIN_S, what="the beacons are counted")
    figure("beacon to statistics", seen.seconds)
    totals = seen.value["totals"]
    counts = {name: totals[name] for name in _COUNTS}
    assert counts == dict.fromkeys(_COUNTS, 1)
    assert totals["spend_micros"] == PRICE_MICROS
    assert totals["remaining_micros"] == campaign["budget_micros"] - PRICE_MICROS
    assert totals["unbilled_impressions"] == 0
    (day,) = seen.value["series"]
    assert {name: day[name] for name in _COUNTS} == counts
    assert day["date"] == before["data_as_of"][:10]
    assert seen.value["data_as_of"] > before["data_as_of"]

    events = events_of(product, campaign)
    fired = {"impression", "clickTracking", "error", *played.tracking}
    assert {event["event"] for event in events} == fired
    assert len(events) == len(fired), "each once"
    assert {e["vast_error_code"] for e in events if e["event"] == "error"} == {405}
    assert {event["client_network"] for event in events} == {"127.0.0.0/24"}, "no whole address"
    assert_reconciled(product, campaign)


_COUNTS = (
    *("impressions", "starts", "first_quartiles", "midpoints", "third_quartiles", "completes"),
    *("clicks", "errors"),
)


def test_simple_clients_report_impressions_by_token(
    product: Product, owner: Person, player: Player, video: Video
) -> None:
    campaign = owner.run_campaign(video)
    first, second = player.ads(2)
    for path in ("/api/v1/impression", "/api/v1/track-impression", "/api/v1/impression"):
        answer = player.http.post(path, json={"token": first["token"]})
        assert answer.status_code == 204, answer.text
    assert player.http.post("/api/v1/track-impression", json={"token": second["token"]}).is_success
    player.show([first])  # the same impression by its address

    await_impressions(owner, campaign, 2)
    await_quiet(product)
    assert billed(product, campaign) == 2 * PRICE_MICROS, "each impression once, by whatever way"
    assert_reconciled(product, campaign)
    for body in (b"", b"{", b"[]", b'{"token": 5}'):
        assert player.http.post("/api/v1/impression", content=body).status_code == 400


def test_the_same_beacon_fifty_times_at_once_bills_once(
    product: Product, owner: Person, player: Player, video: Video
) -> None:
    campaign = owner.run_campaign(video)
    url = player.ad()["tracking"]["impression"]
    with ThreadPoolExecutor(10) as players:
        answers = list(players.map(lambda _: fired(url), range(50)))
    assert answers == [204] * 50
    await_impressions(owner, campaign, 1)
    await_quiet(product)
    assert [event["billed_micros"] for event in events_of(product, campaign)] == [PRICE_MICROS]
    assert_reconciled(product, campaign)


def test_forged_beacons_bill_nothing(
    product: Product, owner: Person, player: Player, video: Video
) -> None:
    campaign = owner.run_campaign(video)
    token: str = player.ad()["token"]
    other: str = player.ad()["token"]
    forged = [
        token[:-1] + ("A" if token[-1] != "A" else "B"),  # another signature
        token[:40] + ("A" if token[40] != "A" else "B") + token[41:],  # other claims
        token[: len(token) // 2] + other[len(other) // 2 :],  # two genuine ones, crossed
        token + "A",
        token[:20],
        "x",
        "%00%ff",
        "A" * 4000,
    ]
    player.fire(f"/api/v1/t/impression/{wrong}" for wrong in forged)
    player.fire([f"/api/v1/t/noSuchEvent/{token}"])
    for wrong in forged:
        assert player.http.post("/api/v1/impression", json={"token": wrong}).status_code == 204

    player.show([player.ad()])  # a genuine one behind them in the queue
    await_impressions(owner, campaign, 1)
    await_quiet(product)
    assert len(events_of(product, campaign)) == 1
    assert billed(product, campaign) == PRICE_MICROS


def test_beacons_still_count_for_a_campaign_that_was_paused_meanwhile(
    product: Product, owner: Person, player: Player, video: Video
) -> None:
    campaign = owner.run_campaign(video)
    ads = player.ads(3)
    owner.set_status(campaign, "paused")
    player.show(ads)
    await_impressions(owner, campaign, 3)
    assert billed(product, campaign) == 3 * PRICE_MICROS
    assert_reconciled(product, campaign)


def test_budget_is_a_hard_limit(
    product: Product, owner: Person, player: Player, video: Video
) -> None:
    # Pays for three impressions and a bit; the bit must stay.
    budget = 3 * PRICE_MICROS + PRICE_MICROS // 2
    campaign = owner.run_campaign(video, budget_micros=budget)
    ads = player.ads(3)
    assert player.decision()["no_fill_reason"] == "no_tokens", "nothing is promised beyond it"
    with ThreadPoolExecutor(5) as players:
        list(players.map(lambda ad: fired(ad["tracking"]["impression"]), ads * 4))
    await_impressions(owner, campaign, 3)
    await_quiet(product)

    assert billed(product, campaign) == 3 * PRICE_MICROS
    totals = owner.statistics(campaign)["totals"]
    assert totals["spend_micros"] == 3 * PRICE_MICROS
    assert totals["unbilled_impressions"] == 0, "every ad that was shown is paid for"
    assert totals["remaining_micros"] == PRICE_MICROS // 2
    assert_reconciled(product, campaign)

    eventually(
        lambda: owner.get(f"/campaigns/{campaign['id']}")["status"] == "completed",
        within_s=10,
        what="a campaign whose budget pays for nothing more is completed",
    )


def await_impressions(owner: Person, campaign: Document, count: int) -> None:
    """Return once the campaign's statistics show that many impressions."""
    eventually(
        lambda: owner.statistics(campaign)["totals"]["impressions"] >= count,
        within_s=15,
        what=f"{count} impressions are counted",
    )


def await_quiet(product: Product) -> None:
    """Return once no beacon is under way any more, so that what would come twice has come."""
    eventually(
        lambda: product.messages_in("ad-events") == 0, within_s=20, what="the queue is empty"
    )
