"""Uploads in memory: the forms, the files that arrive, the files that are served."""

import hashlib
from dataclasses import dataclass

from ctv_ads.domain.media import MediaProbe
from ctv_ads.errors import UploadGoneError
from ctv_ads.ports.uploads import UploadedObject, UploadForm


class MemoryUploadForms:
    """Implements `ports.UploadForms`. No server takes these forms; they say what they allow."""

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
