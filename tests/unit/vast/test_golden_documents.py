"""What every version's documents look like, word for word; and that they are valid as stored."""

from collections.abc import Callable

import pytest

from ctv_ads.domain.placement import VastVersion
from tests.vast_cases import FOLDER, VAST_CASES, VMAP_CASES, expected
from tests.vast_tools import VERSIONS, assert_valid, assert_valid_vmap, needs_kit

CASES = {**VAST_CASES, **VMAP_CASES}


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
    names: dict[str, object], check: Callable[[str, VastVersion], None], version: VastVersion
) -> None:
    for name in names:
        check((FOLDER / version / f"{name}.xml").read_text("utf-8"), version)


def test_there_is_no_golden_document_of_nothing() -> None:
    stored = {(path.parent.name, path.stem) for path in FOLDER.glob("*/*.xml")}
    assert stored == {(version.value, name) for version in VERSIONS for name in CASES}
