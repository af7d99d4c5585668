"""The form that the beacons of one call have in the queue."""

import base64
import json
import zlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctv_ads.adapters.aws.beacon_form import encode_beacon
from ctv_ads.adapters.aws.beacon_messages import decode_message, encode_message
from ctv_ads.domain.beacon import BeaconEvent, ForgedBeacon
from ctv_ads.domain.invalid_traffic import InvalidTraffic
from tests.builders import NOON, a_beacon

FORGED = ForgedBeacon(NOON, "2001:db8::/48", "other", 7)


@given(st.lists(st.sampled_from([*BeaconEvent, *InvalidTraffic, None]), min_size=1, max_size=20))
def test_what_is_written_is_read(kinds: list[BeaconEvent | InvalidTraffic | None]) -> None:
    sent = [
        a_beacon(event=kind)
        if isinstance(kind, BeaconEvent)
        else replace(a_beacon(), invalid=kind)
        if kind
        else FORGED
        for kind in kinds
    ]
    assert list(decode_message(encode_message(sent))) == sent


def test_one_beacon_has_the_form_that_it_always_had() -> None:
    beacon = a_beacon()
    assert encode_message([beacon]) == encode_beacon(beacon)


def _deflated(text: str) -> str:
    return "z:" + base64.b64encode(zlib.compress(text.encode())).decode()


def _forged(beacons: object) -> str:
    moment = {"received_at": "2026-11-23T12:00:00+00:00", "client_network": None}
    return json.dumps({"forged": True, **moment, "user_agent_class": "other", "beacons": beacons})


def test_forged_beacons_of_the_version_before_are_one_each() -> None:
    document = json.loads(_forged(1))
    del document["beacons"]
    assert list(decode_message(json.dumps(document))) == [ForgedBeacon(NOON, None, "other")]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "z:",
        "z:%%%",
        "z:" + base64.b64encode(b"no zlib").decode(),
        _deflated("{"),
        _deflated("{}"),
        _deflated("[" * 100_000),
        _deflated("[1]"),
        _deflated(json.dumps([{"forged": True}])),
        _deflated("[" + "1," * 3_000_000 + "1]"),
        json.dumps({"forged": True, "received_at": "2026-11-23T12:00:00+00:00"}),
        json.dumps(
            {
                "forged": True,
                "received_at": "2026-11-23T12:00:00",
                "client_network": None,
                "user_agent_class": "other",
            }
        ),
        json.dumps(
            {
                "forged": True,
                "received_at": "2026-11-23T12:00:00+00:00",
                "client_network": "\x00",
                "user_agent_class": "other",
            }
        ),
        *map(_forged, (0, 501, True, 1.0, None, "1")),
        _deflated(json.dumps([json.loads(_forged(1))] * 501)),
    ],
    ids=map(str, range(20)),
)
def test_what_is_no_message_is_refused(body: str) -> None:
    with pytest.raises(ValueError, match=r"^not a "):
        decode_message(body)
