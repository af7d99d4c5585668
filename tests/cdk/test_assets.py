"""What is zipped: one function's folder, and the two layers."""

from pathlib import Path
from typing import Any

import pytest

from functions.manifest import FUNCTIONS, function_named
from tests.cdk.assembly import Assembly
from tests.cdk.derivation import name_of, python_functions

pytestmark = pytest.mark.xdist_group("cdk")

ROOT = Path(__file__).resolve().parents[2]


def _files(folder: Path, *, below: Path | None = None) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in (below or folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def _asset(assembly: Assembly, code: dict[str, Any]) -> Path:
    return assembly.folder / f"asset.{code['S3Key'].removesuffix('.zip')}"


@pytest.mark.parametrize("name", [function.name for function in FUNCTIONS])
def test_function_holds_its_own_folder_only(small: Assembly, name: str) -> None:
    spec = function_named(name)
    (function,) = [item for item in python_functions(small) if name_of(item) == name]
    asset = _asset(small, function.properties["Code"])
    own = _files(ROOT, below=ROOT / "functions" / spec.folder)

    assert _files(asset) == {"functions/__init__.py"} | own
    assert not list(asset.rglob("__pycache__"))


def test_layer_holds_the_shared_package_without_compiled_files(small: Assembly) -> None:
    assets = [
        _asset(small, layer.properties["Content"])
        for layer in small.resources("AWS::Lambda::LayerVersion")
        if layer.properties["Description"] == "ctv-ads common"
    ]

    assert len(assets) == 2
    for asset in assets:
        assert _files(asset) == _files(ROOT / "layers" / "common")
        assert not list(asset.rglob("__pycache__"))


def test_function_has_both_layers_of_its_own_stack(small: Assembly) -> None:
    for function in python_functions(small):
        layers = [small.target(function.stack, item) for item in function.properties["Layers"]]
        assert {layer.properties["Description"] for layer in layers} == {
            "ctv-ads common",
            "ctv-ads dependencies",
        }
        # A layer of another stack could never be replaced: its address would be in use.
        assert {layer.stack for layer in layers} == {function.stack}
