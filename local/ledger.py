"""`python -m local.ledger verify | credit FILE --reason TEXT [--rule RULE]`: audit this machine's books, or credit.

It uses the server of a running copy (PORT), or starts the one in DATA_DIR for the while. With
LEDGER_DATABASE_SECRET, a JSON document as Secrets Manager keeps it for RDS, it uses that database.
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

import psycopg

from ctv_ads.adapters.postgres.database import Database
from ctv_ads.adapters.postgres.ledger import PostgresLedgerAudit
from ctv_ads.adapters.postgres.ledger_posting import PostgresLedgerPosting
from ctv_ads.domain.beacon import BeaconEvent
from ctv_ads.domain.ids import DecisionId
from ctv_ads.domain.invalid_traffic import InvalidTraffic
from ctv_ads.errors import DependencyUnavailableError
from ctv_ads.ports.ledger import DeliveredEvent
from local.migrate import owner_of_this_machine
from local.options import Options
from local.ports import HOST
from local.postgres import DATABASE
from local.processes import LocalError
from local.secrets import Secrets

# An audit reads a day's events in one statement.
_STATEMENT_TIMEOUT_MS = 600_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what is asked, print what was found, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("verify", help="recount every invoice line, check every chain")
    credit = commands.add_parser("credit", help="credit events that should not have been billed")
    credit.add_argument("file", type=Path, help="CSV with day, decision_id, slot, event")
    credit.add_argument("--reason", required=True, help="kept in the entry")
    credit.add_argument(
        "--rule",
        type=InvalidTraffic,
        choices=[rule for rule in InvalidTraffic if rule is not InvalidTraffic.FORGED],
        help="mark the events as invalid by this rule, for reports",
    )
    chosen = parser.parse_args(arguments)
    try:
        with _pipeline() as secret:
            database = Database(secret, statement_timeout_ms=_STATEMENT_TIMEOUT_MS)
            try:
                if chosen.command == "verify":
                    return verify(database)
                return give_credit(database, chosen.file, chosen.reason, rule=chosen.rule)
            finally:
                database.close()
    except (LocalError, DependencyUnavailableError, ValueError, KeyError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def verify(database: Database) -> int:
    """Print every fault of the books; return 1 if there is one."""
    audit = PostgresLedgerAudit(database)
    days = audit.days()
    faults = [fault for day in days for fault in audit.faults_of(day)]
    faults += audit.faults_of_bills()
    for fault in faults:
        print(f"FAULT {fault}")
    print(f"{len(days)} days audited, {len(faults)} faults")
    return 1 if faults else 0


def give_credit(
    database: Database, file: Path, reason: str, *, rule: InvalidTraffic | None = None
) -> int:
    """Credit the events of a CSV file, mark them as invalid, and print what it came to."""
    with file.open(newline="", encoding="utf-8") as lines:
        events = [
            DeliveredEvent(
                date.fromisoformat(row["day"]),
                DecisionId(row["decision_id"]),
                int(row["slot"]),
                BeaconEvent(row["event"]),
            )
            for row in csv.DictReader(lines)
        ]
    try:
        credited = PostgresLedgerPosting(database).credit(events, reason, rule=rule)
    except psycopg.errors.CheckViolation as error:
        raise ValueError(
            "a reason is up to 200 plain letters, digits and . , : ; / _ ( ) -"
        ) from error
    print(f"{credited.events} of {len(events)} events credited: {credited.amount_micros} micros")
    return 0


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
