"""`ports.UploadForms` and `ports.UploadedMedia`: how files come in and where they go."""

import base64
import hashlib
import json
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from ctv_ads.adapters.aws.upload_forms import S3UploadForms
from ctv_ads.adapters.aws.uploaded_media import S3UploadedMedia
from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.memory.uploads import MemoryUploadForms, MemoryUploads
from ctv_ads.domain.media import MediaProbe
from ctv_ads.errors import DependencyUnavailableError, UploadGoneError
from ctv_ads.ports.uploads import UploadedMedia, UploadedObject, UploadForm, UploadForms
from local.emulator import Emulator

NO_VIDEO = b"this is no video, only text " * 40
NO_VIDEO_PROBE = MediaProbe(size_bytes=len(NO_VIDEO))


class UploadFormsContract:
    """Every implementation of `UploadForms` keeps these promises."""

    def test_a_form_names_key_and_type(self, forms: UploadForms) -> None:
        form = forms.presign("creatives/1", content_type="video/mp4", size_bytes=10)
        assert form.url
        assert (form.fields["key"], form.fields["Content-Type"]) == ("creatives/1", "video/mp4")


class TestMemoryUploadForms(UploadFormsContract):
    @pytest.fixture
    def forms(self) -> UploadForms:
        return MemoryUploadForms()


class TestS3UploadForms(UploadFormsContract):
    @pytest.fixture
    def bucket(self, aws_emulator: Emulator) -> str:
        name = f"uploads-{new_id()}"
        aws_emulator.s3.create_bucket(Bucket=name)
        return name

    @pytest.fixture
    def forms(self, aws_emulator: Emulator, bucket: str) -> UploadForms:
        return S3UploadForms(aws_emulator.s3, bucket, lifetime_s=60)

    def test_the_policy_takes_this_key_type_and_size_and_nothing_else(
        self, forms: UploadForms, bucket: str
    ) -> None:
        form = forms.presign("creatives/1", content_type="video/mp4", size_bytes=10)
        policy = json.loads(base64.b64decode(form.fields["policy"]))
        conditions = policy["conditions"]
        assert {"Content-Type": "video/mp4"} in conditions
        assert {"key": "creatives/1"} in conditions
        assert {"bucket": bucket} in conditions
        assert ["content-length-range", 10, 10] in conditions

    def test_a_file_sent_by_the_form_arrives(
        self, aws_emulator: Emulator, forms: UploadForms, bucket: str
    ) -> None:
        form = forms.presign("creatives/1", content_type="video/mp4", size_bytes=len(NO_VIDEO))
        assert _send(form, NO_VIDEO) in {200, 204}
        stored = aws_emulator.s3.get_object(Bucket=bucket, Key="creatives/1")
        assert stored["Body"].read() == NO_VIDEO

    @pytest.mark.parametrize("changed", [b"", NO_VIDEO[:-1], NO_VIDEO + b"!"])
    def test_a_file_of_another_size_is_refused(self, forms: UploadForms, changed: bytes) -> None:
        form = forms.presign("creatives/2", content_type="video/mp4", size_bytes=len(NO_VIDEO))
        assert _send(form, changed) in {400, 403}


def _send(form: UploadForm, content: bytes) -> int:
    boundary = "boundary-of-the-tests"
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in form.fields.items()
    ]
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\n'
        "Content-Type: video/mp4\r\n\r\n"
    )
    body = "".join([*parts, head]).encode() + content + f"\r\n--{boundary}--\r\n".encode()
    request = urllib.request.Request(  # noqa: S310 - the emulator's own address
        form.url,
        data=body,
        headers={"Content-Type": f"multipart/form-data; boundary={boundary}"},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@dataclass(frozen=True, slots=True)
class Arrivals:
    media: UploadedMedia
    put: Callable[[str, bytes], UploadedObject]
    remove: Callable[[str], None]
    published: Callable[[str], tuple[bytes, str]]


class UploadedMediaContract:
    """Every implementation of `UploadedMedia` keeps these promises."""

    def test_it_is_measured_and_hashed(self, arrivals: Arrivals) -> None:
        upload = arrivals.put("creatives/1", NO_VIDEO)
        assert arrivals.media.probe(upload) == NO_VIDEO_PROBE
        assert arrivals.media.sha256(upload) == hashlib.sha256(NO_VIDEO).hexdigest()

    def test_what_is_published_is_the_same_file_under_its_type(self, arrivals: Arrivals) -> None:
        upload = arrivals.put("creatives/1", NO_VIDEO)
        for _ in range(2):
            arrivals.media.publish(upload, "1/video.mp4", "video/mp4")
        assert arrivals.published("1/video.mp4") == (NO_VIDEO, "video/mp4")

    def test_a_replaced_file_is_gone(self, arrivals: Arrivals) -> None:
        upload = arrivals.put("creatives/1", NO_VIDEO)
        arrivals.put("creatives/1", b"another file")
        _assert_gone(arrivals, upload)

    def test_a_removed_file_is_gone(self, arrivals: Arrivals) -> None:
        upload = arrivals.put("creatives/1", NO_VIDEO)
        arrivals.remove("creatives/1")
        _assert_gone(arrivals, upload)


def _assert_gone(arrivals: Arrivals, upload: UploadedObject) -> None:
    with pytest.raises(UploadGoneError):
        arrivals.media.probe(upload)
    with pytest.raises(UploadGoneError):
        arrivals.media.sha256(upload)
    with pytest.raises(UploadGoneError):
        arrivals.media.publish(upload, "1/video.mp4", "video/mp4")


class TestMemoryUploads(UploadedMediaContract):
    @pytest.fixture
    def arrivals(self) -> Arrivals:
        uploads = MemoryUploads()

        def published(key: str) -> tuple[bytes, str]:
            return uploads.media[key].content, uploads.media[key].mime_type

        return Arrivals(
            media=uploads,
            put=lambda key, content: uploads.put(key, content, NO_VIDEO_PROBE),
            remove=uploads.remove,
            published=published,
        )


class TestS3UploadedMedia(UploadedMediaContract):
    @pytest.fixture
    def arrivals(self, aws_emulator: Emulator) -> Arrivals:
        s3, run = aws_emulator.s3, new_id()
        uploads, media = f"uploads-{run}", f"media-{run}"
        s3.create_bucket(Bucket=uploads)
        s3.create_bucket(Bucket=media)

        def put(key: str, content: bytes) -> UploadedObject:
            etag = s3.put_object(Bucket=uploads, Key=key, Body=content)["ETag"]
            return UploadedObject(key, etag.strip('"'), len(content))

        def published(key: str) -> tuple[bytes, str]:
            found = s3.get_object(Bucket=media, Key=key)
            return found["Body"].read(), found["ContentType"]

        def remove(key: str) -> None:
            s3.delete_object(Bucket=uploads, Key=key)

        return Arrivals(
            media=S3UploadedMedia(s3, upload_bucket=uploads, media_bucket=media),
            put=put,
            remove=remove,
            published=published,
        )

    def test_a_bucket_that_is_missing_is_told_as_unavailable(self, aws_emulator: Emulator) -> None:
        media = S3UploadedMedia(aws_emulator.s3, upload_bucket="none", media_bucket="none")
        with pytest.raises(DependencyUnavailableError) as unavailable:
            media.sha256(UploadedObject("creatives/1", "0" * 32, 1))
        assert unavailable.value.dependency == "s3"
