"""What Python writes for PostgreSQL by itself: PostgreSQL reads it, and works out the same."""

import random

from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.postgres.array_texts import plain_array, text_array
from ctv_ads.domain.ids import DecisionId
from ctv_ads.domain.ledger import events_sha256
from tests.books import Owner

_DIGEST = """
SELECT sha256(string_agg(event_line(decision_id, slot, event, micros), ''
                         ORDER BY decision_id, slot, event)) AS digest
FROM unnest(%s::uuid[], %s::smallint[], %s::text[], %s::bigint[])
    AS e (decision_id, slot, event, micros)"""


def test_texts_arrive_whatever_they_hold(owner: Owner) -> None:
    texts = ["", " ", "NULL", 'a "b"', "back\\slash", "{}", "a,b", "é😀", "line\nbreak", "'"]
    row = owner.execute("SELECT %s::text[] AS texts", (text_array(texts),)).fetchone()
    assert row == {"texts": texts}


def test_numbers_and_ids_arrive(owner: Owner) -> None:
    ids = [new_id(), new_id()]
    values = (plain_array(ids), plain_array([-(2**63), 2**63 - 1]), plain_array([]))
    row = owner.execute(
        "SELECT %s::uuid[]::text[] AS ids, %s::bigint[] AS numbers, %s::date[] AS none", values
    ).fetchone()
    assert row == {"ids": ids, "numbers": [-(2**63), 2**63 - 1], "none": []}


def test_the_digest_of_an_entry_is_the_one_that_the_database_works_out(owner: Owner) -> None:
    chance = random.Random(3)  # noqa: S311 - the same events every time
    decisions = [DecisionId(new_id()) for _ in range(20)]
    events = [
        (decision, slot, chance.choice(["impression", "complete"]), chance.randrange(1, 2**62))
        for decision in decisions
        for slot in (1, 2, 300)
    ]
    chance.shuffle(events)
    columns = [list(column) for column in zip(*events, strict=True)]
    row = owner.execute(_DIGEST, columns).fetchone()
    assert row == {"digest": events_sha256(events)}
