"""The exported books, as whoever has nothing but the files checks them."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.postgres.ledger_credits import PostgresLedgerPosting
from ctv_ads.errors import NotFoundError
from ctv_ads.web.csv import CsvText
from functions.analytics.ledger_schemas import (
    EVENT_COLUMNS,
    EXPORTED,
    exported,
    exported_event,
)
from tests.books import Owner
from tests.builders import DAY, NOON, PRICE_MICROS, Tenant, a_beacon, some_claims
from tests.ledgers import TODAY, named
from tests.worlds import World

PROGRAM = Path(__file__).parents[2] / "docs" / "tools" / "check_ledger.py"
LAST = TODAY + timedelta(days=9)
_START = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def world(postgres_of_session: World) -> World:
    return postgres_of_session


@pytest.fixture
def tenant(world: World) -> Tenant:
    """Books of three days with two entries each, one of them a credit."""
    tenant = world.a_tenant()
    campaign = world.a_serving_campaign(tenant)
    line_item_id = campaign.line_items[0].line_item_id
    for number in range(3):
        shown = [
            a_beacon(some_claims(line_item_id=line_item_id, decided_at=NOON + number * DAY))
            for _ in range(3)
        ]
        world.ledger.record(shown)
        PostgresLedgerPosting(world.pipeline).credit(named(shown[:1]), "machines")
    return tenant


def ledger_lines(world: World, tenant: Tenant) -> list[str]:
    table = CsvText(EXPORTED, max_bytes=10**7)
    with world.stores.transaction(tenant.caller) as store:
        chains = store.ledger.chains(tenant.advertiser_id, first_day=TODAY, last_day=LAST)
        for entry, day in chains:
            assert table.add(exported(entry, day))
    return table.text().splitlines(keepends=True)


def event_lines(world: World, tenant: Tenant) -> list[str]:
    table = CsvText(EVENT_COLUMNS, max_bytes=10**7)
    with world.stores.transaction(tenant.caller) as store:
        for event in store.ledger.billed_events(
            tenant.advertiser_id, first_day=TODAY, last_day=LAST, after=(_START, 0, ""), most=1000
        ):
            assert table.add(exported_event(event))
    return table.text().splitlines(keepends=True)


def check(folder: Path, *files: Sequence[str], events: Sequence[str] = ()) -> tuple[int, str]:
    """Run the program that advertisers have, on files and nothing else."""
    paths = []
    for number, lines in enumerate([*files, *([events] if events else [])]):
        paths.append(folder / f"{number}.csv")
        paths[-1].write_text("".join(lines), newline="")
    given = [str(path) for path in paths]
    if events:
        given.insert(-1, "--events")
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(PROGRAM), *given],
        capture_output=True,
        text=True,
        check=False,
        env={},
    )
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout


def test_an_advertiser_checks_the_file_without_us(
    world: World, tenant: Tenant, tmp_path: Path
) -> None:
    lines = ledger_lines(world, tenant)
    status, told = check(tmp_path, lines)
    assert status == 0, told
    summary = f"6 entries (their events were not given), {6 * PRICE_MICROS} micros owed, 0 faults"
    assert summary in told
    # The files of one export, the second of which begins within a day.
    assert check(tmp_path, lines[:4], [lines[0], *lines[4:]])[0] == 0


CUTS: dict[str, tuple[Callable[[list[str]], list[str]], str]] = {
    "the last entry": (lambda lines: lines[:-1], "entries are missing at its end"),
    "the last day": (lambda lines: lines[:-2], "the days up to 2026-11-25 are missing"),
    "half a line": (lambda lines: [*lines[:-1], lines[-1][:-60]], "cut off in line"),
    "half a date": (
        lambda lines: [*lines[:-1], lines[-1][:-7]],
        "it is cut off in line 7",
    ),
    "everything": (lambda lines: lines[:1], "there is no entry"),
    "the first entry": (lambda lines: [lines[0], *lines[2:]], "entry 1 should come here"),
    "a day": (
        lambda lines: [*lines[:3], *lines[5:]],
        "2026-11-25: it builds on 2026-11-24, which is missing",
    ),
    "the first day": (
        lambda lines: [lines[0], *lines[3:]],
        "the days from 2026-11-23 on are missing",
    ),
    "what tells the ends of days": (
        lambda lines: [lines[0].replace("day_head_hash", "x"), *lines[1:]],
        "has not all columns",
    ),
    "what it said": (lambda lines: [line.replace(",cpm,", ",cpcv,") for line in lines], "changed"),
    "its accounts": (
        lambda lines: [line.replace(",receivable,", ",a,") for line in lines],
        "accounts",
    ),
    "on what a day builds": (
        lambda lines: [line.replace(",2026-11-24,2026-11-23,", ",,2026-11-23,") for line in lines],
        "2026-11-25, entry 1: it, or one before it, was changed",
    ),
}


@pytest.mark.parametrize("what", CUTS)
def test_a_file_that_lacks_something_is_told(
    world: World, tenant: Tenant, tmp_path: Path, what: str
) -> None:
    cut, fault = CUTS[what]
    lines = ledger_lines(world, tenant)
    assert check(tmp_path, lines)[0] == 0
    status, told = check(tmp_path, cut(lines))
    assert status == 1
    assert fault in told


def test_a_part_of_the_days_is_whole_in_itself(
    world: World, tenant: Tenant, tmp_path: Path
) -> None:
    table = CsvText(EXPORTED, max_bytes=10**7)
    with world.stores.transaction(tenant.caller) as store:
        second = TODAY + timedelta(days=1)
        for entry, day in store.ledger.chains(
            tenant.advertiser_id, first_day=second, last_day=second
        ):
            table.add(exported(entry, day))
    status, told = check(tmp_path, [table.text()])
    assert (status, "2 entries" in told) == (0, True), told


def test_entries_are_recounted_from_the_exported_events(
    world: World, tenant: Tenant, tmp_path: Path
) -> None:
    lines, events = ledger_lines(world, tenant), event_lines(world, tenant)
    assert len(events) == 1 + 9
    status, told = check(tmp_path, lines, events=events)
    assert status == 0, told
    assert "6 entries (9 events)" in told
    for changed in (
        events[:-1],
        [*events, events[-1].replace(events[-1].split(",")[1], new_id())],
        [*events[:-1], events[-1].replace(events[-1].split(",")[1], new_id())],
    ):
        status, told = check(tmp_path, lines, events=changed)
        assert status == 1
        assert "is not the sum of its events" in told
    dearer = [line.replace(f",{PRICE_MICROS},", f",{PRICE_MICROS + 1},", 1) for line in events]
    assert "is not billable at its price" in check(tmp_path, lines, events=dearer)[1]
    assert check(tmp_path, lines, events=[events[0], events[1][:30]])[0] == 1


def test_books_from_before_days_were_chained_go_on_chained(
    world: World, tenant: Tenant, owner: Owner, tmp_path: Path
) -> None:
    """What is there of the first day is made what it was before the migration."""
    with owner.transaction():
        owner.execute("SET LOCAL session_replication_role = replica")
        owner.execute(
            "UPDATE ledger_chains SET opened = 0 WHERE advertiser_id = %s AND day = %s",
            (tenant.advertiser_id, TODAY),
        )
    rows = owner.execute(
        "SELECT opened, previous_day FROM ledger_chains WHERE advertiser_id = %s ORDER BY day",
        (tenant.advertiser_id,),
    ).fetchall()
    assert [tuple(row.values()) for row in rows] == [
        (0, None),
        (2, TODAY),
        (3, TODAY + timedelta(days=1)),
    ]
    assert check(tmp_path, ledger_lines(world, tenant))[0] == 0


def test_a_day_that_is_opened_late_builds_on_one_after_it(
    world: World, tenant: Tenant, tmp_path: Path, owner: Owner
) -> None:
    row = owner.execute(
        "SELECT line_item_id::text FROM ledger_entries WHERE advertiser_id = %s LIMIT 1",
        (tenant.advertiser_id,),
    ).fetchone()
    assert row is not None
    for ahead in (6, 4):
        claims = some_claims(line_item_id=row["line_item_id"], decided_at=NOON + ahead * DAY)
        world.ledger.record([a_beacon(claims)])
    lines = ledger_lines(world, tenant)
    status, told = check(tmp_path, lines)
    assert status == 0, told
    assert "2026-11-27: it builds on 2026-11-29, which is missing" in check(tmp_path, lines[:-1])[1]


def test_events_of_another_tenant_are_not_found(world: World, tenant: Tenant) -> None:
    other = world.a_tenant()
    with world.stores.transaction(other.caller) as store, pytest.raises(NotFoundError):
        store.ledger.billed_events(
            tenant.advertiser_id, first_day=TODAY, last_day=LAST, after=(_START, 0, ""), most=9
        )
