"""`/api/v1/auth/profile`: who am I."""

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from ctv_ads.bootstrap.access import Accounts
from ctv_ads.bootstrap.control_plane import SignedIn
from ctv_ads.web.etags import IfMatch, check_version, with_etag
from ctv_ads.web.resolver import SIGNED_IN
from functions.auth.schemas.accounts import ProfileChange
from functions.auth.schemas.sessions import UserView

router = Router()


@router.get("/api/v1/auth/profile", summary="Who am I", tags=["auth"], security=SIGNED_IN)
def profile(caller: SignedIn, accounts: Accounts) -> Response[UserView]:
    """Return the signed-in person."""
    account = accounts.of(caller)
    return with_etag(UserView.of(account), account.version)


@router.patch(
    "/api/v1/auth/profile", summary="Change your profile", tags=["auth"], security=SIGNED_IN
)
def change(
    body: ProfileChange, caller: SignedIn, accounts: Accounts, if_match: IfMatch = None
) -> Response[UserView]:
    """Change what is given; what is left out stays."""
    changed = accounts.rename(caller, body.name, lambda version: check_version(if_match, version))
    return with_etag(UserView.of(changed), changed.version)
