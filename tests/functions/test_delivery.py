"""`/api/v1/campaigns/{campaign_id}/delivery`: is it delivering, and if not, why?"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.valkey.resp import RespConnection
from ctv_ads.bootstrap.delivery import delivery_checking
from ctv_ads.domain.access import Role
from ctv_ads.domain.campaign import Campaign, CampaignStatus, LineItemType
from ctv_ads.domain.ids import LineItemId
from ctv_ads.domain.line_item import LineItemStatus, LineItemTerms
from ctv_ads.domain.targeting import Rule
from functions.analytics import handler as analytics
from local.ports import free_port
from local.valkey import ValkeyServer
from tests.builders import DAY, NOON, a_campaign_draft
from tests.functions.conftest import Office
from tests.functions.explaining import Server, a_server, checking_by

PLAIN = LineItemTerms(name="Evenings", type=LineItemType.STANDARD, priority=8)
_STANDS = """
INSERT INTO line_item_delivery (line_item_id, organization_id, campaign_id, due_micros,
                                delivered_micros, urgency, limited_by, observed_at)
SELECT line_item_id, organization_id, campaign_id, %s, %s, %s, %s, %s FROM line_items
WHERE line_item_id = %s"""


@pytest.fixture
def server(valkey_server: ValkeyServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with a_server(valkey_server.url, monkeypatch) as server:
        yield server


def book(office: Office, campaign: Campaign, **terms: Any) -> LineItemId:
    line_item_id = LineItemId(new_id())
    with office.world.stores.transaction(office.tenant.caller) as store:
        store.line_items.add(
            line_item_id, campaign.campaign_id, replace(PLAIN, **terms), office.tenant.caller
        )
    return line_item_id


def stands(
    office: Office, line_item_id: str, *, due: int, delivered: int, urgency: int, limit: str
) -> None:
    with psycopg.connect(office.world.schema.owner_dsn) as owner:
        owner.execute(_STANDS, (due, delivered, urgency, limit, NOON, line_item_id))


def ask(office: Office, server: Server, *, times: int = 1, tokens_micros: int = 10**9) -> None:
    """Publish what is booked, and ask for ads."""
    server.publish(office.world.source.load(now=NOON), tokens_micros=tokens_micros)
    for _ in range(times):
        server.answer(f"/api/v1/vast?placement={office.tenant.placement_key}&country=DE")


def delivery(office: Office, campaign: Campaign, query: str = "", **parts: Any) -> Any:
    path = f"/api/v1/campaigns/{campaign.campaign_id}/delivery{query}"
    found = office.send("analytics", "GET", path, **parts)
    assert found.status == 200, found.body
    return found.json


def healths(page: Any) -> dict[str, tuple[str, list[tuple[str, str, int, int]]]]:
    return {
        item["line_item_id"]: (
            item["health"],
            [(one["source"], one["code"], one["times"], one["of"]) for one in item["causes"]],
        )
        for item in page["items"]
    }


def test_each_line_item_has_its_answer(office: Office, server: Server) -> None:
    campaign = office.world.a_serving_campaign(office.tenant)
    (best,) = [item.line_item_id for item in campaign.line_items]
    austrian = book(office, campaign, targeting={"country": Rule(include=("AT",))})
    paused = book(office, campaign, status=LineItemStatus.PAUSED)
    later = book(office, campaign, starts_at=NOON + DAY)
    second = book(office, campaign, priority=12)
    ask(office, server, times=4)
    page = delivery(office, campaign)
    assert (page["decisions_read"], page["requests_searched"], page["count"]) == (4, 4, 5)
    assert healths(page) == {
        best: ("on_track", []),
        austrian: ("not_delivering", [("inventory", "country", 4, 4)]),
        paused: ("not_delivering", [("booking", "line_item_paused", 1, 1)]),
        later: ("not_delivering", [("booking", "not_started", 1, 1)]),
        second: ("not_delivering", [("decisions", "pod_has_no_slot_left", 4, 4)]),
    }
    (fix,) = {
        one["fix"] for item in page["items"] for one in item["causes"] if one["code"] == "country"
    }
    assert fix == "Widen the targeting by country, or see whether requests name it."


def test_requests_of_placements_that_it_does_not_want_tell_nothing(
    office: Office, server: Server
) -> None:
    campaign = office.world.a_serving_campaign(office.tenant)
    here, elsewhere = str(office.tenant.placement_id), new_id()
    austrian = {"country": Rule(include=("AT",))}
    both = book(office, campaign, targeting={**austrian, "placement": Rule(include=(here,))})
    never = book(office, campaign, targeting={"placement": Rule(include=(elsewhere,))})
    with psycopg.connect(office.world.schema.owner_dsn) as owner:
        owner.execute(
            "INSERT INTO placements (placement_id, organization_id, key, name, trusted_caller)"
            " VALUES (%s, %s, %s, 'Second', true)",
            (new_id(), office.tenant.organization_id, f"second-{elsewhere}"),
        )
    ask(office, server)
    server.answer(f"/api/v1/vast?placement=second-{elsewhere}&country=AT")
    found = healths(delivery(office, campaign))
    assert found[both] == ("not_delivering", [("inventory", "country", 1, 2)])
    assert found[never] == ("not_delivering", [("inventory", "placement", 2, 2)])


def test_what_pacing_saw_is_told_in_figures(office: Office, server: Server) -> None:
    campaign = office.world.a_serving_campaign(office.tenant)
    (line_item_id,) = [item.line_item_id for item in campaign.line_items]
    stands(office, line_item_id, due=100_000, delivered=60_000, urgency=3, limit="pacing")
    ask(office, server, times=2, tokens_micros=0)
    (item,) = delivery(office, campaign)["items"]
    assert item["health"] == "not_delivering", "it was never chosen lately"
    assert item["figures"] == {
        "unit": "micros",
        "due": 100_000,
        "delivered": 60_000,
        "reserved": 0,
        "urgency": 3,
        "limited_by": "pacing",
        "observed_at": "2026-11-23T12:00:00Z",
    }
    assert {one["code"] for one in item["causes"]} == {"no_tokens"}


def test_what_is_used_up_is_limited(office: Office, server: Server) -> None:
    campaign = office.world.a_serving_campaign(office.tenant)
    (line_item_id,) = [item.line_item_id for item in campaign.line_items]
    stands(office, line_item_id, due=5, delivered=5, urgency=0, limit="day")
    ask(office, server)
    assert healths(delivery(office, campaign)) == {
        line_item_id: ("limited", [("pacing", "day", 1, 1)])
    }


def test_a_campaign_that_is_paused_or_has_no_film_says_so(office: Office, server: Server) -> None:
    campaign = office.world.a_campaign(office.tenant, a_campaign_draft())
    ask(office, server)
    (item,) = delivery(office, campaign)["items"]
    assert [one["code"] for one in item["causes"]] == ["campaign_not_active", "no_ready_creative"]
    serving = office.world.a_serving_campaign(office.tenant)
    office.world.set_status(office.tenant, serving, CampaignStatus.PAUSED)
    (item,) = delivery(office, serving)["items"]
    assert [one["code"] for one in item["causes"]] == ["campaign_not_active"]


def test_what_has_not_been_published_yet_says_so(office: Office, server: Server) -> None:
    ask(office, server)
    campaign = office.world.a_serving_campaign(office.tenant)
    (item,) = delivery(office, campaign)["items"]
    assert [one["code"] for one in item["causes"]] == ["not_published"]


def test_when_nobody_asks_nothing_is_concluded(office: Office, server: Server) -> None:
    campaign = office.world.a_serving_campaign(office.tenant)
    server.publish(office.world.source.load(now=NOON))
    (item,) = delivery(office, campaign)["items"]
    assert (item["health"], item["figures"]) == ("unknown", None)
    assert [one["code"] for one in item["causes"]] == ["no_requests"]


def test_without_valkey_what_is_booked_is_told_and_the_rest_not_known(
    office: Office,
) -> None:
    campaign = office.world.a_serving_campaign(office.tenant)
    paused = book(office, campaign, status=LineItemStatus.PAUSED)
    with RespConnection(f"redis://127.0.0.1:{free_port()}", timeout_ms=100) as nowhere:
        check = checking_by(office.world, nowhere, lambda: NOON)
        analytics.app.dependency_overrides[delivery_checking] = lambda: check
        page = delivery(office, campaign)
    assert (page["decisions_read"], page["requests_searched"]) == (None, None)
    found = healths(page)
    assert found.pop(paused)[1] == [("booking", "line_item_paused", 1, 1)]
    assert list(found.values()) == [("unknown", [("decisions", "not_known", 1, 1)])]


def test_pages_follow_one_another(office: Office, server: Server) -> None:
    campaign = office.world.a_serving_campaign(office.tenant)
    book(office, campaign)
    ask(office, server)
    first = delivery(office, campaign, "?limit=1")
    second = delivery(office, campaign, f"?limit=1&cursor={first['next_cursor']}")
    assert len({one["items"][0]["line_item_id"] for one in (first, second)}) == 2
    assert second["next_cursor"] is None


@pytest.mark.parametrize("role", list(Role))
def test_everybody_may_ask(office: Office, server: Server, role: Role) -> None:
    campaign = office.world.a_serving_campaign(office.tenant)
    ask(office, server)
    assert delivery(office, campaign, token=office.token(role=role))["count"] == 1


def test_another_tenants_campaign_is_not_found(office: Office, server: Server) -> None:
    ask(office, server)
    campaign = office.world.a_serving_campaign(office.world.a_tenant())
    path = f"/api/v1/campaigns/{campaign.campaign_id}/delivery"
    office.send("analytics", "GET", path).assert_problem(404, "not-found")
