"""Enter the flat rates of the days that are over into the books, each day once.

Event: the schedule. Days that were missed are made up for by the days after them.
"""

from datetime import timedelta
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from ctv_ads.adapters.clock import utc_now
from ctv_ads.bootstrap.pipeline import ledger_posting

_LOG = Logger()


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:  # noqa: ARG001 - Lambda's signature
    """Enter yesterday's flat rates, and those of a flight that ended while nobody did.

    Raises:
        DependencyUnavailableError: PostgreSQL does not answer; the next run enters them.
    """
    now = utc_now()
    entered = 0
    for days_ago in (3, 2, 1):
        day = now.date() - timedelta(days=days_ago)
        line_items = ledger_posting().post_flat(day, now=now)
        entered += len(line_items)
        if line_items:
            _LOG.info("flat rates entered", day=day.isoformat(), line_items=line_items)
    return {"entered": entered}
