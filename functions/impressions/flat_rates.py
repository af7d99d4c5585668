"""Enter the flat rates of the days that are over into the books, each day once.

Event: the schedule. Days that were missed are entered by the next run, however long ago they were.
"""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from ctv_ads.adapters.clock import utc_now
from ctv_ads.bootstrap.pipeline import flat_rates

_LOG = Logger()


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:  # noqa: ARG001 - Lambda's signature
    """Enter every day before today that is owed and not entered, campaign by campaign.

    Raises:
        DependencyUnavailableError: PostgreSQL does not answer; the next run goes on.
    """
    today = utc_now().date()
    entered = 0
    for campaign_id in flat_rates().campaigns_due(today=today):
        days = flat_rates().post(campaign_id, today=today)
        entered += days
        if days:
            _LOG.info("flat rates entered", campaign_id=campaign_id, days=days)
    return {"entered": entered}
