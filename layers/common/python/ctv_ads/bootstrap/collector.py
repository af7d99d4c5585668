"""The beacon collector, put together. Imports must stay small."""

from functools import cache
from time import monotonic

from ctv_ads.adapters.aws.beacon_queue import SqsBeaconQueue
from ctv_ads.adapters.aws.json_api import SQS, JsonApi
from ctv_ads.adapters.clock import utc_now
from ctv_ads.adapters.key_ring import KeyRing
from ctv_ads.adapters.traffic_lists import TrafficLists
from ctv_ads.believed_settings import StitcherSettings
from ctv_ads.bootstrap.believed import cloudfront_proof
from ctv_ads.bootstrap.secrets import aws_identity, read_secret
from ctv_ads.domain.beacon_token import TokenKeys
from ctv_ads.settings import CollectorSettings
from ctv_ads.use_cases.collect_beacon import CollectBeacon
from ctv_ads.web.hops import Believed


@cache
def collector() -> CollectBeacon:
    """Return the use case that takes beacons."""
    settings = CollectorSettings.from_environment()
    sqs = JsonApi(SQS, aws_identity(), utc_now)
    return CollectBeacon(
        queue=SqsBeaconQueue(sqs, settings.ad_event_queue_url),
        tokens=KeyRing(
            lambda: TokenKeys.from_secret(read_secret(settings.beacon_secret_id)), seconds=monotonic
        ),
        lists=TrafficLists.from_files(
            settings.data_centre_networks, settings.crawler_agents, settings.player_agents
        ),
        clock=utc_now,
    )


@cache
def believed() -> Believed:
    """Return who speaks for viewers in beacons."""
    settings = StitcherSettings.from_environment()
    return Believed(
        trusted_proxies=(*settings.trusted_proxies, *settings.stitchers),
        cloudfront_proof=cloudfront_proof(settings),
    )
