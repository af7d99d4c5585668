"""`/api/v1/auth/profile`: who am I."""

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from ctv_ads.bootstrap.control_plane import OpenStores, SignedIn
from ctv_ads.errors import UnauthenticatedError
from ctv_ads.web.etags import with_etag
from ctv_ads.web.resolver import SIGNED_IN
from functions.auth.schemas.sessions import UserView

router = Router()


@router.get("/api/v1/auth/profile", summary="Who am I", tags=["auth"], security=SIGNED_IN)
def profile(caller: SignedIn, stores: OpenStores) -> Response[UserView]:
    """Return the signed-in person."""
    with stores.transaction(caller) as store:
        account = store.accounts.find(caller.user_id, caller.organization_id)
    if account is None:
        raise UnauthenticatedError("this account no longer exists")
    return with_etag(UserView.of(account), account.version)
