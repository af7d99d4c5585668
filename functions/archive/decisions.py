"""Carry what decisions left in Valkey into the archive, and their counts to the statistics.

Event: the schedule. A failure raises; the next run takes up what this one did not finish.
"""

from dataclasses import asdict
from time import monotonic
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from ctv_ads.bootstrap.archive import decision_drain

_LOG = Logger()
_TAKES_BATCHES_FOR_S = 40
"""A batch that is begun then ends within the function's timeout."""


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:  # noqa: ARG001 - Lambda's signature
    """Drain the streams once, and say how much was carried.

    Raises:
        DependencyUnavailableError: Valkey, S3 or SQS does not answer.
    """
    until = monotonic() + _TAKES_BATCHES_FOR_S
    drained = asdict(decision_drain()(has_time=lambda: monotonic() < until))
    tell = _LOG.warning if drained["lost"] else _LOG.info
    tell("decisions drained", **drained)
    return drained
