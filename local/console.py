"""What the person at the terminal sees: one line per step, then the addresses."""

import sys
from contextlib import suppress
from pathlib import Path
from time import monotonic

from local.ports import Ports

_ACCOUNTS = (
    ("admin@adserver.dev", "owner"),
    ("advertiser@adserver.dev", "trafficker"),
    ("viewer@adserver.dev", "viewer"),
)
_PASSWORD = "password123"  # noqa: S105 - of the demo accounts, printed for everybody


class Console:
    """Prints to the terminal. A terminal that is gone is no reason to fail."""

    def __init__(self) -> None:
        self._started_at = monotonic()

    def step(self, name: str, what: str, *, since: float | None = None) -> None:
        """Say that a step is done, and how long it took."""
        took = "" if since is None else f"{monotonic() - since:6.1f} s"
        self._print(f"{name:<13}{what:<56}{took}".rstrip())

    def trouble(self, who: str, what: str) -> None:
        """Say that something went wrong that the person should know."""
        self._print(f"! {who}: {what}", error=True)

    def ready(self, ports: Ports, *, data_dir: Path, seeded: bool) -> None:
        """Say where everything is and what to try; the last line is `ready …`."""
        origin = f"http://localhost:{ports.gateway}"
        accounts = [f"  {name:<26}{role}" for name, role in _ACCOUNTS] if seeded else []
        login = f'{{"email":"{_ACCOUNTS[0][0]}","password":"{_PASSWORD}"}}'
        lines = [
            "",
            f"  product       {origin}",
            f"  API docs      {origin}/api/docs",
            f"  AWS emulator  http://127.0.0.1:{ports.emulator}   (S3, SQS, EventBridge, Secrets Manager)",
            f"  Valkey        redis://127.0.0.1:{ports.valkey}/0",
            f"  PostgreSQL    127.0.0.1:{ports.postgres}   (passwords in {data_dir / 'secrets.json'})",
            f"  logs          {data_dir / 'logs'}/<function>.log",
            *(["", f"accounts, all with the password {_PASSWORD}:"] if accounts else []),
            *accounts,
            "",
            "try:",
            f"  curl -s {origin}/health",
            f"  curl -s '{origin}/api/v1/vast?placement=demo'",
            f"  curl -s {origin}/api/v1/auth/login -H 'content-type: application/json' -d '{login}'",
            "",
            f"ready in {monotonic() - self._started_at:.1f} s; Ctrl-C stops it",
        ]
        self._print("\n".join(lines))

    def say(self, text: str) -> None:
        """Print a line."""
        self._print(text)

    def _print(self, text: str, *, error: bool = False) -> None:
        with suppress(OSError, ValueError):
            print(text, file=sys.stderr if error else sys.stdout, flush=True)
