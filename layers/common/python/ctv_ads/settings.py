"""The only reader of the environment: one frozen, checked object per kind of process.

Standard library only, because the ad request and the beacon collector import it on their
cold start (`docs/decisions/0006-two-planes.md`). `docs/reference/settings.md` lists every
setting; a test fails when one is missing there.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Self
from urllib.parse import urlsplit

from ctv_ads.errors import InvalidSettingsError


def _text(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be empty")
    return value.strip()


def _positive(value: str) -> int:
    text = value.strip()
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise ValueError("must be a whole number above 0")
    return int(text)


def _address(*schemes: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        try:
            parts = urlsplit(value)
            is_whole = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
        except ValueError:  # its message would repeat a password that is taken for a port
            is_whole = False
        if not is_whole:
            raise ValueError(f"must be an address that starts with {' or '.join(schemes)}://")
        return value.rstrip("/")

    return parse


_HTTP = _address("http", "https")


def _setting(
    name: str,
    meaning: str,
    parse: Callable[[str], Any] = _text,
    default: Any = MISSING,  # noqa: ANN401 - a setting's default has the setting's own type
    *,
    is_secret: bool = False,
) -> Any:  # noqa: ANN401 - stands for a field of the setting's own type
    metadata = {"name": name, "meaning": meaning, "parse": parse}
    if default is MISSING:
        return field(metadata=metadata, repr=not is_secret)
    return field(default=default, metadata=metadata, repr=not is_secret)


def is_under_runtime() -> bool:
    """Tell whether Lambda's runtime has loaded this process, on AWS or on one machine."""
    return "AWS_LAMBDA_RUNTIME_API" in os.environ


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Base: reads the fields of a subclass from an environment."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Read and check every setting of this class.

        Raises:
            InvalidSettingsError: at least one is missing or wrong; the message lists them all.
        """
        source = os.environ if environment is None else environment
        values: dict[str, Any] = {}
        faults: list[str] = []
        for item in fields(cls):
            name = item.metadata["name"]
            text = source.get(name, "")
            if text:
                try:
                    values[item.name] = item.metadata["parse"](text)
                except ValueError as error:
                    faults.append(f"{name}: {error}")
            elif item.default is MISSING:
                faults.append(f"{name}: missing ({item.metadata['meaning']})")
        if faults:
            raise InvalidSettingsError("; ".join(faults))
        return cls(**values)


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsSettings(Settings):
    """What Lambda itself sets: who this function is to AWS."""

    access_key: str = _setting("AWS_ACCESS_KEY_ID", "set by Lambda")
    secret_key: str = _setting("AWS_SECRET_ACCESS_KEY", "set by Lambda", is_secret=True)
    session_token: str = _setting("AWS_SESSION_TOKEN", "set by Lambda", _text, "", is_secret=True)
    region: str = _setting("AWS_REGION", "set by Lambda")
    endpoint_url: str = _setting(
        "AWS_ENDPOINT_URL",
        "one address for every AWS service; set locally, to the emulator",
        _HTTP,
        "",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ValkeySettings(Settings):
    """How to reach Valkey."""

    valkey_url: str = _setting(
        "VALKEY_URL",
        "address of Valkey; rediss:// for TLS",
        _address("redis", "rediss"),
        is_secret=True,
    )
    valkey_timeout_ms: int = _setting(
        "VALKEY_TIMEOUT_MS",
        "how long one Valkey command may take before the answer goes on without it",
        _positive,
        50,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AdServerSettings(ValkeySettings):
    """What `functions/ad_request` reads."""

    beacon_secret_id: str = _setting(
        "BEACON_SECRET_ID", "Secrets Manager id of the keys that sign beacon tokens"
    )
    public_base_url: str | None = _setting(
        "PUBLIC_BASE_URL",
        "origin of beacon addresses; default: https:// and the API's own domain name",
        _HTTP,
        None,
    )
    beacon_lifetime_s: int = _setting(
        "BEACON_LIFETIME_S",
        "how long after the decision a beacon still counts",
        _positive,
        24 * 3600,
    )
    decision_records_kept: int = _setting(
        "DECISION_RECORDS_KEPT", "how many recent decisions Valkey keeps, about", _positive, 100_000
    )
    decision_records_at_most: int = _setting(
        "DECISION_RECORDS_AT_MOST",
        "how many it keeps at most while they wait for the archive",
        _positive,
        500_000,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BeaconKeySettings(Settings):
    """How beacons are signed."""

    beacon_secret_id: str = _setting(
        "BEACON_SECRET_ID", "Secrets Manager id of the keys that sign beacon tokens"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectorSettings(BeaconKeySettings):
    """What `functions/impressions/handler.py` reads."""

    ad_event_queue_url: str = _setting(
        "AD_EVENT_QUEUE_URL", "SQS queue that takes verified beacons", _HTTP
    )
    data_centre_networks: str | None = _setting(
        "DATA_CENTRE_NETWORKS",
        "file of hosting networks whose beacons do not count; default: the list that is packaged",
        _text,
        None,
    )
    crawler_agents: str | None = _setting(
        "CRAWLER_AGENTS",
        "file of crawlers' user agents whose beacons do not count; default: as packaged",
        _text,
        None,
    )
    player_agents: str | None = _setting(
        "PLAYER_AGENTS",
        "file of user agents of players, where only theirs count; default: whoever is no crawler",
        _text,
        None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSettings(Settings):
    """How to reach PostgreSQL: the secret holds host, port, dbname, username and password."""

    database_secret_id: str = _setting(
        "DATABASE_SECRET_ID", "Secrets Manager id of this function's own PostgreSQL role"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessTokenSettings(Settings):
    """How people's access tokens are signed and checked."""

    access_token_secret_id: str = _setting(
        "ACCESS_TOKEN_SECRET_ID", "Secrets Manager id of the key that signs access tokens"
    )
    access_token_lifetime_s: int = _setting(
        "ACCESS_TOKEN_LIFETIME_S", "how long an access token is valid", _positive, 15 * 60
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryQueueSettings(Settings):
    """Where a change of the inventory is announced."""

    inventory_queue_url: str = _setting(
        "INVENTORY_QUEUE_URL", "SQS queue that triggers publishing the inventory", _HTTP
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSettings(Settings):
    """How budgets are handed out to decisions as tokens."""

    reservation_lifetime_s: int = _setting(
        "RESERVATION_LIFETIME_S",
        "how long what a decision spent waits for its beacon before it is free again",
        _positive,
        15 * 60,
    )
    token_shards: int = _setting(
        "TOKEN_SHARDS",
        "over how many Valkey shards tokens and viewers are spread",
        _positive,
        1,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class HistorySettings(Settings):
    """Where published inventories are kept."""

    history_bucket: str = _setting(
        "HISTORY_BUCKET", "S3 bucket that keeps published inventories, to explain decisions"
    )
