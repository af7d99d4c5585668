"""Ports of uploading: the forms clients send files by, and the verdict on what arrives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ctv_ads.domain.creative import Creative
from ctv_ads.domain.ids import CreativeId
from ctv_ads.domain.media import MediaFacts, MediaProbe, Rejection
from ctv_ads.domain.vast_tag import TagFacts


@dataclass(frozen=True, slots=True)
class UploadForm:
    """A presigned S3 POST: send `fields` and then the file, as one multipart form, to `url`."""

    url: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class UploadPart:
    """Where one part of a file is sent by PUT. It takes exactly its own number of bytes."""

    part_number: int
    url: str


@dataclass(frozen=True, slots=True)
class MultipartUpload:
    """A file sent in parts, each `part_size_bytes` long, the last one shorter."""

    upload_id: str
    part_size_bytes: int
    parts: tuple[UploadPart, ...]


@dataclass(frozen=True, slots=True)
class SentPart:
    """A part that has arrived: S3 answered its PUT with this ETag."""

    part_number: int
    etag: str


class MultipartUploads(Protocol):
    """Lets clients send big files in parts straight to S3."""

    def start(self, key: str, *, content_type: str, size_bytes: int) -> MultipartUpload:
        """Open an upload of a file of this size.

        Raises:
            DependencyUnavailableError: S3 does not answer.
        """

    def complete(self, key: str, upload_id: str, parts: Sequence[SentPart]) -> None:
        """Put the parts together; what arrives is then judged like every upload.

        Raises:
            ConflictError: there is no such upload of this key, or it is over.
            InvalidRequestError: the parts are not those that were sent.
            DependencyUnavailableError: S3 does not answer.
        """

    def abort(self, key: str, upload_id: str) -> None:
        """Drop the upload and its parts; one that is over already is no error.

        Raises:
            DependencyUnavailableError: S3 does not answer.
        """


class UploadForms(Protocol):
    """Makes forms by which clients upload straight to S3, and links to what they uploaded."""

    def preview(self, key: str, *, content_type: str, lifetime_s: int) -> str | None:
        """Return an address that shows the uploaded file to whoever has it, or None without file.

        It is answered as `content_type` whatever the file is, so that a page in disguise
        never runs.

        Raises:
            DependencyUnavailableError: S3 does not answer.
        """

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

    def is_known(self, creative_id: CreativeId) -> bool:
        """Tell whether there is such a creative, once whoever is changing it has ended."""

    def accept(
        self, creative_id: CreativeId, facts: MediaFacts, *, media_key: str, now: datetime
    ) -> bool:
        """Mark it ready. Return False if it no longer waited: a repeat changes nothing.

        In the same transaction the creative that it replaces is archived and leaves its
        assignments to it.
        """

    def accept_tag(self, creative_id: CreativeId, facts: TagFacts, *, now: datetime) -> bool:
        """Mark a tag ready, as `accept` does. Return False if it no longer waited."""

    def reject(
        self, creative_id: CreativeId, rejections: Sequence[Rejection], *, now: datetime
    ) -> bool:
        """Mark it rejected. Return False if it no longer waited: a repeat changes nothing."""
