"""`functions/inventory`: complete what has run its course, publish what may serve."""

from typing import Any

import pytest

from ctv_ads.adapters.memory.inventory import MemoryInventory
from ctv_ads.adapters.postgres.campaign_completion import PostgresCampaignCompletion
from ctv_ads.domain.campaign import CampaignStatus
from ctv_ads.errors import DependencyUnavailableError
from ctv_ads.use_cases.complete_campaigns import CompleteCampaigns
from ctv_ads.use_cases.publish_inventory import PublishInventory
from functions.inventory import handler as inventory
from tests.builders import DAY, NOON, a_campaign_draft
from tests.functions.recorded import failures, sqs_event
from tests.worlds import World

CONTEXT: Any = object()


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
