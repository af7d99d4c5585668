"""Sign people in, tell who they are and what they may do; give machines keys."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from ctv_ads.bootstrap.control_plane import signed_in
from ctv_ads.web.resolver import api_resolver
from functions.auth.routes import accounts, api_keys, people, profile, sessions

app = api_resolver(
    sessions.router,
    accounts.router,
    profile.router,
    people.router,
    api_keys.router,
    authenticate=signed_in,
)


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one API Gateway request."""
    return app.resolve(event, context)
