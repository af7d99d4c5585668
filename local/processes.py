"""Child processes that never outlive us: how to start, await and stop them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent

_TETHER = Path(__file__).with_name("tether.py")
_POLL_S = 0.02
_LOG_TAIL_BYTES = 2_000


class LocalError(Exception):
    """Something on this machine keeps the product from running; the message says what to do."""


def base_environment(**more: str) -> dict[str, str]:
    """Return what any child needs, plus `more`, and nothing of the person's own environment.

    An AWS profile, a proxy or a PYTHON* variable of the shell must not change how the product
    behaves.
    """
    own = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
    return {**own, "LANG": "C.UTF-8", "TZ": "UTC", **more}


def spawn(
    program: Sequence[str],
    *,
    environment: Mapping[str, str],
    log: Path,
    dies_by: signal.Signals = signal.SIGKILL,
    user: str = "",
) -> subprocess.Popen[bytes]:
    """Start `program` in a session of its own, writing to `log`.

    On Linux the child gets `dies_by` when the *thread* that calls this ends, so call it from
    the main thread. The session of its own keeps Ctrl-C to ourselves: we stop our children.
    """
    tether = [sys.executable, "-I", "-S", str(_TETHER)]
    with log.open("ab") as output:
        return subprocess.Popen(
            [*tether, str(os.getpid()), str(int(dies_by)), user, *program],
            env=dict(environment),
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def stop(
    process: subprocess.Popen[bytes],
    *,
    by: signal.Signals = signal.SIGTERM,
    within_s: float = 10.0,
) -> None:
    """Ask the process to end; kill it, with what it started, when it takes too long."""
    if process.poll() is None:
        process.send_signal(by)
        try:
            process.wait(within_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def kill(process: subprocess.Popen[bytes]) -> None:
    """End the process at once, with everything in its session's group."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_until(
    ready: Callable[[], bool],
    *,
    process: subprocess.Popen[bytes],
    name: str,
    log: Path,
    within_s: float = 30.0,
) -> None:
    """Return once `ready()`.

    Raises:
        LocalError: the process ended, or was not ready in time; with the end of its log.
    """
    deadline = time.monotonic() + within_s
    while not ready():
        if process.poll() is not None:
            raise LocalError(f"{name} ended with status {process.returncode}:\n{tail(log)}")
        if time.monotonic() > deadline:
            raise LocalError(f"{name} was not ready within {within_s:.0f} s:\n{tail(log)}")
        time.sleep(_POLL_S)


def tail(log: Path) -> str:
    """Return the last lines of a log, for an error message."""
    if not log.exists():
        return f"(no log at {log})"
    text = log.read_bytes()[-_LOG_TAIL_BYTES:].decode(errors="replace")
    return "\n".join(f"  {line}" for line in text.splitlines()[-12:]) or f"({log} is empty)"
