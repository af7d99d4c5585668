"""Settings of whom ad requests are believed, and of privacy; `settings.py` says how they are read."""

import re
from dataclasses import dataclass

from ctv_ads.believed_settings import BelievedSettings
from ctv_ads.domain.privacy.verdict import EVERYWHERE, OPT_IN_COUNTRIES
from ctv_ads.settings import _positive, _setting, _text

_NOWHERE = "none"
_COUNTRY = re.compile("[A-Z]{2}")
_MAX_VENDOR = 65_535


def _countries(value: str) -> frozenset[str]:
    words = {word.strip().upper() for word in value.split(",")} - {""}
    if words == {_NOWHERE.upper()}:
        return frozenset()
    if not all(word == EVERYWHERE or _COUNTRY.fullmatch(word) for word in words):
        raise ValueError("must be codes of two letters separated by commas, *, or none")
    return frozenset(words)


def _vendor(value: str) -> int:
    vendor = _positive(value)
    if vendor > _MAX_VENDOR:
        raise ValueError(f"must not be above {_MAX_VENDOR}")
    return vendor


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorSettings(BelievedSettings):
    """What `functions/ad_request` reads about its callers and viewers."""

    opt_in_countries: frozenset[str] = _setting(
        "OPT_IN_COUNTRIES",
        "countries where a request without a privacy signal is one without consent; * or none",
        _countries,
        OPT_IN_COUNTRIES,
    )
    tcf_vendor_id: int | None = _setting(
        "TCF_VENDOR_ID",
        "the operator's number in the Global Vendor List; without one purposes alone are asked",
        _vendor,
        None,
    )
    place_database: str | None = _setting(
        "PLACE_DATABASE", "path of an MMDB file that knows where addresses are", _text, None
    )
