"""The files that players get, where they are removed again."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from ctv_ads.errors import DependencyUnavailableError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class S3PublishedMedia:
    """Implements `ports.PublishedMedia`."""

    def __init__(self, s3: "S3Client", media_bucket: str) -> None:
        self._s3 = s3
        self._media_bucket = media_bucket

    def remove(self, keys: Sequence[str]) -> None:
        """Remove up to 1,000 files; one that is gone already is no error."""
        try:
            answer = self._s3.delete_objects(
                Bucket=self._media_bucket,
                Delete={"Objects": [{"Key": key} for key in keys], "Quiet": True},
            )
        except (BotoCoreError, ClientError) as error:
            raise DependencyUnavailableError("s3", str(error)) from error
        if kept := answer.get("Errors"):
            told = ", ".join(f"{item.get('Key')}: {item.get('Code')}" for item in kept[:5])
            raise DependencyUnavailableError("s3", f"{len(kept)} files were not removed: {told}")
