"""`python -m local.statistics FIRST_DAY [LAST_DAY] [--from-archive]`: count days of events anew.

It uses the running copy (PORT). On AWS the function `rebuild-statistics` does the same
(docs/archive.md).
"""

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import closing
from datetime import date, timedelta

from ctv_ads.adapters.aws.event_archive import S3EventArchive
from ctv_ads.adapters.postgres.database import Database
from ctv_ads.adapters.postgres.event_days import PostgresEventDays
from ctv_ads.adapters.postgres.statistics_rebuild import PostgresStatisticsRebuild
from ctv_ads.errors import CtvAdsError
from ctv_ads.use_cases.archive_events import RebuildStatistics
from local.emulator import Emulator
from local.options import Options
from local.ports import HOST, is_free
from local.postgres import DATABASE
from local.processes import LocalError
from local.resources import ARCHIVE_BUCKET
from local.secrets import Secrets

# A day is counted in one transaction.
_STATEMENT_TIMEOUT_MS = 600_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Count each day anew, print how many events it had, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("first", type=date.fromisoformat)
    parser.add_argument("last", type=date.fromisoformat, nargs="?")
    parser.add_argument("--from-archive", action="store_true", help="not from PostgreSQL")
    chosen = parser.parse_args(arguments)
    days = (chosen.last or chosen.first) - chosen.first
    try:
        with closing(_database(options := Options.from_environment(os.environ))) as database:
            emulator = Emulator(options.data_dir / "aws", options.ports.emulator)
            rebuild = RebuildStatistics(
                PostgresEventDays(database),
                S3EventArchive(emulator.s3, ARCHIVE_BUCKET),
                PostgresStatisticsRebuild(database),
            )
            for ahead in range(days.days + 1):
                day = chosen.first + timedelta(days=ahead)
                print(f"{day}: {rebuild(day, from_archive=chosen.from_archive)} events")
    except (LocalError, CtvAdsError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _database(options: Options) -> Database:
    if is_free(options.ports.emulator):
        raise LocalError(f"nothing runs on port {options.port}: start it with `make run`")
    secret = {
        "host": HOST,
        "port": options.ports.postgres,
        "dbname": DATABASE,
        "username": "ctv_pipeline",
        "password": Secrets.load(options.data_dir / "secrets.json").pipeline_password,
        "sslmode": "disable",
    }
    return Database(secret, statement_timeout_ms=_STATEMENT_TIMEOUT_MS)


if __name__ == "__main__":
    sys.exit(main())
