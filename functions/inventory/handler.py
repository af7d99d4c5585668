"""Complete what has run its course, grant tokens, and publish what may serve now to Valkey.

Events: SQS messages that announce a change, and the schedule. Each looks at everything, so one
run answers all messages of a batch.
"""

from dataclasses import asdict
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from ctv_ads.bootstrap.pipeline import campaign_completion, inventory_publication, token_grants
from ctv_ads.errors import DependencyUnavailableError

_LOG = Logger()


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    """Do all of it once; a failure fails the whole batch, so that every change is tried again.

    Tokens go first: what is activated can be paid for when it is published, and what is paused
    can spend nothing even before. A failure of theirs does not keep changes from being published.
    """
    completed = campaign_completion()()
    failure, granted = None, None
    try:
        granted = token_grants()()
    except DependencyUnavailableError as error:
        failure = error
    version = inventory_publication()()
    changes = [record["body"] for record in event.get("Records", ())]
    _LOG.info(
        "inventory published",
        version=version,
        changes=changes,
        completed=completed,
        tokens=granted and asdict(granted),
    )
    if failure is not None:
        raise failure
    return {"batchItemFailures": []}
