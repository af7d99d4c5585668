"""Every route that writes leaves one audit event per thing it changed, with the request's id."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from ctv_ads.adapters.ids import new_id
from ctv_ads.domain.access import Role
from ctv_ads.domain.creative import SoftFields, TagDraft
from ctv_ads.domain.ids import CampaignId, CreativeId
from ctv_ads.domain.media import Rejection, RejectionCode
from functions.manifest import function_named
from tests.builders import DAY, NOON, a_campaign_draft
from tests.functions.conftest import Office
from tests.functions.recorded import api_event

CAMPAIGN = "/api/v1/campaigns/{campaign_id}"
LINE_ITEM = "/api/v1/line-items/{line_item_id}"
CREATIVE = "/api/v1/creatives/{creative_id}"
ADVERTISER = "/api/v1/advertisers/{advertiser_id}"
PLACEMENT = "/api/v1/placements/{placement_id}"
WRITES = {"POST", "PUT", "PATCH", "DELETE"}
# They move parts of a file about in S3 and write no row.
WITHOUT_ROWS = {f"POST {CREATIVE}/multipart", f"DELETE {CREATIVE}/multipart"}
Events = dict[tuple[str, str], int]


@dataclass(frozen=True, slots=True)
class Write:
    """One request, and what it is to leave: how many events of each (entity, action)."""

    route: str
    events: Events
    body: Any = None
    function: str = "campaigns"
    ready: bool = field(default=False, kw_only=True)
    """Whether the campaign is to have a creative that can serve."""


A_CAMPAIGN = {
    "name": "Winter tyres",
    "budget_micros": 1_000_000,
    "cpm_micros": 20_000_000,
    "starts_at": NOON.isoformat(),
    "ends_at": (NOON + DAY).isoformat(),
}
A_VIDEO = {"name": "a", "filename": "a.mp4", "content_type": "video/mp4", "size_bytes": 1}
WRITTEN = [
    Write(
        "POST /api/v1/campaigns",
        {("campaign", "create"): 1, ("line_item", "create"): 1},
        A_CAMPAIGN,
    ),
    Write(f"PATCH {CAMPAIGN}", {("campaign", "update"): 1}, {"name": "Another"}),
    Write(f"PUT {CAMPAIGN}/status", {("campaign", "update"): 1}, {"status": "archived"}),
    Write(
        "POST /api/v1/campaigns/status",
        {("campaign", "update"): 1},
        {"ids": ["{campaign_id}"], "status": "archived"},
    ),
    Write(
        f"POST {CAMPAIGN}/duplicate",
        {("campaign", "create"): 1, ("line_item", "create"): 1, ("creative", "create"): 1},
        ready=True,
    ),
    Write(
        f"DELETE {CAMPAIGN}",
        {("campaign", "delete"): 1, ("line_item", "delete"): 1, ("creative", "delete"): 1},
        ready=True,
    ),
    Write(f"POST {CAMPAIGN}/line-items", {("line_item", "create"): 1}, {"name": "Second"}),
    Write(f"PATCH {LINE_ITEM}", {("line_item", "update"): 1}, {"name": "Another"}),
    Write(f"DELETE {LINE_ITEM}", {("line_item", "delete"): 1}),
    Write(
        f"PUT {LINE_ITEM}/creatives",
        {("creative_assignment", "create"): 1},
        {"items": [{"creative_id": "{creative_id}"}]},
        ready=True,
    ),
    Write("POST /api/v1/advertisers", {("advertiser", "create"): 1}, {"name": "Acme"}),
    Write(f"PATCH {ADVERTISER}", {("advertiser", "update"): 1}, {"name": "Another"}),
    Write(f"DELETE {ADVERTISER}", {("advertiser", "delete"): 1}),
    Write(
        "POST /api/v1/placements",
        {("placement", "create"): 1},
        {"name": "Mid-roll", "key": f"midroll-{NOON:%H%M%S}"},
    ),
    Write(f"PATCH {PLACEMENT}", {("placement", "update"): 1}, {"name": "Another"}),
    Write(f"DELETE {PLACEMENT}", {("placement", "delete"): 1}),
    Write(f"POST {CAMPAIGN}/creatives", {("creative", "create"): 1}, A_VIDEO, "creatives"),
    Write(f"PATCH {CREATIVE}", {("creative", "update"): 1}, {"name": "b"}, "creatives", ready=True),
    Write(f"DELETE {CREATIVE}", {("creative", "delete"): 1}, None, "creatives", ready=True),
    Write(
        f"POST {CREATIVE}/replacement",
        {("creative", "create"): 1},
        {name: value for name, value in A_VIDEO.items() if name != "name"},
        "creatives",
        ready=True,
    ),
    Write(
        f"POST {CREATIVE}/renditions",
        {("creative", "create"): 1},
        {name: value for name, value in A_VIDEO.items() if name != "name"},
        "creatives",
        ready=True,
    ),
    Write(f"POST {CREATIVE}/check", {("creative", "update"): 1}, None, "creatives"),
]


def ids_of(office: Office, write: Write) -> dict[str, str]:
    campaign = office.world.a_campaign(office.tenant, a_campaign_draft())
    ids = {
        "campaign_id": campaign.campaign_id,
        "line_item_id": campaign.line_items[0].line_item_id,
        "advertiser_id": office.tenant.advertiser_id,
        "placement_id": office.tenant.placement_id,
    }
    if write.ready:
        creative = office.world.a_ready_creative(office.tenant, campaign.campaign_id)
        ids["creative_id"] = creative.creative_id
    if write.route == f"POST {CREATIVE}/check":
        ids["creative_id"] = a_rejected_tag(office, campaign.campaign_id)
    if write.route == f"DELETE {LINE_ITEM}":
        path = f"/api/v1/campaigns/{campaign.campaign_id}/line-items"
        second = office.send("campaigns", "POST", path, {"name": "Second"})
        ids["line_item_id"] = second.json["id"]
    if write.route == f"DELETE {ADVERTISER}":
        made = office.send("campaigns", "POST", "/api/v1/advertisers", {"name": "Nobody's"})
        ids["advertiser_id"] = made.json["id"]
    return ids


def a_rejected_tag(office: Office, campaign_id: CampaignId) -> str:
    with office.world.stores.transaction(office.tenant.caller) as store:
        draft = TagDraft(campaign_id, "https://t.example/", SoftFields("Theirs"))
        tag = store.creatives.add_tag(draft, CreativeId(new_id()), office.tenant.caller)
    reason = Rejection(RejectionCode.TAG_LOOP, "It leads in a circle.")
    assert office.world.validation.reject(tag.creative_id, [reason], now=NOON)
    return tag.creative_id


def filled(template: Any, ids: dict[str, str]) -> Any:
    if isinstance(template, dict):
        return {name: filled(value, ids) for name, value in template.items()}
    if isinstance(template, list):
        return [filled(value, ids) for value in template]
    return template.format(**ids) if isinstance(template, str) and "{" in template else template


@pytest.mark.parametrize("write", WRITTEN, ids=lambda write: write.route)
def test_a_write_leaves_its_events_and_no_others(office: Office, write: Write) -> None:
    ids, request_id = ids_of(office, write), new_id()
    method, _, path = write.route.partition(" ")
    token = {"authorization": f"Bearer {office.token(role=Role.OWNER)}"}
    event = api_event(method, filled(path, ids), body=filled(write.body, ids), headers=token)
    event["requestContext"]["requestId"] = request_id
    before = everything(office)
    answer = office.call(write.function, event)
    assert answer.status < 300, answer.body
    left = [row for row in everything(office) if row not in before]
    assert Counter((row["entity"], row["action"]) for row in left) == write.events
    assert {str(row["actor_id"]) for row in left} == {office.tenant.caller.user_id}
    assert {row["request_id"] for row in left} == {request_id}


def everything(office: Office) -> list[dict[str, Any]]:
    query = "SELECT * FROM audit_events WHERE organization_id = %s"
    with psycopg.connect(office.world.schema.owner_dsn, row_factory=dict_row) as owner:
        return owner.execute(query, (office.tenant.organization_id,)).fetchall()


def test_every_route_that_writes_is_tried() -> None:
    """A new route needs a line in WRITTEN; those of `functions/auth` have tests of their own."""
    known = {
        route.key
        for name in ("campaigns", "creatives")
        for route in function_named(name).routes
        if route.method in WRITES
    }
    assert {write.route for write in WRITTEN} == known - WITHOUT_ROWS
    assert known >= WITHOUT_ROWS
