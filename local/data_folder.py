"""The folder that holds everything the product keeps: one running copy at a time."""

import fcntl
import shutil
from io import TextIOWrapper
from pathlib import Path

from local.processes import LocalError

_LOCK = "lock"
_LOG_LIMIT_BYTES = 10 * 1024 * 1024


class DataFolder:
    """A folder in use by this process, from `open` to `close`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.logs = path / "logs"
        self._lock: TextIOWrapper | None = None

    def open(self) -> None:
        """Make the folder if needed and take it for this process.

        Raises:
            LocalError: another copy uses it.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        lock = (self.path / _LOCK).open("a")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise LocalError(
                f"another copy runs with the data in {self.path}. Stop it, or give this one"
                " other ports and its own data: PORT=3100 DATA_DIR=.local-2 make run"
            ) from None
        self._lock = lock

    def trim_logs(self) -> None:
        """Set long logs aside, one generation of each, before anybody writes to them again."""
        for log in self.logs.glob("*.log"):
            if log.stat().st_size > _LOG_LIMIT_BYTES:
                log.replace(log.with_suffix(".log.1"))

    def close(self) -> None:
        """Let others use the folder."""
        if self._lock is not None:
            self._lock.close()

    def empty(self) -> None:
        """Delete everything in it.

        Raises:
            LocalError: a copy uses it, or it is not a folder that we made.
        """
        if not self.path.exists():
            return
        if not (self.path / _LOCK).exists() and any(self.path.iterdir()):
            # A slip in DATA_DIR must not delete somebody's home.
            raise LocalError(f"{self.path} was not made by `make run`; nothing was deleted")
        self.open()
        try:
            shutil.rmtree(self.path)
        finally:
            self.close()
