"""The purge as it ships: its handler, with the environment and the secrets that it gets."""

import json
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from botocore.stub import Stubber

from ctv_ads.adapters.aws.published_media import S3PublishedMedia
from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.memory.uploads import MediaFile, MemoryPublishedMedia
from ctv_ads.bootstrap import purge as composition
from ctv_ads.bootstrap import secrets
from ctv_ads.errors import DependencyUnavailableError
from ctv_ads.ports.purge import PublishedMedia
from functions.manifest import Need, function_named
from functions.platform import purge
from local.emulator import Emulator
from local.environment import function_environment, setting_values
from local.ports import Ports
from local.resources import MEDIA_BUCKET, create_resources, store_secrets
from local.secrets import DATABASE_SECRET_BY_NEED
from tests.worlds import World

FUNCTION = function_named("purge")


@pytest.fixture
def world(postgres_of_session: World) -> World:
    return postgres_of_session


@pytest.fixture
def deployed(
    world: World, aws_emulator: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[None]:
    """The environment that the local runner gives this function, and nothing else."""
    create_resources(aws_emulator)
    secret = DATABASE_SECRET_BY_NEED[Need.DATABASE_PIPELINE]
    store_secrets(aws_emulator, {secret: json.dumps(dict(world.schema.pipeline_secret))})
    values = setting_values(FUNCTION, ports=Ports(3000), emulator=aws_emulator, data_dir=tmp_path)
    environment = function_environment(
        FUNCTION, values=values, endpoint_url=aws_emulator.endpoint_url, outer={}
    )
    for name in os.environ:
        if name.startswith(("AWS_", "DATABASE_", "MEDIA_")):
            monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    caches = (composition.purge, secrets.secret_document, secrets.aws_identity)
    for cached in caches:
        cached.cache_clear()
    leftovers: Any = composition.purge().leftovers
    with closing(leftovers._database):
        yield
    for cached in caches:
        cached.cache_clear()


def test_it_runs_once_an_hour_as_the_pipelines_role_and_deletes_media_only() -> None:
    assert [schedule.every_minutes for schedule in FUNCTION.schedules] == [60]
    assert set(FUNCTION.needs) == {Need.DATABASE_PIPELINE, Need.MEDIA_DELETE}
    assert FUNCTION.routes == ()


@pytest.mark.usefixtures("deployed")
def test_rows_and_files_that_have_served_their_time_are_gone_after_a_run(
    world: World, aws_emulator: Emulator
) -> None:
    tenant = world.a_tenant()
    campaign = world.a_campaign(tenant)
    gone, kept = (world.a_ready_creative(tenant, campaign.campaign_id) for _ in range(2))
    for creative in (gone, kept):
        aws_emulator.s3.put_object(Bucket=MEDIA_BUCKET, Key=str(creative.media_key), Body=b"film")
    values: dict[str, Any] = {
        "id": gone.creative_id,
        "org": tenant.organization_id,
        "user": tenant.caller.user_id,
        "key": new_id(),
    }
    with psycopg.connect(world.schema.owner_dsn) as owner:
        owner.execute(
            "UPDATE creatives SET deleted_at = now() - interval '8 days' WHERE creative_id = %(id)s",
            values,
        )
        owner.execute(
            "INSERT INTO idempotency_keys (organization_id, user_id, key, request_fingerprint,"
            " created_at) VALUES (%(org)s, %(user)s, %(key)s, '', now() - interval '8 days')",
            values,
        )
    removed = purge.lambda_handler({"detail-type": "Scheduled Event"}, None)  # type: ignore[arg-type]
    assert (removed["idempotency_keys"], removed["media_files"]) == (1, 1)
    listed = aws_emulator.s3.list_objects_v2(Bucket=MEDIA_BUCKET).get("Contents", [])
    keys = {item["Key"] for item in listed}
    assert kept.media_key in keys
    assert gone.media_key not in keys
    again = purge.lambda_handler({"detail-type": "Scheduled Event"}, None)  # type: ignore[arg-type]
    assert set(again.values()) == {0}


class PublishedMediaContract:
    """Every implementation of `PublishedMedia` keeps these promises."""

    def test_the_files_named_are_gone_and_no_others(
        self, media: PublishedMedia, found: Any
    ) -> None:
        media.remove(["a/video.mp4", "c/video.mp4"])
        assert found() == {"b/video.mp4"}

    def test_one_that_is_gone_already_is_no_error(self, media: PublishedMedia, found: Any) -> None:
        media.remove(["a/video.mp4"])
        media.remove(["a/video.mp4", "nobody/video.mp4"])
        assert found() == {"b/video.mp4", "c/video.mp4"}


class TestMemoryPublishedMedia(PublishedMediaContract):
    @pytest.fixture
    def files(self) -> dict[str, MediaFile]:
        return {f"{name}/video.mp4": MediaFile(b"film", "video/mp4") for name in "abc"}

    @pytest.fixture
    def media(self, files: dict[str, MediaFile]) -> PublishedMedia:
        return MemoryPublishedMedia(files)

    @pytest.fixture
    def found(self, files: dict[str, MediaFile]) -> Any:
        return lambda: set(files)


class TestS3PublishedMedia(PublishedMediaContract):
    @pytest.fixture
    def bucket(self, aws_emulator: Emulator) -> str:
        name = f"media-{new_id()}"
        aws_emulator.s3.create_bucket(Bucket=name)
        for each in "abc":
            aws_emulator.s3.put_object(Bucket=name, Key=f"{each}/video.mp4", Body=b"film")
        return name

    @pytest.fixture
    def media(self, aws_emulator: Emulator, bucket: str) -> PublishedMedia:
        return S3PublishedMedia(aws_emulator.s3, bucket)

    @pytest.fixture
    def found(self, aws_emulator: Emulator, bucket: str) -> Any:
        def keys() -> set[str]:
            listed = aws_emulator.s3.list_objects_v2(Bucket=bucket)
            return {item["Key"] for item in listed.get("Contents", [])}

        return keys

    def test_a_bucket_that_is_not_there_is_a_fault_of_s3(self, aws_emulator: Emulator) -> None:
        with pytest.raises(DependencyUnavailableError, match="s3"):
            S3PublishedMedia(aws_emulator.s3, f"nowhere-{new_id()}").remove(["a"])

    def test_a_file_that_s3_keeps_is_named(self, aws_emulator: Emulator) -> None:
        # The emulator refuses no single file, so its answer is S3's as documented.
        with Stubber(aws_emulator.s3) as stubber:
            kept = [{"Key": "a", "Code": "AccessDenied"}]
            stubber.add_response("delete_objects", {"Errors": kept})
            with pytest.raises(DependencyUnavailableError, match="a: AccessDenied"):
                S3PublishedMedia(aws_emulator.s3, "media").remove(["a"])
