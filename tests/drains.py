"""An ad server with everything behind it: streams, archive, queue and statistics, all real."""

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row

from ctv_ads.adapters.aws.decided_counts_queue import SqsDecidedCounts
from ctv_ads.adapters.aws.decision_archive import S3DecisionArchive
from ctv_ads.adapters.aws.decision_messages import decode_decisions
from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.postgres.delivery_counts import PostgresDecisionCounts
from ctv_ads.adapters.valkey.decision_stream import ValkeyDecisionStream
from ctv_ads.adapters.valkey.inventory_history import ValkeyInventoryHistory
from ctv_ads.adapters.valkey.resp import RespConnection
from ctv_ads.domain.campaign import Campaign
from ctv_ads.use_cases.drain_decisions import DrainDecisions, Drained
from local.emulator import Emulator
from tests.aws import bodies
from tests.builders import Tenant, a_campaign_draft
from tests.functions.explaining import Server
from tests.worlds import World

SMALL = 3
"""A batch, so that a few requests make several."""


@dataclass(slots=True)
class Street:
    """One tenant with one campaign, and all that its decisions pass through."""

    server: Server
    emulator: Emulator
    bucket: str
    queue_url: str
    world: World
    tenant: Tenant
    campaign: Campaign
    url: str
    """Of Valkey."""

    @classmethod
    def open(cls, server: Server, emulator: Emulator, world: World, url: str) -> "Street":
        bucket = f"archive-{new_id()}"
        emulator.s3.create_bucket(Bucket=bucket)
        queue_url = emulator.sqs.create_queue(QueueName=f"counts-{new_id()}")["QueueUrl"]
        tenant = world.a_tenant()
        campaign = world.a_serving_campaign(tenant, a_campaign_draft(budget_micros=10**9))
        street = cls(server, emulator, bucket, queue_url, world, tenant, campaign, url)
        server.publish(world.source.load(now=server.now))
        return street

    @property
    def line_item_id(self) -> str:
        return self.campaign.line_items[0].line_item_id

    def decide(self, query: str = "") -> str:
        """Ask for ads and return the decision's id."""
        path = f"/api/v1/vast?placement={self.tenant.placement_id}{query}"
        return self.server.answer(path)["x-decision-id"]

    def stream(self, batch_size: int = SMALL) -> ValkeyDecisionStream:
        return ValkeyDecisionStream(
            self.server.client, shards=1, new_id=new_id, batch_size=batch_size
        )

    def archive(self) -> S3DecisionArchive:
        return S3DecisionArchive(self.emulator.s3, self.bucket)

    def drain(self, **others: Any) -> DrainDecisions:
        parts: dict[str, Any] = {
            "stream": self.stream(),
            "archive": self.archive(),
            "counts": SqsDecidedCounts(self.emulator.sqs, self.queue_url),
            "history": ValkeyInventoryHistory(self.server.connection),
        }
        return DrainDecisions(**(parts | others))

    def run(self, **others: Any) -> Drained:
        # A connection is for one thread, and some runs are at the same time.
        with RespConnection(self.url, timeout_ms=5000) as connection:
            parts = {"history": ValkeyInventoryHistory(connection), **others}
            return self.drain(**parts)(has_time=lambda: True)

    def consume(self, *, times: int = 1) -> int:
        """Count what is in the queue, each message so many times; return how many were new."""
        messages = [decode_decisions(body) for body in bodies(self.emulator, self.queue_url)]
        counts = PostgresDecisionCounts(self.world.pipeline)
        return sum(counts.add(messages) for _ in range(times))

    def objects(self) -> dict[str, Sequence[Any]]:
        """Return the archived decisions by the names of their objects."""
        s3 = self.emulator.s3
        listed = s3.list_objects_v2(Bucket=self.bucket).get("Contents", [])
        return {
            item["Key"]: [json.loads(line) for line in gzip.decompress(body).splitlines()]
            for item in listed
            for body in [s3.get_object(Bucket=self.bucket, Key=item["Key"])["Body"].read()]
        }

    def archived(self) -> list[str]:
        return [row["note"]["id"] for rows in self.objects().values() for row in rows]

    def statistics(self) -> dict[str, int]:
        """Return the totals of the tenant's placement, hours and days agreeing."""
        totals = [self._totals(table) for table in ("delivery_hours", "delivery_days")]
        assert totals[0] == totals[1]
        return totals[0]

    def creatives(self) -> dict[str, int]:
        """Return the ads served by creative."""
        rows = self._rows(
            "SELECT creative_id::text, sum(ads_served)::int AS ads FROM delivery_hours"
            " WHERE placement_id = %s AND ads_served > 0 GROUP BY 1"
        )
        return {row["creative_id"]: row["ads"] for row in rows}

    def no_fills(self) -> dict[str, int]:
        """Return the no-fills by reason."""
        rows = self._rows(
            "SELECT reason, sum(no_fills)::int AS no_fills FROM delivery_no_fills"
            " WHERE placement_id = %s GROUP BY 1"
        )
        return {row["reason"]: row["no_fills"] for row in rows}

    def _totals(self, table: str) -> dict[str, int]:
        names = ("requests", "opportunities", "no_fills", "ads_served")
        sums = ", ".join(f"coalesce(sum({name}), 0)::int AS {name}" for name in names)
        return self._rows(f"SELECT {sums} FROM {table} WHERE placement_id = %s")[0]  # noqa: S608

    def _rows(self, statement: str) -> list[dict[str, Any]]:
        with psycopg.connect(self.world.schema.owner_dsn, row_factory=dict_row) as connection:
            return connection.execute(statement, (self.tenant.placement_id,)).fetchall()


FIVE = {"requests": 5, "opportunities": 5, "no_fills": 1, "ads_served": 4}


def five_decisions(street: Street) -> list[str]:
    made = [street.decide() for _ in range(4)]
    return [*made, street.decide("&min_ad_ms=60000&max_ad_ms=90000")]
