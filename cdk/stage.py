"""The knobs of a deployment; everything else is the same in every stage."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace

from functions.manifest import FUNCTIONS

SETTABLE = {name for function in FUNCTIONS for name in function.extra_environment} - {
    # Mails in a folder of a Lambda environment would reach nobody.
    "MAIL_FOLDER",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Sizes, counts and retention of one deployment.

    Every field can be overridden by CDK context of the same name: `-c log_retention_days=7`.
    """

    name: str
    database_instance_type: str
    database_multi_az: bool
    database_storage_gib: int
    database_backup_days: int
    database_concurrency: int
    """Reserved concurrency of each HTTP function that opens PostgreSQL connections; 0: none."""
    valkey_node_type: str
    """Node type of a primary with a replica; empty: ElastiCache Serverless."""
    endpoint_zones: int
    """In how many availability zones each VPC interface endpoint stands."""
    provisioned_concurrency: int
    """Least warm ad request environments; 0: none, and no autoscaling."""
    provisioned_concurrency_max: int
    requests_per_second: int
    """Steady rate above which the HTTP API answers 429; twice as many in a burst."""
    log_retention_days: int
    keep_data: bool
    """Protect database and buckets from deletion, with the stack or without it."""
    public_base_url: str = ""
    """Origin of beacon addresses; empty: the HTTP API's own domain name."""
    mail_sender: str = "no-reply@ads.example.com"
    """Address that mails come from; its domain has to be a verified identity of SES."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Optional variables, each set on the functions that read it (`docs/reference/settings.md`)."""


STAGES = {
    "small": Stage(
        name="small",
        database_instance_type="t4g.micro",
        database_multi_az=False,
        database_storage_gib=20,
        database_backup_days=7,
        database_concurrency=10,
        valkey_node_type="",
        endpoint_zones=1,
        provisioned_concurrency=2,
        provisioned_concurrency_max=20,
        requests_per_second=1_000,
        log_retention_days=14,
        keep_data=True,
    ),
    "scale": Stage(
        name="scale",
        database_instance_type="r8g.large",
        database_multi_az=True,
        database_storage_gib=200,
        database_backup_days=30,
        database_concurrency=50,
        valkey_node_type="cache.r7g.large",
        endpoint_zones=2,
        provisioned_concurrency=20,
        provisioned_concurrency_max=200,
        # The account's own quota; more needs a quota increase.
        requests_per_second=10_000,
        log_retention_days=90,
        keep_data=True,
    ),
}


def stage_from_context(context: Callable[[str], object]) -> Stage:
    """Return the stage that the context names (default `small`) with its overrides applied.

    Raises:
        ValueError: the stage is unknown, or an override does not fit its field.
    """
    name = context("stage") or "small"
    if name not in STAGES:
        raise ValueError(f"context stage={name!r}: must be one of {', '.join(STAGES)}")
    stage = STAGES[str(name)]
    overrides = {
        knob.name: _parse(knob.name, value, getattr(stage, knob.name))
        for knob in fields(Stage)
        if knob.name != "name" and (value := context(knob.name)) is not None
    }
    stage = replace(stage, **overrides)
    if stage.public_base_url and "PUBLIC_BASE_URL" in stage.settings:
        raise ValueError("context public_base_url: is also in settings; give it once")
    return stage


def _parse(name: str, value: object, default: object) -> object:
    if isinstance(default, Mapping):
        return _parse_settings(name, value)
    text = str(value).strip()
    if isinstance(default, bool):
        if text.lower() not in {"true", "false"}:
            raise ValueError(f"context {name}={text!r}: must be true or false")
        return text.lower() == "true"
    if isinstance(default, int):
        if not text.isdecimal():
            raise ValueError(f"context {name}={text!r}: must be a whole number")
        return int(text)
    return text


def _parse_settings(name: str, value: object) -> dict[str, str]:
    """Read a JSON object: text from `-c`, parsed already from `cdk.json`."""
    try:
        found = json.loads(value) if isinstance(value, str) else value
    except ValueError as error:
        raise ValueError(f"context {name}={value!r}: must be a JSON object") from error
    if not isinstance(found, Mapping):
        raise ValueError(f"context {name}={value!r}: must be a JSON object")  # noqa: TRY004 - any wrong context is a ValueError
    if unknown := sorted({str(key) for key in found} - SETTABLE):
        raise ValueError(
            f"context {name}: no function reads {', '.join(unknown)} as an optional variable; "
            f"there are {', '.join(sorted(SETTABLE))}"
        )
    return {str(key): _text(name, str(key), item) for key, item in found.items()}


def _text(name: str, key: str, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"context {name}: {key} must be text or a whole number")  # noqa: TRY004 - as above
    return str(value)
