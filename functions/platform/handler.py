"""Tell how each dependency is, serve the API's own documentation, refuse what has no route."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from ctv_ads.web.resolver import api_resolver
from functions.platform.other_routes import refusal
from functions.platform.routes import router

_NO_ROUTE = "$default"

app = api_resolver(router)


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one API Gateway request."""
    if event["routeKey"] == _NO_ROUTE:
        return refusal(event)
    return app.resolve(event, context)
