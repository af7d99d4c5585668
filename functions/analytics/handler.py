"""Report delivery and spend."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from ctv_ads.bootstrap.control_plane import signed_in
from ctv_ads.web.resolver import api_resolver
from functions.analytics import delivery, ledger, ledger_events, routes, supply

app = api_resolver(
    routes.router,
    delivery.router,
    ledger.router,
    ledger_events.router,
    supply.router,
    authenticate=signed_in,
)


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one API Gateway request."""
    return app.resolve(event, context)
