"""The form a beacon has in the queue: whole, or refused before it can spoil a batch."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctv_ads.adapters.aws.beacon_form import decode_beacon, encode_beacon
from ctv_ads.domain.beacon import Beacon, BeaconEvent
from ctv_ads.domain.line_item import RateType
from ctv_ads.domain.vocabulary import DEVICE_TYPES
from tests.builders import NOON, a_beacon, some_claims

_BEACONS = st.builds(
    lambda event, slot, price, network, agent, code, later, claimed: a_beacon(
        some_claims(slot=slot, price_micros=price, **claimed),
        event=event,
        client_network=network,
        user_agent_class=agent,
        vast_error_code=code,
        received_at=NOON + later,
    ),
    st.sampled_from(BeaconEvent),
    st.integers(0, 255),
    st.integers(0, 2**53 - 1),
    st.none() | st.just("2001:db8::/48"),
    st.sampled_from(["roku", "other"]),
    st.none() | st.integers(0, 999),
    st.timedeltas(timedelta(0), timedelta(days=30)),
    st.fixed_dictionaries(
        {
            "rate_type": st.sampled_from(RateType),
            "bucket": st.integers(0, 2**32 - 1),
            "country": st.sampled_from(["", "DE", "US"]),
            "device_type": st.sampled_from(["", *sorted(DEVICE_TYPES)]),
            "session": st.integers(0, 2**64 - 1),
        }
    ),
)


@given(_BEACONS)
def test_what_is_written_is_read(beacon: Beacon) -> None:
    assert decode_beacon(encode_beacon(beacon)) == beacon


def test_a_message_of_the_version_before_these_fields_is_still_a_beacon() -> None:
    beacon = a_beacon(some_claims(bucket=7, country="DE", device_type="ctv", session=9))
    document = json.loads(encode_beacon(beacon))
    for name in ("rate_type", "bucket", "country", "device_type", "session"):
        del document[name]
    claims = decode_beacon(json.dumps(document)).claims
    assert claims == beacon.claims._replace(bucket=0, country="", device_type="", session=0)
    assert claims.rate_type is RateType.CPM


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_noise_is_refused(body: str) -> None:
    with pytest.raises(ValueError, match=r"^not a beacon: "):
        decode_beacon(body)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=5,
)


@given(st.sampled_from(sorted(json.loads(encode_beacon(a_beacon())))), _JSON)
def test_a_field_of_any_value_is_refused_or_fits_the_table(name: str, value: object) -> None:
    document = json.loads(encode_beacon(a_beacon())) | {name: value}
    try:
        beacon = decode_beacon(json.dumps(document))
    except ValueError:
        return
    _assert_fits_the_table(beacon)


def _assert_fits_the_table(beacon: Beacon) -> None:
    claims = beacon.claims
    assert 0 <= claims.slot < 2**15
    assert 0 <= claims.price_micros < 2**53
    assert beacon.vast_error_code is None or 0 <= beacon.vast_error_code < 2**15
    assert 0 <= claims.bucket < 2**32
    assert 0 <= claims.session < 2**64
    texts = [beacon.user_agent_class, beacon.client_network or ""]
    texts += [claims.country, claims.device_type]
    for text in texts:
        assert "\x00" not in text
        text.encode()


def _changed(**fields: Any) -> str:
    return json.dumps(json.loads(encode_beacon(a_beacon())) | fields)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("[" * 100_000, id="nested without end"),
        pytest.param("null", id="nothing"),
        pytest.param("[]", id="a list"),
        pytest.param("{}", id="an empty object"),
        pytest.param(_changed(event="viewableImpression"), id="an unknown event"),
        pytest.param(_changed(event=["impression"]), id="a list of events"),
        pytest.param(_changed(slot=2**15), id="a slot that is too great"),
        pytest.param(_changed(slot=-1), id="a slot below zero"),
        pytest.param(_changed(slot=float("inf")), id="an endless slot"),
        pytest.param(_changed(price_micros=-20_000), id="a price that pays back"),
        pytest.param(_changed(price_micros=2**53), id="a price that is too great"),
        pytest.param(_changed(price_micros=1.5), id="a fractional price"),
        pytest.param(_changed(line_item_id="x"), id="a malformed id"),
        pytest.param(_changed(decision_id=None), id="no decision"),
        pytest.param(_changed(decided_at="2026-11-23T12:00:00"), id="a time without zone"),
        pytest.param(_changed(decided_at="0001-01-01T00:00:00+14:00"), id="before all time"),
        pytest.param(_changed(received_at=5), id="a time that is a number"),
        pytest.param(_changed(client_network={"a": 1}), id="an object for a network"),
        pytest.param(_changed(client_network="\x00"), id="a NUL in the network"),
        pytest.param(_changed(user_agent_class="\ud800"), id="half a character"),
        pytest.param(_changed(user_agent_class="x" * 1000), id="an endless user agent"),
        pytest.param(_changed(rate_type="cpx"), id="an unknown rate"),
        pytest.param(_changed(rate_type=["cpm"]), id="a list of rates"),
        pytest.param(_changed(bucket=2**32), id="a bucket that is too great"),
        pytest.param(_changed(bucket=None), id="no bucket"),
        pytest.param(_changed(country="DEU"), id="a country of three letters"),
        pytest.param(_changed(country="DE\n"), id="a country and a line break"),
        pytest.param(_changed(device_type="Ctv!"), id="no device type"),
        pytest.param(_changed(session=-1), id="a session below zero"),
        pytest.param(_changed(session=2**64), id="a session that is too great"),
        pytest.param(_changed(vast_error_code="405"), id="a code that is text"),
        pytest.param(_changed(vast_error_code=70_000), id="a code that is too great"),
    ],
)
def test_what_postgresql_would_refuse_is_no_beacon(body: str) -> None:
    with pytest.raises(ValueError, match=r"^not a beacon: "):
        decode_beacon(body)
