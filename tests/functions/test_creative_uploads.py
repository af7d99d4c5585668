"""Replacing creatives, looking at them, sending them in parts, finding the same file twice."""

from datetime import timedelta
from typing import Any

import pytest

from ctv_ads.adapters.memory.uploads import MemoryMultipartUploads, MemoryUploadForms
from ctv_ads.bootstrap import control_plane
from ctv_ads.domain.access import Role
from ctv_ads.domain.campaign import CampaignStatus
from ctv_ads.domain.creative import Creative
from ctv_ads.domain.ids import CreativeId
from ctv_ads.domain.media import Rejection, RejectionCode
from tests.builders import NOON, a_creative_draft
from tests.functions.conftest import BIG_BYTES, MAX_UPLOAD_BYTES, Office
from tests.functions.test_creative_changes import EVERYTHING, patched
from tests.functions.test_creatives import a_new_creative, of_campaign

FILE = {"filename": "new.mp4", "content_type": "video/mp4", "size_bytes": 2_000_000}


def path_of(creative: Creative | str) -> str:
    return f"/api/v1/creatives/{creative if isinstance(creative, str) else creative.creative_id}"


def a_ready_creative(office: Office) -> Creative:
    campaign = office.world.a_campaign(office.tenant)
    return office.world.a_ready_creative(office.tenant, campaign.campaign_id)


def a_waiting_creative(office: Office) -> Creative:
    campaign = office.world.a_campaign(office.tenant)
    return office.world.a_creative(office.tenant, a_creative_draft(campaign.campaign_id))


def shown(office: Office, creative_id: str) -> dict[str, Any]:
    found: dict[str, Any] = office.send("creatives", "GET", path_of(creative_id)).json
    return found


def make_ready(office: Office, creative_id: str) -> None:
    with office.world.stores.transaction(office.tenant.caller) as store:
        creative = store.creatives.get(CreativeId(creative_id))
    office.world.make_ready(creative)


def forms(office: Office) -> MemoryUploadForms:
    made: MemoryUploadForms = office.overrides[control_plane.creative_trafficking]().uploads.forms
    return made


def multipart(office: Office) -> MemoryMultipartUploads:
    made: MemoryMultipartUploads = office.overrides[
        control_plane.creative_trafficking
    ]().uploads.multipart
    return made


class TestReplacement:
    def test_a_new_id_takes_over_once_its_file_is_ready(self, office: Office) -> None:
        campaign = office.world.a_serving_campaign(office.tenant)
        (old,) = office.send("creatives", "GET", of_campaign(campaign.campaign_id)).json["items"]
        patched(office, path_of(old["id"]), EVERYTHING)
        made = office.send("creatives", "POST", f"{path_of(old['id'])}/replacement", FILE)
        assert made.status == 201
        new = made.json["creative"]
        assert new["id"] != old["id"]
        assert (new["replaces"], new["status"], new["filename"]) == (
            old["id"],
            "uploading",
            "new.mp4",
        )
        assert {name: new[name] for name in EVERYTHING} == EVERYTHING
        assert made.json["upload"]["fields"]["key"] == f"creatives/{new['id']}"
        assert self.served(office) == {old["id"]}
        make_ready(office, new["id"])
        assert self.served(office) == {new["id"]}
        assert shown(office, old["id"])["status"] == "archived"

    def served(self, office: Office) -> set[str]:
        line_items = office.world.source.load(now=NOON).line_items[office.tenant.organization_id]
        return {creative.creative_id for item in line_items for creative in item.creatives}

    def test_the_successor_inherits_the_assignments(self, office: Office) -> None:
        campaign = office.world.a_campaign(office.tenant)
        old = office.world.a_ready_creative(office.tenant, campaign.campaign_id)
        values = (
            office.tenant.organization_id,
            campaign.campaign_id,
            campaign.line_items[0].line_item_id,
            old.creative_id,
        )
        with office.world.api.transaction(office.tenant.caller) as connection:
            connection.execute(
                "INSERT INTO creative_assignments (organization_id, campaign_id, line_item_id,"
                " creative_id, weight) VALUES (%s, %s, %s, %s, 7)",
                values,
            )
        made = office.send("creatives", "POST", f"{path_of(old)}/replacement", FILE).json
        make_ready(office, made["creative"]["id"])
        with office.world.api.transaction(office.tenant.caller) as connection:
            rows = connection.execute(
                "SELECT creative_id::text, weight FROM creative_assignments WHERE line_item_id = %s",
                (campaign.line_items[0].line_item_id,),
            ).fetchall()
        assert [(row["creative_id"], row["weight"]) for row in rows] == [
            (made["creative"]["id"], 7)
        ]

    def test_a_file_that_is_rejected_replaces_nothing(self, office: Office) -> None:
        old = a_ready_creative(office)
        made = office.send("creatives", "POST", f"{path_of(old)}/replacement", FILE).json
        office.world.validation.start(made["creative"]["id"])
        reason = Rejection(RejectionCode.DAMAGED, "It is damaged.")
        office.world.validation.reject(made["creative"]["id"], [reason], now=NOON)
        assert shown(office, old.creative_id)["status"] == "ready"

    def test_an_archived_creative_is_not_replaced(self, office: Office) -> None:
        old = a_ready_creative(office)
        patched(office, path_of(old), {"status": "archived"})
        refused = office.send("creatives", "POST", f"{path_of(old)}/replacement", FILE)
        refused.assert_problem(409, "conflict", "status")

    def test_the_new_file_has_to_be_acceptable(self, office: Office) -> None:
        old = a_ready_creative(office)
        body = FILE | {"size_bytes": MAX_UPLOAD_BYTES + 1}
        refused = office.send("creatives", "POST", f"{path_of(old)}/replacement", body)
        refused.assert_problem(422, "invalid-request", "size_bytes")


