"""Third-party tags: their check, which knows no secret, and the verdict's way into the database."""

import time
from functools import cache

import boto3

from ctv_ads.adapters.aws.tag_queues import SqsTagVerdicts
from ctv_ads.adapters.web.vast_fetcher import HttpVastFetcher
from ctv_ads.creative_settings import TagCheckSettings
from ctv_ads.ports.vast_tags import TagVerdicts
from ctv_ads.use_cases.check_tag import CheckTag


@cache
def tag_check() -> CheckTag:
    """Return the use case that checks tags."""
    settings = TagCheckSettings.from_environment()
    return CheckTag(HttpVastFetcher(), settings.max_creative_duration_ms, time.monotonic)


@cache
def tag_verdicts() -> TagVerdicts:
    """Return where verdicts go."""
    settings = TagCheckSettings.from_environment()
    return SqsTagVerdicts(boto3.client("sqs"), settings.tag_verdict_queue_url)
