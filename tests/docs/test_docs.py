"""What the documents say is what the code does."""

import dataclasses
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from ctv_ads import (
    access_settings,
    believed_settings,
    creative_settings,
    door_settings,
    platform_settings,
    settings,
    traffic_settings,
)
from functions.manifest import FUNCTIONS

ROOT = Path(__file__).parents[2]
MAX_LINES = 300
_MODULES = (
    settings,
    access_settings,
    believed_settings,
    creative_settings,
    platform_settings,
    door_settings,
    traffic_settings,
)
_SETTINGS = {name: value for module in _MODULES for name, value in vars(module).items()}


def every_setting() -> set[str]:
    return {
        field.metadata["name"]
        for value in _SETTINGS.values()
        if isinstance(value, type) and issubclass(value, settings.Settings)
        for field in dataclasses.fields(value)
    }


def documented_settings() -> dict[str, str]:
    table = (ROOT / "docs/reference/settings.md").read_text()
    rows = [line.split("|") for line in table.splitlines() if line.startswith("| `")]
    return {name: row[3].strip() for row in rows for name in re.findall(r"`([A-Z0-9_]+)`", row[1])}


def test_every_setting_is_documented_and_nothing_else_is() -> None:
    assert documented_settings().keys() == every_setting()


def test_documented_defaults_are_the_real_ones() -> None:
    real = {
        field.metadata["name"]: str(field.default)
        for value in _SETTINGS.values()
        if isinstance(value, type) and issubclass(value, settings.Settings)
        for field in dataclasses.fields(value)
        if isinstance(field.default, int) and not isinstance(field.default, bool)
    }
    assert real
    assert {name: documented_settings()[name] for name in real} == real


def test_every_variable_of_the_manifest_is_a_setting() -> None:
    assert {name for function in FUNCTIONS for name in function.environment} <= every_setting()


def test_changelog_starts_with_the_version_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    newest = re.search(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest is not None
    assert newest[1] == project["version"]


def test_every_decision_is_listed() -> None:
    folder = ROOT / "docs/decisions"
    listed = set(re.findall(r"\((\d{4}-[a-z0-9-]+\.md)\)", (folder / "README.md").read_text()))
    assert listed == {path.name for path in folder.glob("[0-9]*.md")}


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/deploy.md"])
def test_links_inside_the_repository_lead_somewhere(page: str) -> None:
    links = re.findall(r"\]\((?!https?://|#|mailto:)([^)#]+)", (ROOT / page).read_text())
    dead = [link for link in links if not ((ROOT / page).parent / link).exists()]
    assert dead == []


def test_make_targets_that_the_documents_name_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md")]
    named = {name for page in pages for name in re.findall(r"`make ([a-z-]+)`", page.read_text())}
    assert named <= targets


def test_source_files_stay_small_enough_to_read() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "--", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    lengths = {name: len((ROOT / name).read_text().splitlines()) for name in tracked}
    assert {name: length for name, length in lengths.items() if length > MAX_LINES} == {}


def test_nothing_tracked_names_a_package_registry() -> None:
    hosts = "|".join(("pypi" + r"\.org", "pythonhosted" + r"\.org", "registry" + r"\.npmjs"))
    found = subprocess.run(
        ["git", "grep", "-nIlE", hosts], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert found.stdout == ""
