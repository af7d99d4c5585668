"""`/api/v1/reports/placements`, and the same as a file."""

import csv
import io
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.postgres.delivery_counts import PostgresDecisionCounts
from ctv_ads.adapters.postgres.invalid_traffic import PostgresInvalidTraffic
from ctv_ads.domain.access import Role
from ctv_ads.domain.delivery import DecidedCounts, DecidedRow
from ctv_ads.domain.ids import CreativeId, PlacementId
from ctv_ads.domain.invalid_traffic import InvalidTraffic
from ctv_ads.domain.listing import Cursor
from ctv_ads.domain.reasons import NoFillReason
from ctv_ads.domain.statistics import BreakdownBy
from ctv_ads.domain.supply import SupplyBy
from ctv_ads.web.cursors import write_cursor
from functions.analytics import supply
from tests.builders import NOON, PRICE_MICROS, Tenant, a_beacon, some_claims
from tests.functions.conftest import Office

REPORT, EXPORT = "/api/v1/reports/placements", "/api/v1/exports/placements.csv"
DAYS = "from=2026-11-23&to=2026-11-24"


@dataclass(frozen=True, slots=True)
class House:
    """A publisher with two placements, of which one was asked in Germany, one nowhere known."""

    office: Office
    busy: PlacementId
    quiet: PlacementId
    campaign_id: str
    line_item_id: str

    def read(self, query: str = "", **others: Any) -> Any:
        answer = self.office.send("analytics", "GET", f"{REPORT}?{DAYS}{query}", **others)
        assert answer.status == 200, answer.body
        return answer.json


@pytest.fixture
def house(office: Office) -> House:
    world, tenant = office.world, office.tenant
    busy = tenant.placement_id
    other = {"name": "Quiet", "key": f"quiet-{new_id()}"}
    made = office.send("campaigns", "POST", "/api/v1/placements", other)
    quiet = PlacementId(made.json["id"])
    campaign = world.a_serving_campaign(tenant)
    line_item_id = campaign.line_items[0].line_item_id
    here: Any = {"placement_id": busy, "country": "DE", "device_type": "ctv"}
    served: Any = {"line_item_id": line_item_id, "creative_id": CreativeId(new_id())}
    reasons = {NoFillReason.NO_TOKENS: 2, NoFillReason.NO_ROOM: 1}
    rows = (
        DecidedRow(
            hour=NOON, **here, requests=10, opportunities=20, no_fills=3, no_fill_reasons=reasons
        ),
        DecidedRow(hour=NOON, **here, **served, ads_served=9),
        DecidedRow(hour=NOON + timedelta(hours=1), **here, requests=1, opportunities=1),
        DecidedRow(hour=NOON + timedelta(days=1), placement_id=quiet, requests=4, no_fills=4),
        # Before and after the days that are asked for.
        DecidedRow(hour=NOON - timedelta(days=1), **here, requests=100, opportunities=1),
        DecidedRow(hour=NOON + timedelta(days=2), **here, requests=100, opportunities=1),
    )
    PostgresDecisionCounts(world.pipeline).add([DecidedCounts(new_id(), rows)])
    seen = [some_claims(**here, **served) for _ in range(2)]
    world.ledger.record([a_beacon(claims) for claims in seen])
    crawled = replace(a_beacon(some_claims(**here, **served)), invalid=InvalidTraffic.CRAWLER)
    PostgresInvalidTraffic(world.pipeline).record([crawled], [])
    return House(office, busy, quiet, campaign.campaign_id, line_item_id)


def told(part: Any) -> tuple[int, ...]:
    names = ("requests", "opportunities", "ads_served", "no_fills", "impressions")
    return tuple(part[name] for name in names)