class TestDuplicates:
    def test_the_same_file_is_found_within_the_organization_only(self, office: Office) -> None:
        first, second = a_ready_creative(office), a_ready_creative(office)
        waiting = a_waiting_creative(office)
        other = office.world.a_tenant()
        office.world.a_serving_campaign(other)
        assert shown(office, first.creative_id)["duplicate_of"] == [second.creative_id]
        assert shown(office, second.creative_id)["duplicate_of"] == [first.creative_id]
        assert shown(office, waiting.creative_id)["duplicate_of"] == []
        patched(office, path_of(first), {"status": "archived"})
        assert shown(office, second.creative_id)["duplicate_of"] == []


class TestPreview:
    def preview(self, office: Office, creative: Creative, role: Role = Role.VIEWER) -> Any:
        token = office.token(role=role)
        return office.send("creatives", "GET", f"{path_of(creative)}/preview", token=token)

    def test_a_ready_one_is_shown_where_players_find_it(self, office: Office) -> None:
        creative = a_ready_creative(office)
        assert self.preview(office, creative).json == {
            "url": f"https://media.example.com/{creative.creative_id}/video.mp4",
            "expires_at": None,
        }

    def test_an_unfit_one_is_shown_for_a_quarter_of_an_hour_as_a_video(
        self, office: Office
    ) -> None:
        creative = a_waiting_creative(office)
        key = f"creatives/{creative.creative_id}"
        forms(office).arrived.add(key)
        found = self.preview(office, creative).json
        assert found["url"] == f"memory://uploads/{key}?type=video/mp4&lifetime_s=900"
        assert found["expires_at"].startswith((NOON + timedelta(minutes=15)).isoformat()[:19])

    def test_without_a_file_there_is_nothing_to_look_at(self, office: Office) -> None:
        self.preview(office, a_waiting_creative(office)).assert_problem(409, "conflict", "status")


