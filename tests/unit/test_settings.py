"""The environment is read once, checked whole, and never repeated in an error."""

import pytest

from ctv_ads.adapters.aws.json_api import AwsIdentity
from ctv_ads.adapters.valkey.resp import RespConnection
from ctv_ads.creative_settings import ValidationSettings
from ctv_ads.errors import InvalidSettingsError
from ctv_ads.platform_settings import MigrationSettings
from ctv_ads.settings import (
    AdServerSettings,
    AwsSettings,
    CollectorSettings,
    Settings,
    ValkeySettings,
)

AD_SERVER = {"VALKEY_URL": "redis://valkey:6379/0", "BEACON_SECRET_ID": "beacon-keys"}
AWS = {
    "AWS_ACCESS_KEY_ID": "AKIA",
    "AWS_SECRET_ACCESS_KEY": "a-secret-word",
    "AWS_SESSION_TOKEN": "another-secret-word",
    "AWS_REGION": "eu-central-1",
}


def refusal(kind: type[Settings], **environment: str) -> str:
    with pytest.raises(InvalidSettingsError) as refused:
        kind.from_environment(environment)
    return str(refused.value)


def test_what_is_not_set_has_its_default() -> None:
    settings = AdServerSettings.from_environment(AD_SERVER)
    assert (settings.valkey_timeout_ms, settings.beacon_lifetime_s) == (50, 24 * 3600)
    assert settings.public_base_url is None


def test_what_is_set_empty_counts_as_not_set() -> None:
    settings = AdServerSettings.from_environment({**AD_SERVER, "VALKEY_TIMEOUT_MS": ""})
    assert settings.valkey_timeout_ms == 50


def test_all_faults_are_listed_at_once() -> None:
    told = refusal(AdServerSettings, VALKEY_URL="http://x", VALKEY_TIMEOUT_MS="0")
    assert [fault.split(":")[0] for fault in told.split("; ")][:2] == [
        "VALKEY_URL",
        "VALKEY_TIMEOUT_MS",
    ]
    assert "BEACON_SECRET_ID: missing (Secrets Manager id" in told


def test_a_missing_setting_says_what_it_is_for() -> None:
    told = refusal(MigrationSettings)
    for name in ("DATABASE_SECRET_ID", "DATABASE_API_SECRET_ID", "DATABASE_PIPELINE_SECRET_ID"):
        assert f"{name}: missing (" in told


@pytest.mark.parametrize("value", ["-1", "0", "1.5", "many", "1e3", "٣x", "p4ssword"])
def test_what_is_no_whole_number_is_refused_and_not_repeated(value: str) -> None:
    told = refusal(AdServerSettings, **AD_SERVER, VALKEY_TIMEOUT_MS=value)
    assert told == "VALKEY_TIMEOUT_MS: must be a whole number above 0"


@pytest.mark.parametrize(
    "address",
    [
        "valkey:6379",
        "http://user:p4ssword@valkey",
        "redis://",
        "redis://:p4ssword@",
        "redis://user:p4ss/word@valkey:6379",
        "redis://:p4ssword@valkey:port",
        "redis://:p4ssword@valkey:70000",
        "redis://[p4ssword",
    ],
)
def test_a_wrong_address_is_refused_without_its_password(address: str) -> None:
    told = refusal(ValkeySettings, VALKEY_URL=address)
    assert told.startswith("VALKEY_URL: must be an address")
    assert "p4ss" not in told


@pytest.mark.parametrize(
    "address",
    ["redis://valkey", "rediss://user:p%2F@valkey.example:6380/0", "redis://[::1]:6379"],
)
def test_an_address_that_is_accepted_can_be_used(address: str) -> None:
    settings = ValkeySettings.from_environment({"VALKEY_URL": address})
    RespConnection(settings.valkey_url, timeout_ms=settings.valkey_timeout_ms)


def test_a_slash_at_the_end_of_an_address_is_dropped() -> None:
    environment = {**AD_SERVER, "PUBLIC_BASE_URL": "https://ads.example.com/"}
    assert AdServerSettings.from_environment(environment).public_base_url == (
        "https://ads.example.com"
    )


def test_settings_do_not_tell_their_secrets_when_printed() -> None:
    aws = AwsSettings.from_environment(AWS)
    valkey = ValkeySettings.from_environment({"VALKEY_URL": "redis://:a-secret-word@valkey"})
    identity = AwsIdentity(aws.access_key, aws.secret_key, aws.session_token, aws.region)
    for printed in (repr(aws), repr(identity), repr(valkey)):
        assert "secret-word" not in printed
    assert aws.secret_key == "a-secret-word"


def test_the_real_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEACON_SECRET_ID", "beacon-keys")
    monkeypatch.setenv("AD_EVENT_QUEUE_URL", "https://sqs.eu-central-1.amazonaws.com/1/ad-events")
    assert CollectorSettings.from_environment().beacon_secret_id == "beacon-keys"


def test_limits_of_uploads_have_defaults() -> None:
    settings = ValidationSettings.from_environment({"UPLOAD_BUCKET": "u", "MEDIA_BUCKET": "m"})
    limits = (settings.max_upload_bytes, settings.max_creative_duration_ms)
    assert limits == (100_000_000, 120_000)