@pytest.mark.parametrize("role", list(Role))
def test_requests_and_what_came_of_them_are_told_by_placement(house: House, role: Role) -> None:
    found = house.read(token=house.office.token(role=role))
    parts = {part["key"]: part for part in found["items"]}
    assert set(parts) == {house.busy, house.quiet}
    busy, quiet = parts[house.busy], parts[house.quiet]
    assert told(busy) == (11, 21, 9, 3, 2)
    assert busy["fill_rate_bp"] == 9 * 10_000 // 21
    assert busy["spend_micros"] == 2 * PRICE_MICROS
    assert {name: n for name, n in busy["no_fills_by_reason"].items() if n} == {
        "no_tokens": 2,
        "no_room": 1,
    }
    assert {name: n for name, n in busy["invalid_beacons"].items() if n} == {"crawler": 1}
    assert told(quiet) == (4, 0, 0, 4, 0)
    assert quiet["fill_rate_bp"] is None
    assert not any(quiet["no_fills_by_reason"].values())
    assert told(found["totals"]) == (15, 21, 9, 7, 2)
    assert found["totals"]["no_fills_by_reason"] == busy["no_fills_by_reason"]
    assert found["totals"]["invalid_beacons"] == busy["invalid_beacons"]
    assert (found["from_day"], found["to_day"]) == ("2026-11-23", "2026-11-24")
    age = datetime.now(UTC) - datetime.fromisoformat(found["data_as_of"])
    assert timedelta(0) <= age < timedelta(minutes=5)


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        (SupplyBy.DAY, {"2026-11-23": (11, 21, 9, 3, 2), "2026-11-24": (4, 0, 0, 4, 0)}),
        (
            SupplyBy.HOUR,
            {
                "2026-11-23T12:00:00Z": (10, 20, 9, 3, 2),
                "2026-11-23T13:00:00Z": (1, 1, 0, 0, 0),
                "2026-11-24T12:00:00Z": (4, 0, 0, 4, 0),
            },
        ),
        (SupplyBy.COUNTRY, {"": (4, 0, 0, 4, 0), "DE": (11, 21, 9, 3, 2)}),
        (SupplyBy.DEVICE_TYPE, {"": (4, 0, 0, 4, 0), "ctv": (11, 21, 9, 3, 2)}),
    ],
)
def test_they_are_told_apart_along_what_is_asked_for(
    house: House, by: SupplyBy, expected: dict[str, Any]
) -> None:
    found = house.read(f"&by={by}")
    assert {part["key"]: told(part) for part in found["items"]} == expected
    assert [part["key"] for part in found["items"]] == sorted(expected)
    reasons = [sum(part["no_fills_by_reason"].values()) for part in found["items"]]
    invalid = [part["invalid_beacons"]["crawler"] for part in found["items"]]
    with_ads = [int(part["ads_served"] > 0) for part in found["items"]]
    assert (reasons, invalid) == ([3 * one for one in with_ads], with_ads)
    assert told(found["totals"]) == (15, 21, 9, 7, 2)


def test_one_placement_may_be_asked_for(house: House) -> None:
    found = house.read(f"&by=day&placement_id={house.quiet}")
    assert {part["key"]: told(part) for part in found["items"]} == {"2026-11-24": (4, 0, 0, 4, 0)}
    assert told(found["totals"]) == (4, 0, 0, 4, 0)
    assert not any(found["totals"]["invalid_beacons"].values())


def test_pages_follow_one_another(house: House) -> None:
    whole = house.read("&by=hour")
    pages, query = [], ""
    while True:
        page = house.read(f"&by=hour&limit=1{query}")
        pages += page["items"]
        assert page["totals"] == whole["totals"]
        if page["next_cursor"] is None:
            break
        query = f"&cursor={page['next_cursor']}"
    assert pages == whole["items"]
    refused = house.office.send("analytics", "GET", f"{REPORT}?{DAYS}&by=day{query}")
    refused.assert_problem(422, "invalid-request", "cursor")


@pytest.mark.parametrize("path", [REPORT, EXPORT])
def test_a_cursor_that_no_list_gave_is_refused(office: Office, path: str) -> None:
    forged = write_cursor(Cursor("day", "2026\x00", new_id()))
    refused = office.send("analytics", "GET", f"{path}?{DAYS}&by=day&cursor={forged}")
    refused.assert_problem(422, "invalid-request", "cursor")


def test_the_file_has_the_same_figures(house: House) -> None:
    answer = house.office.send("analytics", "GET", f"{EXPORT}?{DAYS}&by=hour")
    assert answer.headers["content-type"].startswith("text/csv")
    assert "link" not in answer.headers
    rows = list(csv.DictReader(io.StringIO(answer.body)))
    assert [row["key"] for row in rows] == [part["key"] for part in house.read("&by=hour")["items"]]
    first = rows[0]
    assert (first["requests"], first["fill_rate_bp"], first["impressions"]) == ("10", "4500", "2")
    assert (first["no_fills_no_tokens"], first["invalid_crawler"]) == ("2", "1")
    assert rows[-1]["fill_rate_bp"] == ""


