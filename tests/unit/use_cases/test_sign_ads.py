"""What tokens say of who watches: a session, else one device's or household's day."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from ctv_ads.adapters.ids import new_id
from ctv_ads.domain.ad_request import AdRequest, Viewer
from ctv_ads.domain.beacon_token import read_token
from ctv_ads.domain.ids import DecisionId, PlacementId
from ctv_ads.domain.pod import Candidate, Pick
from ctv_ads.use_cases.sign_ads import Decided
from tests.builders import KEYS, NOON, a_servable_creative, a_servable_line_item
from tests.serving import SIGN

KEY, OTHER = "0123456789abcdef" * 2, "fedcba9876543210" * 2


def session_of(viewer: Viewer, *, at: datetime = NOON) -> int:
    line_item = a_servable_line_item(creatives=[a_servable_creative()])
    decided = Decided(
        DecisionId(new_id()), at, PlacementId(new_id()), AdRequest("preroll", viewer=viewer)
    )
    candidate = Candidate(line_item, line_item.creatives, 0)
    (ad,) = SIGN.ads(decided, [candidate], [Pick(0, 0, 0)])
    return read_token(ad.token, KEYS).session


def test_a_session_that_is_named_is_told_whatever_the_device() -> None:
    assert session_of(Viewer(session_key=KEY)) == 0x0123456789ABCDEF
    assert session_of(Viewer(session_key=KEY, device_key=OTHER)) == 0x0123456789ABCDEF


@pytest.mark.parametrize(
    "known_by",
    [lambda key: Viewer(device_key=key), lambda key: Viewer(household_key=key)],
    ids=["device", "household"],
)
def test_without_a_session_it_is_the_day_of_who_is_known(
    known_by: Callable[[str], Viewer],
) -> None:
    known = session_of(known_by(KEY))
    assert 0 < known < 2**64
    assert known != int(KEY[:16], 16), "the key itself would tell one day from the next"
    assert session_of(known_by(KEY), at=NOON + timedelta(hours=11)) == known
    assert session_of(known_by(OTHER)) != known
    assert session_of(known_by(KEY), at=NOON + timedelta(days=1)) != known


def test_a_device_says_more_than_its_household() -> None:
    both = Viewer(device_key=KEY, household_key=OTHER)
    assert session_of(both) == session_of(Viewer(device_key=KEY))


def test_of_whom_nothing_is_known_nothing_is_told() -> None:
    assert session_of(Viewer()) == 0
