"""Secrets, read from Secrets Manager, once per process unless somebody asks again.

The client is imported when first called: a process that has no secrets to read, such as a test's,
does without.
"""

import json
from collections.abc import Mapping
from contextlib import closing
from functools import cache
from typing import TYPE_CHECKING

from ctv_ads.adapters.clock import utc_now
from ctv_ads.settings import AwsSettings

if TYPE_CHECKING:
    from ctv_ads.adapters.aws.json_api import AwsIdentity


@cache
def aws_identity() -> "AwsIdentity":
    """Return who this function is to AWS."""
    from ctv_ads.adapters.aws.json_api import AwsIdentity  # noqa: PLC0415

    aws = AwsSettings.from_environment()
    return AwsIdentity(
        aws.access_key, aws.secret_key, aws.session_token, aws.region, aws.endpoint_url
    )


@cache
def secret_document(secret_id: str) -> Mapping[str, str]:
    """Return a secret that holds a JSON object, as it was when this process first asked.

    Raises:
        DependencyUnavailableError: Secrets Manager does not answer, or refuses.
    """
    return read_secret(secret_id)


def read_secret(secret_id: str) -> Mapping[str, str]:
    """Return a secret that holds a JSON object, as it is now.

    Raises:
        DependencyUnavailableError: Secrets Manager does not answer, or refuses.
    """
    from ctv_ads.adapters.aws.json_api import SECRETS_MANAGER, JsonApi  # noqa: PLC0415

    with closing(JsonApi(SECRETS_MANAGER, aws_identity(), utc_now)) as api:
        answer = api.call("GetSecretValue", {"SecretId": secret_id})
    document: Mapping[str, str] = json.loads(answer["SecretString"])
    return document
