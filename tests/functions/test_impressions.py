"""The beacon collector, from the recorded request to the queue."""

import base64
import logging
from datetime import timedelta

import pytest

from ctv_ads.domain.beacon import BeaconEvent, ForgedBeacon
from ctv_ads.domain.beacon_token import TokenKeys, issue_token
from ctv_ads.domain.invalid_traffic import InvalidTraffic
from tests.builders import DAY, NOON
from tests.functions.collecting import CLAIMS, TOKEN, Collector, RefusingQueue, a_collector
from tests.functions.conftest import Answer
from tests.functions.recorded import Event, api_event


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Collector:
    return a_collector(monkeypatch)


def beacon(event: str, token: str = TOKEN, query: str = "", **headers: str) -> Event:
    return api_event(
        "GET",
        f"/api/v1/t/{event}/{token}{query}",
        path_parameters={"event": event, "token": token},
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


def of_stitcher(event: Event) -> Event:
    """Let the call come from one that is believed."""
    event["requestContext"]["http"]["sourceIp"] = "10.1.2.3"
    return event


def assert_no_content(answer: Answer) -> None:
    assert (answer.status, answer.body) == (204, "")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("event", list(BeaconEvent))
def test_a_genuine_beacon_is_queued_with_what_its_token_says(
    collector: Collector, event: BeaconEvent
) -> None:
    assert_no_content(collector.call(beacon(event)))
    (queued,) = collector.queue.beacons
    assert (queued.event, queued.claims, queued.received_at) == (event, CLAIMS, NOON)
    assert (queued.client_network, queued.user_agent_class) == ("203.0.113.0/24", "roku")
    assert queued.vast_error_code is None


def test_whole_addresses_never_reach_the_queue(collector: Collector) -> None:
    event = beacon("start")
    event["requestContext"]["http"]["sourceIp"] = "2001:db8:1234:5678::9"
    collector.call(event)
    assert collector.queue.beacons[0].client_network == "2001:db8:1234::/48"
    assert "203.0.113.77" not in str(collector.queue.beacons)


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "%00",
        TOKEN[:-1],
        TOKEN[1:],
        TOKEN + "A",
        ("B" if TOKEN[40] != "B" else "C").join((TOKEN[:40], TOKEN[41:])),
        issue_token(CLAIMS, TokenKeys("k1", {"k1": b"another key of the tests of 32 bytes!"})),
        "[TOKEN]",
        "A" * 8000,
        "😀",
    ],
)
def test_a_forged_token_is_told_204_and_bills_nothing(
    collector: Collector, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    assert_no_content(collector.call(beacon("impression", token)))
    assert_no_content(
        collector.call(api_event("POST", "/api/v1/impression", body={"token": token}))
    )
    assert collector.queue.beacons == []
    assert collector.queue.forged == [ForgedBeacon(NOON, "203.0.113.0/24", "roku")] * 2
    assert "invalid" in caplog.text
    assert TOKEN not in caplog.text


def test_a_token_counts_until_its_last_second(collector: Collector) -> None:
    collector.patch(collector.queue, NOON + DAY)
    assert_no_content(collector.call(beacon("impression")))
    collector.patch(collector.queue, NOON + DAY + timedelta(microseconds=1))
    assert_no_content(collector.call(beacon("impression")))
    assert [queued.invalid for queued in collector.queue.beacons] == [None, InvalidTraffic.EXPIRED]


@pytest.mark.parametrize(
    ("headers", "rule"),
    [
        ({"user_agent": "Roku/DVP-12.0"}, None),
        ({"user_agent": "Mozilla/5.0 (compatible; exampleBOT/2.1)"}, InvalidTraffic.CRAWLER),
        ({"x_device_user_agent": "ExampleBot/1"}, InvalidTraffic.CRAWLER),
        ({"x_device_ip": "198.51.100.127"}, None),
        ({"x_device_ip": "198.51.100.128"}, InvalidTraffic.DATA_CENTRE),
        ({"x_device_ip": "198.51.101.0"}, None),
        ({"x_device_ip": "2001:db8:bad::1"}, InvalidTraffic.DATA_CENTRE),
        ({"x_device_ip": "2001:db8:bae::1"}, None),
        ({"x_device_ip": "unknown"}, None),
    ],
)
def test_traffic_of_machines_is_queued_under_its_rule(
    collector: Collector, headers: dict[str, str], rule: InvalidTraffic | None
) -> None:
    assert_no_content(collector.call(of_stitcher(beacon("impression", **headers))))
    (queued,) = collector.queue.beacons
    assert queued.invalid is rule


@pytest.mark.parametrize(
    ("source_ip", "headers", "rule"),
    [
        ("198.51.100.129", {"x_device_ip": "203.0.113.9"}, InvalidTraffic.DATA_CENTRE),
        ("::ffff:198.51.100.129", {}, InvalidTraffic.DATA_CENTRE),
        ("203.0.113.9", {"x_device_ip": "198.51.100.129"}, None),
        (
            "203.0.113.9",
            {"user_agent": "ExampleBot/1", "x_device_user_agent": "Roku/DVP"},
            InvalidTraffic.CRAWLER,
        ),
    ],
)
def test_nobody_hides_behind_the_device_they_name(
    collector: Collector, source_ip: str, headers: dict[str, str], rule: InvalidTraffic | None
) -> None:
    event = beacon("impression", **headers)
    event["requestContext"]["http"]["sourceIp"] = source_ip
    assert_no_content(collector.call(event))
    (queued,) = collector.queue.beacons
    assert queued.invalid is rule


def test_head_is_answered_and_not_counted(collector: Collector) -> None:
    path = {"event": "impression", "token": TOKEN}
    event = api_event("HEAD", f"/api/v1/t/impression/{TOKEN}", path_parameters=path)
    assert_no_content(collector.call(event))
    assert collector.queue.messages == []


@pytest.mark.parametrize("query", ["?gif", "?gif=1&cb=[CACHEBUSTING]"])
def test_a_player_that_wants_a_picture_gets_the_smallest_one(
    collector: Collector, query: str
) -> None:
    answer = collector.call(beacon("impression", query=query))
    assert (answer.status, answer.headers["content-type"]) == (200, "image/gif")
    assert base64.b64decode(answer.body).startswith(b"GIF89a\x01\x00\x01\x00")
    assert len(collector.queue.beacons) == 1


@pytest.mark.parametrize("event", ["", "Impression", "loaded", "__class__", "impression ", "%00"])
def test_an_unknown_event_is_told_204_and_not_queued(collector: Collector, event: str) -> None:
    assert_no_content(collector.call(beacon(event)))
    assert collector.queue.beacons == []


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("?code=405", 405),
        ("?code=[ERRORCODE]&cb=[CACHEBUSTING]", None),
        ("?code=-1", None),
        ("?code=99999", None),
        ("?code=\uff14\uff10\uff15", None),
        ("?code=", None),
        ("", None),
    ],
)
def test_an_error_carries_its_code_if_it_is_one(
    collector: Collector, query: str, code: int | None
) -> None:
    collector.call(beacon("error", query=query))
    assert collector.queue.beacons[0].vast_error_code == code


