"""Archive the days of events that are closed, make days ahead, drop those that are old and archived.

Event: the schedule. A failure raises; the next run goes on where this one stopped.
"""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from ctv_ads.bootstrap.archive import event_archiving

_LOG = Logger()


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    """Archive each kind of events once, and say which days were made, archived and dropped.

    Raises:
        DependencyUnavailableError: PostgreSQL or S3 does not answer.
    """
    done: dict[str, Any] = {}
    for kind, archive in event_archiving().items():
        run = archive()
        done[kind] = {
            "made": run.made,
            "archived": [day.isoformat() for day in run.archived],
            "dropped": [day.isoformat() for day in run.dropped],
        }
        _LOG.info("events archived", kind=kind, days=done[kind])
    return done
