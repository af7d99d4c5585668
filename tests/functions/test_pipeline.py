"""What queues and schedules trigger: good messages count once, bad ones fail alone."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from ctv_ads.adapters.aws.beacon_form import encode_beacon
from ctv_ads.adapters.aws.decision_messages import encode_decisions
from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.memory.queues import MemoryInventoryChanges
from ctv_ads.adapters.memory.uploads import MemoryUploads
from ctv_ads.adapters.postgres.delivery_counts import PostgresDecisionCounts
from ctv_ads.adapters.postgres.refused_messages import PostgresRefusedMessages
from ctv_ads.domain.creative import Creative, CreativeStatus, upload_key
from ctv_ads.domain.delivery import DecidedCounts, DecidedRow
from ctv_ads.domain.media import MediaLimits, MediaProbe
from ctv_ads.errors import DependencyUnavailableError
from ctv_ads.use_cases.validate_creative import ValidateCreative
from functions.creatives import on_upload
from functions.impressions import consumer
from tests.builders import (
    NOON,
    PRICE_MICROS,
    Tenant,
    a_beacon,
    a_campaign_draft,
    a_creative_draft,
    a_probe,
    some_claims,
)
from tests.functions.recorded import failures, recorded, sqs_event
from tests.worlds import World

CONTEXT: Any = object()


@pytest.fixture
def world(postgres_of_session: World) -> World:
    return postgres_of_session


class DownLedger:
    def record(self, beacons: Any) -> None:
        raise DependencyUnavailableError("postgresql", "Connection refused")


class TestConsumer:
    """`functions/impressions/consumer.py`."""

    @pytest.fixture(autouse=True)
    def _ledger(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(consumer, "beacon_ledger", lambda: world.ledger)
        counts = PostgresDecisionCounts(world.pipeline)
        monkeypatch.setattr(consumer, "decision_counts", lambda: counts)
        refused = PostgresRefusedMessages(world.pipeline)
        monkeypatch.setattr(consumer, "refused_messages", lambda: refused)

    def test_the_same_impression_fifty_times_is_billed_once(self, world: World) -> None:
        tenant = world.a_tenant()
        campaign = world.a_serving_campaign(tenant)
        line_item_id = campaign.line_items[0].line_item_id
        body = encode_beacon(a_beacon(some_claims(line_item_id=line_item_id)))
        for event in (sqs_event(*[body] * 25), sqs_event(*[body] * 25)):
            assert failures(consumer.lambda_handler(event, CONTEXT)) == []
        billed = world.campaign(tenant, campaign.campaign_id).billed_micros
        assert billed == PRICE_MICROS

    @pytest.mark.parametrize(("affordable", "announced"), [(1, 1), (2, 0)])
    def test_a_budget_that_ends_stops_serving_at_once(
        self, world: World, monkeypatch: pytest.MonkeyPatch, affordable: int, announced: int
    ) -> None:
        changes = MemoryInventoryChanges()
        monkeypatch.setattr(consumer, "inventory_changes", lambda: changes)
        draft = a_campaign_draft(budget_micros=affordable * PRICE_MICROS)
        campaign = world.a_serving_campaign(world.a_tenant(), draft)
        claims = some_claims(line_item_id=campaign.line_items[0].line_item_id)
        assert (
            failures(consumer.lambda_handler(sqs_event(encode_beacon(a_beacon(claims))), CONTEXT))
            == []
        )
        assert len(changes.reasons) == announced

    def test_poison_fails_alone(self, world: World) -> None:
        tenant = world.a_tenant()
        campaign = world.a_serving_campaign(tenant)
        line_item_id = campaign.line_items[0].line_item_id
        good = [encode_beacon(a_beacon(some_claims(line_item_id=line_item_id))) for _ in range(2)]
        unknown = encode_beacon(a_beacon())
        event = sqs_event("{", good[0], unknown, "[" * 100_000, good[1], "", unknown)
        assert sorted(failures(consumer.lambda_handler(event, CONTEXT))) == [
            "m0",
            "m2",
            "m3",
            "m5",
            "m6",
        ]
        billed = world.campaign(tenant, campaign.campaign_id).billed_micros
        assert billed == 2 * PRICE_MICROS

    def test_counts_of_decisions_come_among_the_beacons_and_count_once(self, world: World) -> None:
        tenant = world.a_tenant()
        campaign = world.a_serving_campaign(tenant)
        row = DecidedRow(
            hour=NOON,
            placement_id=tenant.placement_id,
            line_item_id=campaign.line_items[0].line_item_id,
            ads_served=2,
        )
        decisions = encode_decisions(DecidedCounts(new_id(), (row,)))
        claims = some_claims(line_item_id=campaign.line_items[0].line_item_id)
        event = sqs_event(decisions, encode_beacon(a_beacon(claims)), '{"kind":"decisions"}')
        for _ in range(2):
            assert failures(consumer.lambda_handler(event, CONTEXT)) == ["m2"]
        with world.stores.transaction(tenant.caller) as store:
            totals = store.statistics.of_campaign(
                campaign.campaign_id, first_day=None, last_day=None
            ).totals
        assert (totals.ads_served, totals.impressions) == (2, 1)

    def test_why_a_message_was_refused_is_kept_by_its_id(self, world: World) -> None:
        event = sqs_event("{", encode_beacon(a_beacon()))
        poison, unknown = new_id(), new_id()
        event["Records"][0]["messageId"], event["Records"][1]["messageId"] = poison, unknown
        for _ in range(2):
            assert failures(consumer.lambda_handler(event, CONTEXT)) == [poison, unknown]
        reasons = PostgresRefusedMessages(world.pipeline).reasons([poison, unknown, new_id()])
        assert reasons.keys() == {poison, unknown}
        assert reasons[poison].startswith("not a beacon: ")
        assert reasons[unknown] == "it names a line item that does not exist"

    def test_a_batch_of_poison_is_not_asked_to_be_recorded(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(consumer, "beacon_ledger", DownLedger)
        assert failures(consumer.lambda_handler(sqs_event("{", "x"), CONTEXT)) == ["m0", "m1"]

    def test_without_a_database_the_whole_batch_comes_again(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(consumer, "beacon_ledger", DownLedger)
        event = sqs_event(encode_beacon(a_beacon()))
        with pytest.raises(DependencyUnavailableError):
            consumer.lambda_handler(event, CONTEXT)

    def test_logs_tell_figures_and_no_tokens(
        self, world: World, capsys: pytest.CaptureFixture[str]
    ) -> None:
        consumer.lambda_handler(sqs_event("a-secret-word"), CONTEXT)
        assert "a-secret-word" not in capsys.readouterr().out


class Studio:
    """Where uploads arrive and are judged."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.uploads = MemoryUploads()
        self.changes = MemoryInventoryChanges()
        self.judge = ValidateCreative(
            validation=world.validation,
            uploads=self.uploads,
            inventory_changes=self.changes,
            limits=MediaLimits(10_000_000, 60_000),
            clock=lambda: NOON,
        )

    def a_creative(self) -> tuple[Tenant, Creative]:
        tenant = self.world.a_tenant()
        campaign_id = self.world.a_campaign(tenant).campaign_id
        draft = a_creative_draft(campaign_id, size_bytes=len(b"a film"))
        return tenant, self.world.a_creative(tenant, draft)

    def upload(self, key: str, probe: MediaProbe, content: bytes = b"a film") -> str:
        """Let a file arrive and return the message that tells of it."""
        stored = self.uploads.put(key, content, probe)
        return self.message(key, stored.etag, stored.size_bytes)

    def message(self, key: str, etag: str, size_bytes: int) -> str:
        event = recorded("s3_object_created")
        event["detail"]["object"] |= {"key": key, "etag": etag, "size": size_bytes}
        return json.dumps(event)

    def status(self, tenant: Tenant, creative: Creative) -> CreativeStatus:
        with self.world.stores.transaction(tenant.caller) as store:
            return store.creatives.get(creative.creative_id).status


