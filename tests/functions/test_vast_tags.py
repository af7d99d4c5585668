"""Third-party VAST tags: trafficked, checked, settled, served inside our wrapper."""

import json
from dataclasses import asdict
from typing import Any

import pytest

from ctv_ads.adapters.aws.tag_queues import SqsTagChecks, SqsTagVerdicts, read_verdict
from ctv_ads.adapters.memory.queues import MemoryTagChecks, MemoryTagVerdicts
from ctv_ads.bootstrap import control_plane
from ctv_ads.domain.campaign import CampaignStatus
from ctv_ads.domain.media import Rejection, RejectionCode
from ctv_ads.domain.vast_tag import TagFacts
from ctv_ads.ports.vast_tags import TagCheck, TagVerdict
from ctv_ads.use_cases.check_tag import CheckTag
from ctv_ads.use_cases.settle_tag import SettleTag
from functions.creatives import check_tag, on_tag_verdict
from local.emulator import Emulator
from tests.aws import bodies
from tests.builders import NOON
from tests.functions.conftest import Office
from tests.functions.recorded import sqs_event
from tests.functions.test_creative_changes import EVERYTHING, patched
from tests.functions.test_creatives import a_new_creative, of_campaign

TAG_URL = "https://third.example/vast?cb=[CACHEBUSTING]"
TAG = {"kind": "vast_tag", "name": "Their film", "tag_url": TAG_URL}
FACTS = TagFacts(
    duration_ms=15_000,
    mime_type="video/mp4",
    width_px=1920,
    height_px=None,
    bitrate_kbps=None,
    codec=None,
    media_url="https://m.example/a.mp4",
    wrappers=1,
    ad_system="Them",
)


def checks(office: Office) -> list[TagCheck]:
    made: MemoryTagChecks = office.overrides[control_plane.creative_trafficking]().tag_checks
    return made.checks


def trafficked(office: Office, **changes: Any) -> dict[str, Any]:
    campaign = office.world.a_campaign(office.tenant)
    made = office.send("creatives", "POST", of_campaign(campaign.campaign_id), TAG | changes)
    assert made.status == 201, made.body
    assert made.json["upload"] is None
    creative: dict[str, Any] = made.json["creative"]
    return creative


