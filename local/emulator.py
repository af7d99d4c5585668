"""S3, SQS, EventBridge and Secrets Manager on this machine: `ministack` as a child process."""

import signal
import subprocess
import urllib.error
import urllib.request
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

import boto3
from botocore.config import Config

from local import ports, processes
from local.processes import REPOSITORY, LocalError

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient

REGION = "us-east-1"
ACCOUNT_ID = "000000000000"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}

_CLIENTS = ("s3", "sqs", "events", "secrets_manager")

# Its dependencies differ from ours, so it has a virtual environment of its own.
_PYTHON = REPOSITORY / ".venv-emulator" / "bin" / "python"


class Emulator:
    """One AWS emulator on 127.0.0.1 that keeps its state in `data_dir` over a normal stop."""

    def __init__(self, data_dir: Path, port: int, *, log: Path | None = None) -> None:
        self.data_dir = data_dir.resolve()
        self.port = port
        self.log = log or self.data_dir / "emulator.log"
        self.process: subprocess.Popen[bytes] | None = None
        self._session = boto3.Session(
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 - the emulator takes any
            region_name=REGION,
        )

    @property
    def endpoint_url(self) -> str:
        """What AWS_ENDPOINT_URL must be; as a number, so that botocore asks for S3 by path."""
        return f"http://{ports.HOST}:{self.port}"

    def queue_url(self, name: str) -> str:
        """Return the address of a queue of this emulator."""
        # Not asked of the emulator: it remembers the port at which the queue was made.
        return f"{self.endpoint_url}/{ACCOUNT_ID}/{name}"

    def queue_arn(self, name: str) -> str:
        """Return the name of a queue as other services spell it."""
        return f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:{name}"

    @cached_property
    def s3(self) -> "S3Client":
        """Its S3 client, like every client fit for several threads."""
        return self._session.client("s3", endpoint_url=self.endpoint_url, config=_config())

    @cached_property
    def sqs(self) -> "SQSClient":
        """Its SQS client."""
        return self._session.client("sqs", endpoint_url=self.endpoint_url, config=_config())

    @cached_property
    def events(self) -> "EventBridgeClient":
        """Its EventBridge client."""
        return self._session.client("events", endpoint_url=self.endpoint_url, config=_config())

    @cached_property
    def secrets_manager(self) -> "SecretsManagerClient":
        """Its Secrets Manager client."""
        return self._session.client(
            "secretsmanager", endpoint_url=self.endpoint_url, config=_config()
        )

    def start(self) -> None:
        """Start the emulator.

        Raises:
            LocalError: it did not start; with the end of its log.
        """
        self.spawn()
        self.wait()

    def spawn(self) -> None:
        """Start the emulator's process. Call from the main thread."""
        if not _PYTHON.exists():
            raise LocalError("the AWS emulator is not installed: run `make setup`")
        for folder in ("state", "s3", "tmp"):
            (self.data_dir / folder).mkdir(parents=True, exist_ok=True)
        self.data_dir.chmod(0o700)  # its state holds the secrets
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.process = processes.spawn(
            [str(_PYTHON), "-m", "ministack"],
            environment=self._environment(),
            log=self.log,
            dies_by=signal.SIGTERM,  # so that it saves its state even then
        )

    def wait(self) -> None:
        """Return once the emulator answers.

        Raises:
            LocalError: it did not start; with the end of its log.
        """
        if self.process is None:
            raise LocalError("the AWS emulator was not started")
        processes.wait_until(
            self._answers, process=self.process, name="the AWS emulator", log=self.log
        )

    def stop(self) -> None:
        """Stop the emulator; it saves its queues, secrets and rules first."""
        # It would wait seconds for connections that are open but idle.
        for name in _CLIENTS:
            if (client := self.__dict__.pop(name, None)) is not None:
                client.close()
        if self.process is not None:
            processes.stop(self.process, by=signal.SIGTERM, within_s=15)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _environment(self) -> dict[str, str]:
        return processes.base_environment(
            **CREDENTIALS,
            AWS_DEFAULT_REGION=REGION,
            BIND_HOST=ports.HOST,
            # It looks for a Docker daemon to tidy up, which is none of our business.
            DOCKER_HOST="unix:///nonexistent",
            GATEWAY_PORT=str(self.port),
            IOT_MTLS_ENABLED="0",
            LOG_LEVEL="WARNING",
            MINISTACK_HOST=ports.HOST,
            MINISTACK_REGION=REGION,
            PERSIST_STATE="1",
            S3_DATA_DIR=str(self.data_dir / "s3"),
            S3_PERSIST="1",
            SFTP_ENABLED="0",
            STATE_DIR=str(self.data_dir / "state"),
            TMPDIR=str(self.data_dir / "tmp"),
        )

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(  # noqa: S310 - our own loopback address
                f"{self.endpoint_url}/_ministack/ready", timeout=2
            ) as response:
                return bool(response.status == 200)
        except (urllib.error.URLError, OSError):
            return False


def _config() -> Config:
    return Config(
        connect_timeout=2,
        read_timeout=30,  # longer than SQS' longest poll
        max_pool_connections=50,
        retries={"total_max_attempts": 2, "mode": "standard"},
        s3={"addressing_style": "path"},
    )
