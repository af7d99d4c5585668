"""What every version's documents look like, word for word; and that they are valid as stored."""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from ctv_ads.domain.placement import VastVersion
from tests.ad_request_cases import FOLDER as ANSWERS
from tests.vast_cases import FOLDER, VAST_CASES, VMAP_CASES, expected
from tests.vast_tools import (
    VERSIONS,
    assert_valid,
    assert_valid_vmap,
    assert_well_made,
    needs_kit,
)

CASES = {**VAST_CASES, **VMAP_CASES}
GOLDEN_ANSWERS = sorted(ANSWERS.glob("*/*.xml"))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", CASES)
def test_the_document_is_the_golden_one(name: str, version: VastVersion) -> None:
    written = CASES[name](version)
    assert written == expected(name, version, written)


@needs_kit
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("names", "check"), [(VAST_CASES, assert_valid), (VMAP_CASES, assert_valid_vmap)]
)
def test_the_golden_documents_are_valid(
    names: Iterable[str], check: Callable[[str, VastVersion], None], version: VastVersion
) -> None:
    for name in names:
        check((FOLDER / version / f"{name}.xml").read_text("utf-8"), version)


def test_there_is_no_golden_document_of_nothing() -> None:
    stored = {(path.parent.name, path.stem) for path in FOLDER.glob("*/*.xml")}
    assert stored == {(version.value, name) for version in VERSIONS for name in CASES}


@pytest.mark.parametrize("golden", GOLDEN_ANSWERS, ids=lambda path: path.stem)
def test_every_golden_answer_is_valid(golden: Path) -> None:
    assert_well_made(golden.read_text("utf-8"))


def test_there_are_golden_answers() -> None:
    assert len(GOLDEN_ANSWERS) > 15
