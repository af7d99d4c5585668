"""The folder that holds everything the product keeps: one running copy at a time."""

import fcntl
import shutil
from fnmatch import fnmatchcase
from io import TextIOWrapper
from pathlib import Path

from local.processes import LocalError

# Only a folder that we found new or empty has it, so what lies beside it is ours to delete.
_MARKER = ".ctv-ads-data"
_LOCK = "lock"
_SECRETS = "secrets.json"
# A folder from before there was a marker is known by these two.
_UNMARKED = frozenset({_SECRETS, _LOCK})
# The pattern is what a start leaves that was killed while PostgreSQL's folder was being made.
_OURS = ("postgres", "postgres.new-*", "valkey", "aws", "logs", "mail", "sample-ads")
# Deleted last: if that is cut short, the folder is still known as ours.
_PROOFS = (_SECRETS, _LOCK, _MARKER)
_LOG_LIMIT_BYTES = 10 * 1024 * 1024


class DataFolder:
    """A folder in use by this process, from `open` to `close`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.logs = path / "logs"
        self._lock: TextIOWrapper | None = None

    def claim(self) -> None:
        """Make the folder, or see that it is one that we made; call before writing into it.

        Raises:
            LocalError: it holds somebody else's files; nothing was written.
        """
        names = self._names()
        if not _is_ours(names):
            raise LocalError(
                f"{self.path} holds files that are not of this product, so it is not used for its"
                " data; nothing was written. Name a new or empty folder: DATA_DIR=.local-2 make run"
            )
        if not names:
            self.path.mkdir(parents=True, exist_ok=True)
            (self.path / _MARKER).write_text("Made by `make run`; `make reset` deletes it.\n")

    def open(self) -> None:
        """Make the folder if needed and take it for this process.

        Raises:
            LocalError: another copy uses it, or it holds somebody else's files.
        """
        self.claim()
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

    def empty(self) -> list[str]:
        """Delete what the product made in it, and it, and return the names of what else is there.

        Raises:
            LocalError: a copy uses it, or it is not a folder that we made.
        """
        names = self._names()
        if not _is_ours(names):
            # A slip in DATA_DIR must not delete somebody's home.
            raise LocalError(f"{self.path} was not made by `make run`; nothing was deleted")
        if not self.path.exists():
            return []
        self.open()
        try:
            for name in self._names():
                if any(fnmatchcase(name, pattern) for pattern in _OURS):
                    _delete(self.path / name)
            left = sorted(self._names() - set(_PROOFS))
            for name in _PROOFS:
                # With files left in it, the next start still has to know the folder as ours.
                if not (left and name == _MARKER):
                    (self.path / name).unlink(missing_ok=True)
            if not left:
                self.path.rmdir()
        finally:
            self.close()
        return left

    def _names(self) -> set[str]:
        # One look: another copy that starts now has written the marker before anything else.
        try:
            return {path.name for path in self.path.iterdir()}
        except FileNotFoundError:
            return set()
        except NotADirectoryError:
            raise LocalError(f"{self.path} is not a folder: give another one as DATA_DIR") from None


def _is_ours(names: set[str]) -> bool:
    return not names or _MARKER in names or names >= _UNMARKED


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
