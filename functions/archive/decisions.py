"""Carry what decisions left in Valkey into the archive, and their counts to the statistics.

Event: the schedule. A failure raises; the next run takes up what this one did not finish.
"""

from dataclasses import asdict
from time import monotonic, sleep
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit, single_metric
from aws_lambda_powertools.utilities.typing import LambdaContext

from ctv_ads.bootstrap.archive import decision_drain

_LOG = Logger()
METRICS, LOST_METRIC = "ctv-ads", "DecisionsLost"
LOST_DIMENSIONS = {"service": "archive-decisions"}
_TAKES_BATCHES_FOR_S = 55
"""A batch that is begun then ends within the function's timeout; the next run begins soon after."""
_PAUSE_S = 5
"""Between two rounds of a busy run. Shorter ones would make more and smaller objects."""


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:  # noqa: ARG001 - Lambda's signature
    """Drain the streams once, and say how much was carried.

    Raises:
        DependencyUnavailableError: Valkey, S3 or SQS does not answer.
    """
    until = monotonic() + _TAKES_BATCHES_FOR_S
    drained = asdict(
        decision_drain()(has_time=lambda: monotonic() < until, pause=lambda: sleep(_PAUSE_S))
    )
    tell = _LOG.error if drained["lost"] else _LOG.info
    tell("decisions drained", **drained)
    if drained["lost"]:
        _raise_alarm(drained["lost"])
    return drained


def _raise_alarm(lost: int) -> None:
    """Count what nobody can count any more; an alarm watches it (`cdk/stacks/events.py`)."""
    with single_metric(
        LOST_METRIC, MetricUnit.Count, lost, namespace=METRICS, default_dimensions=LOST_DIMENSIONS
    ):
        pass
