"""Telling whether line items deliver, put together."""

from functools import cache
from typing import Annotated

from aws_lambda_powertools.event_handler.depends import Depends

from ctv_ads.adapters.clock import utc_now
from ctv_ads.adapters.postgres.line_item_delivery import PostgresDeliveryStandings
from ctv_ads.adapters.valkey.decision_records import ValkeyDecisionRecords
from ctv_ads.adapters.valkey.inventory_reader import ValkeySnapshotReader
from ctv_ads.adapters.valkey.resp import RespConnection
from ctv_ads.bootstrap.control_plane import database, stores
from ctv_ads.settings import TokenSettings, ValkeySettings
from ctv_ads.use_cases.check_delivery import CheckDelivery

# People wait longer than players, and pages of records are large.
_TIMEOUT_MS = 2000


@cache
def delivery_checking() -> CheckDelivery:
    """Return what tells whether line items deliver."""
    connection = RespConnection(
        ValkeySettings.from_environment().valkey_url, timeout_ms=_TIMEOUT_MS
    )
    return CheckDelivery(
        stores=stores(),
        standings=PostgresDeliveryStandings(database()),
        records=ValkeyDecisionRecords(
            connection, shards=TokenSettings.from_environment().token_shards
        ),
        inventory=ValkeySnapshotReader(connection),
        clock=utc_now,
    )


DeliveryChecking = Annotated[CheckDelivery, Depends(delivery_checking)]
