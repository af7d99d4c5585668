"""Beacon tokens say what was decided and cannot be forged."""

import base64
import string
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctv_ads.domain.beacon import BeaconClaims, BeaconEvent
from ctv_ads.domain.beacon_token import (
    BadTokenError,
    TokenKeys,
    UnknownKeyError,
    issue_token,
    read_token,
)
from ctv_ads.domain.ids import CreativeId, DecisionId, LineItemId, PlacementId
from ctv_ads.domain.line_item import RateType
from ctv_ads.domain.vocabulary import DEVICE_TYPES
from ctv_ads.vast.tracking import AdTracking
from tests.builders import KEYS, some_claims

_ID = st.uuids().map(str)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _claims(  # noqa: PLR0913, PLR0917 - a token carries them all
    decision: str,
    line_item: str,
    creative: str,
    placement: str,
    slot: int,
    price: int,
    ms: int,
    s: int,
    paid: tuple[RateType, int],
    viewer: tuple[str, str, int],
) -> BeaconClaims:
    decided_at = _EPOCH + timedelta(milliseconds=ms)
    return BeaconClaims(
        decision_id=DecisionId(decision),
        slot=slot,
        decided_at=decided_at,
        expires_at=decided_at + timedelta(seconds=s),
        line_item_id=LineItemId(line_item),
        creative_id=CreativeId(creative),
        placement_id=PlacementId(placement),
        price_micros=price,
        rate_type=paid[0],
        bucket=paid[1],
        country=viewer[0],
        device_type=viewer[1],
        session=viewer[2],
    )


_CLAIMS = st.builds(
    _claims, _ID, _ID, _ID, _ID,
    st.integers(0, 255), st.integers(0, 2**63 - 1), st.integers(0, 2**42), st.integers(0, 2**32 - 1),
    st.tuples(st.sampled_from(RateType), st.integers(0, 2**32 - 1)),
    st.tuples(
        st.sampled_from(["", "AT", "US"]), st.sampled_from(["", *sorted(DEVICE_TYPES)]),
        st.integers(0, 2**64 - 1),
    ),
)  # fmt: skip
_KEY_IDS = st.text(string.ascii_letters + string.digits, min_size=1, max_size=8).filter(
    lambda key_id: key_id != "current"
)


@given(_CLAIMS, _KEY_IDS)
def test_what_is_signed_is_read(claims: BeaconClaims, key_id: str) -> None:
    keys = TokenKeys(key_id, {key_id: b"k" * 32})
    assert read_token(issue_token(claims, keys), keys) == claims


@given(_CLAIMS, _KEY_IDS)
def test_an_address_stays_short_and_needs_no_escaping(claims: BeaconClaims, key_id: str) -> None:
    token = issue_token(claims, TokenKeys(key_id, {key_id: b"k" * 32}))
    assert set(token) <= set(string.ascii_letters + string.digits + "-_")
    paths = [AdTracking("", token).url(event) for event in BeaconEvent]
    assert max(len(path) for path in paths) < 200


TOKEN = issue_token(some_claims(), KEYS)
RAW = base64.urlsafe_b64decode(TOKEN + "=" * (-len(TOKEN) % 4))


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.mark.parametrize("bit", range(len(RAW) * 8))
def test_a_token_with_one_bit_flipped_is_forged(bit: int) -> None:
    flipped = bytearray(RAW)
    flipped[bit // 8] ^= 1 << bit % 8
    with pytest.raises(BadTokenError):
        read_token(_encoded(bytes(flipped)), KEYS)


@pytest.mark.parametrize("length", range(len(TOKEN)))
def test_a_token_that_is_cut_is_forged(length: int) -> None:
    with pytest.raises(BadTokenError):
        read_token(TOKEN[:length], KEYS)


@pytest.mark.parametrize(
    "token", ["", " ", "=", "====", TOKEN + "=", TOKEN + "A", TOKEN * 2, " " + TOKEN, TOKEN + "\n"]
)
def test_a_token_with_anything_around_it_is_no_token(token: str) -> None:
    with pytest.raises(BadTokenError):
        read_token(token, KEYS)


@given(st.text() | st.binary().map(_encoded))
def test_noise_is_no_token_and_no_failure(token: str) -> None:
    with pytest.raises(BadTokenError):
        read_token(token, KEYS)


def test_another_key_of_the_same_name_forges() -> None:
    with pytest.raises(BadTokenError):
        read_token(TOKEN, TokenKeys("k1", {"k1": b"another key of at least 32 characters"}))


def test_keys_rotate_without_losing_beacons_on_the_way() -> None:
    new_secret = {"current": "k2", "k1": KEYS.keys["k1"].decode(), "k2": "2" * 32}
    rotated = TokenKeys.from_secret(new_secret)
    claims = read_token(TOKEN, rotated)
    assert read_token(issue_token(claims, rotated), rotated) == claims
    with pytest.raises(UnknownKeyError):
        read_token(issue_token(claims, rotated), KEYS)
    without_old = TokenKeys.from_secret({"current": "k2", "k2": "2" * 32})
    with pytest.raises(BadTokenError):
        read_token(TOKEN, without_old)


@pytest.mark.parametrize(
    "secret",
    [
        {},
        {"current": "k1"},
        {"current": "", "": "x" * 32},
        {"current": "k1", "k1": "x" * 31},
        {"k1": "x" * 32},
        {"current": "k2", "k2": "2" * 32, "k1": ""},
        {"current": "k2", "k2": "2" * 32, "k1": "short"},
        {"current": "k" * 300, "k" * 300: "x" * 32},
        {"current": "ключ", "ключ": "x" * 32},
    ],
)
def test_a_secret_that_could_sign_badly_is_refused_without_telling_it(
    secret: dict[str, str],
) -> None:
    with pytest.raises(ValueError, match="secret needs") as refused:
        TokenKeys.from_secret(secret)
    assert "short" not in str(refused.value)


def test_an_empty_key_in_the_secret_would_let_anybody_sign() -> None:
    # Why the secrets above are refused: whoever reads this code knows the empty key.
    forged = issue_token(some_claims(price_micros=10**12), TokenKeys("k0", {"k0": b""}))
    with pytest.raises(ValueError, match="secret needs"):
        TokenKeys.from_secret({"current": "k1", "k1": "x" * 32, "k0": ""})
    with pytest.raises(BadTokenError):
        read_token(forged, KEYS)


def test_keys_are_not_told_by_their_repr() -> None:
    assert "first-key" not in repr(KEYS)


def test_ids_come_back_as_they_are_written_everywhere() -> None:
    claims = some_claims()
    read = read_token(TOKEN, KEYS)
    assert str(UUID(read.decision_id)) == read.decision_id
    assert read_token(issue_token(claims, KEYS), KEYS).line_item_id == claims.line_item_id
