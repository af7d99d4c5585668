"""What recorded events add to the counts, and what of it costs something."""

from datetime import UTC, datetime

import pytest

from ctv_ads.domain.beacon import BeaconEvent
from ctv_ads.domain.delivered import COUNTED, count_delivered, count_spend, is_billable
from ctv_ads.domain.line_item import RateType
from tests.builders import a_beacon, some_claims

AT = datetime(2026, 11, 23, 10, 59, 59, 999000, UTC)


def test_events_of_an_ad_are_counted_in_its_hour_each_by_its_name() -> None:
    claims = some_claims(decided_at=AT, session=7, country="DE", device_type="ctv")
    rows = count_delivered(a_beacon(claims, event=event) for event in BeaconEvent)
    ((key, row),) = rows.items()
    ids = (claims.line_item_id, claims.creative_id, claims.placement_id)
    assert key == (*ids, "DE", "ctv", AT.date(), 10)
    assert row.counts == [1] * len(COUNTED)
    assert row.sessions == [7]
    assert row.error_codes == {0: 1}


def test_hours_countries_and_devices_are_told_apart() -> None:
    claims = some_claims(decided_at=AT)
    others = (
        claims._replace(decided_at=AT.replace(hour=11)),
        claims._replace(country="FR"),
        claims._replace(device_type="phone"),
    )
    rows = count_delivered(map(a_beacon, (claims, *others, claims)))
    assert [row.counts[0] for row in rows.values()] == [2, 1, 1, 1]


def test_a_viewer_without_a_session_is_not_counted_as_one() -> None:
    (row,) = count_delivered([a_beacon(some_claims())]).values()
    assert row.sessions == []


def test_errors_are_counted_by_code() -> None:
    claims = some_claims()
    codes = (303, 900, 303, None)
    errors = [a_beacon(claims, event=BeaconEvent.ERROR, vast_error_code=code) for code in codes]
    (row,) = count_delivered(errors).values()
    assert row.error_codes == {303: 2, 900: 1, 0: 1}


def test_spend_is_added_to_the_rows_of_what_was_paid_for() -> None:
    paid, unpaid = a_beacon(some_claims(price_micros=20)), a_beacon(some_claims(price_micros=30))
    rows = count_delivered([paid, unpaid])
    count_spend(rows, [(paid, 20), (unpaid, 0)])
    assert [(row.billed_micros, row.unbilled_impressions) for row in rows.values()] == [
        (20, 0),
        (0, 1),
    ]


@pytest.mark.parametrize("rate_type", RateType)
@pytest.mark.parametrize("event", BeaconEvent)
def test_one_event_of_each_rate_type_is_paid_for(rate_type: RateType, event: BeaconEvent) -> None:
    paid_for = {RateType.CPM: BeaconEvent.IMPRESSION, RateType.CPCV: BeaconEvent.COMPLETE}
    beacon = a_beacon(some_claims(rate_type=rate_type), event=event)
    assert is_billable(beacon) == (paid_for.get(rate_type) is event)
