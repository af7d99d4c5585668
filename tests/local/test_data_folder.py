"""Whose files a folder holds decides whether we write into it and what `make reset` deletes."""

import sys
from pathlib import Path

import pytest

from local import migrate
from local.__main__ import main
from local.data_folder import DataFolder
from local.ports import free_block
from local.processes import LocalError

MARKER = ".ctv-ads-data"


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    folder = tmp_path / "foreign"
    (folder / "logs").mkdir(parents=True)
    (folder / "thesis.txt").write_text("years of work")
    (folder / "logs" / "diary.log").write_text("dear diary")
    return folder


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


FOREIGN = {"thesis.txt", "logs", "logs/diary.log"}


def test_a_folder_with_the_files_of_others_is_refused_before_anything_is_written(
    foreign: Path,
) -> None:
    with pytest.raises(LocalError, match=f"{foreign} holds files.*nothing was written") as refused:
        DataFolder(foreign).open()
    assert "DATA_DIR=.local-2 make run" in str(refused.value)
    assert files(foreign) == FOREIGN


@pytest.mark.parametrize("command", ["run", "migrate"])
def test_every_command_refuses_the_folder_of_others(
    command: str,
    foreign: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DATA_DIR", str(foreign))
    monkeypatch.setenv("PORT", str(free_block()))
    monkeypatch.setattr(sys, "argv", ["local", "run"])
    assert (main() if command == "run" else migrate.main(["up"])) == 1
    assert capsys.readouterr().err.startswith(f"error: {foreign} holds files")
    assert files(foreign) == FOREIGN


@pytest.mark.parametrize("name", ["lock", "secrets.json"])
def test_reset_takes_no_single_common_name_as_proof(name: str, foreign: Path) -> None:
    (foreign / name).touch()
    with pytest.raises(LocalError, match="nothing was deleted"):
        DataFolder(foreign).empty()
    assert files(foreign) == FOREIGN | {name}


def test_a_file_is_not_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LocalError, match="is not a folder"):
        DataFolder(tmp_path / "file").open()


@pytest.mark.parametrize("exists", [False, True])
def test_a_new_or_empty_folder_becomes_ours_and_stays_it(*, exists: bool, tmp_path: Path) -> None:
    ours = tmp_path / "ours"
    if exists:
        ours.mkdir()
    for _ in range(2):
        folder = DataFolder(ours)
        folder.open()
        folder.close()
        assert files(ours) == {MARKER, "lock"}


def test_reset_deletes_what_we_made_unless_a_copy_uses_it(tmp_path: Path) -> None:
    ours = tmp_path / "ours"
    folder = DataFolder(ours)
    folder.open()
    (ours / "secrets.json").write_text("{}")
    with pytest.raises(LocalError, match="another copy runs"):
        DataFolder(ours).empty()
    folder.close()
    assert DataFolder(ours).empty() == []
    assert not ours.exists()
    assert DataFolder(ours).empty() == []  # nothing there is fine


def test_a_folder_from_before_the_marker_is_ours(tmp_path: Path) -> None:
    ours = tmp_path / "ours"
    (ours / "postgres").mkdir(parents=True)
    (ours / "secrets.json").write_text("{}")
    (ours / "lock").touch()
    folder = DataFolder(ours)
    folder.open()
    folder.close()
    assert MARKER not in files(ours)
    folder.empty()
    assert not ours.exists()


def test_reset_leaves_and_names_what_the_product_did_not_make(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ours, elsewhere = tmp_path / "ours", tmp_path / "elsewhere"
    folder = DataFolder(ours)
    folder.open()
    folder.close()
    for name in ("postgres", "postgres.new-x1", "valkey", "aws", "mail", "sample-ads"):
        (ours / name).mkdir()
        (ours / name / "content").touch()
    elsewhere.mkdir()
    (elsewhere / "kept.log").touch()
    (ours / "logs").symlink_to(elsewhere)
    (ours / "notes").mkdir()
    (ours / "notes" / "today.txt").touch()
    (ours / "invoice.pdf").touch()
    monkeypatch.setenv("DATA_DIR", str(ours))
    monkeypatch.setattr(sys, "argv", ["local", "reset"])

    assert main() == 0

    assert capsys.readouterr().out.endswith("; left invoice.pdf, notes\n")
    assert files(ours) == {"invoice.pdf", "notes", "notes/today.txt", MARKER}
    assert files(elsewhere) == {"kept.log"}, "a link is deleted, not what it leads to"
    folder.open()  # it is still ours
    folder.close()


def test_long_logs_are_set_aside(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    folder.logs.mkdir()
    (folder.logs / "short.log").write_text("short")
    with (folder.logs / "long.log").open("wb") as log:
        log.truncate(11 * 1024 * 1024)
    folder.trim_logs()
    assert {log.name for log in folder.logs.iterdir()} == {"short.log", "long.log.1"}