def test_a_code_on_another_event_means_nothing(collector: Collector) -> None:
    collector.call(beacon("start", query="?code=405"))
    assert collector.queue.beacons[0].vast_error_code is None


def test_a_stitcher_speaks_for_the_device(collector: Collector) -> None:
    device = {"x_device_user_agent": "AFTMM Fire", "x_device_ip": "198.51.100.7"}
    collector.call(of_stitcher(beacon("start", user_agent="AWS MediaTailor", **device)))
    (queued,) = collector.queue.beacons
    assert (queued.user_agent_class, queued.client_network) == ("fire_tv", "198.51.100.0/24")
    assert "198.51.100.7" not in str(queued)


@pytest.mark.parametrize("path", ["/api/v1/impression", "/api/v1/track-impression"])
def test_simple_clients_send_the_token_as_json(collector: Collector, path: str) -> None:
    for event in (
        api_event("POST", path, body={"token": TOKEN}),
        api_event("POST", path, body={"token": TOKEN}, is_base64=True),
    ):
        assert_no_content(collector.call(event))
    assert [beacon.event for beacon in collector.queue.beacons] == [BeaconEvent.IMPRESSION] * 2


@pytest.mark.parametrize("body", ["", "{", "[" * 100_000, "\ufeff{}"])
def test_a_body_that_is_no_json_is_the_callers_mistake(collector: Collector, body: str) -> None:
    refused = collector.call(api_event("POST", "/api/v1/impression", body=body))
    refused.assert_problem(400, "malformed-request")


@pytest.mark.parametrize("body", [{}, [], None, {"token": ""}, {"token": 5}, {"Token": TOKEN}])
def test_a_body_without_a_token_is_told_by_its_field(collector: Collector, body: object) -> None:
    event = api_event("POST", "/api/v1/impression", body="null" if body is None else body)
    refused = collector.call(event)
    refused.assert_problem(400, "malformed-request", "token")
    assert refused.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("body", ["%%%", "gA=="])
def test_what_only_says_it_is_base64_is_the_callers_mistake(
    collector: Collector, body: str
) -> None:
    event = api_event("POST", "/api/v1/impression", body="x", is_base64=True) | {"body": body}
    collector.call(event).assert_problem(400, "malformed-request")


def test_when_the_queue_refuses_the_player_is_told_to_retry(
    collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    collector.patch(RefusingQueue(), NOON)
    refused = collector.call(beacon("impression"))
    refused.assert_problem(503, "dependency-unavailable")
    assert refused.headers["retry-after"] == "1"
    assert refused.headers["access-control-allow-origin"] == "*"
    assert refused.json["dependency"] == "sqs"
    assert "ServiceUnavailable" not in refused.body
    assert TOKEN not in caplog.text


def test_a_preflight_is_answered(collector: Collector) -> None:
    answer = collector.call(api_event("OPTIONS", "/api/v1/impression"))
    assert_no_content(answer)
    assert answer.headers["access-control-allow-methods"] == "GET, HEAD, POST, OPTIONS"


def test_the_same_beacon_fifty_times_is_queued_fifty_times_and_alike(
    collector: Collector,
) -> None:
    for _ in range(50):
        assert_no_content(collector.call(beacon("impression")))
    assert len({str(queued) for queued in collector.queue.beacons}) == 1
