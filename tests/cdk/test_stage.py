from dataclasses import fields
from pathlib import Path

import pytest

from cdk.stage import STAGES, Stage, stage_from_context

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "deploy.md"


def test_stage_is_small_unless_the_context_says_otherwise() -> None:
    assert stage_from_context({}.get) == STAGES["small"]
    assert stage_from_context({"stage": "scale"}.get) == STAGES["scale"]


def test_context_overrides_fields_by_their_type() -> None:
    context = {"log_retention_days": "7", "keep_data": "false", "public_base_url": "https://a.b"}

    stage = stage_from_context(context.get)

    assert (stage.log_retention_days, stage.keep_data) == (7, False)
    assert stage.public_base_url == "https://a.b"


@pytest.mark.parametrize(
    "context",
    [{"stage": "prod"}, {"keep_data": "yes"}, {"requests_per_second": "many"}],
)
def test_context_that_does_not_fit_is_named(context: dict[str, str]) -> None:
    (name,) = context
    with pytest.raises(ValueError, match=name):
        stage_from_context(context.get)


@pytest.mark.parametrize("given", ['{"MAX_UPLOAD_BYTES": "2"}', {"MAX_UPLOAD_BYTES": 2}])
def test_settings_are_an_object_of_cdk_json_or_its_text(given: object) -> None:
    assert stage_from_context({"settings": given}.get).settings == {"MAX_UPLOAD_BYTES": "2"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ('{"MAX_UPLOAD_BITES": "2"}', "no function reads MAX_UPLOAD_BITES .* MAX_UPLOAD_BYTES"),
        ('{"MAIL_FOLDER": "/tmp"}', "no function reads MAIL_FOLDER"),
        ('{"VALKEY_URL": "redis://here"}', "no function reads VALKEY_URL"),
        ("MAX_UPLOAD_BYTES=2", "must be a JSON object"),
        ('["MAX_UPLOAD_BYTES"]', "must be a JSON object"),
        ('{"MAX_UPLOAD_BYTES": null}', "MAX_UPLOAD_BYTES must be text or a whole number"),
        ('{"EMAIL_VERIFICATION": true}', "EMAIL_VERIFICATION must be text or a whole number"),
    ],
)
def test_settings_that_cannot_be_set_are_named(given: str, said: str) -> None:
    with pytest.raises(ValueError, match=f"context settings.*{said}"):
        stage_from_context({"settings": given}.get)


def test_the_origin_of_beacons_is_given_once() -> None:
    context = {"public_base_url": "https://a.b", "settings": '{"PUBLIC_BASE_URL": "https://c.d"}'}
    with pytest.raises(ValueError, match="public_base_url: is also in settings"):
        stage_from_context(context.get)


def test_every_option_is_documented() -> None:
    documented = {line.split("`")[1] for line in GUIDE.read_text().splitlines() if "| `" in line}

    assert {field.name for field in fields(Stage)} - {"name"} <= documented
