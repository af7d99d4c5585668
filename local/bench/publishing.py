"""Publishing: a whole inventory, and one change of it, in a process of their own."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psycopg
import redis

from ctv_ads.adapters.clock import utc_now
from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.postgres.database import Database
from ctv_ads.adapters.postgres.inventory_source import PostgresInventorySource
from ctv_ads.adapters.valkey.inventory_store import ValkeyInventoryStore
from ctv_ads.migrate import ensure_role, migrate_up, packaged_migrations
from ctv_ads.use_cases.publish_inventory import PublishInventory

_PASSWORD = "a-password-of-the-bench"  # noqa: S105 - of a database that is thrown away
_LINE_ITEMS_EACH = 10
_TIMEOUT_MS = 60_000
_FILL = (
    """
INSERT INTO organizations (organization_id, name) VALUES (%(organization)s, 'Bench')""",
    """
INSERT INTO users (user_id, email, name, password_hash)
VALUES (%(user)s, 'bench@example.com', 'Bench', '-')""",
    """
INSERT INTO advertisers (advertiser_id, organization_id, name, domain, product_category)
SELECT uuidv7(), %(organization)s, 'Advertiser ' || n, 'brand' || n || '.example',
       (1000 + n %% 40)::text FROM generate_series(1, 500) n""",
    """
INSERT INTO campaigns (campaign_id, organization_id, advertiser_id, name, status, budget_micros,
                       cpm_micros, starts_at, ends_at, created_by)
SELECT uuidv7(), %(organization)s, ids[1 + n %% 500], 'Campaign ' || n, 'active', 1000000000000,
       5000000 + n %% 400 * 100000, now() - interval '1 day', now() + interval '30 days', %(user)s
FROM generate_series(1, %(campaigns)s) n,
     (SELECT array_agg(advertiser_id) AS ids FROM advertisers) a""",
    """
INSERT INTO creatives (creative_id, organization_id, campaign_id, name, filename, content_type,
                       declared_size_bytes, click_through_url, status, facts, media_sha256,
                       media_key, created_by)
SELECT uuidv7(), organization_id, campaign_id, name || ', 15 s', 'film.mp4', 'video/mp4', 9375000,
       'https://example.com/landing', 'ready', %(facts)s::jsonb,
       encode(sha256(campaign_id::text::bytea), 'hex'), campaign_id || '/video.mp4', %(user)s
FROM campaigns""",
    """
INSERT INTO line_items (line_item_id, organization_id, campaign_id, name, rate_micros, targeting,
                        frequency_caps, dayparts)
SELECT uuidv7(), organization_id, campaign_id, 'Line item ' || n, 5000000 + n * 100000,
       %(targeting)s::jsonb || jsonb_build_object('channel', jsonb_build_object(
           'include', jsonb_build_array('Channel ' || n, 'Channel ' || n * 7), 'exclude', '[]'::jsonb)),
       %(caps)s::jsonb, CASE WHEN n %% 5 = 0 THEN %(dayparts)s::jsonb ELSE '[]' END
FROM campaigns, generate_series(1, %(each)s) n""",
)
_FACTS = {
    "duration_ms": 15_000, "width_px": 1920, "height_px": 1080, "frame_rate_milli": 25_000,
    "video_codec": "avc1.640028", "audio_codec": "mp4a.40.2", "audio_channels": 2,
    "bitrate_kbps": 5_000, "size_bytes": 9_375_000, "mime_type": "video/mp4",
    "is_streamable": True, "sha256": "ab" * 32,
}  # fmt: skip
_TARGETING = {
    "country": {"include": ["AT", "DE", "CH"], "exclude": []},
    "genre": {"include": [], "exclude": ["News", "Horror"]},
    "device_type": {"include": ["ctv", "set_top_box"], "exclude": []},
}
_CAPS = [{"limit": 3, "window_ms": 86_400_000, "scope": "line_item", "key": "device"}]
_DAYPARTS = [{"days": ["mon", "tue", "wed", "thu", "fri"], "from_min": 360, "to_min": 1320}]
_PAUSE = """
UPDATE line_items SET status = 'paused'
WHERE line_item_id = (SELECT line_item_id FROM line_items LIMIT 1)"""


def measure_publishing(
    dsn: str, server: Mapping[str, object], valkey_url: str, *, line_items: int
) -> dict[str, float]:
    """Fill an empty database, and return what publishing costs a process that does nothing else."""
    with psycopg.connect(dsn, autocommit=True, cursor_factory=psycopg.ClientCursor) as connection:
        for role in ("ctv_api", "ctv_pipeline"):
            ensure_role(connection, role, _PASSWORD)
        migrate_up(connection, packaged_migrations())
        connection.execute("SET session_replication_role = replica")
        values = {
            "organization": new_id(),
            "user": new_id(),
            "campaigns": line_items // _LINE_ITEMS_EACH,
            "each": _LINE_ITEMS_EACH,
            "facts": json.dumps(_FACTS),
            "targeting": json.dumps(_TARGETING),
            "caps": json.dumps(_CAPS),
            "dayparts": json.dumps(_DAYPARTS),
        }
        for statement in _FILL:
            connection.execute(statement.encode(), values)
        connection.execute("VACUUM ANALYZE")
    asked = {"dsn": dsn, "server": dict(server), "valkey_url": valkey_url}
    command = [sys.executable, "-m", "local.bench.publishing", json.dumps(asked)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _publishing(dsn: str, server: Mapping[str, object], valkey_url: str) -> dict[str, float]:
    role = {"username": "ctv_pipeline", "password": _PASSWORD, "sslmode": "disable"}
    database = Database({**server, **role}, statement_timeout_ms=_TIMEOUT_MS)
    source = PostgresInventorySource(database, "https://media.example.com")
    with (
        redis.Redis.from_url(valkey_url) as client,
        psycopg.connect(dsn, autocommit=True) as connection,
    ):
        publish = PublishInventory(source, ValkeyInventoryStore(client), utc_now)
        cold = PublishInventory(source, ValkeyInventoryStore(client), utc_now)
        found = {"whole_s": _seconds(publish), "unchanged_s": _seconds(publish)}
        connection.execute(_PAUSE)
        found |= {"one_pause_s": _seconds(publish), "in_a_new_process_s": _seconds(cold)}
    return found | {"most_memory_mib": _most_memory_mib()}


def _seconds(publish: Callable[[], object]) -> float:
    started = time.perf_counter()
    publish()
    return round(time.perf_counter() - started, 3)


def _most_memory_mib() -> float:
    """Return the most memory that this process has had; getrusage would tell its parent's too."""
    status = Path("/proc/self/status").read_text("utf-8")
    found: Any = re.search(r"VmHWM:\s+(\d+) kB", status)
    return round(int(found[1]) / 1024, 1)


if __name__ == "__main__":
    print(json.dumps(_publishing(**json.loads(sys.argv[1]))))
