"""`ports.CreativeValidation`: one verdict per upload, repeats change nothing."""

import pytest

from ctv_ads.domain.creative import Creative, CreativeStatus
from ctv_ads.domain.ids import CreativeId
from ctv_ads.domain.media import Rejection, RejectionCode
from tests.builders import NOON, Tenant, a_creative_draft, media_facts
from tests.worlds import World

TOO_SHORT = Rejection(RejectionCode.TOO_SHORT, "The file is 0.5 s long.")


def a_waiting_creative(world: World) -> tuple[Tenant, Creative]:
    tenant = world.a_tenant()
    draft = a_creative_draft(world.a_campaign(tenant).campaign_id)
    return tenant, world.a_creative(tenant, draft)


def stored(world: World, tenant: Tenant, creative: Creative) -> Creative:
    with world.stores.transaction(tenant.caller) as store:
        return store.creatives.get(creative.creative_id)


def accept(world: World, creative: Creative) -> bool:
    return world.validation.accept(
        creative.creative_id, media_facts(), media_key="x/video.mp4", now=NOON
    )


class CreativeValidationContract:
    """Every implementation of `CreativeValidation` keeps these promises."""

    def test_a_waiting_creative_starts_as_often_as_it_is_asked(self, world: World) -> None:
        _, creative = a_waiting_creative(world)
        for _ in range(2):
            started = world.validation.start(creative.creative_id)
            assert started is not None
            assert started.status is CreativeStatus.VALIDATING

    def test_accepted_means_ready_with_its_facts(self, world: World) -> None:
        tenant, creative = a_waiting_creative(world)
        world.validation.start(creative.creative_id)
        assert accept(world, creative)
        ready = stored(world, tenant, creative)
        assert ready.status is CreativeStatus.READY
        assert (ready.facts, ready.media_key) == (media_facts(), "x/video.mp4")
        assert ready.updated_at == NOON

    def test_rejected_means_rejected_with_every_reason(self, world: World) -> None:
        tenant, creative = a_waiting_creative(world)
        world.validation.start(creative.creative_id)
        reasons = (TOO_SHORT, Rejection(RejectionCode.TRUNCATED, "It ends early."))
        assert world.validation.reject(creative.creative_id, reasons, now=NOON)
        rejected = stored(world, tenant, creative)
        assert (rejected.status, rejected.rejections) == (CreativeStatus.REJECTED, reasons)
        assert rejected.facts is None

    def test_a_verdict_needs_a_start(self, world: World) -> None:
        tenant, creative = a_waiting_creative(world)
        assert not accept(world, creative)
        assert not world.validation.reject(creative.creative_id, [TOO_SHORT], now=NOON)
        assert stored(world, tenant, creative).status is CreativeStatus.UPLOADING

    def test_the_first_verdict_stands(self, world: World) -> None:
        tenant, creative = a_waiting_creative(world)
        world.validation.start(creative.creative_id)
        accept(world, creative)
        assert not world.validation.reject(creative.creative_id, [TOO_SHORT], now=NOON)
        assert not accept(world, creative)
        assert world.validation.start(creative.creative_id) is None
        assert stored(world, tenant, creative).status is CreativeStatus.READY

    def test_a_deleted_creative_waits_for_nothing(self, world: World) -> None:
        tenant, creative = a_waiting_creative(world)
        world.validation.start(creative.creative_id)
        with world.stores.transaction(tenant.caller) as store:
            store.creatives.delete(creative.creative_id, NOON)
        assert not accept(world, creative)
        assert world.validation.start(creative.creative_id) is None

    @pytest.mark.parametrize(
        "unknown", ["01a20626-e06b-7027-a8ba-5ebc8f6a5d40", "../../etc/passwd", "", "x' OR 1=1"]
    )
    def test_nobody_waits_by_an_unknown_id(self, world: World, unknown: str) -> None:
        assert world.validation.start(CreativeId(unknown)) is None


class TestPostgresCreativeValidation(CreativeValidationContract):
    @pytest.fixture
    def world(self, postgres_of_session: World) -> World:
        return postgres_of_session
