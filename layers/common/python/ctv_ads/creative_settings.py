"""Settings of uploads, their validation and third parties' tags."""

from dataclasses import dataclass

from ctv_ads.settings import _HTTP, Settings, _positive, _setting


def _upload_limit(value: str) -> int:
    limit = _positive(value)
    if limit > 5 * 1024**3:  # what S3 copies in one request, and takes in one form
        raise ValueError("must not be above 5368709120 (5 GiB)")
    return limit


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadSettings(Settings):
    """Limits of an upload, and where it goes."""

    upload_bucket: str = _setting("UPLOAD_BUCKET", "S3 bucket that takes uploads")
    max_upload_bytes: int = _setting(
        "MAX_UPLOAD_BYTES", "largest file accepted as a creative", _upload_limit, 100_000_000
    )
    multipart_above_bytes: int = _setting(
        "MULTIPART_ABOVE_BYTES", "files above this size are sent in parts", _positive, 100_000_000
    )
    multipart_part_bytes: int = _setting(
        "MULTIPART_PART_BYTES", "size of such a part; S3 takes 5 MiB or more", _positive, 16_777_216
    )
    upload_lifetime_s: int = _setting(
        "UPLOAD_LIFETIME_S", "how long a presigned upload form is valid", _positive, 3600
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TagCheckQueueSettings(Settings):
    """Where third-party tags are sent to be checked."""

    tag_check_queue_url: str = _setting(
        "TAG_CHECK_QUEUE_URL", "SQS queue of third-party VAST tags to check", _HTTP
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TagCheckSettings(Settings):
    """What `functions/creatives/check_tag.py` reads."""

    tag_verdict_queue_url: str = _setting(
        "TAG_VERDICT_QUEUE_URL", "SQS queue of verdicts on third-party VAST tags", _HTTP
    )
    max_creative_duration_ms: int = _setting(
        "MAX_CREATIVE_DURATION_MS", "longest creative accepted", _positive, 120_000
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaAddressSettings(Settings):
    """Where players find media files."""

    media_base_url: str = _setting(
        "MEDIA_BASE_URL", "public address below which media files are served", _HTTP
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationSettings(Settings):
    """What `functions/creatives/on_upload.py` reads besides its database and queue."""

    upload_bucket: str = _setting("UPLOAD_BUCKET", "S3 bucket that takes uploads")
    media_bucket: str = _setting("MEDIA_BUCKET", "S3 bucket from which media files are served")
    max_upload_bytes: int = _setting(
        "MAX_UPLOAD_BYTES", "largest file accepted as a creative", _upload_limit, 100_000_000
    )
    max_creative_duration_ms: int = _setting(
        "MAX_CREATIVE_DURATION_MS", "longest creative accepted", _positive, 120_000
    )
