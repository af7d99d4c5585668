"""Secrets, read from Secrets Manager once per process."""

import json
from collections.abc import Mapping
from contextlib import closing
from functools import cache

from ctv_ads.adapters.aws.json_api import SECRETS_MANAGER, AwsIdentity, JsonApi
from ctv_ads.adapters.clock import utc_now
from ctv_ads.settings import AwsSettings


@cache
def aws_identity() -> AwsIdentity:
    """Return who this function is to AWS."""
    aws = AwsSettings.from_environment()
    return AwsIdentity(
        aws.access_key, aws.secret_key, aws.session_token, aws.region, aws.endpoint_url
    )


@cache
def secret_document(secret_id: str) -> Mapping[str, str]:
    """Return a secret that holds a JSON object.

    Raises:
        DependencyUnavailableError: Secrets Manager does not answer, or refuses.
    """
    with closing(JsonApi(SECRETS_MANAGER, aws_identity(), utc_now)) as api:
        answer = api.call("GetSecretValue", {"SecretId": secret_id})
    document: Mapping[str, str] = json.loads(answer["SecretString"])
    return document
