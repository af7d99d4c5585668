"""What `GET /health` asks."""

import time
from functools import cache

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from ctv_ads.adapters.postgres.database import Database
from ctv_ads.adapters.valkey.resp import RespConnection
from ctv_ads.bootstrap.secrets import secret_document
from ctv_ads.errors import DependencyUnavailableError
from ctv_ads.platform_settings import HealthSettings
from ctv_ads.ports.health import Dependency
from ctv_ads.settings import DatabaseSettings, ValkeySettings
from ctv_ads.use_cases.check_health import CheckHealth

_ONCE = Config(connect_timeout=2, read_timeout=2, retries={"total_max_attempts": 1})
_VALKEY_TIMEOUT_MS = 1000
_STATEMENT_TIMEOUT_MS = 1000


@cache
def health_check() -> CheckHealth:
    """Return the use case that asks PostgreSQL, Valkey, S3 and SQS."""
    settings = HealthSettings.from_environment()
    valkey_url = ValkeySettings.from_environment().valkey_url
    valkey = RespConnection(valkey_url, timeout_ms=_VALKEY_TIMEOUT_MS)
    s3 = boto3.client("s3", config=_ONCE)
    sqs = boto3.client("sqs", config=_ONCE)

    def ask_s3() -> None:
        try:
            s3.head_bucket(Bucket=settings.upload_bucket)
        except (BotoCoreError, ClientError) as error:
            raise DependencyUnavailableError("s3", str(error)) from error

    def ask_sqs() -> None:
        try:
            sqs.get_queue_attributes(
                QueueUrl=settings.ad_event_queue_url, AttributeNames=["QueueArn"]
            )
        except (BotoCoreError, ClientError) as error:
            raise DependencyUnavailableError("sqs", str(error)) from error

    dependencies = (
        Dependency("postgresql", _ask_postgresql),
        Dependency("valkey", lambda: valkey.call("PING")),
        Dependency("s3", ask_s3),
        Dependency("sqs", ask_sqs),
    )
    return CheckHealth(dependencies, time.perf_counter)


@cache
def _database() -> Database:
    secret = secret_document(DatabaseSettings.from_environment().database_secret_id)
    return Database(secret, connect_timeout_s=2, statement_timeout_ms=_STATEMENT_TIMEOUT_MS)


def _ask_postgresql() -> None:
    with _database().transaction() as connection:
        connection.execute("SELECT 1")
