"""The decision plane: ad requests and the beacon collector. Imports must stay small."""

import os
from datetime import timedelta
from functools import cache

from ctv_ads.adapters.aws.beacon_queue import SqsBeaconQueue
from ctv_ads.adapters.aws.json_api import SQS, JsonApi
from ctv_ads.adapters.clock import utc_now
from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.traffic_lists import TrafficLists
from ctv_ads.adapters.valkey.inventory_reader import ValkeyInventoryReader
from ctv_ads.adapters.valkey.resp import RespConnection
from ctv_ads.bootstrap.secrets import aws_identity, secret_document
from ctv_ads.domain.beacon_token import TokenKeys
from ctv_ads.settings import AdServerSettings, CollectorSettings
from ctv_ads.use_cases.collect_beacon import CollectBeacon
from ctv_ads.use_cases.serve_ad import ServeAd


def new_seed() -> int:
    """Return 32 random bits."""
    return int.from_bytes(os.urandom(4))


@cache
def ad_server_settings() -> AdServerSettings:
    """Return the ad request's settings."""
    return AdServerSettings.from_environment()


@cache
def ad_server() -> ServeAd:
    """Return the use case that answers ad requests."""
    settings = ad_server_settings()
    connection = RespConnection(settings.valkey_url, timeout_ms=settings.valkey_timeout_ms)
    return ServeAd(
        inventory=ValkeyInventoryReader(connection),
        keys=TokenKeys.from_secret(secret_document(settings.beacon_secret_id)),
        beacon_lifetime=timedelta(seconds=settings.beacon_lifetime_s),
        clock=utc_now,
        new_id=new_id,
        new_seed=new_seed,
    )


@cache
def collector() -> CollectBeacon:
    """Return the use case that takes beacons."""
    settings = CollectorSettings.from_environment()
    sqs = JsonApi(SQS, aws_identity(), utc_now)
    return CollectBeacon(
        queue=SqsBeaconQueue(sqs, settings.ad_event_queue_url),
        keys=TokenKeys.from_secret(secret_document(settings.beacon_secret_id)),
        lists=TrafficLists.from_files(settings.data_centre_networks, settings.crawler_agents),
        clock=utc_now,
    )
