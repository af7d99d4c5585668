"""The control plane: what people call with an access token."""

from datetime import timedelta
from functools import cache
from typing import Annotated, Any

import boto3
from aws_lambda_powertools.event_handler import Request
from aws_lambda_powertools.event_handler.depends import Depends
from botocore.config import Config

from ctv_ads.adapters.access_tokens import AccessTokens
from ctv_ads.adapters.aws.inventory_changes import SqsInventoryChanges
from ctv_ads.adapters.aws.multipart_uploads import S3MultipartUploads
from ctv_ads.adapters.aws.tag_queues import SqsTagChecks
from ctv_ads.adapters.aws.upload_forms import S3UploadForms
from ctv_ads.adapters.clock import utc_now
from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.opaque_tokens import new_key_prefix, new_token
from ctv_ads.adapters.postgres.after_commit import AnnouncedAfterCommit
from ctv_ads.adapters.postgres.database import Database
from ctv_ads.adapters.postgres.store import PostgresStores
from ctv_ads.bootstrap import guards
from ctv_ads.bootstrap.secrets import secret_document
from ctv_ads.creative_settings import MediaAddressSettings, TagCheckQueueSettings, UploadSettings
from ctv_ads.domain.access import Caller
from ctv_ads.domain.people import KEY_MARK
from ctv_ads.errors import UnauthenticatedError
from ctv_ads.ports.access import Holder
from ctv_ads.ports.control_plane import Stores
from ctv_ads.ports.pipeline import InventoryChanges
from ctv_ads.settings import AccessTokenSettings, DatabaseSettings, InventoryQueueSettings
from ctv_ads.use_cases.api_keys import ManageKeys
from ctv_ads.use_cases.campaigns import TraffickCampaigns
from ctv_ads.use_cases.creatives import TraffickCreatives
from ctv_ads.use_cases.uploads import Uploads
from ctv_ads.web.bearer import bearer_token
from ctv_ads.web.idempotency import idempotent
from ctv_ads.web.request_state import request_state

# Without this boto3 signs forms with Signature V2, which newer buckets refuse, and for the
# global host, which redirects what it should take.
_PRESIGNING = Config(signature_version="s3v4", s3={"addressing_style": "virtual"})

# Its functions have 10 s: enough is left to answer that PostgreSQL was too slow.
_STATEMENT_TIMEOUT_MS = 5000


@cache
def database() -> Database:
    """Return this function's database, with its own role's credentials."""
    settings = DatabaseSettings.from_environment()
    secret = secret_document(settings.database_secret_id)
    return Database(secret, statement_timeout_ms=_STATEMENT_TIMEOUT_MS)


@cache
def stores() -> Stores:
    """Return the opener of transactions."""
    return PostgresStores(database())


@cache
def access_tokens() -> AccessTokens:
    """Return the issuer and reader of access tokens."""
    settings = AccessTokenSettings.from_environment()
    return AccessTokens(
        secret_document(settings.access_token_secret_id),
        lifetime=timedelta(seconds=settings.access_token_lifetime_s),
        clock=utc_now,
    )


@cache
def key_managing() -> ManageKeys:
    """Return what happens to API keys."""
    return ManageKeys(
        stores=stores(),
        clock=utc_now,
        new_id=new_id,
        new_token=new_token,
        new_prefix=new_key_prefix,
    )


def signed_in(request: Request) -> Caller:
    """Return who calls, by their access token.

    Raises:
        UnauthenticatedError: there is no token, or it is not valid.
        RateLimitedError: this person asks too much.
    """
    state = request_state()
    if state.caller is None:  # several dependencies of a route may ask
        event: dict[str, Any] = request.resolved_event.raw_event
        caller = _authenticated(bearer_token(request.headers))
        state.caller = caller.in_request(event["requestContext"]["requestId"])
    return state.caller


def _authenticated(token: str) -> Caller:
    if token.startswith(KEY_MARK):
        api_key_id, machine = key_managing().caller_of(token)
        guards.limit_user(api_key_id)
        return machine
    claims = access_tokens().read_claims(token)
    caller = claims.caller
    holder = Holder(caller.user_id, caller.organization_id)
    if guards.denied_tokens().is_denied(holder, caller.session_id, claims.issued_at):
        raise UnauthenticatedError("the access token was taken back; sign in again")
    guards.limit_user(caller.user_id)
    return caller


@cache
def campaign_trafficking() -> TraffickCampaigns:
    """Return what people do with campaigns."""
    return TraffickCampaigns(stores(), inventory_changes(), clock=utc_now, new_id=new_id)


@cache
def creative_trafficking() -> TraffickCreatives:
    """Return what people do with creatives."""
    checks = TagCheckQueueSettings.from_environment()
    return TraffickCreatives(
        stores=stores(),
        uploads=_uploads(),
        tag_checks=SqsTagChecks(boto3.client("sqs"), checks.tag_check_queue_url),
        inventory_changes=inventory_changes(),
        clock=utc_now,
        new_id=new_id,
    )


def _uploads() -> Uploads:
    settings = UploadSettings.from_environment()
    s3, bucket = boto3.client("s3", config=_PRESIGNING), settings.upload_bucket
    lifetime_s = settings.upload_lifetime_s
    return Uploads(
        forms=S3UploadForms(s3, bucket, lifetime_s=lifetime_s),
        multipart=S3MultipartUploads(
            s3, bucket, lifetime_s=lifetime_s, part_size_bytes=settings.multipart_part_bytes
        ),
        max_bytes=settings.max_upload_bytes,
        multipart_above_bytes=settings.multipart_above_bytes,
    )


@cache
def media_base_url() -> str:
    """Return the address below which media files are served."""
    return MediaAddressSettings.from_environment().media_base_url


@cache
def inventory_changes() -> InventoryChanges:
    """Return how changes that bear on serving are announced."""
    queue = InventoryQueueSettings.from_environment()
    sqs = SqsInventoryChanges(boto3.client("sqs"), queue.inventory_queue_url)
    return AnnouncedAfterCommit(database(), sqs)


ONCE_PER_KEY = [idempotent(lambda: stores(), lambda request: signed_in(request))]  # noqa: PLW0108 - looked up when called
"""`middlewares` of a route that makes something: the same Idempotency-Key makes it once."""
SHOWN_ONCE_PER_KEY = [
    idempotent(
        lambda: stores(),  # noqa: PLW0108 - looked up when called
        lambda request: signed_in(request),  # noqa: PLW0108 - looked up when called
        without_secret=lambda body: {"api_key_id": body["api_key"]["id"]},
    )
]
"""The same of the route that makes API keys, whose answer is never kept as it is."""

SignedIn = Annotated[Caller, Depends(signed_in)]
"""A route that takes one answers 401 to everybody else."""
OpenStores = Annotated[Stores, Depends(stores)]
CampaignTrafficking = Annotated[TraffickCampaigns, Depends(campaign_trafficking)]
CreativeTrafficking = Annotated[TraffickCreatives, Depends(creative_trafficking)]
KeyManaging = Annotated[ManageKeys, Depends(key_managing)]
Tokens = Annotated[AccessTokens, Depends(access_tokens)]
