import hashlib
import importlib.metadata
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "requirements"
PINNED = re.compile(r"^([\w.-]+)==[^\n]*(?:\n +[^\n]*)*", re.MULTILINE)
"""A package of a requirements file, with the lines of its hashes."""


@pytest.fixture(scope="session")
def dependencies() -> Path:
    """A folder with what Lambda has besides our own code: the layer's packages, and boto3.

    Built for this machine and kept in `build/` until a requirement changes.
    """
    pins = (REQUIREMENTS / "layer.txt").read_text() + "\n" + "\n".join(_pins_of_runtime())
    digest = hashlib.sha256((pins + sysconfig.get_platform() + sys.version).encode()).hexdigest()
    folder = ROOT / "build" / "packaging" / digest[:16]
    if not folder.is_dir():
        _install(pins, folder)
    return folder


def _pins_of_runtime() -> Iterator[str]:
    """Yield the pins of boto3 and what it needs, which are not in the layer."""
    in_layer = {match[1] for match in PINNED.finditer((REQUIREMENTS / "layer.txt").read_text())}
    wanted = set(_needed_by("boto3")) - in_layer
    for match in PINNED.finditer((REQUIREMENTS / "dev.txt").read_text()):
        if match[1] in wanted:
            yield match[0]


def _needed_by(package: str) -> Iterator[str]:
    yield package
    for requirement in importlib.metadata.requires(package) or []:
        if "extra ==" not in requirement:
            name = re.match(r"[\w.-]+", requirement)
            assert name
            yield from _needed_by(name[0])


def _install(pins: str, folder: Path) -> None:
    unfinished = folder.with_suffix(".unfinished")
    unfinished.mkdir(parents=True, exist_ok=True)
    requirements = unfinished.with_suffix(".txt")
    requirements.write_text(pins)
    subprocess.run(
        [
            Path(sys.executable).with_name("uv"),
            *("pip", "install", "--quiet", "--python", sys.executable, "--require-hashes"),
            *("--only-binary", ":all:", "--target", unfinished, "--requirements", requirements),
        ],
        check=True,
    )
    unfinished.rename(folder)
