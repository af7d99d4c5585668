"""The environment of each function: what its needs grant on this machine, and nothing else."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from functions.manifest import (
    AD_EVENTS,
    DEAD_AD_EVENTS,
    INVENTORY_CHANGES,
    MAILS,
    TAG_CHECKS,
    TAG_VERDICTS,
    Function,
)
from local import processes
from local.emulator import CREDENTIALS, REGION, Emulator
from local.ports import HOST, Ports
from local.processes import REPOSITORY
from local.resources import ARCHIVE_BUCKET, HISTORY_BUCKET, MEDIA_BUCKET, UPLOAD_BUCKET
from local.secrets import (
    ACCESS_TOKEN_SECRET,
    BEACON_SECRET,
    CLOUDFRONT_PROOF_SECRET,
    DATABASE_API_SECRET,
    DATABASE_PIPELINE_SECRET,
    DATABASE_SECRET_BY_NEED,
)

PYTHON_PATH = (REPOSITORY, REPOSITORY / "layers" / "common" / "python")

# A person may set these outside, to show this machine under another address (a tunnel).
_ADDRESSES = ("MEDIA_BASE_URL", "PUBLIC_BASE_URL")


def setting_values(
    function: Function, *, ports: Ports, emulator: Emulator, data_dir: Path
) -> dict[str, str]:
    """Return a value for each variable that a need of `function` may name."""
    origin = f"http://localhost:{ports.gateway}"
    values = {
        "ACCESS_TOKEN_SECRET_ID": ACCESS_TOKEN_SECRET,
        "AD_EVENT_QUEUE_URL": emulator.queue_url(AD_EVENTS),
        "ARCHIVE_BUCKET": ARCHIVE_BUCKET,
        "BEACON_SECRET_ID": BEACON_SECRET,
        "CLOUDFRONT_PROOF_SECRET_ID": CLOUDFRONT_PROOF_SECRET,
        "DEAD_AD_EVENT_QUEUE_URL": emulator.queue_url(DEAD_AD_EVENTS),
        "DATABASE_API_SECRET_ID": DATABASE_API_SECRET,
        "DATABASE_PIPELINE_SECRET_ID": DATABASE_PIPELINE_SECRET,
        "HISTORY_BUCKET": HISTORY_BUCKET,
        "INVENTORY_QUEUE_URL": emulator.queue_url(INVENTORY_CHANGES),
        "TAG_CHECK_QUEUE_URL": emulator.queue_url(TAG_CHECKS),
        "TAG_VERDICT_QUEUE_URL": emulator.queue_url(TAG_VERDICTS),
        "MAIL_FOLDER": str(data_dir.absolute() / "mail"),
        "MAIL_QUEUE_URL": emulator.queue_url(MAILS),
        "MAIL_SENDER": "no-reply@localhost",
        "MEDIA_BASE_URL": f"{origin}/media",
        "MEDIA_BUCKET": MEDIA_BUCKET,
        "PUBLIC_BASE_URL": origin,
        "PUBLIC_UI_URL": origin,
        "UPLOAD_BUCKET": UPLOAD_BUCKET,
        "VALKEY_URL": f"redis://{HOST}:{ports.valkey}/0",
    }
    for need in function.needs:
        if need in DATABASE_SECRET_BY_NEED:
            values["DATABASE_SECRET_ID"] = DATABASE_SECRET_BY_NEED[need]
    return values


def function_environment(
    function: Function,
    *,
    values: Mapping[str, str],
    endpoint_url: str,
    python_path: Sequence[Path] = PYTHON_PATH,
    outer: Mapping[str, str] = os.environ,
) -> dict[str, str]:
    """Return the whole environment of the function's processes, but for the runtime's address.

    `values` gives the required variables. Optional ones come from `outer` when set there; so do
    the log level and the public addresses.
    """
    given = {name: value for name, value in values.items() if name in function.environment}
    for name in (*function.extra_environment, *_ADDRESSES):
        if name in function.environment and outer.get(name):
            given[name] = outer[name]
    return processes.base_environment(
        **given,
        **CREDENTIALS,
        AWS_DEFAULT_REGION=REGION,
        AWS_ENDPOINT_URL=endpoint_url,
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE=str(function.memory_mib),
        AWS_LAMBDA_FUNCTION_NAME=function.name,
        AWS_LAMBDA_FUNCTION_VERSION="$LATEST",
        AWS_LAMBDA_LOG_GROUP_NAME=f"/aws/lambda/{function.name}",
        AWS_LAMBDA_LOG_STREAM_NAME="local",
        AWS_REGION=REGION,
        LOG_LEVEL=outer.get("LOG_LEVEL", "INFO"),
        POWERTOOLS_SERVICE_NAME=function.name,
        PYTHONPATH=os.pathsep.join(str(folder) for folder in python_path),
    )
