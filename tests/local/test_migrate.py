"""`make migrate` and `make migrate-down`."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from ctv_ads.migrate import packaged_migrations
from local import migrate
from local.ports import free_port

NUMBERS = [migration.number for migration in packaged_migrations()]


def test_the_schema_goes_up_and_down_and_up_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Not pytest's own temporary folder: that is closed to PostgreSQL's user when we are root.
    with TemporaryDirectory(prefix="ctv-migrate-") as folder:
        monkeypatch.setenv("DATA_DIR", str(Path(folder) / "data"))
        monkeypatch.setenv("PORT", str(free_port() - 3))
        said = []
        for arguments in (["up"], ["up"], ["down"], ["up"], ["down", "--to", "0000"], ["up"]):
            assert migrate.main(arguments) == 0, capsys.readouterr().err
            said.append(capsys.readouterr().out.strip())
    everything = ", ".join(NUMBERS)
    assert said == [
        f"up: {everything}",
        "up: nothing to do",
        f"down: {NUMBERS[-1]}",
        f"up: {NUMBERS[-1]}",
        f"down: {', '.join(reversed(NUMBERS))}",
        f"up: {everything}",
    ]
