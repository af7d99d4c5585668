"""What a person may choose about a start of the product."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from functions.manifest import FUNCTIONS, QUEUES, Function, Queue
from local.environment import PYTHON_PATH
from local.ports import Ports
from local.processes import REPOSITORY, LocalError


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Where to run, and with which data. Tests also choose other functions."""

    port: int = 3000
    data_dir: Path = REPOSITORY / ".local"
    seed: bool = True
    inproc: bool = False
    functions: tuple[Function, ...] = FUNCTIONS
    queues: tuple[Queue, ...] = QUEUES
    python_path: tuple[Path, ...] = PYTHON_PATH

    @property
    def ports(self) -> Ports:
        """The four ports."""
        return Ports(self.port)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read PORT, DATA_DIR and SEED.

        Raises:
            LocalError: PORT is no port.
        """
        port = environment.get("PORT") or "3000"
        if not port.isdecimal() or not 1024 <= int(port) <= 65_000:
            raise LocalError(f"PORT must be a number from 1024 to 65000, not {port!r}")
        data_dir = Path(environment.get("DATA_DIR") or REPOSITORY / ".local").expanduser()
        # Relative to where the person stands, as everywhere in a shell.
        return cls(
            port=int(port), data_dir=data_dir.resolve(), seed=environment.get("SEED", "1") != "0"
        )
