"""Remove what has served its time: keys, sessions, tokens, invitations, files of creatives.

Event: the schedule. A failure raises; the next run goes on where this one stopped.
"""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from ctv_ads.bootstrap.purge import purge

_LOG = Logger()


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:  # noqa: ARG001 - Lambda's signature
    """Purge once, and say how much of each kind was removed.

    Raises:
        DependencyUnavailableError: PostgreSQL or S3 does not answer.
    """
    removed = dict(purge()())
    _LOG.info("purged", removed=removed)
    return removed
