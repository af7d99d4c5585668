"""Count the events of days anew. An operator invokes it; `docs/archive.md` says how and when.

Event: `{"first_day": "2026-11-01", "last_day": "2026-11-03", "from_archive": false}`. Each day is
one transaction, and counting it again changes nothing.
"""

from datetime import date, timedelta
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from ctv_ads.bootstrap.archive import statistics_rebuilding

_LOG = Logger()


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:  # noqa: ARG001 - Lambda's signature
    """Count each day anew, and say how many events it had.

    Raises:
        KeyError, ValueError: the event names no days.
        NotFoundError: a day is neither in PostgreSQL nor archived as a whole.
        ArchiveCorruptError: a file of the archive is not what was written.
        DependencyUnavailableError: PostgreSQL or S3 does not answer.
    """
    first, last = (date.fromisoformat(event[name]) for name in ("first_day", "last_day"))
    from_archive = event.get("from_archive") is True
    counted: dict[str, int] = {}
    for ahead in range((last - first).days + 1):
        day = first + timedelta(days=ahead)
        counted[day.isoformat()] = statistics_rebuilding()(day, from_archive=from_archive)
        _LOG.info("day counted anew", day=day.isoformat(), events=counted[day.isoformat()])
    return counted
