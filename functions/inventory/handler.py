"""Complete what has run its course, and publish what may serve now to Valkey.

Events: SQS messages that announce a change, and the schedule. Each publishes everything, so
one publication answers all messages of a batch.
"""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from ctv_ads.bootstrap.pipeline import campaign_completion, inventory_publication

_LOG = Logger()


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    """Complete and publish once; a failure fails the whole batch, so that every change is tried again."""
    completed = campaign_completion()()
    version = inventory_publication()()
    changes = [record["body"] for record in event.get("Records", ())]
    _LOG.info("inventory published", version=version, changes=changes, completed=completed)
    return {"batchItemFailures": []}
