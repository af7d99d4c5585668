"""What has arrived in the upload bucket, and its way to where players find it."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from ctv_ads.adapters.aws.object_reader import ObjectChangedError, ObjectReader
from ctv_ads.adapters.media_info import probe_media
from ctv_ads.domain.media import MediaProbe
from ctv_ads.errors import DependencyUnavailableError, UploadGoneError
from ctv_ads.ports.uploads import UploadedObject

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_CHUNK_BYTES = 1024 * 1024
_GONE = frozenset({"NoSuchKey", "404", "412", "PreconditionFailed"})


class S3UploadedMedia:
    """Implements `ports.UploadedMedia`. Every read is bound to the upload's ETag."""

    def __init__(self, s3: "S3Client", *, upload_bucket: str, media_bucket: str) -> None:
        self._s3 = s3
        self._upload_bucket = upload_bucket
        self._media_bucket = media_bucket

    def probe(self, upload: UploadedObject) -> MediaProbe:
        """Measure the upload by reading its header ranges only."""
        with _translated(), self._open(upload) as file:
            return probe_media(file, size_bytes=upload.size_bytes)

    def sha256(self, upload: UploadedObject) -> str:
        """Return the SHA-256 of the whole file."""
        digest = hashlib.sha256()
        with _translated():
            body = self._s3.get_object(
                Bucket=self._upload_bucket, Key=upload.key, IfMatch=upload.etag
            )["Body"]
            for chunk in body.iter_chunks(_CHUNK_BYTES):
                digest.update(chunk)
        return digest.hexdigest()

    def publish(self, upload: UploadedObject, media_key: str, mime_type: str) -> None:
        """Copy the upload to `media_key` of the media bucket."""
        with _translated():
            self._s3.copy_object(
                Bucket=self._media_bucket,
                Key=media_key,
                CopySource={"Bucket": self._upload_bucket, "Key": upload.key},
                CopySourceIfMatch=upload.etag,
                MetadataDirective="REPLACE",
                ContentType=mime_type,
                CacheControl="public, max-age=31536000, immutable",
            )

    def _open(self, upload: UploadedObject) -> BufferedReader:
        reader = ObjectReader(
            self._s3,
            bucket=self._upload_bucket,
            key=upload.key,
            size_bytes=upload.size_bytes,
            etag=upload.etag,
        )
        return BufferedReader(reader)


@contextmanager
def _translated() -> Iterator[None]:
    """Turn S3's errors into ours."""
    try:
        yield
    except ObjectChangedError as error:
        raise UploadGoneError(str(error)) from error
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in _GONE:
            raise UploadGoneError(str(error)) from error
        raise DependencyUnavailableError("s3", str(error)) from error
    except BotoCoreError as error:
        raise DependencyUnavailableError("s3", str(error)) from error
