"""What dies in the middle of its work loses nothing and doubles nothing."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.end_to_end.faults import await_waiting_consumers, kill_function, locked
from tests.end_to_end.ledger import assert_reconciled, billed, events_of
from tests.end_to_end.people import PRICE_MICROS, Document, Person, Player, fired, post_to_s3
from tests.end_to_end.product import Product, eventually
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
        assert kill_function(product, "impressions.consumer") >= 1
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


def test_two_consumers_at_once_neither_bill_twice_nor_over_the_budget(
    product: Product, owner: Person, player: Player, video: Video
) -> None:
    campaign = owner.run_campaign(video, budget_micros=20 * PRICE_MICROS)
    first, second = player.ads(10), player.ads(10)
    assert player.decision()["no_fill_reason"] == "no_tokens", "all of the budget is promised"
    with locked(product, campaign):
        show_at_once(first)
        await_waiting_consumers(product, 1)
        # While the first consumer waits, the second gets new impressions, and those of the
        # first once more, for SQS takes them for lost.
        show_at_once(second)
        await_waiting_consumers(product, 2)
    await_impressions(owner, campaign, 20)
    await_quiet(product)
    assert len(events_of(product, campaign)) == 20, "each once"
    assert billed(product, campaign) == 20 * PRICE_MICROS, "the budget, to the micro"
    assert owner.statistics(campaign)["totals"]["unbilled_impressions"] == 0
    assert_reconciled(product, campaign)


def test_a_validation_killed_in_mid_work_is_done_again(
    product: Product, owner: Person, video: Video
) -> None:
    registered = owner.register(owner.create_campaign(), video)
    creative_id = registered["creative"]["id"]
    with product.database() as connection:
        connection.execute(
            "SELECT 1 FROM creatives WHERE creative_id = %s FOR UPDATE", (creative_id,)
        )
        assert post_to_s3(registered["upload"], video).is_success
        await_waiting_consumers(product, 1)
        assert kill_function(product, "creatives.on_upload") >= 1
    ready = owner.verdict(registered["creative"])
    assert (ready["status"], ready["sha256"]) == ("ready", video.sha256)


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
    # The others are deleted once the consumer has answered, after what it recorded can be seen.
    eventually(
        lambda: product.messages_in("ad-events") == 1,
        within_s=10,
        what="it alone waits to be tried again",
    )
    (kept,) = product.rows("SELECT reason FROM refused_messages", ())
    assert kept["reason"] == "not a beacon: 'client_network'"
    product.sqs().purge_queue(QueueUrl=queue)


def show_at_once(ads: list[Document]) -> None:
    """Fire the impressions of many players at the same time."""
    with ThreadPoolExecutor(5) as players:
        answers = players.map(lambda ad: fired(ad["tracking"]["impression"]), ads)
        assert set(answers) == {204}
