"""Which TCP ports the product takes on this machine."""

import socket
from dataclasses import dataclass

from local.processes import LocalError

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Ports:
    """Four ports in a row: a second copy runs beside the first with another `gateway`."""

    gateway: int

    @property
    def emulator(self) -> int:
        """The AWS emulator."""
        return self.gateway + 1

    @property
    def valkey(self) -> int:
        """Valkey."""
        return self.gateway + 2

    @property
    def postgres(self) -> int:
        """PostgreSQL."""
        return self.gateway + 3

    def by_name(self) -> dict[str, int]:
        """Return each port with the name that people read."""
        return {
            "gateway": self.gateway,
            "AWS emulator": self.emulator,
            "Valkey": self.valkey,
            "PostgreSQL": self.postgres,
        }

    def check_free(self) -> None:
        """Raise when a port is taken.

        Raises:
            LocalError: names every busy port and the way out.
        """
        busy = [f"{port} ({name})" for name, port in self.by_name().items() if not is_free(port)]
        if busy:
            raise LocalError(
                f"port {', '.join(busy)} is in use on {HOST}. Stop the program that uses it, or"
                f" choose four other ports in a row: PORT={self.gateway + 100} make run\n"
                "(add DATA_DIR=<folder> when another copy of this product is the one running)"
            )


def is_free(port: int) -> bool:
    """Tell whether a server could listen on the port now."""
    with socket.socket() as probe:
        # As servers do: connections of the last run that linger in TIME_WAIT are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def accepts(port: int) -> bool:
    """Tell whether somebody listens on the port now."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((HOST, port)) == 0


def free_port() -> int:
    """Return a port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def free_block() -> int:
    """Return a gateway port such that all four ports of it are free now.

    Raises:
        LocalError: there is none near a hundred ports that the kernel offered.
    """
    for _ in range(100):
        first = free_port()
        if first < 65_000 and all(is_free(port) for port in Ports(first).by_name().values()):
            return first
    raise LocalError("no four free ports in a row")