class TestParts:
    def registered(self, office: Office, **changes: Any) -> tuple[str, dict[str, Any]]:
        campaign = office.world.a_campaign(office.tenant)
        body = a_new_creative(**changes)
        made = office.send("creatives", "POST", of_campaign(campaign.campaign_id), body).json
        return made["creative"]["id"], made["upload"]

    def complete(self, office: Office, creative: str, upload_id: str, *numbers: int) -> Any:
        parts = [{"part_number": number, "etag": f'"e{number}"'} for number in numbers]
        body = {"upload_id": upload_id, "parts": parts}
        return office.send("creatives", "POST", f"{path_of(creative)}/multipart", body)

    @pytest.mark.parametrize(
        ("changes", "kind"),
        [
            ({}, "form"),
            ({"multipart": False}, "form"),
            ({"multipart": True}, "multipart"),
            ({"size_bytes": BIG_BYTES}, "form"),
            ({"size_bytes": BIG_BYTES + 1}, "multipart"),
        ],
    )
    def test_big_files_and_who_asks_for_it_send_parts(
        self, office: Office, changes: dict[str, Any], kind: str
    ) -> None:
        _, upload = self.registered(office, **changes)
        assert upload["kind"] == kind

    def test_the_parts_are_put_together_once(self, office: Office) -> None:
        creative, upload = self.registered(office, size_bytes=BIG_BYTES + 1)
        assert [part["part_number"] for part in upload["parts"]] == [1, 2]
        completed = self.complete(office, creative, upload["upload_id"], 1, 2)
        assert (completed.status, completed.json["id"]) == (200, creative)
        assert len(multipart(office).completed[f"creatives/{creative}"]) == 2
        again = self.complete(office, creative, upload["upload_id"], 1, 2)
        again.assert_problem(409, "conflict")

    def test_parts_in_disorder_are_refused(self, office: Office) -> None:
        creative, upload = self.registered(office, size_bytes=BIG_BYTES + 1)
        for numbers in ((2, 1), (1, 1), (1, 3)):
            refused = self.complete(office, creative, upload["upload_id"], *numbers)
            refused.assert_problem(422, "invalid-request", "parts")

    def test_an_upload_belongs_to_its_creative(self, office: Office) -> None:
        _, upload = self.registered(office, multipart=True)
        other, _ = self.registered(office, multipart=True)
        refused = self.complete(office, other, upload["upload_id"], 1)
        refused.assert_problem(409, "conflict")

    def test_an_aborted_upload_is_over(self, office: Office) -> None:
        creative, upload = self.registered(office, multipart=True)
        path = f"{path_of(creative)}/multipart?upload_id={upload['upload_id']}"
        for _ in range(2):
            assert office.send("creatives", "DELETE", path).status == 204
        self.complete(office, creative, upload["upload_id"], 1).assert_problem(409, "conflict")

    def test_a_creative_that_has_its_file_takes_no_parts(self, office: Office) -> None:
        creative = a_ready_creative(office).creative_id
        self.complete(office, creative, "x", 1).assert_problem(409, "conflict", "status")
        path = f"{path_of(creative)}/multipart?upload_id=x"
        office.send("creatives", "DELETE", path).assert_problem(409, "conflict", "status")

    @pytest.mark.parametrize(
        ("changes", "path"),
        [
            ({"upload_id": ""}, "upload_id"),
            ({"upload_id": "a b"}, "upload_id"),
            ({"parts": []}, "parts"),
            ({"parts": [{"part_number": 0, "etag": "e"}]}, "parts.0.part_number"),
            ({"parts": [{"part_number": 10_001, "etag": "e"}]}, "parts.0.part_number"),
            ({"parts": [{"part_number": 1, "etag": "<&>\n"}]}, "parts.0.etag"),
        ],
    )
    def test_wrong_fields_are_named(
        self, office: Office, changes: dict[str, Any], path: str
    ) -> None:
        body = {"upload_id": "x", "parts": [{"part_number": 1, "etag": "e"}]} | changes
        creative = a_waiting_creative(office)
        refused = office.send("creatives", "POST", f"{path_of(creative)}/multipart", body)
        refused.assert_problem(422, "invalid-request", path)


ROUTES = [
    ("POST", "/replacement", FILE),
    ("POST", "/multipart", {"upload_id": "x", "parts": [{"part_number": 1, "etag": "e"}]}),
    ("DELETE", "/multipart?upload_id=x", None),
]


@pytest.mark.parametrize(("method", "path", "body"), [*ROUTES, ("GET", "/preview", None)])
def test_another_tenants_creative_is_not_found(
    office: Office, method: str, path: str, body: object
) -> None:
    other = office.world.a_tenant()
    campaign = office.world.a_campaign(other)
    creative = office.world.a_ready_creative(other, campaign.campaign_id)
    office.world.set_status(other, campaign, CampaignStatus.ACTIVE)
    answer = office.send("creatives", method, path_of(creative) + path, body)
    answer.assert_problem(404, "not-found")


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
def test_those_who_only_look_may_not_send_files(
    office: Office, method: str, path: str, body: object
) -> None:
    token = office.token(role=Role.ANALYST)
    answer = office.send(
        "creatives", method, path_of(a_ready_creative(office)) + path, body, token=token
    )
    answer.assert_problem(403, "forbidden")
