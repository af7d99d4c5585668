"""What was published is kept in S3, whole, for as long as decisions are explained."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
import redis

from ctv_ads.adapters.aws.inventory_history import WRITTEN_AGAIN_AFTER, S3InventoryHistory
from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.inventory_histories import InventoryHistories
from ctv_ads.adapters.valkey.inventory_store import ValkeyInventoryStore
from ctv_ads.adapters.valkey.snapshot import decode_root
from ctv_ads.domain.ids import OrganizationId
from ctv_ads.errors import DependencyUnavailableError, SnapshotCorruptError
from local.emulator import Emulator
from local.valkey import ValkeyServer
from tests.builders import a_servable_line_item, an_inventory


@dataclass(slots=True)
class Kept:
    """A store and a bucket for its history."""

    store: ValkeyInventoryStore
    client: redis.Redis
    emulator: Emulator
    bucket: str

    def history(self) -> S3InventoryHistory:
        return S3InventoryHistory(self.emulator.s3, self.bucket)

    def objects(self) -> dict[str, datetime]:
        found = self.emulator.s3.list_objects_v2(Bucket=self.bucket).get("Contents", [])
        return {item["Key"]: item["LastModified"] for item in found}


@pytest.fixture
def kept(valkey_server: ValkeyServer, aws_emulator: Emulator) -> Iterator[Kept]:
    bucket = f"history-{new_id()}"
    aws_emulator.s3.create_bucket(Bucket=bucket)
    with redis.Redis.from_url(valkey_server.url) as client:
        client.flushall()
        yield Kept(ValkeyInventoryStore(client), client, aws_emulator, bucket)


def test_a_version_is_read_back_when_valkey_has_let_go_of_it(kept: Kept) -> None:
    inventory = an_inventory(*(a_servable_line_item() for _ in range(3)))
    version = kept.store.publish(inventory)
    kept.history().keep(version, kept.store, now=datetime.now(UTC))
    kept.client.flushall()
    past = kept.history().load(version)
    assert past is not None
    assert (past.snapshot.version, past.snapshot.placements) == (version, inventory.placements)
    ((organization_id, items),) = inventory.line_items.items()
    served = past.line_items(organization_id).line_items()
    assert {item.line_item_id for item in served} == {item.line_item_id for item in items}
    assert past.line_items(OrganizationId(new_id())).line_items() == []


def test_of_several_histories_the_first_that_keeps_a_version_tells(kept: Kept) -> None:
    version = kept.store.publish(an_inventory(a_servable_line_item()))
    (empty, full) = S3InventoryHistory(kept.emulator.s3, kept.bucket), kept.history()
    histories = InventoryHistories([empty, full])
    assert histories.load(version) is None
    full.keep(version, kept.store, now=datetime.now(UTC))
    past = histories.load(version)
    assert past is not None
    assert past.snapshot.version == version


def test_a_version_that_is_not_kept_is_none(kept: Kept) -> None:
    assert kept.history().load("0000000000000-0") is None


def test_what_is_kept_is_not_written_again(kept: Kept) -> None:
    version = kept.store.publish(an_inventory(a_servable_line_item()))
    history, now = kept.history(), datetime.now(UTC)
    history.keep(version, kept.store, now=now)
    kept.client.flushall()  # so that writing again would need what is gone
    for one in (history, kept.history()):
        one.keep(version, kept.store, now=now)
    assert len(kept.objects()) == 2


@pytest.mark.parametrize("is_new_process", [True, False])
def test_a_segment_still_in_use_is_written_again_before_it_is_deleted(
    kept: Kept, *, is_new_process: bool
) -> None:
    item = a_servable_line_item()
    first = an_inventory(item)
    history, now = kept.history(), datetime.now(UTC)
    history.keep(kept.store.publish(first), kept.store, now=now)
    segment = next(key for key in kept.objects() if key.startswith("segments/"))
    kept.emulator.s3.put_object(Bucket=kept.bucket, Key=segment, Body=b"an aged copy")
    second = an_inventory(item, built_at=first.built_at + timedelta(days=9))
    version = kept.store.publish(second)
    later = now + WRITTEN_AGAIN_AFTER + timedelta(minutes=1)
    (kept.history() if is_new_process else history).keep(version, kept.store, now=later)
    (names,) = decode_root(version, kept.store.root(version)).segments.values()
    assert kept.history().object(f"segments/{names.base}") == kept.store.segment(names.base)


def test_a_version_without_a_segment_is_told(kept: Kept) -> None:
    inventory = an_inventory(a_servable_line_item())
    version = kept.store.publish(inventory)
    kept.history().keep(version, kept.store, now=datetime.now(UTC))
    for key in kept.objects():
        if key.startswith("segments/"):
            kept.emulator.s3.delete_object(Bucket=kept.bucket, Key=key)
    past = kept.history().load(version)
    assert past is not None
    with pytest.raises(SnapshotCorruptError, match="not in the history"):
        past.line_items(next(iter(inventory.line_items)))


def test_what_valkey_has_lost_cannot_be_kept(kept: Kept) -> None:
    version = kept.store.publish(an_inventory(a_servable_line_item()))
    kept.client.flushall()
    with pytest.raises(SnapshotCorruptError, match="not there any more"):
        kept.history().keep(version, kept.store, now=datetime.now(UTC))
    assert kept.objects() == {}


def test_a_bucket_that_is_not_there_is_a_dependency_that_fails(kept: Kept) -> None:
    version = kept.store.publish(an_inventory())
    nowhere = S3InventoryHistory(kept.emulator.s3, f"nowhere-{new_id()}")
    with pytest.raises(DependencyUnavailableError, match="s3"):
        nowhere.keep(version, kept.store, now=datetime.now(UTC))
