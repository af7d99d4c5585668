"""Explaining decisions, put together."""

from functools import cache
from typing import Annotated

import boto3
from aws_lambda_powertools.event_handler.depends import Depends

from ctv_ads.adapters.aws.decision_archive import ArchivedDecisionRecords, S3DecisionArchive
from ctv_ads.adapters.aws.inventory_history import S3InventoryHistory
from ctv_ads.adapters.clock import utc_now
from ctv_ads.adapters.inventory_histories import InventoryHistories
from ctv_ads.adapters.postgres.unpublished_line_items import PostgresUnpublishedLineItems
from ctv_ads.adapters.valkey.decision_records import ValkeyDecisionRecords
from ctv_ads.adapters.valkey.inventory_history import ValkeyInventoryHistory
from ctv_ads.adapters.valkey.resp import RespConnection
from ctv_ads.bootstrap.control_plane import database
from ctv_ads.bootstrap.door import privacy_rules, session_keys_by
from ctv_ads.bootstrap.secrets import secret_document
from ctv_ads.domain.beacon_token import TokenKeys
from ctv_ads.door_settings import DoorSettings
from ctv_ads.platform_settings import ArchiveSettings
from ctv_ads.settings import (
    BeaconKeySettings,
    HistorySettings,
    TokenSettings,
    ValkeySettings,
)
from ctv_ads.use_cases.explain_decisions import ExplainDecisions
from ctv_ads.use_cases.supposed_request import Supposing

# People wait longer than players, and pages of records are large.
_TIMEOUT_MS = 2000


@cache
def decision_explaining() -> ExplainDecisions:
    """Return what people ask about decisions."""
    connection = RespConnection(
        ValkeySettings.from_environment().valkey_url, timeout_ms=_TIMEOUT_MS
    )
    secret_id = BeaconKeySettings.from_environment().beacon_secret_id
    keys = TokenKeys.from_secret(secret_document(secret_id))
    s3 = boto3.client("s3")
    return ExplainDecisions(
        records=ArchivedDecisionRecords(
            ValkeyDecisionRecords(connection, shards=TokenSettings.from_environment().token_shards),
            S3DecisionArchive(s3, ArchiveSettings.from_environment().archive_bucket),
        ),
        history=InventoryHistories(
            (
                ValkeyInventoryHistory(connection),
                S3InventoryHistory(s3, HistorySettings.from_environment().history_bucket),
            )
        ),
        keys=keys,
        supposing=Supposing(privacy_rules(DoorSettings.from_environment()), session_keys_by(keys)),
        unpublished=PostgresUnpublishedLineItems(database(), utc_now),
    )


DecisionExplaining = Annotated[ExplainDecisions, Depends(decision_explaining)]
