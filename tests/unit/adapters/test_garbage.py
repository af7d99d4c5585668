"""Batches are worked on without a look for garbage, and it is looked for again after them."""

import gc
from collections.abc import Iterator

import pytest

from ctv_ads.adapters.garbage import garbage_left_alone


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    was_on = gc.isenabled()
    yield
    (gc.enable if was_on else gc.disable)()


def fail_with_it_off() -> None:
    with garbage_left_alone():
        assert not gc.isenabled()
        raise LookupError


def test_it_is_looked_for_again_even_after_a_failure() -> None:
    gc.enable()
    with pytest.raises(LookupError):
        fail_with_it_off()
    assert gc.isenabled()


def test_who_never_looks_for_it_goes_on_like_that() -> None:
    gc.disable()
    with garbage_left_alone():
        pass
    assert not gc.isenabled()
