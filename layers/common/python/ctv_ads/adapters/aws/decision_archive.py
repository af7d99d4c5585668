"""Decisions in S3: written by the minute, and found again by the time in their ids.

Objects are named `decisions/YYYY/MM/DD/HH/MM-<shard>-<first entry>-<last entry>.jsonl.gz`, UTC by
Valkey's clock. They are written once: a repeat finds its object there and changes nothing.
"""

import gzip
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from botocore.exceptions import BotoCoreError, ClientError

from ctv_ads.adapters.archived_decisions import decode_decision, encode_decisions
from ctv_ads.domain.decision_record import DecisionRecord
from ctv_ads.domain.ids import DecisionId, OrganizationId
from ctv_ads.errors import DependencyUnavailableError
from ctv_ads.ports.archive import StreamedDecision
from ctv_ads.ports.decisions import DecisionFilter, DecisionRecords, RecentDecisions

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PREFIX = "decisions/"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE_MS = 60_000
_LAST_MINUTE = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // timedelta(minutes=1)
_SPAN = re.compile(r"-s\d+-(\d+)-\d+-(\d+)-\d+\.jsonl\.gz$")
_THERE_ALREADY = "PreconditionFailed"


class S3DecisionArchive:
    """Implements `ports.DecisionArchive`."""

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def keep(self, span: str, decisions: Sequence[StreamedDecision]) -> None:
        """Write an object for each minute of the batch; entries come in their order."""
        for minute, them in groupby(decisions, key=lambda one: one.entered_at_ms // _MINUTE_MS):
            key = f"{_prefix(minute)}{span}.jsonl.gz"
            self._put(key, encode_decisions(list(them)))

    def find(
        self,
        decision_id: DecisionId,
        organization_id: OrganizationId,
        *,
        entered_at_ms: int | None = None,
    ) -> DecisionRecord | None:
        """Return that decision of that organization, None when it is not archived.

        `entered_at_ms` says when it came into the stream, if that is not when it was made.
        """
        made_at_ms = UUID(decision_id).int >> 80 if entered_at_ms is None else entered_at_ms
        sought = decision_id.encode()
        for key in self._objects_around(made_at_ms):
            for line in self._lines(key):
                if sought in line:
                    record = decode_decision(line)
                    if record.note.decision_id == decision_id:
                        is_theirs = record.note.organization_id == organization_id
                        return record if is_theirs else None
        return None

    def _objects_around(self, made_at_ms: int) -> list[str]:
        """Return the objects of this minute and those beside it, the likeliest first."""
        minute = made_at_ms // _MINUTE_MS
        if minute >= _LAST_MINUTE:
            return []  # an id may spell the year 10889
        keys = [key for at in (minute, minute - 1, minute + 1) for key in self._keys(_prefix(at))]
        return sorted(keys, key=lambda key: _distance_ms(key, made_at_ms))

    def _keys(self, prefix: str) -> list[str]:
        try:
            pages = self._s3.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=prefix
            )
            return [item["Key"] for page in pages for item in page.get("Contents", ())]
        except (BotoCoreError, ClientError) as error:
            raise DependencyUnavailableError("s3", str(error)) from error

    def _lines(self, key: str) -> Iterator[bytes]:
        try:
            body = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except (BotoCoreError, ClientError) as error:
            raise DependencyUnavailableError("s3", str(error)) from error
        yield from gzip.decompress(body).splitlines()

    def _put(self, key: str, body: bytes) -> None:
        try:
            self._s3.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=body,
                ContentType="application/gzip",
                IfNoneMatch="*",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != _THERE_ALREADY:
                raise DependencyUnavailableError("s3", str(error)) from error
        except BotoCoreError as error:
            raise DependencyUnavailableError("s3", str(error)) from error


class NearDecisionRecords(DecisionRecords, Protocol):
    """Decisions as near as they are kept; tells also of those that came late into it."""

    def entered_at_ms(self, decision_id: DecisionId) -> int | None:
        """Return when a decision came that came late, None of all others.

        Raises:
            DependencyUnavailableError: where they are kept does not answer.
        """


class ArchivedDecisionRecords:
    """Implements `ports.DecisionRecords`: the archive has what is not near any more."""

    def __init__(self, near: NearDecisionRecords, archive: S3DecisionArchive) -> None:
        self._near = near
        self._archive = archive

    def find(
        self, decision_id: DecisionId, organization_id: OrganizationId
    ) -> DecisionRecord | None:
        """Return that decision of that organization, None when it is kept nowhere."""
        near = self._near.find(decision_id, organization_id)
        if near is not None:
            return near
        entered_at_ms = self._near.entered_at_ms(decision_id)
        return self._archive.find(decision_id, organization_id, entered_at_ms=entered_at_ms)

    def recent(
        self, wanted: DecisionFilter, *, limit: int, cursor: str | None = None
    ) -> RecentDecisions:
        """Return recent decisions, for as far as they are near."""
        return self._near.recent(wanted, limit=limit, cursor=cursor)


def _prefix(minute: int) -> str:
    at = _EPOCH + timedelta(minutes=minute)
    return f"{PREFIX}{at:%Y/%m/%d/%H/%M}-"


def _distance_ms(key: str, made_at_ms: int) -> int:
    """Return how far a moment is from those of a batch: 0 within them."""
    span = _SPAN.search(key)
    if span is None:
        return 0
    first_ms, last_ms = int(span[1]), int(span[2])
    return max(first_ms - made_at_ms, made_at_ms - last_ms, 0)
