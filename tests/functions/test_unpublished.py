"""Why not my paused line item: what is in no inventory has its reason too."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from ctv_ads.adapters.ids import new_id
from ctv_ads.domain.campaign import Campaign, CampaignStatus
from local.valkey import ValkeyServer
from tests.builders import NOON, a_campaign_draft, a_servable_line_item
from tests.functions.conftest import Office
from tests.functions.explaining import Server, a_server
from tests.functions.test_decisions import DECISIONS, ask, of


@pytest.fixture
def server(valkey_server: ValkeyServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with a_server(valkey_server.url, monkeypatch) as server:
        yield server


def decided(office: Office, server: Server) -> str:
    """Publish what is booked, and return a decision of the tenant's placement."""
    server.publish(office.world.source.load(now=server.now))
    path = f"/api/v1/vast?placement={office.tenant.placement_id}"
    return server.answer(path)["x-decision-id"]


def change(office: Office, statement: str, *values: Any) -> None:
    with psycopg.connect(office.world.schema.owner_dsn) as connection:
        connection.execute(statement, values)


def item(campaign: Campaign) -> str:
    return campaign.line_items[0].line_item_id


def left_out(office: Office, decision_id: str) -> dict[str, list[str]]:
    told = ask(office, decision_id)["not_published"]
    assert all(one["line_items"] == len(one["line_item_ids"]) for one in told)
    return {one["reason"]["name"]: one["line_item_ids"] for one in told}


def test_every_line_item_that_is_not_published_has_its_reason(
    office: Office, server: Server
) -> None:
    world, tenant = office.world, office.tenant
    serving = [world.a_serving_campaign(tenant) for _ in range(4)]
    fine, paused, used_up, without_film = serving
    draft = world.a_campaign(tenant)
    over = world.a_serving_campaign(tenant)
    other = world.a_serving_campaign(tenant)
    world.set_status(tenant, other, CampaignStatus.PAUSED)
    change(office, "UPDATE line_items SET status = 'paused' WHERE line_item_id = %s", item(paused))
    change(
        office,
        "UPDATE campaigns SET billed_micros = budget_micros WHERE campaign_id = %s",
        used_up.campaign_id,
    )
    change(
        office,
        "UPDATE creatives SET deleted_at = now() WHERE campaign_id = %s",
        without_film.campaign_id,
    )
    change(
        office,
        "UPDATE line_items SET ends_at = %s, starts_at = %s WHERE line_item_id = %s",
        NOON.replace(hour=9), NOON.replace(hour=8), item(over),
    )  # fmt: skip
    decision_id = decided(office, server)
    assert left_out(office, decision_id) == {
        "not_active": [item(paused)],
        "campaign_not_active": sorted([item(draft), item(other)]),
        "not_in_flight": [item(over)],
        "no_tokens": [item(used_up)],
        "no_ready_creative": [item(without_film)],
    }
    for line_item_id, reason in (
        (item(fine), "chosen"),
        (item(paused), "not_active"),
        (item(without_film), "no_ready_creative"),
    ):
        asked = ask(office, f"{decision_id}?line_item_id={line_item_id}")["asked"]
        assert (asked["line_item_id"], asked["reason"]["name"]) == (line_item_id, reason)
    assert ask(office, decision_id)["asked"] is None


def test_who_was_paused_since_is_named_where_it_was(office: Office, server: Server) -> None:
    campaign = office.world.a_serving_campaign(office.tenant)
    decision_id = decided(office, server)
    office.world.set_status(office.tenant, campaign, CampaignStatus.PAUSED)
    explained = ask(office, f"{decision_id}?line_item_id={item(campaign)}")
    assert explained["asked"]["reason"]["name"] == "chosen"
    (told,) = explained["not_published"]
    assert (told["line_items"], told["line_item_ids"]) == (1, [])


def test_who_was_booked_since_was_not_published(office: Office, server: Server) -> None:
    server.publish(of(office, a_servable_line_item()))
    decision_id = server.answer("/api/v1/vast?placement=preroll")["x-decision-id"]
    campaign = office.world.a_serving_campaign(office.tenant, a_campaign_draft())
    asked = ask(office, f"{decision_id}?line_item_id={item(campaign)}")["asked"]
    assert asked["reason"] == {"number": 209, "name": "not_published"}


def test_anothers_line_item_is_not_there(office: Office, server: Server) -> None:
    decision_id = decided(office, server)
    theirs = item(office.world.a_serving_campaign(office.world.a_tenant()))
    for line_item_id in (theirs, new_id()):
        found = office.send(
            "decisions", "GET", f"{DECISIONS}/{decision_id}?line_item_id={line_item_id}"
        )
        found.assert_problem(404, "not-found")
