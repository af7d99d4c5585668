"""Learn from the statistics how often films are seen to their end.

Event: the schedule. What is learned is published with the next publication.
"""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from ctv_ads.adapters.clock import utc_now
from ctv_ads.bootstrap.pipeline import completion_learning

_LOG = Logger()


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> None:  # noqa: ARG001 - Lambda's signature
    """Learn once; a failure is tried again with the next event."""
    _LOG.info("completions measured", changed=completion_learning().learn(now=utc_now()))
