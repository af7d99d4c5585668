"""Whatever an organization holds, reading takes as few statements, and a page no more rows."""

import json
import re
from typing import Any

import psycopg
import pytest

from ctv_ads.adapters.ids import new_id
from ctv_ads.domain.access import Role
from functions.manifest import FUNCTIONS
from local.bench.statements import Statement
from local.openapi import TARGET
from tests.builders import DAY, NOON, Tenant, a_tenant
from tests.functions.conftest import Office

MANY = 15
MOST_STATEMENTS = 4
"""Who asks, the row or page itself, its totals, and what stands around it."""
WITH_MORE = {"GET /api/v1/campaigns/{campaign_id}/delivery": 9}
"""Health is told of a page of line items: their standing, days, creatives and tokens."""
QUERIES = {
    **dict.fromkeys(
        ("GET /api/v1/exports/ledger.csv", "GET /api/v1/exports/ledger-events.csv"),
        "?advertiser_id={advertiser_id}&from=2026-11-23&to=2026-11-24",
    )
}
FUNCTION_BY_ROUTE = {
    route.key: function.name for function in FUNCTIONS for route in function.routes
}
_ADD_MEMBER = """
WITH person AS (
    INSERT INTO users (user_id, email, name, password_hash) VALUES (%s, %s, 'Ada', 'x')
    RETURNING user_id
)
INSERT INTO memberships (organization_id, user_id, role) SELECT %s, user_id, 'viewer' FROM person"""


def reads() -> list[str]:
    paths = json.loads(TARGET.read_text("utf-8"))["paths"]
    return sorted(
        f"GET {path}"
        for path, operations in paths.items()
        if operations.get("get", {}).get("security")
    )


class Growing:
    """An organization that gets more of everything; routes are asked of what it had first."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._tenant: Tenant = a_tenant(role=Role.OWNER)
        office.world.add(self._tenant)
        self._token = office.token(self._tenant, Role.OWNER, session_id=new_id())
        self.ids = {
            "advertiser_id": str(self._tenant.advertiser_id),
            "placement_id": str(self._tenant.placement_id),
            "user_id": str(self._tenant.caller.user_id),
            "decision_id": new_id(),
        }
        self._campaign = office.world.a_campaign(self._tenant)
        self.ids["campaign_id"] = self._campaign.campaign_id
        self.ids["line_item_id"] = self._campaign.line_items[0].line_item_id
        self._creatives: list[str] = []
        self.grow()
        self.ids["creative_id"] = self._creatives[0]

    def grow(self) -> None:
        """Make one more of everything that is listed."""
        at = f"/api/v1/campaigns/{self._campaign.campaign_id}"
        mark = new_id()
        booked = {"budget_micros": 1_000_000, "cpm_micros": 1_000_000}
        flight = {"starts_at": NOON.isoformat(), "ends_at": (NOON + DAY).isoformat()}
        for function, path, body in (
            ("campaigns", "/api/v1/campaigns", {"name": mark, **booked, **flight}),
            ("campaigns", f"{at}/line-items", {"name": mark}),
            ("campaigns", "/api/v1/advertisers", {"name": mark}),
            ("campaigns", "/api/v1/placements", {"name": mark, "key": f"p-{mark}"}),
            ("auth", "/api/v1/invitations", {"email": f"{mark}@x.example", "role": "viewer"}),
            ("auth", "/api/v1/api-keys", {"name": mark, "role": "viewer"}),
        ):
            made = self._office.send(function, "POST", path, body, token=self._token)
            assert made.status == 201, made.body
        world, tenant = self._office.world, self._tenant
        creative = world.a_ready_creative(tenant, self._campaign.campaign_id)
        self._creatives.append(creative.creative_id)
        items = {"items": [{"creative_id": each} for each in self._creatives]}
        rotated = f"/api/v1/line-items/{self.ids['line_item_id']}/creatives"
        put = self._office.send("campaigns", "PUT", rotated, items, token=self._token)
        assert put.status == 200, put.body
        with psycopg.connect(world.schema.owner_dsn) as connection:
            values = (new_id(), f"{mark}@y.example", tenant.organization_id)
            connection.execute(_ADD_MEMBER, values)

    def read(self, route: str, *, limit: int | None = None) -> Any:
        path = (route.partition(" ")[2] + QUERIES.get(route, "")).format(**self.ids)
        path += f"?limit={limit}" if limit else ""
        answer = self._office.send(FUNCTION_BY_ROUTE[route], "GET", path, token=self._token)
        assert answer.status == (404 if "decision_id" in route else 200), answer.body
        return answer


def test_reading_takes_no_more_statements_of_an_organization_that_has_more(
    office: Office, statements: list[Statement]
) -> None:
    house = Growing(office)

    def counted() -> dict[str, int]:
        taken = {}
        for route in reads():
            statements.clear()
            house.read(route)
            taken[route] = len(statements)
        return taken

    of_few = counted()
    for _ in range(MANY):
        house.grow()
    assert counted() == of_few
    above = {route: taken for route, taken in of_few.items() if taken > MOST_STATEMENTS}
    assert above == WITH_MORE


LISTS = [
    route
    for route in reads()
    if not re.search(r"_id}$|/exports/|/stats|/profile$|/preview$|/line-items/.*/creatives$", route)
]


@pytest.mark.parametrize("route", LISTS)
def test_a_page_is_no_longer_than_asked(office: Office, route: str) -> None:
    house = Growing(office)
    for _ in range(2):
        house.grow()
    assert len(house.read(route, limit=2).json["items"]) <= 2
