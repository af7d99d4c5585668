"""The collector as it is put together: its secret, its queue, and a rotation of its keys."""

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from ctv_ads.adapters.aws.beacon_messages import decode_message
from ctv_ads.adapters.clock import utc_now
from ctv_ads.adapters.ids import new_id
from ctv_ads.bootstrap import collector, secrets
from ctv_ads.domain.beacon import Beacon
from ctv_ads.domain.beacon_token import TokenKeys, issue_token
from functions.impressions import handler
from local.emulator import REGION, Emulator
from tests.aws import bodies
from tests.builders import some_claims
from tests.functions.recorded import api_event

CACHES = (collector.collector, collector.believed, secrets.secret_document, secrets.aws_identity)
OLD, NEW = {"k1": "1" * 32}, {"k2": "2" * 32}


@pytest.fixture
def queue_url(aws_emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    name = new_id()
    url = aws_emulator.sqs.create_queue(QueueName=name)["QueueUrl"]
    keys = json.dumps({"current": "k1", **OLD})
    aws_emulator.secrets_manager.create_secret(Name=name, SecretString=keys)
    for variable, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_ENDPOINT_URL": aws_emulator.endpoint_url,
        "AD_EVENT_QUEUE_URL": url,
        "BEACON_SECRET_ID": name,
    }.items():
        monkeypatch.setenv(variable, value)
    for cache in CACHES:
        cache.cache_clear()
    queue: Any = collector.collector().queue
    with closing(queue._sqs):
        yield url
    for cache in CACHES:
        cache.cache_clear()


def fire(keys: dict[str, str]) -> int:
    now = utc_now().replace(microsecond=0)
    signing = TokenKeys.from_secret({"current": next(iter(keys)), **keys})
    token = issue_token(some_claims(decided_at=now), signing)
    path = {"event": "start", "token": token}
    event = api_event("GET", f"/api/v1/t/start/{token}", path_parameters=path)
    status: int = handler.lambda_handler(event, object())["statusCode"]
    return status


def test_beacons_of_a_key_that_was_rotated_meanwhile_count(
    aws_emulator: Emulator, queue_url: str
) -> None:
    assert fire(OLD) == 204
    aws_emulator.secrets_manager.put_secret_value(
        SecretId=queue_url.rsplit("/", 1)[-1],
        SecretString=json.dumps({"current": "k2", **OLD, **NEW}),
    )
    assert [fire(NEW), fire(OLD), fire({"k3": "3" * 32})] == [204] * 3
    found = [one for body in bodies(aws_emulator, queue_url) for one in decode_message(body)]
    assert sorted(isinstance(one, Beacon) for one in found) == [False, True, True, True]
