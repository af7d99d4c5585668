"""Many beacons in one call: all taken or none, each told its own fate."""

from datetime import timedelta

import pytest

from ctv_ads.adapters.aws.beacon_messages import encode_message
from ctv_ads.domain.beacon import Beacon, BeaconEvent
from tests.builders import NOON, a_beacon, some_claims
from tests.functions.collecting import TOKEN, Collector, RefusingQueue, a_collector
from tests.functions.recorded import Event, api_event


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Collector:
    return a_collector(monkeypatch)


def batch(*items: object, **body: object) -> Event:
    return api_event("POST", "/api/v1/events", body={"events": list(items), **body})


def item(event: object = "start", token: object = TOKEN, **others: object) -> dict[str, object]:
    return {"event": event, "token": token, **others}


def test_many_events_are_one_message(collector: Collector) -> None:
    names = ["impression", "start", "firstQuartile", "complete"]
    answer = collector.call(batch(*map(item, names), item("error", code=303)))
    assert answer.status == 200
    assert answer.json == {"accepted": 5, "rejected": 0, "results": [{"status": "accepted"}] * 5}
    (message,) = collector.queue.messages
    assert [one.event for one in message if isinstance(one, Beacon)] == [*names, "error"]
    assert collector.queue.beacons[-1].vast_error_code == 303


def test_of_many_events_each_bad_one_is_told_alone(collector: Collector) -> None:
    bad = [item("Start"), item(token=""), item(token=5), "start", item(event=["start"]), None]
    answer = collector.call(batch(item(), *bad, item("complete")))
    assert (answer.json["accepted"], answer.json["rejected"]) == (2, len(bad))
    paths = [one.get("error", {}).get("path") for one in answer.json["results"]]
    assert paths == [
        None, "events.1.event", "events.2.token", "events.3.token", "events.4",
        "events.5.event", "events.6", None,
    ]  # fmt: skip
    assert [queued.event for queued in collector.queue.beacons] == ["start", "complete"]


def test_the_answer_to_a_batch_does_not_tell_genuine_tokens_from_forged(
    collector: Collector,
) -> None:
    assert collector.call(batch(item())).body == collector.call(batch(item(token=TOKEN[::-1]))).body
    assert len(collector.queue.forged) == 1


@pytest.mark.parametrize("items", [[], [item()] * 501])
def test_a_batch_holds_one_to_five_hundred_events(
    collector: Collector, items: list[object]
) -> None:
    collector.call(batch(*items)).assert_problem(400, "malformed-request", "events")
    assert collector.queue.messages == []


@pytest.mark.parametrize("body", [[], "null", {"events": "all"}, {"events": {}}, {}])
def test_a_body_without_a_list_is_no_batch(collector: Collector, body: object) -> None:
    event = api_event("POST", "/api/v1/events", body=body)
    collector.call(event).assert_problem(400, "malformed-request", "events")


def test_the_largest_batch_fits_into_one_message() -> None:
    beacons = [
        a_beacon(some_claims(), event=BeaconEvent.THIRD_QUARTILE, client_network="2001:db8::/48")
        for _ in range(500)
    ]
    assert len(encode_message(beacons)) < 256 * 1024


def test_when_the_queue_refuses_a_batch_all_of_it_is_sent_again(collector: Collector) -> None:
    collector.patch(RefusingQueue(), NOON)
    collector.call(batch(item(), item("complete"))).assert_problem(503, "dependency-unavailable")


def test_what_one_call_repeats_is_told_apart(collector: Collector) -> None:
    items = [{"event": event, "token": TOKEN} for event in ("start", "impression", "start")]
    collector.call(batch(*items))
    first, other, again = collector.queue.beacons
    assert first.received_at == other.received_at == NOON
    assert again.received_at - NOON == timedelta(microseconds=1)
