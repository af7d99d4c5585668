"""`functions/inventory`: complete what has run its course, publish what may serve."""

from typing import Any

import pytest

from ctv_ads.adapters.memory.inventory import MemoryInventory
from ctv_ads.adapters.postgres.campaign_completion import PostgresCampaignCompletion
from ctv_ads.domain.campaign import CampaignStatus
from ctv_ads.errors import DependencyUnavailableError
from ctv_ads.use_cases.complete_campaigns import CompleteCampaigns
from ctv_ads.use_cases.grant_tokens import Granted
from ctv_ads.use_cases.publish_inventory import PublishInventory
from functions.inventory import handler as inventory
from tests.builders import DAY, NOON, a_campaign_draft
from tests.functions.recorded import failures, sqs_event
from tests.worlds import World

CONTEXT: Any = object()


@pytest.fixture(autouse=True)
def grants(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the controller was asked for; `tests/integration/test_tokens.py` tells what it does."""
    asked: list[str] = []

    def grant() -> Granted:
        asked.append("grant")
        return Granted(looked_at=1, granted=1, taken_back=0, released=0)

    monkeypatch.setattr(inventory, "token_grants", lambda: grant)
    return asked


@pytest.fixture
def world(postgres_of_session: World) -> World:
    return postgres_of_session


@pytest.mark.parametrize(
    "event", [sqs_event("campaign 1 is active", "campaign 2 is paused"), {"source": "schedule"}]
)
def test_any_event_publishes_everything_once(
    world: World, monkeypatch: pytest.MonkeyPatch, event: dict[str, Any]
) -> None:
    tenant, published = world.a_tenant(), MemoryInventory()
    world.a_serving_campaign(tenant)
    publish = PublishInventory(world.source, published, lambda: NOON)
    complete = CompleteCampaigns(PostgresCampaignCompletion(world.pipeline), lambda: NOON)
    monkeypatch.setattr(inventory, "inventory_publication", lambda: publish)
    monkeypatch.setattr(inventory, "campaign_completion", lambda: complete)
    for _ in range(2):
        assert failures(inventory.lambda_handler(event, CONTEXT)) == []
    assert tenant.organization_id in published.current().line_items


def test_what_has_run_its_course_is_completed_before_it_is_published(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant, published = world.a_tenant(), MemoryInventory()
    campaign = world.a_serving_campaign(tenant, a_campaign_draft(ends_at=NOON))
    complete = CompleteCampaigns(PostgresCampaignCompletion(world.pipeline), lambda: NOON)
    # A moment earlier it would still serve: only its status keeps it from being published.
    publish = PublishInventory(world.source, published, lambda: NOON - DAY)
    monkeypatch.setattr(inventory, "campaign_completion", lambda: complete)
    monkeypatch.setattr(inventory, "inventory_publication", lambda: publish)
    inventory.lambda_handler({"source": "schedule"}, CONTEXT)
    assert world.campaign(tenant, campaign.campaign_id).status is CampaignStatus.COMPLETED
    assert tenant.organization_id not in published.current().line_items


def test_without_a_dependency_the_batch_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def publish() -> str:
        raise DependencyUnavailableError("valkey", "Connection refused")

    monkeypatch.setattr(inventory, "campaign_completion", lambda: list)
    monkeypatch.setattr(inventory, "inventory_publication", lambda: publish)
    with pytest.raises(DependencyUnavailableError):
        inventory.lambda_handler(sqs_event("x"), CONTEXT)


def test_tokens_are_granted_before_what_they_pay_for_is_published(
    monkeypatch: pytest.MonkeyPatch, grants: list[str]
) -> None:
    monkeypatch.setattr(inventory, "campaign_completion", lambda: list)
    monkeypatch.setattr(
        inventory, "inventory_publication", lambda: lambda: grants.append("publish")
    )
    inventory.lambda_handler({"source": "schedule"}, CONTEXT)
    assert grants == ["grant", "publish"]


def test_changes_are_published_even_when_no_tokens_can_be_granted_and_come_again(
    monkeypatch: pytest.MonkeyPatch, grants: list[str]
) -> None:
    def fail() -> Granted:
        raise DependencyUnavailableError("valkey", "Connection refused")

    monkeypatch.setattr(inventory, "campaign_completion", lambda: list)
    monkeypatch.setattr(inventory, "token_grants", lambda: fail)
    monkeypatch.setattr(
        inventory, "inventory_publication", lambda: lambda: grants.append("publish")
    )
    with pytest.raises(DependencyUnavailableError):
        inventory.lambda_handler(sqs_event("x"), CONTEXT)
    assert grants == ["publish"]
