import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctv_ads.domain.money import CPM_STEP_MICROS, impression_price_micros


@given(st.integers(0, 10**15))
def test_a_thousand_impressions_cost_exactly_the_cpm(step: int) -> None:
    cpm_micros = step * CPM_STEP_MICROS
    assert impression_price_micros(cpm_micros) * 1000 == cpm_micros


@given(st.integers(0, 10**15).filter(lambda cpm: cpm % CPM_STEP_MICROS))
def test_a_price_that_would_not_be_exact_is_refused(cpm_micros: int) -> None:
    with pytest.raises(ValueError, match="not a multiple of 1000"):
        impression_price_micros(cpm_micros)
