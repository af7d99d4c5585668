"""`/api/v1/api-keys`."""

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from ctv_ads.bootstrap.control_plane import KeyManaging, SignedIn
from ctv_ads.domain.people import ApiKeyId
from ctv_ads.web.fields import Id
from ctv_ads.web.resolver import SIGNED_IN
from functions.auth.schemas.people import ApiKeyList, ApiKeyView, NewApiKey, NewApiKeyView

router = Router()


# Without Idempotency-Key: the answer would have to be kept, and the key with it.
@router.post(
    "/api/v1/api-keys",
    summary="Make an API key",
    tags=["api keys"],
    security=SIGNED_IN,
    status_code=HTTPStatus.CREATED,
    responses={201: {"description": "The key, shown this once"}},
)
def make(body: NewApiKey, caller: SignedIn, keys: KeyManaging) -> NewApiKeyView:
    """Make a key for a machine, with a role no mightier than yours.

    It works for as long as you belong to the organization, and never does more than you may.
    """
    key, text = keys.make(caller, name=body.name, role=body.role, expires_at=body.expires_at)
    return NewApiKeyView(key=text, api_key=ApiKeyView.of(key))


@router.get("/api/v1/api-keys", summary="List API keys", tags=["api keys"], security=SIGNED_IN)
def listed(caller: SignedIn, keys: KeyManaging) -> ApiKeyList:
    """List your organization's keys."""
    return ApiKeyList(items=[ApiKeyView.of(key) for key in keys.keys(caller)])


@router.delete(
    "/api/v1/api-keys/<api_key_id>",
    summary="Revoke an API key",
    tags=["api keys"],
    security=SIGNED_IN,
    status_code=HTTPStatus.NO_CONTENT,
    responses={204: {"description": "The key is worth nothing now"}},
)
def revoke(api_key_id: Id, caller: SignedIn, keys: KeyManaging) -> Response[None]:
    """Make a key useless at once."""
    keys.revoke(caller, ApiKeyId(api_key_id))
    return Response(HTTPStatus.NO_CONTENT)
