"""Money is integer micros (millionths) of the organization's currency, never a float."""

MICROS_PER_UNIT = 1_000_000
CPM_STEP_MICROS = 1_000
"""A CPM is a multiple of this, so that one impression has an exact price."""


def impression_price_micros(cpm_micros: int) -> int:
    """Return what one impression costs at a price of `cpm_micros` per thousand.

    Raises:
        ValueError: `cpm_micros` is not a multiple of `CPM_STEP_MICROS`; the price would not
            be exact.
    """
    price, rest = divmod(cpm_micros, CPM_STEP_MICROS)
    if rest:
        raise ValueError(f"{cpm_micros} is not a multiple of {CPM_STEP_MICROS} micros")
    return price
