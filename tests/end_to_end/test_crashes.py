"""What dies in the middle of its work loses nothing and doubles nothing."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.end_to_end.faults import await_waiting_consumers, kill_consumers, locked
from tests.end_to_end.ledger import assert_reconciled, billed, events_of
from tests.end_to_end.people import PRICE_MICROS, Document, Person, Player
from tests.end_to_end.product import Product
from tests.end_to_end.test_beacons import await_impressions, await_quiet
from tests.end_to_end.videos import Video

pytestmark = pytest.mark.xdist_group("end_to_end")


def test_a_consumer_killed_in_mid_batch_loses_and_doubles_nothing(
    product: Product, owner: Person, player: Player, video: Video
) -> None:
    campaign = owner.run_campaign(video)
    early, late = player.ads(5), player.ads(20)
    player.show(early)
    await_impressions(owner, campaign, 5)

    with locked(product, campaign):
        # The batch holds new impressions, starts, and impressions that are billed already.
        show_at_once(late)
        player.fire(ad["tracking"]["start"] for ad in late)
        player.show(early)
        await_waiting_consumers(product, 1)
        assert kill_consumers(product) >= 1
        assert billed(product, campaign) == 5 * PRICE_MICROS, "nothing of the batch is billed yet"
        assert len(events_of(product, campaign)) == 5, "nothing of the batch is stored yet"

    await_impressions(owner, campaign, 25)
    await_quiet(product)
    stored = [event["event"] for event in events_of(product, campaign)]
    assert (stored.count("impression"), stored.count("start")) == (25, 20)
    assert len(stored) == 45
    assert billed(product, campaign) == 25 * PRICE_MICROS
    assert_reconciled(product, campaign)
    assert product.messages_in("ad-events-dead") == 0, "no beacon was given up"


def test_one_batch_in_the_hands_of_two_consumers_bills_once(
    product: Product, owner: Person, player: Player, video: Video
) -> None:
    campaign = owner.run_campaign(video)
    ads = player.ads(10)
    with locked(product, campaign):
        show_at_once(ads)
        # The first waits so long that SQS hands the same messages to a second one.
        await_waiting_consumers(product, 2)
    await_impressions(owner, campaign, 10)
    await_quiet(product)
    assert len(events_of(product, campaign)) == 10
    assert billed(product, campaign) == 10 * PRICE_MICROS
    assert_reconciled(product, campaign)


def test_a_message_that_is_no_beacon_does_not_hold_up_the_others(
    product: Product, owner: Person, player: Player, video: Video
) -> None:
    campaign = owner.run_campaign(video)
    ads = player.ads(3)
    queue = product.queue_url("ad-events")
    product.sqs().send_message(QueueUrl=queue, MessageBody='{"event": "impression"}')
    player.show(ads)
    await_impressions(owner, campaign, 3)
    assert billed(product, campaign) == 3 * PRICE_MICROS
    assert_reconciled(product, campaign)
    assert product.messages_in("ad-events") == 1, "it waits to be tried again"
    product.sqs().purge_queue(QueueUrl=queue)


def show_at_once(ads: list[Document]) -> None:
    """Fire the impressions of many players at the same time."""
    with ThreadPoolExecutor(5) as players:
        answers = players.map(
            lambda ad: httpx.get(ad["tracking"]["impression"], timeout=30).status_code, ads
        )
        assert set(answers) == {204}
