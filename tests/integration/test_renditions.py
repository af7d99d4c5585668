"""Further files of a creative: held to its length, published with it, offered best first."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from ctv_ads.adapters.memory.queues import MemoryInventoryChanges
from ctv_ads.adapters.memory.uploads import MemoryUploads
from ctv_ads.adapters.valkey.inventory_store import ValkeyInventoryStore
from ctv_ads.domain.campaign import Campaign
from ctv_ads.domain.creative import (
    Creative,
    CreativeStatus,
    SoftFields,
    media_key,
    upload_key,
)
from ctv_ads.domain.ids import CampaignId, CreativeId
from ctv_ads.domain.inventory import ServableCreative
from ctv_ads.domain.line_item import CreativeAssignment
from ctv_ads.domain.media import MediaLimits, RejectionCode
from ctv_ads.ports.uploads import UploadedObject
from ctv_ads.use_cases.publish_inventory import PublishInventory
from ctv_ads.use_cases.validate_creative import ValidateCreative
from local.valkey import ValkeyServer
from tests.builders import NOON, Tenant, a_creative_draft, a_probe, media_facts
from tests.functions.explaining import Server, a_server
from tests.worlds import MEDIA_BASE_URL, World, creatives_of

_MEDIA = re.compile(r'bitrate="(\d+)"[^>]*><!\[CDATA\[([^]]+)\]')


@dataclass(slots=True)
class Shelf:
    """A campaign on air with one film of 5,000 kbit/s, and more files of it."""

    world: World
    tenant: Tenant
    campaign: Campaign
    film: Creative

    def announce(self) -> Creative:
        draft = a_creative_draft(self.campaign.campaign_id, size_bytes=9_375_000)
        return self.world.a_creative(
            self.tenant, replace(draft, rendition_of=self.film.creative_id)
        )

    def add(self, bitrate_kbps: int) -> CreativeId:
        made = self.announce()
        self.world.validation.start(made.creative_id)
        facts = replace(media_facts(), bitrate_kbps=bitrate_kbps, width_px=1280, height_px=720)
        key = media_key(made.creative_id)
        assert self.world.validation.accept(made.creative_id, facts, media_key=key, now=NOON)
        return made.creative_id

    def read(self, creative_id: CreativeId) -> Creative:
        with self.world.stores.transaction(self.tenant.caller) as store:
            return store.creatives.get(creative_id)

    def published(self) -> list[ServableCreative]:
        inventory = self.world.source.load(now=NOON)
        items = inventory.line_items.get(self.tenant.organization_id, ())
        return [creative for item in items for creative in item.creatives]

    def mark(self) -> int | None:
        reading = self.world.source.read({}, now=NOON, overlay_limit=10)
        found = reading.organizations.get(self.tenant.organization_id)
        return found.marks.get(self.campaign.line_items[0].line_item_id) if found else None


@pytest.fixture
def shelf(postgres_of_session: World) -> Shelf:
    world = postgres_of_session
    tenant = world.a_tenant()
    campaign = world.a_serving_campaign(tenant)
    with world.stores.transaction(tenant.caller) as store:
        (film,) = creatives_of(store, campaign.campaign_id)
    return Shelf(world, tenant, campaign, film)


@pytest.mark.parametrize(
    ("duration_ms", "verdict"),
    [
        (14_750, CreativeStatus.READY),
        (15_250, CreativeStatus.READY),
        (14_749, CreativeStatus.REJECTED),
        (15_251, CreativeStatus.REJECTED),
    ],
)
def test_a_rendition_is_as_long_as_its_film(
    shelf: Shelf, duration_ms: int, verdict: CreativeStatus
) -> None:
    made, uploads, changes = shelf.announce(), MemoryUploads(), MemoryInventoryChanges()
    judge = ValidateCreative(
        shelf.world.validation, uploads, changes, MediaLimits(10**8, 60_000), lambda: NOON
    )
    key, content = upload_key(made.creative_id), b"a film"
    stored = uploads.put(key, content, a_probe(duration_ms=duration_ms))
    upload = UploadedObject(key, stored.etag, 9_375_000)
    assert judge(upload) is verdict
    seen = shelf.read(made.creative_id)
    codes = [reason.code for reason in seen.rejections]
    assert codes == ([] if verdict is CreativeStatus.READY else [RejectionCode.DURATION_MISMATCH])
    assert seen.rendition_of == shelf.film.creative_id


def test_renditions_are_published_with_their_film_the_lightest_describing_it(shelf: Shelf) -> None:
    before = shelf.mark()
    light, heavy = shelf.add(2_500), shelf.add(8_000)
    assert shelf.mark() != before
    (creative,) = shelf.published()
    assert creative.creative_id == shelf.film.creative_id, "a rendition does not rotate by itself"
    urls = {
        one: f"{MEDIA_BASE_URL}/{one}/video.mp4" for one in (light, heavy, creative.creative_id)
    }
    assert (creative.media_url, creative.bitrate_kbps) == (urls[light], 2_500)
    assert (creative.width_px, creative.height_px) == (1280, 720)
    assert [(one.url, one.bitrate_kbps) for one in creative.renditions] == [
        (urls[creative.creative_id], 5_000),
        (urls[heavy], 8_000),
    ]


def test_a_film_that_is_gone_takes_its_renditions_along(shelf: Shelf) -> None:
    rendition = shelf.add(2_500)
    with shelf.world.stores.transaction(shelf.tenant.caller) as store:
        soft = SoftFields(shelf.film.name)
        store.creatives.change(shelf.film.creative_id, soft, CreativeStatus.ARCHIVED, NOON)
    assert (shelf.published(), shelf.mark()) == ([], None)
    with shelf.world.stores.transaction(shelf.tenant.caller) as store:
        assert store.campaigns.ready_creatives(shelf.campaign.campaign_id) == 0
        store.creatives.delete(shelf.film.creative_id, NOON)
        left = creatives_of(store, shelf.campaign.campaign_id)
    assert rendition not in [one.creative_id for one in left]


def test_a_rendition_cannot_be_assigned(shelf: Shelf) -> None:
    rendition = shelf.add(2_500)
    wanted = [CreativeAssignment(creative_id=one) for one in (rendition, shelf.film.creative_id)]
    with shelf.world.stores.transaction(shelf.tenant.caller) as store:
        line_item = store.line_items.get(shelf.campaign.line_items[0].line_item_id)
        assert store.line_items.assign(line_item, wanted, NOON) == {rendition}


def test_a_copied_campaign_has_renditions_of_its_own_film(shelf: Shelf) -> None:
    shelf.add(2_500)
    copy = copied(shelf)
    with shelf.world.stores.transaction(shelf.tenant.caller) as store:
        found = creatives_of(store, copy)
    (film,) = [one for one in found if one.rendition_of is None]
    assert [one.rendition_of for one in found if one is not film] == [film.creative_id]
    assert film.creative_id != shelf.film.creative_id


def test_a_copy_leaves_out_renditions_of_a_film_that_is_not_copied(shelf: Shelf) -> None:
    shelf.add(2_500)
    with shelf.world.stores.transaction(shelf.tenant.caller) as store:
        soft = SoftFields(shelf.film.name)
        store.creatives.change(shelf.film.creative_id, soft, CreativeStatus.ARCHIVED, NOON)
    copy = copied(shelf)
    with shelf.world.stores.transaction(shelf.tenant.caller) as store:
        assert not creatives_of(store, copy)


@pytest.fixture
def server(valkey_server: ValkeyServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with a_server(valkey_server.url, monkeypatch) as server:
        yield server


@pytest.mark.parametrize(
    ("asked", "bitrates"),
    [
        ("", [8_000, 5_000, 2_500]),
        ("&max_bitrate_kbps=5000", [5_000, 2_500]),
        ("&max_bitrate_kbps=2500&mime=video/mp4", [2_500]),
        ("&max_bitrate_kbps=2499", []),
        ("&mime=video/webm", []),
    ],
)
def test_a_player_is_offered_what_it_accepts_best_first(
    shelf: Shelf, server: Server, asked: str, bitrates: list[int]
) -> None:
    for bitrate_kbps in (2_500, 8_000):
        shelf.add(bitrate_kbps)
    PublishInventory(shelf.world.source, ValkeyInventoryStore(server.client), lambda: NOON)()
    server.grant(shelf.campaign.line_items[0].line_item_id, 10**9)
    path = f"/api/v1/vast?placement={shelf.tenant.placement_key}{asked}"
    offered = _MEDIA.findall(server.answer(path)["body"])
    assert [int(bitrate) for bitrate, _ in offered] == bitrates
    assert len({url for _, url in offered}) == len(bitrates)


def copied(shelf: Shelf) -> CampaignId:
    with shelf.world.stores.transaction(shelf.tenant.caller) as store:
        return store.campaign_copies.copy(shelf.campaign.campaign_id, name="Copy", now=NOON)
