"""Sign people in and tell who they are."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from ctv_ads.bootstrap.control_plane import signed_in
from ctv_ads.web.resolver import api_resolver
from functions.auth.routes import profile, sessions

app = api_resolver(sessions.router, profile.router, authenticate=signed_in)


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one API Gateway request."""
    return app.resolve(event, context)
