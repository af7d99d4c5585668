"""Presigned forms by which clients upload straight to S3."""

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from ctv_ads.errors import DependencyUnavailableError
from ctv_ads.ports.uploads import UploadForm

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class S3UploadForms:
    """Implements `ports.UploadForms`."""

    def __init__(self, s3: "S3Client", bucket: str, *, lifetime_s: int) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._lifetime_s = lifetime_s

    def presign(self, key: str, *, content_type: str, size_bytes: int) -> UploadForm:
        """Return a form whose policy takes exactly this type and size under `key`."""
        form = self._s3.generate_presigned_post(
            self._bucket,
            key,
            Fields={"Content-Type": content_type},
            Conditions=[
                {"Content-Type": content_type},
                ["content-length-range", size_bytes, size_bytes],
            ],
            ExpiresIn=self._lifetime_s,
        )
        return UploadForm(url=form["url"], fields=form["fields"])

    def preview(self, key: str, *, content_type: str, lifetime_s: int) -> str | None:
        """Return an address that shows the uploaded file, or None without file."""
        try:
            self._s3.head_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in {"404", "NoSuchKey"}:
                return None
            raise DependencyUnavailableError("s3", str(error)) from error
        except BotoCoreError as error:
            raise DependencyUnavailableError("s3", str(error)) from error
        return self._s3.generate_presigned_url(
            "get_object",
            Params={"Bucket": self._bucket, "Key": key, "ResponseContentType": content_type},
            ExpiresIn=lifetime_s,
        )
