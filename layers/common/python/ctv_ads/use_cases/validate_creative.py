"""Judge an uploaded file and mark its creative ready or rejected."""

from dataclasses import dataclass

from ctv_ads.domain.creative import (
    Creative,
    CreativeStatus,
    creative_of_upload,
    media_key,
    rendition_reasons,
)
from ctv_ads.domain.media import MediaLimits, Rejection, RejectionCode, facts_of, judge_media
from ctv_ads.errors import UploadGoneError
from ctv_ads.ports.base import Clock
from ctv_ads.ports.pipeline import InventoryChanges
from ctv_ads.ports.uploads import CreativeValidation, UploadedMedia, UploadedObject


@dataclass(frozen=True, slots=True)
class ValidateCreative:
    """Works on one upload at a time; repeats and latecomers change nothing."""

    validation: CreativeValidation
    uploads: UploadedMedia
    inventory_changes: InventoryChanges
    limits: MediaLimits
    clock: Clock

    def __call__(self, upload: UploadedObject) -> CreativeStatus | None:
        """Return the verdict, or None when the upload is nobody's or was judged already.

        A file that was replaced meanwhile is left to the event of its successor.

        Raises:
            DependencyUnavailableError: S3 or PostgreSQL does not answer; the creative still
                waits, and a repeat of the call finishes the work.
        """
        creative_id = creative_of_upload(upload.key)
        creative = self.validation.start(creative_id) if creative_id else None
        if creative is None:
            return None
        try:
            return self._judge(creative, upload)
        except UploadGoneError:
            return None

    def _judge(self, creative: Creative, upload: UploadedObject) -> CreativeStatus:
        probe = self.uploads.probe(upload)
        rejections = (
            *_size_reasons(creative, upload),
            *judge_media(
                probe, declared_content_type=creative.content_type or "", limits=self.limits
            ),
            *rendition_reasons(creative, probe.duration_ms),
        )
        if rejections:
            self.validation.reject(creative.creative_id, rejections, now=self.clock())
            return CreativeStatus.REJECTED
        facts = facts_of(probe, sha256=self.uploads.sha256(upload))
        key = media_key(creative.creative_id)
        # The file stands where players look before anybody is told to look there.
        self.uploads.publish(upload, key, facts.mime_type)
        self.validation.accept(creative.creative_id, facts, media_key=key, now=self.clock())
        self.inventory_changes.announce(f"creative {creative.creative_id} is ready")
        return CreativeStatus.READY


def _size_reasons(creative: Creative, upload: UploadedObject) -> tuple[Rejection, ...]:
    """Hold a file to its announced size: S3 does so for forms, but not for files in parts."""
    if upload.size_bytes == creative.declared_size_bytes:
        return ()
    message = (
        f"The file was announced with {creative.declared_size_bytes} bytes;"
        f" it has {upload.size_bytes}."
    )
    return (Rejection(RejectionCode.SIZE_MISMATCH, message),)