def settled(office: Office, verdict: TagVerdict, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    settle = SettleTag(office.world.validation, office.changes, lambda: NOON)
    monkeypatch.setattr(on_tag_verdict, "tag_settlement", lambda: settle)
    message = json.dumps(asdict(verdict))
    answered = on_tag_verdict.lambda_handler(sqs_event(message), object())  # type: ignore[arg-type]
    assert answered == {"batchItemFailures": []}
    path = f"/api/v1/creatives/{verdict.creative_id}"
    found: dict[str, Any] = office.send("creatives", "GET", path).json
    return found


def test_a_tag_waits_for_its_check(office: Office) -> None:
    made = trafficked(office)
    assert (made["kind"], made["status"], made["tag_url"]) == ("vast_tag", "validating", TAG_URL)
    assert (made["filename"], made["content_type"], made["size_bytes"]) == (None, None, None)
    assert checks(office) == [TagCheck(made["id"], TAG_URL)]


def test_a_fit_tag_is_ready_served_and_shown(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    soft = {name: EVERYTHING[name] for name in ("trackers", "universal_ad_id", "verifications")}
    made = trafficked(office, **soft)
    campaign = office.world.campaign(office.tenant, made["campaign_id"])
    office.world.set_status(office.tenant, campaign, CampaignStatus.ACTIVE)
    for _ in range(2):
        shown = settled(office, TagVerdict(made["id"], FACTS, ()), monkeypatch)
        assert (shown["status"], shown["duration_ms"]) == ("ready", 15_000)
        assert shown["tag_facts"]["wrappers"] == 1
    assert len(office.changes.reasons) == 1
    (line_item,) = office.world.source.load(now=NOON).line_items[office.tenant.organization_id]
    (served,) = line_item.creatives
    assert (served.vast_tag_url, served.media_url, served.duration_ms) == (TAG_URL, "", 15_000)
    assert [tracker.url for tracker in served.trackers] == [
        tracker["url"] for tracker in EVERYTHING["trackers"]
    ]
    preview = office.send("creatives", "GET", f"/api/v1/creatives/{made['id']}/preview")
    assert preview.json == {"url": "https://m.example/a.mp4", "expires_at": None}


def test_an_unfit_tag_says_why(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    made = trafficked(office)
    reason = Rejection(RejectionCode.TAG_LOOP, "The tag's wrappers lead in a circle.")
    shown = settled(office, TagVerdict(made["id"], None, (reason,)), monkeypatch)
    assert shown["status"] == "rejected"
    assert shown["rejection_reasons"] == [{"code": "tag_loop", "message": reason.message}]


def test_an_upload_cannot_make_a_tag_ready(office: Office) -> None:
    made = trafficked(office)
    assert office.world.validation.start(made["id"]) is None


def test_a_tags_soft_fields_change(office: Office) -> None:
    made = trafficked(office)
    path = f"/api/v1/creatives/{made['id']}"
    changed = patched(office, path, EVERYTHING).json
    assert {name: changed[name] for name in EVERYTHING} == EVERYTHING


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ({"kind": "vast_tag", "name": "x"}, ["tag_url"]),
        (TAG | {"tag_url": "ftp://t.example/"}, ["tag_url"]),
        (TAG | {"filename": "a.mp4"}, ["filename"]),
        (TAG | {"multipart": True}, ["multipart"]),
        (
            TAG | {"filename": "a.mp4", "size_bytes": 1, "content_type": "video/mp4"},
            ["content_type", "filename", "size_bytes"],
        ),
        (a_new_creative(tag_url=TAG_URL), ["tag_url"]),
        ({"name": "x"}, ["filename", "content_type", "size_bytes"]),
        (TAG | {"kind": "banner"}, ["kind"]),
    ],
)
def test_fields_have_to_fit_the_kind(
    office: Office, body: dict[str, Any], paths: list[str]
) -> None:
    campaign = office.world.a_campaign(office.tenant)
    refused = office.send("creatives", "POST", of_campaign(campaign.campaign_id), body)
    refused.assert_problem(422, "invalid-request", *paths)
    assert checks(office) == []


class TestCheckFunction:
    def test_each_verdict_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Internet:
            def fetch(self, url: str, *, deadline: float) -> bytes:
                assert (url, deadline) == ("https://t.example/", 8.0)
                return b"<VAST/>"

        verdicts = MemoryTagVerdicts()
        monkeypatch.setattr(check_tag, "tag_check", lambda: CheckTag(Internet(), 1, lambda: 0.0))
        monkeypatch.setattr(check_tag, "tag_verdicts", lambda: verdicts)
        message = json.dumps({"creative_id": "c", "tag_url": "https://t.example/"})
        answered = check_tag.lambda_handler(sqs_event(message), object())  # type: ignore[arg-type]
        assert answered == {"batchItemFailures": []}
        (verdict,) = verdicts.verdicts
        assert [item.code for item in verdict.rejections] == [RejectionCode.TAG_NO_AD]


class TestQueues:
    """What is sent is what is read, on the emulator."""

    @pytest.fixture
    def queue_url(self, aws_emulator: Emulator) -> str:
        url: str = aws_emulator.sqs.create_queue(QueueName="tags-of-tests")["QueueUrl"]
        aws_emulator.sqs.purge_queue(QueueUrl=url)
        return url

    def test_checks_and_verdicts_survive_the_journey(
        self, aws_emulator: Emulator, queue_url: str
    ) -> None:
        reasons = tuple(Rejection(code, f"It is {code}.") for code in RejectionCode)
        for verdict in (TagVerdict("c", FACTS, ()), TagVerdict("c", None, reasons)):  # type: ignore[arg-type]
            SqsTagVerdicts(aws_emulator.sqs, queue_url).tell(verdict)
            (body,) = bodies(aws_emulator, queue_url)
            assert read_verdict(body) == verdict
            aws_emulator.sqs.purge_queue(QueueUrl=queue_url)

    def test_a_check_comes_only_after_the_tag_is_committed(
        self, aws_emulator: Emulator, queue_url: str
    ) -> None:
        SqsTagChecks(aws_emulator.sqs, queue_url).ask(TagCheck("c", TAG_URL))  # type: ignore[arg-type]
        assert bodies(aws_emulator, queue_url) == []
