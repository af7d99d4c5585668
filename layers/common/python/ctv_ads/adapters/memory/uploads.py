"""Uploads in memory: the forms, the files that arrive, the files that are served."""

import hashlib
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass

from ctv_ads.domain.media import MediaProbe
from ctv_ads.errors import ConflictError, FieldProblem, InvalidRequestError, UploadGoneError
from ctv_ads.ports.uploads import (
    MultipartUpload,
    SentPart,
    UploadedObject,
    UploadForm,
    UploadPart,
)


class MemoryUploadForms:
    """Implements `ports.UploadForms`. No server takes these forms; they say what they allow.

    `arrived` holds the keys of the files that there are links to.
    """

    def __init__(self) -> None:
        self.arrived: set[str] = set()

    def preview(self, key: str, *, content_type: str, lifetime_s: int) -> str | None:
        """Return an address that names the file, or None without file."""
        if key not in self.arrived:
            return None
        return f"memory://uploads/{key}?type={content_type}&lifetime_s={lifetime_s}"

    def presign(self, key: str, *, content_type: str, size_bytes: int) -> UploadForm:
        """Return a form that takes exactly this type and size under `key`."""
        return UploadForm(
            url="memory://uploads",
            fields={
                "key": key,
                "Content-Type": content_type,
                "content-length-range": f"{size_bytes},{size_bytes}",
            },
        )


class MemoryMultipartUploads:
    """Implements `ports.MultipartUploads`; `completed` holds the parts put together, by key."""

    def __init__(self, *, part_size_bytes: int = 5 * 1024 * 1024) -> None:
        self.completed: dict[str, list[SentPart]] = {}
        self._part_size_bytes = part_size_bytes
        self._open: dict[str, tuple[str, int]] = {}

    def start(self, key: str, *, content_type: str, size_bytes: int) -> MultipartUpload:
        """Open an upload of a file of this size."""
        count = -(-size_bytes // self._part_size_bytes)
        upload_id = f"upload-{len(self._open)}-of-{content_type}"
        self._open[upload_id] = (key, count)
        url = f"memory://uploads/{key}?part="
        parts = tuple(UploadPart(number, f"{url}{number}") for number in range(1, count + 1))
        return MultipartUpload(upload_id, self._part_size_bytes, parts)

    def complete(self, key: str, upload_id: str, parts: Sequence[SentPart]) -> None:
        """Put the parts together."""
        known_key, count = self._open.get(upload_id, ("", 0))
        if known_key != key:
            raise ConflictError("there is no such upload, or it is over")
        numbers = [part.part_number for part in parts]
        if numbers != sorted(set(numbers)) or not set(numbers) <= set(range(1, count + 1)):
            problem = FieldProblem("parts", "wrong_parts", "they are not the parts that S3 has")
            raise InvalidRequestError("the upload cannot be completed", [problem])
        del self._open[upload_id]
        self.completed[key] = list(parts)

    def abort(self, key: str, upload_id: str) -> None:
        """Drop the upload."""
        if self._open.get(upload_id, ("", 0))[0] == key:
            del self._open[upload_id]


@dataclass(frozen=True, slots=True)
class MediaFile:
    """A file as players get it."""

    content: bytes
    mime_type: str


@dataclass(frozen=True, slots=True)
class _Upload:
    content: bytes
    etag: str
    probe: MediaProbe


class MemoryUploads:
    """Implements `ports.UploadedMedia`; `media` holds what was published, by key."""

    def __init__(self) -> None:
        self.media: dict[str, MediaFile] = {}
        self._uploads: dict[str, _Upload] = {}

    def put(self, key: str, content: bytes, probe: MediaProbe) -> UploadedObject:
        """Let a file arrive; measuring it will give `probe`."""
        etag = hashlib.md5(content, usedforsecurity=False).hexdigest()
        self._uploads[key] = _Upload(content, etag, probe)
        return UploadedObject(key, etag, len(content))

    def remove(self, key: str) -> None:
        """Take an upload away."""
        self._uploads.pop(key, None)

    def probe(self, upload: UploadedObject) -> MediaProbe:
        """Return what measuring the upload gives."""
        return self._found(upload).probe

    def sha256(self, upload: UploadedObject) -> str:
        """Return the SHA-256 of the whole file."""
        return hashlib.sha256(self._found(upload).content).hexdigest()

    def publish(self, upload: UploadedObject, media_key: str, mime_type: str) -> None:
        """Copy the upload to `media_key` of what is served."""
        self.media[media_key] = MediaFile(self._found(upload).content, mime_type)

    def _found(self, upload: UploadedObject) -> _Upload:
        found = self._uploads.get(upload.key)
        if found is None or found.etag != upload.etag:
            raise UploadGoneError(f"{upload.key} was replaced or removed")
        return found


class MemoryPublishedMedia:
    """Implements `ports.PublishedMedia` on what `MemoryUploads` has published."""

    def __init__(self, media: MutableMapping[str, MediaFile]) -> None:
        self._media = media

    def remove(self, keys: Sequence[str]) -> None:
        """Remove files; one that is gone already is no error."""
        for key in keys:
            self._media.pop(key, None)
