"""Events in S3, by day: gzip'ed CSV under a folder that Athena and DuckDB take for a partition.

`events/v1/day=YYYY-MM-DD/part-NNNN.csv.gz`, each with a header line, and when all of them are
there `manifests/events/v1/YYYY-MM-DD.json`: columns, and of each file its events, bytes, SHA-256.
Those of whole breaks are beside them, in `breaks/v1`.
"""

import gzip
import hashlib
import json
from datetime import date
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from ctv_ads.domain.event_archive import (
    EVENTS,
    SCHEMA_VERSION,
    ArchivedDay,
    ArchivedKind,
    ArchivedPart,
)
from ctv_ads.errors import ArchiveCorruptError, DependencyUnavailableError
from ctv_ads.ports.event_archive import Lines

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

EVENTS_IN_PART = 500_000
"""Some 40 MB; a function has 512 MB of temporary files."""
_BLOCK_BYTES = 1024 * 1024
_COMPRESSION = 6
_NOT_THERE = frozenset({"404", "NoSuchKey", "NotFound"})


class S3EventArchive:
    """Implements `ports.EventArchive`."""

    def __init__(
        self,
        s3: "S3Client",
        bucket: str,
        kind: ArchivedKind = EVENTS,
        *,
        events_in_part: int = EVENTS_IN_PART,
    ) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._kind = kind
        self._events_in_part = events_in_part
        self._header = ",".join(name for name, _ in kind.columns).encode() + b"\n"

    def write(self, day: date, lines: Lines) -> ArchivedDay:
        """Write the files of a day, then its manifest; a day never has fewer files than before."""
        parts: list[ArchivedPart] = []
        left = next(lines, None)
        while left is not None:
            name = f"day={day}/part-{len(parts):04}.csv.gz"
            key = f"{self._kind.name}/v{SCHEMA_VERSION}/{name}"
            with TemporaryFile() as file:
                events, left = self._fill(file, left, lines)
                file.seek(0)
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                size = file.tell()
                file.seek(0)
                self._put(key, file)
            parts.append(ArchivedPart(key, events, size, digest))
        archived = ArchivedDay(day, tuple(parts))
        self._put(self._manifest_key(day), self._document(archived))
        return archived

    def manifest(self, day: date) -> ArchivedDay | None:
        """Return what is kept of a day, None when nothing is."""
        body = self._get(self._manifest_key(day))
        if body is None:
            return None
        document = json.loads(body.read())
        parts = tuple(ArchivedPart(**part) for part in document["parts"])
        return ArchivedDay(day, parts, document["schema_version"])

    def read(self, archived: ArchivedDay) -> Lines:
        """Yield the lines of each file after it was held against its digest."""
        if archived.schema_version != SCHEMA_VERSION:
            raise ArchiveCorruptError(f"{archived.day} has schema {archived.schema_version}")
        for part in archived.parts:
            with TemporaryFile() as file:
                self._fetch(part, file)
                with gzip.open(file) as rows:
                    if rows.readline() != self._header:
                        raise ArchiveCorruptError(f"{part.key} has other columns")
                    yield from iter(lambda: rows.read(_BLOCK_BYTES), b"")

    def _fill(self, file: IO[bytes], block: bytes, lines: Lines) -> tuple[int, bytes | None]:
        """Write a file's lines; return how many, and the first block that goes into the next."""
        events = 0
        # No name and no time in it: the same events are the same bytes.
        with gzip.GzipFile("", "wb", _COMPRESSION, file, mtime=0) as rows:
            rows.write(self._header)
            following: bytes | None = block
            while following is not None and events < self._events_in_part:
                rows.write(following)
                events += following.count(b"\n")
                following = next(lines, None)
        return events, following

    def _fetch(self, part: ArchivedPart, file: IO[bytes]) -> None:
        body = self._get(part.key)
        if body is None:
            raise ArchiveCorruptError(f"{part.key} is gone")
        digest = hashlib.sha256()
        for block in iter(lambda: body.read(_BLOCK_BYTES), b""):
            digest.update(block)
            file.write(block)
        if digest.hexdigest() != part.sha256:
            raise ArchiveCorruptError(f"{part.key} is not what was written")
        file.seek(0)

    def _get(self, key: str) -> Any | None:  # noqa: ANN401 - botocore's body has no type of its own
        try:
            return self._s3.get_object(Bucket=self._bucket, Key=key)["Body"]
        except ClientError as error:
            if error.response["Error"]["Code"] in _NOT_THERE:
                return None
            raise DependencyUnavailableError("s3", str(error)) from error
        except BotoCoreError as error:
            raise DependencyUnavailableError("s3", str(error)) from error

    def _put(self, key: str, body: IO[bytes] | bytes) -> None:
        try:
            self._s3.put_object(Bucket=self._bucket, Key=key, Body=body)
        except (BotoCoreError, ClientError) as error:
            raise DependencyUnavailableError("s3", str(error)) from error

    def _manifest_key(self, day: date) -> str:
        return f"manifests/{self._kind.name}/v{SCHEMA_VERSION}/{day}.json"

    def _document(self, archived: ArchivedDay) -> bytes:
        document = {
            "schema_version": archived.schema_version,
            "day": archived.day.isoformat(),
            "columns": [{"name": name, "type": kind} for name, kind in self._kind.columns],
            "events": archived.events,
            "parts": [
                {
                    "key": part.key,
                    "events": part.events,
                    "size_bytes": part.size_bytes,
                    "sha256": part.sha256,
                }
                for part in archived.parts
            ],
        }
        return json.dumps(document, indent=2).encode()
