"""`ports.MultipartUploads` and previews: files in parts on the emulator, by real PUTs."""

import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from botocore.config import Config

from ctv_ads.adapters.aws.multipart_uploads import (
    MOST_PARTS,
    SMALLEST_PART_BYTES,
    S3MultipartUploads,
)
from ctv_ads.adapters.aws.upload_forms import S3UploadForms
from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.memory.uploads import MemoryMultipartUploads, MemoryUploadForms
from ctv_ads.errors import ConflictError, DependencyUnavailableError, InvalidRequestError
from ctv_ads.ports.uploads import MultipartUpload, MultipartUploads, SentPart
from local.emulator import REGION, Emulator

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEY = "creatives/1"
SIZE = 2 * SMALLEST_PART_BYTES + 3
FILE = bytes(range(251)) * (SIZE // 251 + 1)


def started(uploads: MultipartUploads, key: str = KEY) -> MultipartUpload:
    return uploads.start(key, content_type="video/mp4", size_bytes=SIZE)


def parts_of(upload: MultipartUpload) -> list[SentPart]:
    return [SentPart(part.part_number, '"e"') for part in upload.parts]


class MultipartUploadsContract:
    """Every implementation of `MultipartUploads` keeps these promises."""

    def send(self, upload: MultipartUpload) -> list[SentPart]:
        return parts_of(upload)

    def test_there_are_as_many_parts_as_the_size_needs(self, uploads: MultipartUploads) -> None:
        upload = started(uploads)
        assert upload.part_size_bytes == SMALLEST_PART_BYTES
        assert [part.part_number for part in upload.parts] == [1, 2, 3]
        assert len({part.url for part in upload.parts}) == 3

    def test_completing_it_again_is_no_more_than_a_conflict(
        self, uploads: MultipartUploads
    ) -> None:
        upload = started(uploads)
        sent = self.send(upload)
        uploads.complete(KEY, upload.upload_id, sent)
        with suppress(ConflictError):  # S3 itself takes it again for a while
            uploads.complete(KEY, upload.upload_id, sent)

    def test_an_aborted_upload_is_over_and_may_be_aborted_again(
        self, uploads: MultipartUploads
    ) -> None:
        upload = started(uploads)
        for _ in range(2):
            uploads.abort(KEY, upload.upload_id)
        with pytest.raises(ConflictError):
            uploads.complete(KEY, upload.upload_id, parts_of(upload))


class TestMemoryMultipartUploads(MultipartUploadsContract):
    @pytest.fixture
    def uploads(self) -> MultipartUploads:
        return MemoryMultipartUploads()

    def test_parts_in_disorder_are_refused(self, uploads: MultipartUploads) -> None:
        upload = started(uploads)
        with pytest.raises(InvalidRequestError):
            uploads.complete(KEY, upload.upload_id, parts_of(upload)[::-1])


@dataclass(frozen=True, slots=True)
class Bucket:
    emulator: Emulator
    name: str
    s3: "S3Client"
    """As the product makes it: Signature V4, which alone signs lengths and response headers."""

    def uploads(self, part_size_bytes: int = SMALLEST_PART_BYTES) -> S3MultipartUploads:
        return S3MultipartUploads(
            self.s3, self.name, lifetime_s=60, part_size_bytes=part_size_bytes
        )


@pytest.fixture
def bucket(aws_emulator: Emulator) -> Bucket:
    name = f"uploads-{new_id()}"
    aws_emulator.s3.create_bucket(Bucket=name)
    s3 = boto3.client(
        "s3",
        endpoint_url=aws_emulator.endpoint_url,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(signature_version="s3v4", s3={"addressing_style": "virtual"}),
    )
    return Bucket(aws_emulator, name, s3)


class TestS3MultipartUploads(MultipartUploadsContract):
    @pytest.fixture
    def uploads(self, bucket: Bucket) -> MultipartUploads:
        return bucket.uploads()

    def send(self, upload: MultipartUpload) -> list[SentPart]:
        size = upload.part_size_bytes
        return [
            SentPart(part.part_number, put(part.url, FILE[:SIZE][start : start + size]))
            for part, start in zip(upload.parts, range(0, SIZE, size), strict=True)
        ]

    def test_the_file_arrives_whole_under_its_type(
        self, uploads: MultipartUploads, bucket: Bucket
    ) -> None:
        upload = started(uploads)
        uploads.complete(KEY, upload.upload_id, self.send(upload))
        stored = bucket.emulator.s3.get_object(Bucket=bucket.name, Key=KEY)
        assert stored["Body"].read() == FILE[:SIZE]
        assert stored["ContentType"] == "video/mp4"

    def test_a_part_takes_its_own_number_of_bytes(self, uploads: MultipartUploads) -> None:
        for part in started(uploads).parts:
            signed = parse_qs(urlsplit(part.url).query)["X-Amz-SignedHeaders"]
            assert "content-length" in signed[0].split(";")

    @pytest.mark.parametrize("length", [0, SMALLEST_PART_BYTES - 1, SMALLEST_PART_BYTES + 1])
    def test_a_part_of_another_length_is_refused(
        self, uploads: MultipartUploads, length: int
    ) -> None:
        part = started(uploads).parts[0]
        with pytest.raises(urllib.error.HTTPError) as refused:
            put(part.url, FILE[:length])
        with refused.value as answer:
            assert answer.code == 403

    def test_parts_that_were_not_sent_are_refused(self, uploads: MultipartUploads) -> None:
        upload = started(uploads)
        with pytest.raises(InvalidRequestError):
            uploads.complete(KEY, upload.upload_id, [SentPart(1, '"' + "0" * 32 + '"')])

    def test_the_largest_file_has_no_more_parts_than_an_answer_can_list(
        self, bucket: Bucket
    ) -> None:
        uploads = bucket.uploads()
        upload = uploads.start(KEY, content_type="video/mp4", size_bytes=5 * 1024**3)
        assert len(upload.parts) <= MOST_PARTS
        assert sum(len(part.url) for part in upload.parts) < 1_000_000
        uploads.abort(KEY, upload.upload_id)

    def test_a_part_is_never_smaller_than_s3_takes(self, bucket: Bucket) -> None:
        upload = started(bucket.uploads(part_size_bytes=1))
        assert upload.part_size_bytes == SMALLEST_PART_BYTES

    def test_a_missing_bucket_is_told_as_unavailable(self, aws_emulator: Emulator) -> None:
        uploads = S3MultipartUploads(aws_emulator.s3, "none", lifetime_s=1, part_size_bytes=1)
        with pytest.raises(DependencyUnavailableError):
            started(uploads)


class TestPreview:
    def test_what_has_arrived_is_shown_as_a_video_whatever_it_is(self, bucket: Bucket) -> None:
        forms = S3UploadForms(bucket.s3, bucket.name, lifetime_s=60)
        assert forms.preview(KEY, content_type="video/mp4", lifetime_s=60) is None
        bucket.emulator.s3.put_object(
            Bucket=bucket.name, Key=KEY, Body=b"<script>", ContentType="text/html"
        )
        url = forms.preview(KEY, content_type="video/mp4", lifetime_s=60)
        assert url is not None
        with urllib.request.urlopen(url, timeout=10) as response:  # noqa: S310 - the emulator
            assert response.headers["Content-Type"] == "video/mp4"
            assert response.read() == b"<script>"

    def test_the_twin_knows_what_has_arrived(self) -> None:
        forms = MemoryUploadForms()
        assert forms.preview(KEY, content_type="video/mp4", lifetime_s=60) is None
        forms.arrived.add(KEY)
        assert forms.preview(KEY, content_type="video/mp4", lifetime_s=60)


def put(url: str, content: bytes) -> str:
    request = urllib.request.Request(url, data=content, method="PUT")  # noqa: S310
    with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310 - the emulator
        return str(response.headers["ETag"])
