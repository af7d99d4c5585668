"""`/api/v1/auth`."""

from aws_lambda_powertools.event_handler.api_gateway import Router

from ctv_ads.adapters.passwords import check_password
from ctv_ads.bootstrap.control_plane import OpenStores, SignedIn, Tokens
from ctv_ads.errors import UnauthenticatedError
from ctv_ads.use_cases.sign_in import sign_in
from ctv_ads.web.resolver import SIGNED_IN
from functions.auth.schemas import Credentials, SignedInView, UserView

router = Router()


@router.post("/api/v1/auth/login", summary="Sign in", tags=["auth"])
def login(body: Credentials, stores: OpenStores, tokens: Tokens) -> SignedInView:
    """Exchange email and password for an access token."""
    account = sign_in(stores, check_password, email=body.email, password=body.password)
    return SignedInView(
        access_token=tokens.issue(account),
        expires_in=int(tokens.lifetime.total_seconds()),
        user=UserView.of(account),
    )


@router.get("/api/v1/auth/profile", summary="Who am I", tags=["auth"], security=SIGNED_IN)
def profile(caller: SignedIn, stores: OpenStores) -> UserView:
    """Return the signed-in person."""
    with stores.transaction(caller) as store:
        account = store.accounts.find(caller.user_id, caller.organization_id)
    if account is None:
        raise UnauthenticatedError("this account no longer exists")
    return UserView.of(account)