def test_what_is_too_much_for_one_file_follows_in_another(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = house.office.send("analytics", "GET", f"{EXPORT}?{DAYS}&by=hour").body.splitlines()
    for name, value in (("MAX_ROWS", 1), ("MAX_BYTES", len(whole[0]) + len(whole[1]) + 9)):
        with monkeypatch.context() as patch:
            patch.setattr(supply, name, value)
            path, lines = f"{EXPORT}?{DAYS}&by=hour", []
            while path:
                answer = house.office.send("analytics", "GET", path)
                lines += answer.body.splitlines()[1:]
                path = answer.headers.get("link", "").partition(">")[0][1:]
        assert lines == whole[1:]


def test_another_tenants_requests_are_not_told(house: House) -> None:
    other = house.office.world.a_tenant()
    token = house.office.token(other, Role.OWNER, session_id=new_id())
    for query in ("", f"&placement_id={house.busy}", "&by=hour"):
        found = house.read(query, token=token)
        assert (found["items"], found["data_as_of"]) == ([], None)
        assert told(found["totals"]) == (0, 0, 0, 0, 0)
        assert not any(found["totals"]["no_fills_by_reason"].values())


def test_a_bound_viewer_sees_ads_of_theirs_and_no_requests(house: House) -> None:
    for advertiser_id, ads in ((house.office.tenant.advertiser_id, 9), (new_id(), 0)):
        account = replace(
            house.office.tenant.account,
            role=Role.VIEWER,
            advertiser_ids=frozenset({str(advertiser_id)}),
        )
        found = house.read(token=house.office.tokens.issue(account, new_id()))
        assert told(found["totals"]) == (0, 0, ads, 0, 2 if ads else 0)
        assert not any(found["totals"]["no_fills_by_reason"].values())
        assert sum(found["totals"]["invalid_beacons"].values()) == (1 if ads else 0)


@pytest.mark.parametrize(
    ("by", "first", "status"),
    [
        ("hour", "2026-10-24", 422),
        ("hour", "2026-10-25", 200),
        ("day", "2025-10-20", 422),
        ("day", "2025-10-21", 200),
    ],
)
def test_days_are_limited(office: Office, by: str, first: str, status: int) -> None:
    answer = office.send("analytics", "GET", f"{REPORT}?by={by}&from={first}&to=2026-11-24")
    assert answer.status == status
    if status == 422:
        answer.assert_problem(422, "invalid-request", "to")


@pytest.mark.parametrize(
    ("query", "first", "days"),
    [
        ("to=2026-11-24", "2026-10-26", 30),
        ("to=0001-01-02", "0001-01-01", 2),
        ("", None, 30),
        ("by=hour", None, 7),
    ],
)
def test_thirty_days_are_told_unless_said_otherwise(
    office: Office, query: str, first: str | None, days: int
) -> None:
    found = office.send("analytics", "GET", f"{REPORT}?{query}").json
    told_days = [datetime.fromisoformat(found[name]).date() for name in ("from_day", "to_day")]
    assert (told_days[1] - told_days[0]).days + 1 == days
    assert first is None or found["from_day"] == first
    assert "to=" in query or abs((datetime.now(UTC).date() - told_days[1]).days) <= 1


def test_a_trafficker_sees_ads_served_beside_impressions_by_line_item(house: House) -> None:
    path = f"/api/v1/campaigns/{house.campaign_id}/stats?by={BreakdownBy.LINE_ITEM}"
    (part,) = house.office.send("analytics", "GET", path).json["breakdown"]
    assert (part["key"], part["ads_served"], part["impressions"]) == (house.line_item_id, 9, 2)
    assert part["invalid_beacons"]["crawler"] == 1


def test_tenants_are_separated_by_the_database_too(house: House) -> None:
    world, other = house.office.world, house.office.world.a_tenant()

    def seen(tenant: Tenant) -> int:
        with world.api.transaction(tenant.caller) as connection:
            rows = connection.execute(
                "SELECT no_fills FROM delivery_no_fills WHERE placement_id = %s", (house.busy,)
            ).fetchall()
        return len(rows)

    assert (seen(house.office.tenant), seen(other)) == (2, 0)
