"""An object in S3 as a file: by ranges, one version, few bytes."""

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.config import Config

from ctv_ads.adapters.aws.object_reader import BLOCK_BYTES, ObjectChangedError, ObjectReader
from ctv_ads.adapters.media_info import probe_media
from ctv_ads.errors import DependencyUnavailableError
from local.emulator import Emulator
from local.ports import free_port
from tests import media

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "object-reader"
CONTENT = bytes(i % 253 for i in range(2 * BLOCK_BYTES + 1000))


@pytest.fixture(scope="module")
def s3(aws_emulator: Emulator) -> Iterator["S3Client"]:
    client = aws_emulator.s3
    client.create_bucket(Bucket=BUCKET)
    yield client
    client.close()


def uploaded(s3: "S3Client", key: str, content: bytes) -> ObjectReader:
    etag = s3.put_object(Bucket=BUCKET, Key=key, Body=content)["ETag"]
    return ObjectReader(s3, BUCKET, key, size_bytes=len(content), etag=etag)


def test_the_whole_object_is_read(s3: "S3Client") -> None:
    reader = uploaded(s3, "whole", CONTENT)
    assert reader.read() == CONTENT
    assert reader.read(1) == b""
    assert (reader.requests, reader.bytes_fetched) == (3, len(CONTENT))


def test_a_read_may_cross_blocks(s3: "S3Client") -> None:
    reader = uploaded(s3, "crossing", CONTENT)
    reader.seek(BLOCK_BYTES - 10)
    assert reader.read(20) == CONTENT[BLOCK_BYTES - 10 : BLOCK_BYTES + 10]
    assert reader.tell() == BLOCK_BYTES + 10
    assert reader.requests == 2


def test_a_block_is_fetched_once(s3: "S3Client") -> None:
    reader = uploaded(s3, "once", CONTENT)
    for place in (5, 70_000, 5):
        reader.seek(place)
        assert reader.read(100) == CONTENT[place : place + 100]
    assert (reader.requests, reader.bytes_fetched) == (1, BLOCK_BYTES)


def test_opening_and_moving_ask_for_nothing(s3: "S3Client") -> None:
    reader = uploaded(s3, "moving", CONTENT)
    assert reader.seek(-10, io.SEEK_END) == len(CONTENT) - 10
    assert reader.seek(4, io.SEEK_CUR) == len(CONTENT) - 6
    assert reader.seek(len(CONTENT) + 5) == len(CONTENT) + 5
    assert reader.read(5) == b""
    with pytest.raises(ValueError, match="negative seek position -1"):
        reader.seek(-1)
    assert reader.requests == 0


def test_it_is_a_file_as_python_knows_files(s3: "S3Client") -> None:
    with io.BufferedReader(uploaded(s3, "file", CONTENT)) as file:
        assert file.readable()
        assert file.seekable()
        assert file.read(300_000) == CONTENT[:300_000]


def test_the_least_used_block_is_forgotten_first(
    s3: "S3Client", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ctv_ads.adapters.aws.object_reader._BLOCKS_KEPT", 2)
    reader = uploaded(s3, "forgotten", CONTENT)
    for block in (0, 1, 0, 2, 0, 1):
        reader.seek(block * BLOCK_BYTES)
        reader.read(1)
    assert reader.requests == 4


def test_the_etag_may_come_without_its_quotation_marks(s3: "S3Client") -> None:
    # EventBridge sends it bare, S3 itself quoted.
    etag = s3.put_object(Bucket=BUCKET, Key="bare", Body=b"abc")["ETag"].strip('"')
    assert ObjectReader(s3, BUCKET, "bare", size_bytes=3, etag=etag).read() == b"abc"


def test_a_replaced_object_is_not_read(s3: "S3Client") -> None:
    reader = uploaded(s3, "replaced", CONTENT)
    assert reader.read(10) == CONTENT[:10]
    s3.put_object(Bucket=BUCKET, Key="replaced", Body=CONTENT[::-1])
    reader.seek(BLOCK_BYTES)
    with pytest.raises(ObjectChangedError, match="object-reader/replaced was replaced or deleted"):
        reader.read(10)


def test_a_deleted_object_is_not_read(s3: "S3Client") -> None:
    reader = uploaded(s3, "deleted", CONTENT)
    s3.delete_object(Bucket=BUCKET, Key="deleted")
    with pytest.raises(ObjectChangedError):
        reader.read(10)


def test_another_refusal_is_the_operators_business(s3: "S3Client") -> None:
    # The range starts behind the object's end, because its size was given wrong.
    reader = uploaded(s3, "refused", b"abc")
    wrong = ObjectReader(s3, BUCKET, "refused", size_bytes=2 * BLOCK_BYTES, etag=reader._etag)
    wrong.seek(BLOCK_BYTES)
    with pytest.raises(DependencyUnavailableError, match="s3: "):
        wrong.read(1)


def test_fewer_bytes_than_asked_for_are_an_error(s3: "S3Client") -> None:
    reader = uploaded(s3, "fewer", b"abc")
    wrong = ObjectReader(s3, BUCKET, "fewer", size_bytes=10, etag=reader._etag)
    with pytest.raises(DependencyUnavailableError, match="gave 3 bytes for 0-9"):
        wrong.read()


def test_an_s3_that_does_not_answer_is_the_operators_business() -> None:
    client = boto3.client(
        "s3",
        region_name="us-east-1",
        endpoint_url=f"http://127.0.0.1:{free_port()}",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(connect_timeout=1, retries={"total_max_attempts": 1}),
    )
    with pytest.raises(DependencyUnavailableError, match="Could not connect"):
        ObjectReader(client, BUCKET, "any", size_bytes=3, etag="abc").read()
    client.close()


@pytest.mark.parametrize("index_first", [True, False])
def test_probing_a_large_upload_fetches_a_small_part(s3: "S3Client", *, index_first: bool) -> None:
    content = media.large_mp4(index_first=index_first).read_bytes()
    reader = uploaded(s3, f"large-{index_first}.mp4", content)
    found = probe_media(reader, size_bytes=len(content))
    assert (found.duration_ms, found.is_truncated) == (16_000, False)
    assert len(content) > 15_000_000
    assert reader.bytes_fetched < 1_100_000
    assert reader.requests <= 4


def test_a_replacement_while_probing_is_seen(s3: "S3Client") -> None:
    reader = uploaded(s3, "probed.mp4", media.good_mp4().read_bytes())
    s3.put_object(Bucket=BUCKET, Key="probed.mp4", Body=b"another")
    with pytest.raises(ObjectChangedError):
        probe_media(reader, size_bytes=reader._size_bytes)
