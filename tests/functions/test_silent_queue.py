"""When the queue of inventory changes refuses, what is committed is answered as done."""

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError

from ctv_ads.adapters.aws.inventory_changes import SqsInventoryChanges
from ctv_ads.adapters.ids import new_id
from ctv_ads.bootstrap.control_plane import campaign_trafficking
from ctv_ads.domain.campaign import CampaignStatus
from ctv_ads.use_cases.campaigns import TraffickCampaigns
from functions.campaigns import handler
from tests.builders import NOON
from tests.functions.conftest import Office

CAMPAIGNS = "/api/v1/campaigns"


@pytest.fixture
def asked(office: Office, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let SQS take nothing; return what it was asked to."""
    asked: list[str] = []
    address = "https://queue.invalid/changes"
    sqs = boto3.client(
        "sqs",
        region_name="eu-central-1",
        aws_access_key_id="nobody",
        aws_secret_access_key="nothing",
    )

    def refuse(**message: str) -> None:
        asked.append(message["MessageBody"])
        raise EndpointConnectionError(endpoint_url=address)

    monkeypatch.setattr(sqs, "send_message", refuse)
    campaigns = TraffickCampaigns(
        office.world.stores, SqsInventoryChanges(sqs, address), clock=lambda: NOON, new_id=new_id
    )
    handler.app.dependency_overrides[campaign_trafficking] = lambda: campaigns
    return asked


def test_the_change_is_answered_as_done_and_its_repeat_asks_again(
    office: Office, asked: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    campaign_id = office.world.a_serving_campaign(office.tenant).campaign_id
    path = f"{CAMPAIGNS}/{campaign_id}/status"
    for _ in range(2):
        paused = office.send("campaigns", "PUT", path, {"status": "paused"})
        assert (paused.status, paused.json["status"]) == (200, "paused")
    assert asked == [f"campaign {campaign_id} is paused"] * 2
    assert caplog.text.count("inventory change not announced") == 2
    stored = office.world.campaign(office.tenant, campaign_id)
    assert stored.status is CampaignStatus.PAUSED


def test_many_changes_are_answered_as_done(office: Office, asked: list[str]) -> None:
    ids = [office.world.a_serving_campaign(office.tenant).campaign_id for _ in range(2)]
    body = {"ids": ids, "status": "paused"}
    done = office.send("campaigns", "POST", f"{CAMPAIGNS}/status", body)
    assert [result["ok"] for result in done.json["results"]] == [True, True]
    assert asked == ["2 campaigns are paused"]


def test_a_deleted_campaign_is_answered_as_gone(office: Office, asked: list[str]) -> None:
    campaign_id = office.world.a_serving_campaign(office.tenant).campaign_id
    assert office.send("campaigns", "DELETE", f"{CAMPAIGNS}/{campaign_id}").status == 204
    assert asked == [f"campaign {campaign_id} is deleted"]
