"""The migrations that ship are well-formed, and a misnamed file is told at once."""

import re
from importlib import resources
from pathlib import Path

import pytest

from ctv_ads.errors import MigrationError
from ctv_ads.migrate import Migration, packaged_migrations


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(resources, "files", lambda _: tmp_path)
    return tmp_path


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).write_text(f"-- {name}")


def test_those_that_ship_are_numbered_without_gaps() -> None:
    numbers = [int(migration.number) for migration in packaged_migrations()]
    assert numbers == list(range(1, len(numbers) + 1))


def test_none_that_ships_depends_on_our_names_of_schemas_or_owners() -> None:
    for migration in packaged_migrations():
        assert not re.search(r"ctv_owner|OWNER TO", migration.up + migration.down)


def test_every_file_of_the_folder_is_a_migration() -> None:
    names = [entry.name for entry in resources.files("ctv_ads.migrations").iterdir()]
    assert len([name for name in names if name.endswith(".sql")]) == 2 * len(packaged_migrations())


def test_files_come_in_the_order_of_their_numbers(folder: Path) -> None:
    names = [f"{number}_{title}.{way}.sql"
             for number, title in (("0010", "a"), ("0002", "b"), ("0001", "z"))
             for way in ("up", "down")]  # fmt: skip
    write(folder, *names, "__init__.py", "README.md")
    assert [m.number for m in packaged_migrations()] == ["0001", "0002", "0010"]
    assert packaged_migrations()[0].up == "-- 0001_z.up.sql"


@pytest.mark.parametrize(
    "name",
    [
        "1_first.up.sql",
        "0001-first.up.sql",
        "0001_First.up.sql",
        "0001_first.sql",
        "0001_first.sideways.sql",
        "0001_.up.sql",
        "first.up.sql",
        "00001_first.up.sql",
    ],
)
def test_a_misnamed_file_is_told_by_its_name(folder: Path, name: str) -> None:
    write(folder, name)
    with pytest.raises(MigrationError, match=re.escape(name)):
        packaged_migrations()


@pytest.mark.parametrize("way", ["up", "down"])
def test_one_way_alone_is_refused(folder: Path, way: str) -> None:
    write(folder, f"0001_first.{way}.sql")
    with pytest.raises(MigrationError, match="0001_first needs one"):
        packaged_migrations()


def test_a_number_given_twice_is_refused(folder: Path) -> None:
    write(folder, *(f"0001_{title}.{way}.sql" for title in "ab" for way in ("up", "down")))
    with pytest.raises(MigrationError, match="0001"):
        packaged_migrations()


def test_a_checksum_changes_with_every_character_up_and_never_with_the_way_back() -> None:
    first = Migration("0001", "a", "SELECT 1", "SELECT 1")
    assert first.checksum == Migration("0001", "b", "SELECT 1", "SELECT 2").checksum
    assert first.checksum != Migration("0001", "a", "SELECT 1 ", "SELECT 1").checksum
