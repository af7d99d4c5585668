"""What queues and schedules trigger: good messages count once, bad ones fail alone."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from ctv_ads.adapters.memory.queues import MemoryInventoryChanges
from ctv_ads.adapters.memory.uploads import MemoryUploads
from ctv_ads.domain.creative import Creative, CreativeStatus, upload_key
from ctv_ads.domain.media import MediaLimits, MediaProbe
from ctv_ads.errors import DependencyUnavailableError
from ctv_ads.use_cases.validate_creative import ValidateCreative
from functions.creatives import on_upload
from tests.builders import (
    NOON,
    Tenant,
    a_creative_draft,
    a_probe,
)
from tests.functions.recorded import failures, recorded, sqs_event
from tests.worlds import World

CONTEXT: Any = object()


@pytest.fixture
def world(postgres_of_session: World) -> World:
    return postgres_of_session


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
