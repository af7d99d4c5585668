"""Create, read, start, pause and delete campaigns."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from ctv_ads.bootstrap.control_plane import signed_in
from ctv_ads.web.resolver import api_resolver
from functions.campaigns.routes import (
    advertisers,
    assignments,
    audit,
    campaign_changes,
    campaign_lists,
    campaigns,
    line_items,
    placements,
)

app = api_resolver(
    campaigns.router,
    campaign_lists.router,
    campaign_changes.router,
    audit.router,
    line_items.router,
    assignments.router,
    advertisers.router,
    placements.router,
    authenticate=signed_in,
)


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one API Gateway request."""
    return app.resolve(event, context)
