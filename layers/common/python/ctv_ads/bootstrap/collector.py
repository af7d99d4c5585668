"""The beacon collector, put together. Imports must stay small."""

from functools import cache

from ctv_ads.adapters.aws.beacon_queue import SqsBeaconQueue
from ctv_ads.adapters.aws.json_api import SQS, JsonApi
from ctv_ads.adapters.clock import utc_now
from ctv_ads.adapters.traffic_lists import TrafficLists
from ctv_ads.bootstrap.secrets import aws_identity, secret_document
from ctv_ads.domain.beacon_token import TokenKeys
from ctv_ads.settings import CollectorSettings
from ctv_ads.use_cases.collect_beacon import CollectBeacon


@cache
def collector() -> CollectBeacon:
    """Return the use case that takes beacons."""
    settings = CollectorSettings.from_environment()
    sqs = JsonApi(SQS, aws_identity(), utc_now)
    return CollectBeacon(
        queue=SqsBeaconQueue(sqs, settings.ad_event_queue_url),
        keys=TokenKeys.from_secret(secret_document(settings.beacon_secret_id)),
        lists=TrafficLists.from_files(
            settings.data_centre_networks, settings.crawler_agents, settings.player_agents
        ),
        clock=utc_now,
    )
