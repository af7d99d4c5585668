"""Tell how each dependency is, and serve the API's own documentation."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from ctv_ads.web.resolver import api_resolver
from functions.platform.routes import router

app = api_resolver(router)


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one API Gateway request."""
    return app.resolve(event, context)
