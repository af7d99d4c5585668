"""Housekeeping: what a schedule removes."""

from datetime import timedelta
from functools import cache

import boto3

from ctv_ads.adapters.aws.published_media import S3PublishedMedia
from ctv_ads.adapters.clock import utc_now
from ctv_ads.adapters.postgres.database import Database
from ctv_ads.adapters.postgres.leftovers import PostgresLeftovers
from ctv_ads.bootstrap.secrets import secret_document
from ctv_ads.platform_settings import PurgeSettings
from ctv_ads.settings import DatabaseSettings
from ctv_ads.use_cases.purge import Purge, Retention

# The function has five minutes for many small transactions.
_STATEMENT_TIMEOUT_MS = 20_000


@cache
def purge() -> Purge:
    """Return the use case that removes what has served its time."""
    secret = secret_document(DatabaseSettings.from_environment().database_secret_id)
    settings = PurgeSettings.from_environment()
    database = Database(secret, statement_timeout_ms=_STATEMENT_TIMEOUT_MS)
    return Purge(
        leftovers=PostgresLeftovers(database),
        media=S3PublishedMedia(boto3.client("s3"), settings.media_bucket),
        retention=Retention(
            idempotency_keys=timedelta(seconds=settings.idempotency_key_retention_s),
            credentials=timedelta(seconds=settings.credential_retention_s),
            media=timedelta(seconds=settings.media_retention_s),
            traffic=timedelta(seconds=settings.traffic_retention_s),
        ),
        clock=utc_now,
    )
