"""The running product as a person has it: one command, four ports, a data folder."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import boto3
import psutil
import psycopg
from botocore.config import Config
from psycopg.rows import DictRow, dict_row

from local.poller import _LONG_POLL_S
from local.ports import HOST, Ports, is_free
from local.postgres import DATABASE, OWNER
from local.processes import REPOSITORY
from local.secrets import Secrets

_READY_WITHIN_S = 120.0
_STOPPED_WITHIN_S = 60.0
_REDELIVERY_S = 5  # longer than the consumer's window, or each batch would hold repeats
# Below the ports that the kernel gives to outgoing connections, one of which might take them.
_FIRST_PORTS = range(4500, 9500, 4)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Waited(Generic[T]):
    """What was waited for, and how long it took."""

    value: T
    seconds: float


def eventually(check: Callable[[], T | None], *, within_s: float, what: str) -> Waited[T]:
    """Return the first true answer of `check`; fail when there is none within the time."""
    started = time.monotonic()
    while True:
        answer = check()
        seconds = time.monotonic() - started
        if answer:
            return Waited(answer, seconds)
        assert seconds < within_s, f"not within {within_s} s: {what}; last answer: {answer!r}"
        time.sleep(0.05)


def free_ports() -> Ports:
    """Return four ports in a row that nobody uses now."""
    first = random.sample(_FIRST_PORTS, len(_FIRST_PORTS))
    return next(
        Ports(port) for port in first if all(is_free(p) for p in Ports(port).by_name().values())
    )


def run_command(*, ports: Ports, data_dir: Path, seed: bool) -> tuple[list[str], dict[str, str]]:
    """Return what `make run` executes, and its environment."""
    environment = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
    environment |= {
        "PORT": str(ports.gateway),
        "DATA_DIR": str(data_dir),
        "SEED": "1" if seed else "0",
        # All tests come from one address, and some ask as fast as they can.
        "AUTH_RATE_LIMIT": "1000000",
        "USER_RATE_LIMIT": "1000000",
    }
    return [sys.executable, "-m", "local", "run"], environment


class Product:
    """`python -m local run` as a child process."""

    def __init__(self, folder: Path, *, seed: bool) -> None:
        self.data_dir = folder / "data"
        self.ports = free_ports()
        self.terminal = folder / "terminal.log"
        self._seed = seed
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def base_url(self) -> str:
        """The address that people are told."""
        return f"http://localhost:{self.ports.gateway}"

    def start(self) -> float:
        """Start it and return after how many seconds it said that it is ready."""
        command, environment = run_command(
            ports=self.ports, data_dir=self.data_dir, seed=self._seed
        )
        said_before = self.terminal.stat().st_size if self.terminal.exists() else 0
        started = time.monotonic()
        with self.terminal.open("ab") as terminal:
            self._process = subprocess.Popen(
                command, env=environment, cwd=REPOSITORY, stdout=terminal, stderr=terminal
            )
        while b"\nready in " not in self.terminal.read_bytes()[said_before:]:
            assert self._process.poll() is None, f"the product ended:\n{self.log()}"
            assert time.monotonic() - started < _READY_WITHIN_S, f"not ready:\n{self.log()}"
            time.sleep(0.05)
        seconds = time.monotonic() - started
        self._redeliver_soon()
        return seconds

    def stop(self) -> None:
        """Stop it as a service manager would: it exits 0 and leaves no process behind."""
        assert self._process is not None
        family = self.descendants()
        self._process.send_signal(signal.SIGTERM)
        status = self._process.wait(_STOPPED_WITHIN_S)
        assert status == 0, f"exit status {status} after SIGTERM:\n{self.log()}"
        _, left = psutil.wait_procs(family, timeout=5)
        assert not left, f"processes outlived the product: {left}"

    def cut_the_power(self) -> None:
        """Kill the runner alone, and return once nothing of the product is left."""
        assert self._process is not None
        family = self.descendants()
        self._process.kill()
        self._process.wait()
        _, left = psutil.wait_procs(family, timeout=20)
        assert not left, f"processes outlived the killed runner: {left}"

    def kill(self) -> None:
        """End it whatever its state; for tests that have failed."""
        if self._process is not None and self._process.poll() is None:
            for process in [*self.descendants(), psutil.Process(self._process.pid)]:
                with _may_be_gone():
                    process.kill()
            self._process.wait()

    def log(self) -> str:
        """Return what the terminal shows, and the end of each log."""
        parts = [f"--- terminal\n{self.terminal.read_text(errors='replace')[-4000:]}"]
        for log in sorted((self.data_dir / "logs").glob("*.log")):
            text = log.read_bytes()[-1500:].decode(errors="replace")
            parts.append(f"--- {log.name}\n{text}")
        return "\n".join(parts)

    # --- looking inside ---------------------------------------------------------------------

    def descendants(self) -> list[psutil.Process]:
        """Return every process that the product has started."""
        assert self._process is not None
        return psutil.Process(self._process.pid).children(recursive=True)

    def processes_with(self, *words: str) -> list[psutil.Process]:
        """Return the product's processes whose command line holds all these words."""
        found = []
        for process in self.descendants():
            with _may_be_gone():
                if all(word in " ".join(process.cmdline()) for word in words):
                    found.append(process)
        return found

    def function_processes(self, handler: str) -> list[psutil.Process]:
        """Return the processes that run a function, by its module: `impressions.consumer`."""
        return self.processes_with("awslambdaric", f"functions.{handler}.lambda_handler")

    @contextmanager
    def database(self) -> Iterator[psycopg.Connection[DictRow]]:
        """Connect to PostgreSQL as the owner of the schema, seeing all organizations."""
        password = Secrets.load(self.data_dir / "secrets.json").owner_password
        with psycopg.connect(
            host=HOST,
            port=self.ports.postgres,
            dbname=DATABASE,
            user=OWNER,
            password=password,
            row_factory=dict_row,
            connect_timeout=3,
        ) as connection:
            yield connection

    def rows(self, query: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[DictRow]:
        """Return what a query finds in the database."""
        with self.database() as connection:
            # As bytes: psycopg's type for text wants it literal in the call.
            return connection.execute(query.encode(), values).fetchall()

    def _redeliver_soon(self) -> None:
        """Let messages that nobody has finished come back after seconds, not after minutes."""
        for queue in ("ad-events", "creative-uploads"):
            self.sqs().set_queue_attributes(
                QueueUrl=self.queue_url(queue),
                Attributes={"VisibilityTimeout": str(_REDELIVERY_S)},
            )
        # The emulator holds by the old time in a poll that is under way.
        time.sleep(_LONG_POLL_S)

    def queue_url(self, name: str) -> str:
        """Return the address of a queue in the emulator."""
        return f"http://{HOST}:{self.ports.emulator}/000000000000/{name}"

    def sqs(self) -> Any:
        """Return a client of the emulator's SQS."""
        return boto3.client(
            "sqs",
            endpoint_url=f"http://{HOST}:{self.ports.emulator}",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 2, "mode": "standard"}),
        )

    def messages_in(self, queue: str) -> int:
        """Return how many messages a queue holds, waiting or in hand."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self.sqs().get_queue_attributes(
            QueueUrl=self.queue_url(queue), AttributeNames=names
        )
        return sum(int(answer["Attributes"][name]) for name in names)


@contextmanager
def _may_be_gone() -> Iterator[None]:
    with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
        yield
