"""The ad request, put together. Imports must stay small: viewers wait for cold starts."""

import logging
import os
from datetime import timedelta
from functools import cache
from itertools import islice

from ctv_ads.adapters.clock import utc_now
from ctv_ads.adapters.decision_notes import encode_note
from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.valkey.held_decisions import ValkeyHeldDecisions
from ctv_ads.adapters.valkey.inventory_reader import ValkeySnapshotReader
from ctv_ads.adapters.valkey.pod_filler import ValkeyPodFiller
from ctv_ads.adapters.valkey.resp import RespConnection
from ctv_ads.bootstrap.door import door_of
from ctv_ads.bootstrap.secrets import secret_document
from ctv_ads.domain.beacon_token import TokenKeys
from ctv_ads.door_settings import DoorSettings
from ctv_ads.errors import DependencyUnavailableError, SnapshotCorruptError
from ctv_ads.settings import AdServerSettings, TokenSettings
from ctv_ads.use_cases.serve_pod import ServePod
from ctv_ads.use_cases.sign_ads import SignAds
from ctv_ads.web.door import Door

_LOG = logging.getLogger(__name__)
_ORGANIZATIONS_WARMED = 16


def new_seed() -> int:
    """Return 32 random bits."""
    return int.from_bytes(os.urandom(4))


@cache
def ad_server_settings() -> AdServerSettings:
    """Return the ad request's settings."""
    return AdServerSettings.from_environment()


@cache
def token_keys() -> TokenKeys:
    """Return the keys that sign beacons."""
    return TokenKeys.from_secret(secret_document(ad_server_settings().beacon_secret_id))


@cache
def front_door() -> Door:
    """Return whom the ad request believes."""
    return door_of(token_keys(), DoorSettings.from_environment())


@cache
def ad_server() -> ServePod:
    """Return the use case that answers ad requests."""
    settings = ad_server_settings()
    tokens = TokenSettings.from_environment()
    connection = RespConnection(settings.valkey_url, timeout_ms=settings.valkey_timeout_ms)
    return ServePod(
        inventory=ValkeySnapshotReader(connection),
        filler=ValkeyPodFiller(
            connection,
            shards=tokens.token_shards,
            records_kept=settings.decision_records_kept,
            records_at_most=settings.decision_records_at_most,
        ),
        encode_note=encode_note,
        sign=SignAds(
            keys=token_keys(),
            beacon_lifetime=timedelta(seconds=settings.beacon_lifetime_s),
            reservation=timedelta(seconds=tokens.reservation_lifetime_s),
        ),
        clock=utc_now,
        new_id=new_id,
        new_seed=new_seed,
        held=ValkeyHeldDecisions(connection, records_kept=settings.decision_records_kept),
    )


def warm_up() -> None:
    """Read secrets and inventory now, which the first request would wait for.

    What cannot be had now, that request asks for again.

    Raises:
        InvalidSettingsError: a setting is missing or wrong; this process can serve nobody.
    """
    try:
        front_door()
        inventory = ad_server().inventory
        for organization_id in islice(inventory.current().segments, _ORGANIZATIONS_WARMED):
            inventory.line_items(organization_id)
    except (DependencyUnavailableError, SnapshotCorruptError) as error:
        _LOG.warning("not warmed up: %s", error)
