"""Somebody dies, or loses the database, at any statement, without a chance to tidy up."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import psycopg
import pytest

KILLED, CUT_OFF = "killed", "cut off"
"""The process is gone and its connection with it; or only the connection, by the server's hand."""
LAST_STEP = 36
"""Recording takes fewer calls to PostgreSQL."""
_HERE = threading.local()


class KilledError(BaseException):
    """Nothing may catch this: a dead process handles nothing."""


@dataclass(slots=True)
class Death:
    """What happens before or after the call number `step` to PostgreSQL; once."""

    step: int = -1
    is_after: bool = False
    what: str = KILLED
    owner_dsn: str = ""
    has_struck: bool = False
    calls: int = 0

    def strike(self, connection: psycopg.Connection[Any], *, is_after: bool) -> None:
        if self.has_struck or self.calls != self.step or is_after != self.is_after:
            return
        self.has_struck = True
        if self.what == KILLED:
            connection.close()
            raise KilledError
        pid = connection.info.backend_pid
        with psycopg.connect(self.owner_dsn, autocommit=True) as owner:
            owner.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))


@contextmanager
def facing(death: Death) -> Iterator[Death]:
    """Let this thread meet its death, if it gets that far."""
    _HERE.death = death
    try:
        yield death
    finally:
        _HERE.death = None


def let_threads_die(monkeypatch: pytest.MonkeyPatch) -> None:
    for owner, name in (
        (psycopg.Connection, "execute"),
        (psycopg.Connection, "commit"),
        (psycopg.Cursor, "copy"),
    ):
        monkeypatch.setattr(owner, name, _mortal(getattr(owner, name)))


def _mortal(call: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(call)
    def guarded(self: Any, *args: Any, **kwargs: Any) -> Any:
        death: Death | None = getattr(_HERE, "death", None)
        if death is None or death.has_struck:
            return call(self, *args, **kwargs)
        connection = self if isinstance(self, psycopg.Connection) else self.connection
        death.strike(connection, is_after=False)
        answer = call(self, *args, **kwargs)
        death.strike(connection, is_after=True)
        death.calls += 1
        return answer

    return guarded


def kill_with_children(process: "subprocess.Popen[bytes]") -> None:
    """Kill a server and all its processes at once: nobody writes another byte."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    for pid in (process.pid, *map(int, children)):
        with suppress(ProcessLookupError):  # it has ended meanwhile
            os.kill(pid, signal.SIGKILL)
    process.wait(20)
