"""`python -m local.ledger verify [--strict] | credit FILE --reason TEXT [--rule RULE]`: audit this machine's books, or credit.

It uses the server of a running copy (PORT), or starts the one in DATA_DIR for the while. With
LEDGER_DATABASE_SECRET, a JSON document as Secrets Manager keeps it for RDS, it uses that database,
and with LEDGER_ARCHIVE_BUCKET that bucket for the events of days that were dropped.
"""

import argparse
import csv
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import boto3
import psycopg

from ctv_ads.adapters.aws.event_archive import S3EventArchive
from ctv_ads.adapters.postgres.database import Database
from ctv_ads.adapters.postgres.ledger_audit import PostgresLedgerAudit
from ctv_ads.adapters.postgres.ledger_credits import PostgresLedgerPosting
from ctv_ads.domain.beacon import BeaconEvent
from ctv_ads.domain.ids import DecisionId
from ctv_ads.domain.invalid_traffic import InvalidTraffic
from ctv_ads.errors import CtvAdsError
from ctv_ads.ports.event_archive import EventArchive
from ctv_ads.ports.ledger import DeliveredEvent
from ctv_ads.use_cases.audit_ledger import AuditLedger
from ctv_ads.use_cases.credit_events import CreditEvents
from local.emulator import Emulator
from local.migrate import owner_of_this_machine
from local.options import Options
from local.ports import HOST
from local.postgres import DATABASE
from local.processes import LocalError
from local.resources import ARCHIVE_BUCKET
from local.secrets import Secrets

# An audit reads a day's events in one statement.
_STATEMENT_TIMEOUT_MS = 600_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what is asked, print what was found, and return the exit status."""
    chosen = _parser().parse_args(arguments)
    try:
        with _pipeline() as secret:
            database = Database(secret, statement_timeout_ms=_STATEMENT_TIMEOUT_MS)
            try:
                if chosen.command == "verify":
                    return verify(database, _archive(), is_strict=chosen.strict)
                return give_credit(
                    database, _archive(), chosen.file, chosen.reason, rule=chosen.rule
                )
            finally:
                database.close()
    except (LocalError, CtvAdsError, ValueError, KeyError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    audit = commands.add_parser("verify", help="recount every invoice line, check every chain")
    audit.add_argument(
        "--strict", action="store_true", help="fail if a day could not be recounted, too"
    )
    credit = commands.add_parser("credit", help="credit events that should not have been billed")
    credit.add_argument("file", type=Path, help="CSV with day, decision_id, slot, event")
    credit.add_argument("--reason", required=True, help="kept in the entry")
    credit.add_argument(
        "--rule",
        type=InvalidTraffic,
        choices=[rule for rule in InvalidTraffic if rule is not InvalidTraffic.FORGED],
        help="mark the events as invalid by this rule, for reports",
    )
    return parser


def verify(database: Database, archive: EventArchive, *, is_strict: bool = False) -> int:
    """Print every fault of the books, and what could not be audited; return 1 if there is one."""
    report = AuditLedger(PostgresLedgerAudit(database), archive)()
    for fault in report.faults:
        print(f"FAULT {fault}")
    for day, why in report.not_recounted.items():
        print(f"not recounted: {day} ({why})")
    print(
        f"{report.days} days audited, {len(report.not_recounted)} of them not recounted,"
        f" {len(report.faults)} faults"
    )
    return 1 if report.faults or (is_strict and report.not_recounted) else 0


def give_credit(
    database: Database,
    archive: EventArchive,
    file: Path,
    reason: str,
    *,
    rule: InvalidTraffic | None = None,
) -> int:
    """Credit the events of a CSV file and print what it came to; return 1 unless it is all."""
    with file.open(newline="", encoding="utf-8") as lines:
        events = {
            DeliveredEvent(
                date.fromisoformat(row["day"]),
                DecisionId(row["decision_id"]),
                int(row["slot"]),
                BeaconEvent(row["event"]),
            )
            for row in csv.DictReader(lines)
        }
    try:
        credited = CreditEvents(PostgresLedgerPosting(database), archive)(
            list(events), reason, rule=rule
        )
    except psycopg.errors.CheckViolation as error:
        raise ValueError(
            "a reason is up to 200 plain letters, digits and . , : ; / _ ( ) -"
        ) from error
    print(f"{credited.events} of {len(events)} events credited: {credited.amount_micros} micros")
    if not credited.is_complete:
        print(
            f"not credited: {credited.credited_before} were credited before,"
            f" {credited.never_billed} were never billed, {credited.unknown} are unknown",
            file=sys.stderr,
        )
    return 0 if credited.is_complete else 1


def _archive() -> EventArchive:
    """Return where the events of dropped days are; nobody asks it before one is needed."""
    if bucket := os.environ.get("LEDGER_ARCHIVE_BUCKET"):
        return S3EventArchive(boto3.client("s3"), bucket)
    options = Options.from_environment(os.environ)
    emulator = Emulator(options.data_dir / "aws", options.ports.emulator)
    return S3EventArchive(emulator.s3, ARCHIVE_BUCKET)


@contextmanager
def _pipeline() -> Iterator[Mapping[str, object]]:
    """Give how to connect as the pipeline's role."""
    if given := os.environ.get("LEDGER_DATABASE_SECRET"):
        yield json.loads(given)
        return
    options = Options.from_environment(os.environ)
    with owner_of_this_machine(options):
        yield {
            "host": HOST,
            "port": options.ports.postgres,
            "dbname": DATABASE,
            "username": "ctv_pipeline",
            "password": Secrets.load(options.data_dir / "secrets.json").pipeline_password,
            "sslmode": "disable",
        }


if __name__ == "__main__":
    sys.exit(main())
