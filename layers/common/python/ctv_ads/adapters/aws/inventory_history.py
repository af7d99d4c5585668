"""Published snapshots in S3, from which decisions are explained when Valkey has let go of them.

Segments are kept by name, each once. A root is written after all that it names, so that a version
whose root is there is there whole. The bucket's lifecycle deletes what is old; a segment that is
still in use when its copy has aged is written again before that.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from ctv_ads.adapters.valkey.snapshot import decode_root, decode_segment, segment_names
from ctv_ads.decisioning.segments.index import LineItemIndex
from ctv_ads.decisioning.segments.layers import Layer
from ctv_ads.decisioning.segments.snapshot import Snapshot
from ctv_ads.domain.ids import OrganizationId
from ctv_ads.errors import DependencyUnavailableError, SnapshotCorruptError
from ctv_ads.ports.pipeline import SnapshotDocuments

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

WRITTEN_AGAIN_AFTER = timedelta(days=7)
"""What the lifecycle keeps must be longer, by as long as decisions are to be explained."""
_NOT_THERE = frozenset({"404", "NoSuchKey", "NotFound"})


@dataclass(frozen=True, slots=True)
class _PastInventory:
    """Implements `ports.PastInventory`: segments are fetched when they are asked for."""

    snapshot: Snapshot
    _history: "S3InventoryHistory"

    def line_items(self, organization_id: OrganizationId) -> LineItemIndex:
        """Return that organization's line items."""
        names = self.snapshot.segments.get(organization_id)
        if names is None:
            return LineItemIndex()
        layers = []
        for name in segment_names(names):
            published = self._history.object(_segment_key(name))
            if published is None:
                raise SnapshotCorruptError(f"segment {name} is not in the history")
            removed = names.removed if name == names.base else ()
            layers.append(Layer(decode_segment(name, published), removed))
        return LineItemIndex(layers)


class S3InventoryHistory:
    """Implements `ports.PublicationHistory` and `ports.InventoryHistory`."""

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._kept: dict[str, datetime] = {}

    def keep(self, version: str, documents: SnapshotDocuments, *, now: datetime) -> None:
        """Keep that version; one that is kept already costs nothing."""
        if version in self._kept or self._age(_root_key(version), now) is not None:
            self._kept[version] = now
            return
        root = documents.root(version)
        for names in decode_root(version, root).segments.values():
            for name in segment_names(names):
                if self._is_old(name, now):
                    self._put(_segment_key(name), documents.segment(name))
                    self._kept[name] = now
        self._put(_root_key(version), root)
        self._kept[version] = now

    def load(self, version: str) -> _PastInventory | None:
        """Return that version, None when it is not kept any more."""
        root = self.object(_root_key(version))
        return None if root is None else _PastInventory(decode_root(version, root), self)

    def object(self, key: str) -> bytes | None:
        """Return an object's bytes, None when there is none."""
        try:
            return self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] in _NOT_THERE:
                return None
            raise DependencyUnavailableError("s3", str(error)) from error
        except BotoCoreError as error:
            raise DependencyUnavailableError("s3", str(error)) from error

    def _is_old(self, name: str, now: datetime) -> bool:
        if name not in self._kept:
            age = self._age(_segment_key(name), now)
            if age is None:
                return True
            self._kept[name] = now - age
        return now - self._kept[name] > WRITTEN_AGAIN_AFTER

    def _age(self, key: str, now: datetime) -> timedelta | None:
        try:
            head = self._s3.head_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in _NOT_THERE:
                return None
            raise DependencyUnavailableError("s3", str(error)) from error
        except BotoCoreError as error:
            raise DependencyUnavailableError("s3", str(error)) from error
        return now - head["LastModified"].astimezone(UTC)

    def _put(self, key: str, body: bytes) -> None:
        try:
            self._s3.put_object(Bucket=self._bucket, Key=key, Body=body)
        except (BotoCoreError, ClientError) as error:
            raise DependencyUnavailableError("s3", str(error)) from error


def _root_key(version: str) -> str:
    return f"roots/{version}"


def _segment_key(name: str) -> str:
    return f"segments/{name}"
