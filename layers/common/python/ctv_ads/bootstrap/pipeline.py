"""The pipeline: what queues and schedules trigger."""

from datetime import timedelta
from functools import cache

import boto3
import redis

from ctv_ads.adapters.aws.inventory_changes import SqsInventoryChanges
from ctv_ads.adapters.aws.inventory_history import S3InventoryHistory
from ctv_ads.adapters.clock import utc_now
from ctv_ads.adapters.postgres.beacon_ledger import PostgresBeaconLedger
from ctv_ads.adapters.postgres.break_events import PostgresBreakEvents
from ctv_ads.adapters.postgres.campaign_completion import PostgresCampaignCompletion
from ctv_ads.adapters.postgres.completions import PostgresCompletions
from ctv_ads.adapters.postgres.creative_validation import PostgresCreativeValidation
from ctv_ads.adapters.postgres.database import Database
from ctv_ads.adapters.postgres.delivery_counts import PostgresDecisionCounts
from ctv_ads.adapters.postgres.invalid_traffic import PostgresInvalidTraffic
from ctv_ads.adapters.postgres.inventory_source import PostgresInventorySource
from ctv_ads.adapters.postgres.ledger_posting import PostgresLedgerPosting
from ctv_ads.adapters.postgres.refused_messages import PostgresRefusedMessages
from ctv_ads.adapters.postgres.token_buckets import PostgresTokenLedger
from ctv_ads.adapters.valkey.grants import ValkeyTokenStore
from ctv_ads.adapters.valkey.inventory_store import ValkeyInventoryStore
from ctv_ads.bootstrap.secrets import secret_document
from ctv_ads.creative_settings import MediaAddressSettings, ValidationSettings
from ctv_ads.domain.media import MediaLimits
from ctv_ads.domain.traffic_rules import TrafficRules
from ctv_ads.ports.ledger import LedgerPosting
from ctv_ads.ports.pipeline import (
    BeaconLedger,
    BreakEvents,
    CompletionLearning,
    DecisionCounts,
    InvalidTrafficLog,
    InventoryChanges,
    RefusedMessages,
)
from ctv_ads.settings import (
    DatabaseSettings,
    HistorySettings,
    InventoryQueueSettings,
    TokenSettings,
    ValkeySettings,
)
from ctv_ads.traffic_settings import TrafficSettings
from ctv_ads.use_cases.complete_campaigns import CompleteCampaigns
from ctv_ads.use_cases.grant_tokens import GrantTokens
from ctv_ads.use_cases.publish_inventory import PublishInventory
from ctv_ads.use_cases.settle_tag import SettleTag
from ctv_ads.use_cases.validate_creative import ValidateCreative

_PUBLISH_TIMEOUT_S = 5
# Below the shortest timeout of these functions, 30 s; inventory has 60 s for two transactions.
_STATEMENT_TIMEOUT_MS = 20_000
_INVENTORY_STATEMENT_TIMEOUT_MS = 25_000


@cache
def database(statement_timeout_ms: int = _STATEMENT_TIMEOUT_MS) -> Database:
    """Return this function's database, with its own role's credentials."""
    settings = DatabaseSettings.from_environment()
    secret = secret_document(settings.database_secret_id)
    return Database(secret, statement_timeout_ms=statement_timeout_ms)


@cache
def inventory_changes() -> InventoryChanges:
    """Return what announces that the inventory has changed."""
    queue = InventoryQueueSettings.from_environment()
    return SqsInventoryChanges(boto3.client("sqs"), queue.inventory_queue_url)


@cache
def creative_validation() -> ValidateCreative:
    """Return the use case that judges uploads."""
    from ctv_ads.adapters.aws.uploaded_media import S3UploadedMedia  # noqa: PLC0415 - MediaInfo's library is for this function alone

    settings = ValidationSettings.from_environment()
    return ValidateCreative(
        validation=PostgresCreativeValidation(database()),
        uploads=S3UploadedMedia(
            boto3.client("s3"),
            upload_bucket=settings.upload_bucket,
            media_bucket=settings.media_bucket,
        ),
        inventory_changes=inventory_changes(),
        limits=MediaLimits(settings.max_upload_bytes, settings.max_creative_duration_ms),
        clock=utc_now,
    )


@cache
def campaign_completion() -> CompleteCampaigns:
    """Return the use case that ends campaigns whose flight or budget is over."""
    return CompleteCampaigns(
        PostgresCampaignCompletion(database(_INVENTORY_STATEMENT_TIMEOUT_MS)), clock=utc_now
    )


@cache
def tag_settlement() -> SettleTag:
    """Return the use case that marks checked tags."""
    return SettleTag(
        validation=PostgresCreativeValidation(database()),
        inventory_changes=inventory_changes(),
        clock=utc_now,
    )


@cache
def valkey_client() -> redis.Redis:
    """Return the client of what is published and granted."""
    return redis.Redis.from_url(
        ValkeySettings.from_environment().valkey_url,
        socket_timeout=_PUBLISH_TIMEOUT_S,
        socket_connect_timeout=_PUBLISH_TIMEOUT_S,
    )


@cache
def token_grants() -> GrantTokens:
    """Return the use case that hands budgets out to decisions."""
    settings = TokenSettings.from_environment()
    return GrantTokens(
        ledger=PostgresTokenLedger(
            database(_INVENTORY_STATEMENT_TIMEOUT_MS),
            reservation_lifetime=timedelta(seconds=settings.reservation_lifetime_s),
            shards=settings.token_shards,
        ),
        store=ValkeyTokenStore(valkey_client()),
        clock=utc_now,
        shards=settings.token_shards,
    )


@cache
def inventory_publication() -> PublishInventory:
    """Return the use case that publishes what may serve."""
    media = MediaAddressSettings.from_environment()
    shards = TokenSettings.from_environment().token_shards
    store = ValkeyInventoryStore(valkey_client(), shards=shards)
    bucket = HistorySettings.from_environment().history_bucket
    history = S3InventoryHistory(boto3.client("s3"), bucket)
    return PublishInventory(
        source=PostgresInventorySource(
            database(_INVENTORY_STATEMENT_TIMEOUT_MS), media.media_base_url
        ),
        store=store,
        clock=utc_now,
        keep=lambda version: history.keep(version, store, now=utc_now()),
    )


@cache
def completion_learning() -> CompletionLearning:
    """Return what learns how often films are seen to their end."""
    return PostgresCompletions(database(_INVENTORY_STATEMENT_TIMEOUT_MS))


@cache
def decision_counts() -> DecisionCounts:
    """Return what counts decisions."""
    return PostgresDecisionCounts(database())


@cache
def refused_messages() -> RefusedMessages:
    """Return what keeps why messages were refused."""
    return PostgresRefusedMessages(database())


@cache
def ledger_posting() -> LedgerPosting:
    """Return what enters into the books what no beacon causes."""
    return PostgresLedgerPosting(database())


@cache
def beacon_ledger() -> BeaconLedger:
    """Return what records beacons and bills impressions."""
    settings = TrafficSettings.from_environment()
    rules = TrafficRules(settings.early_beacon_ms, settings.session_surplus_ms)
    return PostgresBeaconLedger(database(), rules)


@cache
def invalid_traffic() -> InvalidTrafficLog:
    """Return what keeps invalid traffic."""
    return PostgresInvalidTraffic(database())


@cache
def break_events() -> BreakEvents:
    """Return what keeps events of whole ad breaks."""
    return PostgresBreakEvents(database())
