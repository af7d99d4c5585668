"""Ports of uploading: the forms clients send files by, and the verdict on what arrives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ctv_ads.domain.creative import Creative
from ctv_ads.domain.ids import CreativeId
from ctv_ads.domain.media import MediaFacts, MediaProbe, Rejection


@dataclass(frozen=True, slots=True)
class UploadForm:
    """A presigned S3 POST: send `fields` and then the file, as one multipart form, to `url`."""

    url: str
    fields: Mapping[str, str]


class UploadForms(Protocol):
    """Makes forms by which clients upload straight to S3."""

    def presign(self, key: str, *, content_type: str, size_bytes: int) -> UploadForm:
        """Return a form that takes exactly this type and size under `key`."""


@dataclass(frozen=True, slots=True)
class UploadedObject:
    """An object that has arrived in the upload bucket."""

    key: str
    etag: str
    size_bytes: int


class UploadedMedia(Protocol):
    """Looks into uploads and moves the good ones to where players find them."""

    def probe(self, upload: UploadedObject) -> MediaProbe:
        """Measure the upload by reading its header ranges only.

        Raises:
            UploadGoneError: the object was replaced or removed since.
        """

    def sha256(self, upload: UploadedObject) -> str:
        """Return the SHA-256 of the whole file, in hexadecimal.

        Raises:
            UploadGoneError: the object was replaced or removed since.
        """

    def publish(self, upload: UploadedObject, media_key: str, mime_type: str) -> None:
        """Copy the upload to `media_key` of the media bucket.

        Raises:
            UploadGoneError: the object was replaced or removed since.
        """


class CreativeValidation(Protocol):
    """The verdicts on uploads, across organizations. Each call is one transaction."""

    def start(self, creative_id: CreativeId) -> Creative | None:
        """Mark a creative that waits for a verdict as being validated, and return it.

        Returns None when it waits for none: it is unknown, deleted, or judged already.
        """

    def accept(
        self, creative_id: CreativeId, facts: MediaFacts, *, media_key: str, now: datetime
    ) -> bool:
        """Mark it ready. Return False if it no longer waited: a repeat changes nothing."""

    def reject(
        self, creative_id: CreativeId, rejections: Sequence[Rejection], *, now: datetime
    ) -> bool:
        """Mark it rejected. Return False if it no longer waited: a repeat changes nothing."""
