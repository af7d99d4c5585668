"""Every signed-in route of the OpenAPI document, walked by every kind of caller.

One table says what a route does; `domain/access.py` says which role may do that.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from ctv_ads.adapters.ids import new_id
from ctv_ads.domain.access import ACTIONS_BY_ROLE, Action, Role
from functions.manifest import FUNCTIONS
from local.openapi import TARGET
from tests.builders import DAY, NOON, a_tenant
from tests.functions.conftest import Office, quick_hash

CAMPAIGNS, LINE_ITEMS = "/api/v1/campaigns", "/api/v1/line-items/{line_item_id}"
CAMPAIGN, CREATIVE = f"{CAMPAIGNS}/{{campaign_id}}", "/api/v1/creatives/{creative_id}"
ADVERTISERS, PLACEMENTS = "/api/v1/advertisers", "/api/v1/placements"
ADVERTISER, PLACEMENT = f"{ADVERTISERS}/{{advertiser_id}}", f"{PLACEMENTS}/{{placement_id}}"
KEYS, PROFILE, PASSWORD = "/api/v1/api-keys", "/api/v1/auth/profile", "/api/v1/auth/password"
ANYBODY = None
"""What everybody may do who is signed in: it is their own."""
ACTION_BY_ROUTE: dict[str, Action | None] = {
    f"GET {PROFILE}": ANYBODY,
    f"PATCH {PROFILE}": ANYBODY,
    f"PUT {PASSWORD}": ANYBODY,
    "GET /api/v1/members": Action.READ_PEOPLE,
    "GET /api/v1/members/{user_id}": Action.READ_PEOPLE,
    "PATCH /api/v1/members/{user_id}": Action.MANAGE_PEOPLE,
    "DELETE /api/v1/members/{user_id}": Action.MANAGE_PEOPLE,
    "GET /api/v1/invitations": Action.MANAGE_PEOPLE,
    "POST /api/v1/invitations": Action.MANAGE_PEOPLE,
    "DELETE /api/v1/invitations/{invitation_id}": Action.MANAGE_PEOPLE,
    f"GET {KEYS}": Action.MANAGE_KEYS,
    f"POST {KEYS}": Action.MANAGE_KEYS,
    f"DELETE {KEYS}/{{api_key_id}}": Action.MANAGE_KEYS,
    f"GET {CAMPAIGNS}": Action.READ,
    f"POST {CAMPAIGNS}": Action.TRAFFIC,
    f"POST {CAMPAIGNS}/status": Action.TRAFFIC,
    "GET /api/v1/exports/campaigns.csv": Action.EXPORT,
    "GET /api/v1/audit": Action.READ_AUDIT,
    f"GET {CAMPAIGN}": Action.READ,
    f"PATCH {CAMPAIGN}": Action.TRAFFIC,
    f"DELETE {CAMPAIGN}": Action.TRAFFIC,
    f"PUT {CAMPAIGN}/status": Action.TRAFFIC,
    f"POST {CAMPAIGN}/duplicate": Action.TRAFFIC,
    f"GET {CAMPAIGN}/stats": Action.READ_REPORTS,
    f"GET {CAMPAIGN}/delivery": Action.READ_REPORTS,
    f"GET {CAMPAIGN}/ledger": Action.READ_REPORTS,
    "GET /api/v1/exports/ledger.csv": Action.EXPORT,
    "GET /api/v1/reports/placements": Action.READ_REPORTS,
    "GET /api/v1/exports/placements.csv": Action.EXPORT,
    "GET /api/v1/decisions": Action.READ_DECISIONS,
    "GET /api/v1/decisions/{decision_id}": Action.READ_DECISIONS,
    "POST /api/v1/decisions/{decision_id}/replay": Action.TRAFFIC,
    "POST /api/v1/decisions/{decision_id}/what-if": Action.TRAFFIC,
    f"GET {CAMPAIGN}/line-items": Action.READ,
    f"POST {CAMPAIGN}/line-items": Action.TRAFFIC,
    f"GET {LINE_ITEMS}": Action.READ,
    f"PATCH {LINE_ITEMS}": Action.TRAFFIC,
    f"DELETE {LINE_ITEMS}": Action.TRAFFIC,
    f"GET {LINE_ITEMS}/creatives": Action.READ,
    f"PUT {LINE_ITEMS}/creatives": Action.TRAFFIC,
    f"GET {ADVERTISERS}": Action.READ,
    f"POST {ADVERTISERS}": Action.TRAFFIC,
    f"GET {ADVERTISER}": Action.READ,
    f"PATCH {ADVERTISER}": Action.TRAFFIC,
    f"DELETE {ADVERTISER}": Action.TRAFFIC,
    f"GET {PLACEMENTS}": Action.READ,
    f"POST {PLACEMENTS}": Action.TRAFFIC,
    f"GET {PLACEMENT}": Action.READ,
    f"PATCH {PLACEMENT}": Action.TRAFFIC,
    f"DELETE {PLACEMENT}": Action.TRAFFIC,
    f"GET {CAMPAIGN}/creatives": Action.READ,
    f"POST {CAMPAIGN}/creatives": Action.TRAFFIC,
    f"GET {CREATIVE}": Action.READ,
    f"PATCH {CREATIVE}": Action.TRAFFIC,
    f"DELETE {CREATIVE}": Action.TRAFFIC,
    f"POST {CREATIVE}/replacement": Action.TRAFFIC,
    f"POST {CREATIVE}/renditions": Action.TRAFFIC,
    f"POST {CREATIVE}/check": Action.TRAFFIC,
    f"GET {CREATIVE}/preview": Action.READ,
    f"POST {CREATIVE}/multipart": Action.TRAFFIC,
    f"DELETE {CREATIVE}/multipart": Action.TRAFFIC,
}
FOR_PEOPLE_ONLY = {f"POST {KEYS}", f"PUT {PASSWORD}"}
"""What no API key may do, whatever its role: keys make no keys, and have no password."""
A_FILE = {"filename": "a.mp4", "content_type": "video/mp4", "size_bytes": 1}
BODIES: dict[str, Any] = {
    f"PATCH {PROFILE}": {},
    f"PUT {PASSWORD}": {"current_password": "not this one", "new_password": "a new one, longer"},
    "PATCH /api/v1/members/{user_id}": {},
    "POST /api/v1/invitations": {"email": "x@example.com", "role": "viewer"},
    f"POST {KEYS}": {"name": "k", "role": "viewer"},
    f"POST {CAMPAIGNS}": {
        "name": "Winter tyres",
        "budget_micros": 1_000_000,
        "cpm_micros": 20_000_000,
        "starts_at": NOON.isoformat(),
        "ends_at": (NOON + DAY).isoformat(),
    },
    f"POST {CAMPAIGNS}/status": {
        "ids": ["0193593b-0000-7000-8000-00000000000d"],
        "status": "paused",
    },
    f"PATCH {CAMPAIGN}": {"name": "b"},
    f"PUT {CAMPAIGN}/status": {"status": "paused"},
    f"POST {CAMPAIGN}/line-items": {"name": "Evenings"},
    f"PATCH {LINE_ITEMS}": {"name": "b"},
    f"PUT {LINE_ITEMS}/creatives": {"items": []},
    f"POST {ADVERTISERS}": {"name": "Acme"},
    f"PATCH {ADVERTISER}": {"name": "b"},
    f"POST {PLACEMENTS}": {"name": "Mid-roll", "key": "role-table"},
    f"PATCH {PLACEMENT}": {"name": "b"},
    f"POST {CAMPAIGN}/creatives": {"name": "a", **A_FILE},
    f"PATCH {CREATIVE}": {"name": "b"},
    f"POST {CREATIVE}/replacement": A_FILE,
    f"POST {CREATIVE}/renditions": A_FILE,
    f"POST {CREATIVE}/multipart": {
        "upload_id": "u",
        "parts": [{"part_number": 1, "etag": '"e"'}],
    },
    "POST /api/v1/decisions/{decision_id}/what-if": {"changes": {"viewer.country": "AT"}},
}
QUERIES = {
    f"DELETE {CREATIVE}/multipart": "?upload_id=u",
    "GET /api/v1/exports/ledger.csv": (
        "?advertiser_id=0193593b-0000-7000-8000-00000000000d&from=2026-11-23&to=2026-11-24"
    ),
}
FUNCTION_BY_ROUTE = {
    route.key: function.name for function in FUNCTIONS for route in function.routes
}


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who calls: a person or a machine."""

    called: str
    role: Role
    token: str
    is_key: bool = False

    def may(self, route: str) -> bool:
        action = ACTION_BY_ROUTE[route]
        return (action is ANYBODY or action in ACTIONS_BY_ROLE[self.role]) and not (
            self.is_key and route in FOR_PEOPLE_ONLY
        )


