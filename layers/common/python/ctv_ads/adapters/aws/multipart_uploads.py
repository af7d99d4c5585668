"""Presigned multipart uploads, for files too big to be sent in one go."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from ctv_ads.errors import (
    ConflictError,
    DependencyUnavailableError,
    FieldProblem,
    InvalidRequestError,
)
from ctv_ads.ports.uploads import MultipartUpload, SentPart, UploadPart

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SMALLEST_PART_BYTES = 5 * 1024 * 1024
"""S3 takes no smaller part, except for the last one."""
MOST_PARTS = 1000
"""S3 takes 10,000; but an answer with so many addresses is larger than Lambda's 6 MB."""
_PARTS_WRONG = frozenset({"InvalidPart", "InvalidPartOrder", "EntityTooSmall", "MalformedXML"})
_OVER = frozenset({"NoSuchUpload", "InvalidArgument", "NoSuchKey"})


class S3MultipartUploads:
    """Implements `ports.MultipartUploads`."""

    def __init__(
        self, s3: "S3Client", bucket: str, *, lifetime_s: int, part_size_bytes: int
    ) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._lifetime_s = lifetime_s
        self._part_size_bytes = max(part_size_bytes, SMALLEST_PART_BYTES)

    def start(self, key: str, *, content_type: str, size_bytes: int) -> MultipartUpload:
        """Open an upload of a file of this size."""
        part_bytes = max(self._part_size_bytes, -(-size_bytes // MOST_PARTS))
        with _translated():
            upload_id = self._s3.create_multipart_upload(
                Bucket=self._bucket, Key=key, ContentType=content_type
            )["UploadId"]
        starts = range(0, size_bytes, part_bytes)
        parts = tuple(
            UploadPart(number, self._part_url(key, upload_id, number, length))
            for number, length in enumerate(
                (min(part_bytes, size_bytes - start) for start in starts), start=1
            )
        )
        return MultipartUpload(upload_id, part_bytes, parts)

    def complete(self, key: str, upload_id: str, parts: Sequence[SentPart]) -> None:
        """Put the parts together."""
        with _translated():
            self._s3.complete_multipart_upload(
                Bucket=self._bucket,
                Key=key,
                UploadId=upload_id,
                MultipartUpload={
                    "Parts": [{"PartNumber": part.part_number, "ETag": part.etag} for part in parts]
                },
            )

    def abort(self, key: str, upload_id: str) -> None:
        """Drop the upload and its parts."""
        try:
            with _translated():
                self._s3.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=upload_id)
        except ConflictError:
            return  # it is over, which is what was wanted

    def _part_url(self, key: str, upload_id: str, number: int, length: int) -> str:
        return self._s3.generate_presigned_url(
            "upload_part",
            Params={
                "Bucket": self._bucket,
                "Key": key,
                "UploadId": upload_id,
                "PartNumber": number,
                # Signed: multipart uploads know no policy that would limit the size.
                "ContentLength": length,
            },
            ExpiresIn=self._lifetime_s,
        )


@contextmanager
def _translated() -> Iterator[None]:
    """Turn S3's errors into ours."""
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code in _PARTS_WRONG:
            problem = FieldProblem("parts", "wrong_parts", "they are not the parts that S3 has")
            raise InvalidRequestError("the upload cannot be completed", [problem]) from error
        if code in _OVER:
            raise ConflictError("there is no such upload, or it is over") from error
        raise DependencyUnavailableError("s3", str(error)) from error
    except BotoCoreError as error:
        raise DependencyUnavailableError("s3", str(error)) from error
