"""Every handler starts with what Lambda gives it: its asset, two layers, the runtime's boto3."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from functions.manifest import FUNCTIONS, Function, function_named

# One worker, so that the folder of dependencies is built once.
pytestmark = pytest.mark.xdist_group("packaging")

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT / "layers" / "common" / "python"

PROGRAM = """
import importlib, json, sys
path, handler = json.loads(sys.argv[1])
sys.path[:0] = path
module, name = handler.rsplit(".", 1)
function = getattr(importlib.import_module(module), name)
print(json.dumps({"callable": callable(function), "modules": sorted(sys.modules)}))
"""

TOO_SLOW_FOR_PLAYERS = {
    "aws_lambda_powertools.event_handler",
    "boto3",
    "botocore",
    "functions.ad_request.contract",
    "maxminddb",
    "psycopg",
    "pydantic",
    "redis",
    "ua_parser",
}


@dataclass(frozen=True)
class Start:
    """What happened when an interpreter imported a handler."""

    modules: set[str]
    error: str


Importer = Callable[[Path, str], Start]


@pytest.fixture
def start(dependencies: Path, tmp_path: Path) -> Importer:
    def run(asset: Path, handler: str) -> Start:
        path = [str(asset), str(SHARED), str(dependencies)]
        # -I and -S: no variables, no working directory, no installed package.
        outcome = subprocess.run(
            [sys.executable, "-I", "-S", "-c", PROGRAM, json.dumps([path, handler])],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={},
        )
        if outcome.returncode:
            return Start(set(), outcome.stderr)
        report = json.loads(outcome.stdout.splitlines()[-1])
        return Start(set(report["modules"]), "" if report["callable"] else "not callable")

    return run


@pytest.fixture
def asset(tmp_path: Path) -> Callable[[Function], Path]:
    def copy(function: Function) -> Path:
        source, target = ROOT / "functions", tmp_path / "asset" / "functions"
        shutil.copytree(
            source / function.folder,
            target / function.folder,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
        shutil.copy(source / "__init__.py", target)
        return target.parent

    return copy


@pytest.mark.parametrize("name", [function.name for function in FUNCTIONS])
def test_handler_starts_with_its_asset_and_layers_only(
    start: Importer, asset: Callable[[Function], Path], name: str
) -> None:
    function = function_named(name)

    error = start(asset(function), function.handler).error
    assert not error, error


@pytest.mark.parametrize("name", ["ad-request", "impressions"])
def test_handler_that_players_wait_for_imports_little(
    start: Importer, asset: Callable[[Function], Path], name: str
) -> None:
    function = function_named(name)
    started = start(asset(function), function.handler)

    assert not started.error, started.error
    assert started.modules & TOO_SLOW_FOR_PLAYERS == set()


@pytest.mark.parametrize("module", ["pytest", "moto", "uvicorn", "aws_cdk", "functions.manifest"])
def test_handler_cannot_import_what_is_not_shipped(
    start: Importer, tmp_path: Path, module: str
) -> None:
    folder = tmp_path / "asset" / "functions"
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "bad.py").write_text(f"import {module}\n")

    started = start(folder.parent, "functions.bad.lambda_handler")

    assert f"ModuleNotFoundError: No module named '{module}'" in started.error


@pytest.mark.parametrize("module", ["boto3", "ctv_ads.settings", "psycopg", "pymediainfo"])
def test_handler_can_import_what_is_shipped(start: Importer, tmp_path: Path, module: str) -> None:
    folder = tmp_path / "asset" / "functions"
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "good.py").write_text(f"import {module}\nlambda_handler = print\n")

    assert start(folder.parent, "functions.good.lambda_handler").error == ""