def signed_in_routes() -> set[str]:
    document = json.loads(TARGET.read_text("utf-8"))
    return {
        f"{method.upper()} {path}"
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if operation.get("security")
    }


def visitors(office: Office) -> Iterator[Visitor]:
    """One of each role, a viewer who is bound to advertisers, and a key of each role."""
    host = a_tenant(role=Role.OWNER, password_hash=quick_hash("password123"))
    office.world.add(host)
    for role in Role:
        yield Visitor(role, role, office.token(host, role, session_id=new_id()))
    to_one = frozenset({str(host.advertiser_id)})
    bound = replace(host.account, role=Role.VIEWER, advertiser_ids=to_one)
    yield Visitor("bound viewer", Role.VIEWER, office.tokens.issue(bound, new_id()))
    owner = office.token(host, Role.OWNER, session_id=new_id())
    for role in Role:
        made = office.send("auth", "POST", KEYS, {"name": role, "role": role}, token=owner)
        yield Visitor(f"key of {role}", role, made.json["key"], is_key=True)


def test_every_signed_in_route_has_its_row() -> None:
    assert set(ACTION_BY_ROUTE) == signed_in_routes()


@pytest.mark.parametrize("route", sorted(ACTION_BY_ROUTE))
def test_each_kind_of_caller_may_what_the_table_says(office: Office, route: str) -> None:
    function, (method, _, path) = FUNCTION_BY_ROUTE[route], route.partition(" ")
    address = re.sub(r"\{\w+\}", lambda _: new_id(), path) + QUERIES.get(route, "")
    for visitor in visitors(office):
        answer = office.send(function, method, address, BODIES.get(route), token=visitor.token)
        said = f"{visitor.called}: {answer.status} {answer.body}"
        assert answer.status < 500, said
        assert answer.status != 401, said
        assert (answer.status != 403) is visitor.may(route), said
        if answer.status == 403:
            answer.assert_problem(403, "forbidden")


@pytest.mark.parametrize("route", sorted(ACTION_BY_ROUTE))
def test_without_a_valid_token_nobody_may_anything(office: Office, route: str) -> None:
    function, (method, _, path) = FUNCTION_BY_ROUTE[route], route.partition(" ")
    address = re.sub(r"\{\w+\}", lambda _: new_id(), path) + QUERIES.get(route, "")
    for header in ("", "Bearer", "Bearer x.y.z", "Basic eDp5"):
        answer = office.send(
            function, method, address, BODIES.get(route), headers={"authorization": header}
        )
        answer.assert_problem(401, "unauthenticated")
        assert answer.headers["www-authenticate"] == "Bearer"
