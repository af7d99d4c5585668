"""`functions/inventory/learn.py`: what viewers saw to the end is measured on schedule."""

from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.postgres.completions import PostgresCompletions
from functions.inventory import learn
from tests.builders import a_beacon, some_claims
from tests.worlds import World

CONTEXT: Any = object()


def test_the_schedule_measures_what_was_seen_lately(
    postgres_of_session: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = postgres_of_session
    learning = PostgresCompletions(world.pipeline)
    monkeypatch.setattr(learn, "completion_learning", lambda: learning)
    line_item_id = world.a_serving_campaign(world.a_tenant()).line_items[0].line_item_id
    film, now = new_id(), datetime.now(UTC)
    seen = [
        some_claims(line_item_id=line_item_id, creative_id=film, decided_at=now, price_micros=0)
        for _ in range(70)
    ]
    world.ledger.record([a_beacon(claims, received_at=now) for claims in seen])
    with psycopg.connect(world.schema.owner_dsn, autocommit=True) as owner:
        owner.execute(
            "UPDATE line_items SET creative_rotation = 'optimized' WHERE line_item_id = %s",
            (line_item_id,),
        )
        for _ in range(2):
            learn.lambda_handler({}, CONTEXT)
        rows = owner.execute(
            "SELECT creative_id::text, impressions, completes FROM measured_completions"
            " WHERE line_item_id = %s",
            (line_item_id,),
        ).fetchall()
    assert rows == [(film, 64, 0)]
