"""Tags after their first check: checked again, replaced, and taking the place of others."""

from typing import Any

import pytest

from ctv_ads.domain.access import Role
from ctv_ads.domain.campaign import CampaignStatus
from ctv_ads.domain.media import Rejection, RejectionCode
from ctv_ads.ports.vast_tags import TagCheck, TagVerdict
from tests.builders import NOON
from tests.functions.conftest import Answer, Office
from tests.functions.test_creative_changes import EVERYTHING, patched
from tests.functions.test_vast_tags import FACTS, TAG_URL, checks, settled, trafficked

NEW_URL = "https://other.example/vast"
NEW_TAG = {"kind": "vast_tag", "tag_url": NEW_URL}
LOOP = Rejection(RejectionCode.TAG_LOOP, "The tag's wrappers lead in a circle.")
FILE = {"filename": "a.mp4", "content_type": "video/mp4", "size_bytes": 1}


def path_of(creative_id: str) -> str:
    return f"/api/v1/creatives/{creative_id}"


def check(office: Office, creative_id: str, **options: Any) -> Answer:
    return office.send("creatives", "POST", f"{path_of(creative_id)}/check", **options)


def replace(office: Office, creative_id: str, body: object, **options: Any) -> Answer:
    return office.send("creatives", "POST", f"{path_of(creative_id)}/replacement", body, **options)


def shown(office: Office, creative_id: str) -> dict[str, Any]:
    found: dict[str, Any] = office.send("creatives", "GET", path_of(creative_id)).json
    return found