class TestOnUpload:
    """`functions/creatives/on_upload.py`."""

    @pytest.fixture
    def studio(self, world: World, monkeypatch: pytest.MonkeyPatch) -> Studio:
        studio = Studio(world)
        monkeypatch.setattr(on_upload, "creative_validation", lambda: studio.judge)
        return studio

    def run(self, *messages: str) -> list[str]:
        return failures(on_upload.lambda_handler(sqs_event(*messages), CONTEXT))

    def test_a_good_film_becomes_ready_and_is_served_and_announced(self, studio: Studio) -> None:
        tenant, creative = studio.a_creative()
        assert self.run(studio.upload(upload_key(creative.creative_id), a_probe())) == []
        assert studio.status(tenant, creative) is CreativeStatus.READY
        assert studio.uploads.media[f"{creative.creative_id}/video.mp4"].content == b"a film"
        assert studio.changes.reasons == [f"creative {creative.creative_id} is ready"]

    def test_a_repeat_changes_nothing(self, studio: Studio) -> None:
        _, creative = studio.a_creative()
        message = studio.upload(upload_key(creative.creative_id), a_probe())
        assert self.run(message, message) == []
        assert self.run(message) == []
        assert len(studio.changes.reasons) == 1

    def test_a_second_file_under_the_same_form_changes_nothing(self, studio: Studio) -> None:
        tenant, creative = studio.a_creative()
        key = upload_key(creative.creative_id)
        self.run(studio.upload(key, a_probe()))
        assert self.run(studio.upload(key, a_probe(container=None), b"another")) == []
        assert studio.status(tenant, creative) is CreativeStatus.READY
        assert studio.uploads.media[f"{creative.creative_id}/video.mp4"].content == b"a film"

    @pytest.mark.parametrize(
        ("probe", "reason"),
        [
            (MediaProbe(size_bytes=7), "not_a_video"),
            (MediaProbe(size_bytes=0), "not_a_video"),
            (MediaProbe(size_bytes=9, container="mp4", is_truncated=True), "truncated"),
            (a_probe(size_bytes=10_000_001), "too_large"),
            (a_probe(duration_ms=60_001), "too_long"),
            (a_probe(container="webm"), "unsupported_container"),
        ],
    )
    def test_an_unfit_file_is_rejected_with_its_reason_and_served_nowhere(
        self, studio: Studio, probe: MediaProbe, reason: str
    ) -> None:
        tenant, creative = studio.a_creative()
        assert self.run(studio.upload(upload_key(creative.creative_id), probe)) == []
        with studio.world.stores.transaction(tenant.caller) as store:
            judged = store.creatives.get(creative.creative_id)
        assert judged.status is CreativeStatus.REJECTED
        assert reason in {rejection.code for rejection in judged.rejections}
        assert studio.uploads.media == {}
        assert studio.changes.reasons == []

    @pytest.mark.parametrize(
        "key",
        [
            "creatives/01a20626-e06b-7027-a8ba-5ebc8f6a5d40",
            "creatives/",
            "x",
            "",
            "creatives/../x",
            "media/1/a.mp4",
        ],
    )
    def test_a_file_that_is_nobodys_is_left_alone(self, studio: Studio, key: str) -> None:
        assert self.run(studio.upload(key, a_probe())) == []
        assert studio.uploads.media == {}

    def test_a_file_that_was_replaced_is_left_to_its_successor(self, studio: Studio) -> None:
        tenant, creative = studio.a_creative()
        key = upload_key(creative.creative_id)
        first = studio.upload(key, a_probe())
        second = studio.upload(key, a_probe(), b"recut!")
        assert self.run(first) == []
        assert studio.status(tenant, creative) is CreativeStatus.VALIDATING
        assert self.run(second) == []
        assert studio.status(tenant, creative) is CreativeStatus.READY
        assert studio.uploads.media[f"{creative.creative_id}/video.mp4"].content == b"recut!"

    def test_a_deleted_creative_is_not_judged(self, studio: Studio) -> None:
        tenant, creative = studio.a_creative()
        message = studio.upload(upload_key(creative.creative_id), a_probe())
        with studio.world.stores.transaction(tenant.caller) as store:
            store.creatives.delete(creative.creative_id, NOON)
        assert self.run(message) == []
        assert studio.uploads.media == {}

    def test_poison_fails_alone(self, studio: Studio) -> None:
        tenant, creative = studio.a_creative()
        good = studio.upload(upload_key(creative.creative_id), a_probe())
        assert self.run("{", good, "{}", "[]", '"text"') == ["m0", "m2", "m3", "m4"]
        assert studio.status(tenant, creative) is CreativeStatus.READY

    def test_a_crash_before_the_verdict_is_mended_by_the_repeat(
        self, studio: Studio, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tenant, creative = studio.a_creative()
        message = studio.upload(upload_key(creative.creative_id), a_probe())

        def down(*_: object, **__: object) -> bool:
            raise DependencyUnavailableError("postgresql", "Connection refused")

        with monkeypatch.context() as patch:
            patch.setattr(studio.world.validation, "accept", down)
            assert self.run(message) == ["m0"]
        assert studio.status(tenant, creative) is CreativeStatus.VALIDATING
        assert self.run(message) == []
        assert studio.status(tenant, creative) is CreativeStatus.READY

    def test_the_clock_of_a_verdict_is_ours(self, studio: Studio) -> None:
        tenant, creative = studio.a_creative()
        self.run(studio.upload(upload_key(creative.creative_id), a_probe()))
        with studio.world.stores.transaction(tenant.caller) as store:
            assert store.creatives.get(creative.creative_id).updated_at == datetime(
                2026, 11, 23, 12, tzinfo=UTC
            )
