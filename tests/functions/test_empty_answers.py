"""Why there is no ad: said by the answer, by its explanation and by its replay alike."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ctv_ads.domain.inventory import Inventory, ServableLineItem
from ctv_ads.domain.targeting import Rule
from local.valkey import ValkeyServer
from tests.builders import a_servable_line_item, an_inventory
from tests.functions.conftest import Office
from tests.functions.explaining import Server, a_server

DECISIONS = "/api/v1/decisions"
VAST = "/api/v1/vast?placement=preroll"
AUSTRIAN = a_servable_line_item(targeting={"country": Rule(include=("AT",))})
PLAIN = a_servable_line_item()


@pytest.fixture
def server(valkey_server: ValkeyServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with a_server(valkey_server.url, monkeypatch) as server:
        yield server


def of(office: Office, *line_items: ServableLineItem) -> Inventory:
    return an_inventory(*line_items, organization_id=office.tenant.organization_id)


def ask(office: Office, decision_id: str) -> Any:
    found = office.send("decisions", "GET", f"{DECISIONS}/{decision_id}")
    assert found.status == 200, found.body
    return found.json


def explained(office: Office, decision_id: str) -> Any:
    return ask(office, decision_id)["no_fill_reason"]


def replayed(office: Office, decision_id: str) -> Any:
    found = office.send("decisions", "POST", f"{DECISIONS}/{decision_id}/replay")
    assert found.status == 200, found.body
    return found.json["answer"]


def test_why_there_is_no_ad_is_told_the_same_at_once_explained_and_again(
    office: Office, server: Server
) -> None:
    server.publish(of(office, AUSTRIAN, PLAIN))
    asked: dict[str, Any] = {"placement": "preroll", "mime": "video/webm"}
    answer = server.answer("/api/v1/ad-request", **asked)["body"]
    assert json.loads(answer)["no_fill_reason"] == "no_creative_fits"
    decision_id = json.loads(answer)["decision_id"]
    assert replayed(office, decision_id) == answer
    assert explained(office, decision_id) == "no_creative_fits"


def test_out_of_tokens_is_told_every_time(office: Office, server: Server) -> None:
    server.publish(of(office, PLAIN))
    server.grant(PLAIN.line_item_id, 0)
    for _ in range(3):
        answer = server.answer(VAST)
        assert answer["x-no-fill-reason"] == "no_tokens"
        assert explained(office, answer["x-decision-id"]) == "no_tokens"
    server.grant(PLAIN.line_item_id, 10**9)
    assert "<Ad " in server.answer(VAST)["body"], "a grant is of use at once"


def test_a_decision_without_an_ad_says_why(office: Office, server: Server) -> None:
    server.publish(of(office, AUSTRIAN))
    answer = server.answer(VAST)
    explained = ask(office, answer["x-decision-id"])
    assert (explained["pod"], explained["candidates"]) == ([], [])
    assert explained["no_fill_reason"] == "no_line_item"
    assert [one["reason"] for one in explained["removed"]] == [{"number": 101, "name": "country"}]