@pytest.fixture
def rejected(office: Office, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    made = trafficked(office)
    checks(office).clear()
    return settled(office, TagVerdict(made["id"], None, (LOOP,)), monkeypatch)


@pytest.fixture
def ready(office: Office, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    made = trafficked(office)
    checks(office).clear()
    return settled(office, TagVerdict(made["id"], FACTS, ()), monkeypatch)


class TestCheckingAgain:
    def test_a_rejected_tag_waits_for_another_verdict(
        self, office: Office, rejected: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked = check(office, rejected["id"])
        assert (asked.status, asked.json["status"]) == (200, "validating")
        assert asked.json["rejection_reasons"] == []
        assert asked.json["version"] == rejected["version"] + 1
        assert checks(office) == [TagCheck(rejected["id"], TAG_URL)]
        accepted = settled(office, TagVerdict(rejected["id"], FACTS, ()), monkeypatch)
        assert (accepted["status"], accepted["rejection_reasons"]) == ("ready", [])

    def test_it_may_be_rejected_again_for_other_reasons(
        self, office: Office, rejected: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        check(office, rejected["id"])
        reason = Rejection(RejectionCode.TAG_NO_AD, "The tag answers without an ad.")
        again = settled(office, TagVerdict(rejected["id"], None, (reason,)), monkeypatch)
        assert [told["code"] for told in again["rejection_reasons"]] == ["tag_no_ad"]

    def test_a_check_that_does_not_come_back_is_asked_for_again(self, office: Office) -> None:
        made = trafficked(office)
        asked = check(office, made["id"])
        assert (asked.status, asked.json["version"]) == (200, made["version"])
        assert checks(office) == [TagCheck(made["id"], TAG_URL)] * 2

    def test_a_ready_or_archived_tag_and_a_file_are_not_checked(
        self, office: Office, ready: dict[str, Any]
    ) -> None:
        check(office, ready["id"]).assert_problem(409, "conflict", "status")
        patched(office, path_of(ready["id"]), {"status": "archived"})
        check(office, ready["id"]).assert_problem(409, "conflict", "status")
        campaign = office.world.a_campaign(office.tenant)
        film = office.world.a_ready_creative(office.tenant, campaign.campaign_id)
        check(office, film.creative_id).assert_problem(409, "conflict", "status")
        assert checks(office) == []

    def test_those_who_only_look_may_not_and_others_find_nothing(
        self, office: Office, rejected: dict[str, Any]
    ) -> None:
        viewer = office.token(role=Role.VIEWER)
        check(office, rejected["id"], token=viewer).assert_problem(403, "forbidden")
        stranger = office.token(office.world.a_tenant())
        check(office, rejected["id"], token=stranger).assert_problem(404, "not-found")
        assert checks(office) == []


class TestReplacing:
    def test_a_new_tag_takes_over_once_it_is_ready(
        self, office: Office, ready: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        campaign = office.world.campaign(office.tenant, ready["campaign_id"])
        office.world.set_status(office.tenant, campaign, CampaignStatus.ACTIVE)
        item = campaign.line_items[0].line_item_id
        assigned = {"items": [{"creative_id": ready["id"], "weight": 7}]}
        where = f"/api/v1/line-items/{item}/creatives"
        office.send("campaigns", "PUT", where, assigned, headers={"if-match": "*"})
        patched(office, path_of(ready["id"]), EVERYTHING)

        made = replace(office, ready["id"], NEW_TAG)
        assert (made.status, made.json["upload"]) == (201, None)
        new = made.json["creative"]
        assert (new["replaces"], new["status"], new["tag_url"]) == (
            ready["id"],
            "validating",
            NEW_URL,
        )
        assert {name: new[name] for name in EVERYTHING} == EVERYTHING
        assert checks(office) == [TagCheck(new["id"], NEW_URL)]
        assert self.served(office) == {TAG_URL}

        settled(office, TagVerdict(new["id"], FACTS, ()), monkeypatch)
        assert self.served(office) == {NEW_URL}
        assert shown(office, ready["id"])["status"] == "archived"
        (assignment,) = office.send("campaigns", "GET", where).json["items"]
        assert (assignment["creative_id"], assignment["weight"]) == (new["id"], 7)

    def served(self, office: Office) -> set[str | None]:
        line_items = office.world.source.load(now=NOON).line_items[office.tenant.organization_id]
        return {creative.vast_tag_url for item in line_items for creative in item.creatives}

    def test_a_tag_that_is_rejected_replaces_nothing(
        self, office: Office, ready: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        new = replace(office, ready["id"], NEW_TAG).json["creative"]
        settled(office, TagVerdict(new["id"], None, (LOOP,)), monkeypatch)
        assert shown(office, ready["id"])["status"] == "ready"
        check(office, new["id"])
        settled(office, TagVerdict(new["id"], FACTS, ()), monkeypatch)
        assert shown(office, ready["id"])["status"] == "archived"

    def test_a_tag_may_take_the_place_of_a_file_and_a_file_that_of_a_tag(
        self, office: Office, ready: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = replace(office, ready["id"], FILE)
        assert (made.json["creative"]["kind"], made.json["upload"]["kind"]) == ("video", "form")
        campaign = office.world.a_campaign(office.tenant)
        film = office.world.a_ready_creative(office.tenant, campaign.campaign_id)
        new = replace(office, film.creative_id, NEW_TAG).json["creative"]
        settled(office, TagVerdict(new["id"], FACTS, ()), monkeypatch)
        assert shown(office, film.creative_id)["status"] == "archived"

    def test_an_archived_tag_is_not_replaced(self, office: Office, ready: dict[str, Any]) -> None:
        patched(office, path_of(ready["id"]), {"status": "archived"})
        replace(office, ready["id"], NEW_TAG).assert_problem(409, "conflict", "status")

    @pytest.mark.parametrize(
        ("body", "paths"),
        [
            ({}, ["filename", "content_type", "size_bytes"]),
            ({"kind": "vast_tag"}, ["tag_url"]),
            (NEW_TAG | {"filename": "a.mp4"}, ["filename"]),
            (FILE | {"tag_url": NEW_URL}, ["tag_url"]),
            (NEW_TAG | {"tag_url": "ftp://t.example/"}, ["tag_url"]),
            (NEW_TAG | {"name": "x"}, ["name"]),
        ],
    )
    def test_fields_have_to_fit_the_kind(
        self, office: Office, ready: dict[str, Any], body: dict[str, Any], paths: list[str]
    ) -> None:
        replace(office, ready["id"], body).assert_problem(422, "invalid-request", *paths)
        assert checks(office) == []

    def test_a_key_makes_one_replacement(self, office: Office, ready: dict[str, Any]) -> None:
        key = {"idempotency-key": "once"}
        first, second = (replace(office, ready["id"], NEW_TAG, headers=key) for _ in range(2))
        assert first.json == second.json
        assert len(checks(office)) == 1
