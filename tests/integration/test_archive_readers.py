"""The archive as docs/archive.md says that others read it: DuckDB runs, Athena's table fits."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ctv_ads.adapters.archived_decisions import encode_decisions
from ctv_ads.adapters.ids import new_id
from ctv_ads.domain.ad_request import AdRequest
from ctv_ads.domain.decision_record import AnswerForm, DecisionNote, DecisionRecord
from ctv_ads.domain.event_archive import EVENTS
from ctv_ads.domain.ids import DecisionId, LineItemId, OrganizationId, PlacementId
from ctv_ads.domain.placement import VastVersion
from ctv_ads.domain.pod import FilledPod, Pick
from ctv_ads.domain.reasons import Reason
from ctv_ads.ports.archive import StreamedDecision
from local.emulator import Emulator
from local.postgres import PostgresServer
from tests.builders import NOON
from tests.cellars import DAY, Cellar, a_cellar, a_server, events_of

DOCUMENT = Path(__file__).parents[2] / "docs" / "archive.md"
BUCKET = "s3://<bucket>"
ATHENA_TYPES = {"uuid": "string", "text": "string"}
DUCKDB_TYPES = {"uuid": "VARCHAR", "text": "VARCHAR", "smallint": "BIGINT"}
"""What it takes columns for without being told: ids for text, whole numbers for one type."""


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with a_server() as running:
        yield running


@pytest.fixture
def cellar(server: PostgresServer, aws_emulator: Emulator) -> Iterator[Cellar]:
    with a_cellar(server, aws_emulator) as cellar:
        yield cellar


def statements(chapter: str) -> list[str]:
    """Return the SQL that the document has under a heading."""
    (block,) = re.findall(rf"## {chapter}\n\n```sql\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    return [text.strip() for text in block.split(";\n") if text.strip()]


def asked_of(name: str, folder: Path) -> duckdb.DuckDBPyRelation:
    """Run the documented statement that reads with `name`, on a copy of the bucket."""
    (statement,) = [text for text in statements("DuckDB") if f"{name}(" in text]
    # Its month begins after the day of these tests.
    return answer_to(statement.replace(BUCKET, str(folder)).replace("2026-11-01", str(DAY)))


def answer_to(statement: str) -> duckdb.DuckDBPyRelation:
    # Nothing is fetched from anywhere: what it needs is built in.
    settings: dict[str, Any] = {"threads": 1, "autoinstall_known_extensions": False}
    found = duckdb.connect(config=settings).sql(statement)
    assert found is not None
    return found


def copied(cellar: Cellar, prefix: str, folder: Path) -> Path:
    """Copy a part of the bucket, as `aws s3 cp --recursive` does."""
    for key in cellar.keys(prefix):
        file = folder / key
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(cellar.object(key))
    return folder


def test_duckdb_counts_an_archived_day_as_postgresql_does(cellar: Cellar, tmp_path: Path) -> None:
    cellar.world.ledger.record(events_of(cellar.campaign, ads=40))
    cellar.run()
    folder = copied(cellar, "events/", tmp_path)
    told = asked_of("read_csv", folder).fetchall()
    (counted,) = cellar.owner.execute(
        "SELECT campaign_id::text, sum(impressions)::integer AS impressions,"
        " sum(billed_micros) / 1e6::float8 AS billed FROM delivery_days GROUP BY campaign_id"
    ).fetchall()
    assert told == [tuple(counted.values())]
    assert counted["impressions"] == 40
    assert counted["billed"] > 0


def test_duckdb_sees_every_column_with_its_type(cellar: Cellar, tmp_path: Path) -> None:
    beacons = events_of(cellar.campaign, ads=40)
    cellar.world.ledger.record(beacons)
    cellar.run()
    folder = copied(cellar, "events/", tmp_path)
    events = answer_to(
        f"SELECT * FROM read_csv('{folder}/events/v1/*/*.csv.gz', hive_partitioning = true)"  # noqa: S608
    )
    expected = {name: DUCKDB_TYPES.get(kind, kind.upper()) for name, kind in EVENTS.columns}
    # Empty everywhere: of such a column nothing is known.
    expected |= {"vast_error_code": "VARCHAR"}
    found = dict(zip(events.columns, map(str, events.types), strict=True))
    assert found == expected | {"day": "DATE"}
    assert {row[0] for row in events.project("day").fetchall()} == {DAY}
    assert len(events) == len(beacons)
    recorded = cellar.owner.execute(
        "SELECT decision_id::text, slot, event, decided_at AT TIME ZONE 'UTC' AS decided_at, session,"
        " nullif(country, '') AS country, billed_micros FROM ad_events"
    ).fetchall()
    names = ", ".join(recorded[0])
    assert set(events.project(names).fetchall()) == {tuple(row.values()) for row in recorded}


def test_duckdb_reads_archived_decisions(cellar: Cellar, tmp_path: Path) -> None:
    ids = [new_id() for _ in range(5)]
    note = DecisionNote(
        DecisionId(ids[0]), NOON, 7, "v", OrganizationId(ids[1]), PlacementId(ids[2]),
        AdRequest("demo"), AnswerForm.VAST, VastVersion.V4_2, "https://x", "k1", 60, 30,
        (LineItemId(ids[3]), LineItemId(ids[4])),
    )  # fmt: skip
    pod = FilledPod((Pick(0, 0, 0), Pick(1, 0, 0)), (Reason.CHOSEN, Reason.CHOSEN))
    file = tmp_path / "decisions/2026/11/22/10/05-s0-1-0-9-0.jsonl.gz"
    file.parent.mkdir(parents=True)
    file.write_bytes(encode_decisions([StreamedDecision("1-0", DecisionRecord(note, pod))]))
    ((decision_id, placement_id, ads),) = asked_of("read_json", tmp_path).fetchall()
    assert (str(decision_id), str(placement_id), ads) == (ids[0], ids[2], 2)


def test_athena_is_told_of_every_column_in_its_order() -> None:
    create: Any = next(text for text in statements("Athena") if text.startswith("CREATE"))
    listed = re.search(
        r"TABLE ad_events \((.*?)\)\s+PARTITIONED BY \(day date\)", create, re.DOTALL
    )
    assert listed
    told = [tuple(column.split()) for column in listed[1].split(",")]
    assert told == [(name, ATHENA_TYPES.get(kind, kind)) for name, kind in EVENTS.columns]
