"""`/api/v1/api-keys`."""

from http import HTTPStatus
from typing import Annotated, Literal

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Query

from ctv_ads.adapters.postgres.listing import contains
from ctv_ads.bootstrap.control_plane import SHOWN_ONCE_PER_KEY, KeyManaging, SignedIn
from ctv_ads.domain.people import ApiKeyId
from ctv_ads.web.fields import Id
from ctv_ads.web.lists import PageCursor, PageSize, Search, list_query
from ctv_ads.web.resolver import SIGNED_IN
from functions.auth.schemas.people import ApiKeyPage, ApiKeyView, NewApiKey, NewApiKeyView

router = Router()


_Sort = Annotated[
    Literal["created_at", "-created_at", "name", "-name"],
    Query(description="With `-` before it, the greatest first"),
]


@router.post(
    "/api/v1/api-keys",
    summary="Make an API key",
    tags=["api keys"],
    security=SIGNED_IN,
    status_code=HTTPStatus.CREATED,
    responses={
        201: {"description": "The key, shown this once"},
        409: {
            "description": "This very request has made the key `api_key_id`, whose text is not"
            " kept and not shown again"
        },
    },
    middlewares=SHOWN_ONCE_PER_KEY,
)
def make(body: NewApiKey, caller: SignedIn, keys: KeyManaging) -> NewApiKeyView:
    """Make a key for a machine, with a role no mightier than yours.

    It works for as long as you belong to the organization, and never does more than you may.
    """
    key, text = keys.make(caller, name=body.name, role=body.role, expires_at=body.expires_at)
    return NewApiKeyView(key=text, api_key=ApiKeyView.of(key))


@router.get("/api/v1/api-keys", summary="List API keys", tags=["api keys"], security=SIGNED_IN)
def listed(
    caller: SignedIn,
    keys: KeyManaging,
    q: Search = None,
    sort: _Sort = "-created_at",
    limit: PageSize = 50,
    cursor: PageCursor = None,
) -> ApiKeyPage:
    """List your organization's keys, newest first unless asked otherwise."""
    query = list_query(limit=limit, sort=sort, cursor=cursor, q=contains(q) if q else None)
    return ApiKeyPage.of(keys.keys(caller, query))


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
