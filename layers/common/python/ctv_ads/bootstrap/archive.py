"""Archiving, put together: what schedules carry out of Valkey and PostgreSQL."""

from collections.abc import Mapping
from datetime import timedelta
from functools import cache

import boto3

from ctv_ads.adapters.aws.decided_counts_queue import SqsDecidedCounts
from ctv_ads.adapters.aws.decision_archive import S3DecisionArchive
from ctv_ads.adapters.aws.event_archive import S3EventArchive
from ctv_ads.adapters.aws.inventory_history import S3InventoryHistory
from ctv_ads.adapters.clock import utc_now
from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.inventory_histories import InventoryHistories
from ctv_ads.adapters.postgres.break_days import PostgresBreakDays
from ctv_ads.adapters.postgres.event_days import PostgresEventDays
from ctv_ads.adapters.postgres.ledger_credits import PostgresLedgerPosting
from ctv_ads.adapters.postgres.statistics_rebuild import PostgresStatisticsRebuild
from ctv_ads.adapters.valkey.decision_stream import ValkeyDecisionStream
from ctv_ads.adapters.valkey.inventory_history import ValkeyInventoryHistory
from ctv_ads.adapters.valkey.resp import RespConnection
from ctv_ads.bootstrap.pipeline import database, valkey_client
from ctv_ads.domain.event_archive import BREAKS, EVENTS
from ctv_ads.platform_settings import ArchiveSettings, DrainSettings, EventArchiveSettings
from ctv_ads.settings import HistorySettings, TokenSettings, ValkeySettings
from ctv_ads.use_cases.archive_events import ArchiveEvents, RebuildStatistics
from ctv_ads.use_cases.credit_events import CreditEvents
from ctv_ads.use_cases.drain_decisions import DrainDecisions

# Nobody waits for it, and segments are large.
_VALKEY_TIMEOUT_MS = 5000
# A day is read in one statement; the functions have 900 s.
_DAY_TIMEOUT_MS = 840_000


@cache
def decision_drain() -> DrainDecisions:
    """Return the use case that carries decisions out of Valkey."""
    settings = DrainSettings.from_environment()
    connection = RespConnection(
        ValkeySettings.from_environment().valkey_url, timeout_ms=_VALKEY_TIMEOUT_MS
    )
    s3 = boto3.client("s3")
    return DrainDecisions(
        stream=ValkeyDecisionStream(
            valkey_client(), shards=TokenSettings.from_environment().token_shards, new_id=new_id
        ),
        archive=S3DecisionArchive(s3, settings.archive_bucket),
        counts=SqsDecidedCounts(boto3.client("sqs"), settings.ad_event_queue_url),
        history=InventoryHistories(
            (
                ValkeyInventoryHistory(connection),
                S3InventoryHistory(s3, HistorySettings.from_environment().history_bucket),
            )
        ),
        kept_bp=settings.archived_decisions_bp,
    )


@cache
def event_archiving() -> Mapping[str, ArchiveEvents]:
    """Return the use case that archives days and drops old ones, for each kind of events."""
    settings = EventArchiveSettings.from_environment()
    shared, s3 = database(_DAY_TIMEOUT_MS), boto3.client("s3")
    kinds = ((EVENTS, PostgresEventDays(shared)), (BREAKS, PostgresBreakDays(shared)))
    return {
        kind.name: ArchiveEvents(
            days=days,
            archive=S3EventArchive(s3, settings.archive_bucket, kind),
            beacon_lifetime=timedelta(seconds=settings.beacon_lifetime_s),
            retention=timedelta(days=settings.event_retention_days),
            clock=utc_now,
        )
        for kind, days in kinds
    }


@cache
def statistics_rebuilding() -> RebuildStatistics:
    """Return the use case that counts days anew."""
    settings = ArchiveSettings.from_environment()
    shared = database(_DAY_TIMEOUT_MS)
    return RebuildStatistics(
        days=PostgresEventDays(shared),
        archive=S3EventArchive(boto3.client("s3"), settings.archive_bucket),
        statistics=PostgresStatisticsRebuild(shared),
    )


@cache
def crediting() -> CreditEvents:
    """Return the use case that credits events."""
    settings = ArchiveSettings.from_environment()
    return CreditEvents(
        posting=PostgresLedgerPosting(database(_DAY_TIMEOUT_MS)),
        archive=S3EventArchive(boto3.client("s3"), settings.archive_bucket),
    )
