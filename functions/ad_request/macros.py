"""VAST macros as names of parameters: what each means in ours (VAST 4.2 §6; vast4macros)."""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

Meaning = Iterable[tuple[str, str]]
"""Parameters and their values."""

_BREAK_POSITIONS = {"1": "preroll", "2": "midroll", "3": "postroll"}
_VERSIONS_BY_SUBTYPE = {2: "2.0", 3: "3.0", 7: "4.0", 11: "4.1", 13: "4.2", 15: "4.3"}
"""AdCOM's creative subtypes; the even ones above 3 are the same version's wrappers."""


def _same(parameter: str) -> Callable[[str], Meaning]:
    return lambda text: ((parameter, text),)


def _seconds(parameter: str) -> Callable[[str], Meaning]:
    def in_milliseconds(text: str) -> Meaning:
        try:
            return ((parameter, str(round(float(text) * 1000))),)
        except (ValueError, OverflowError):  # it is no number, or none that ends
            return ((parameter, text),)

    return in_milliseconds


def _break_type(text: str) -> Meaning:
    # 4 is standalone and 0 none of these: no place in the content.
    return () if text in {"0", "4"} else (("break_type", _BREAK_POSITIONS.get(text, text)),)


def _app_bundle(text: str) -> Meaning:
    return () if text == "0" else (("app_bundle", text),)  # 0: not applicable


def _content_id(text: str) -> Meaning:
    # "registry id"; who has no registry sends "unknown" for it.
    return (("content_id", text.partition(" ")[2].strip() or text),)


def _highest_version(text: str) -> Meaning:
    subtypes = [int(word) for word in text.split(",") if word.strip().isdecimal()]
    versions = [_VERSIONS_BY_SUBTYPE[each] for each in subtypes if each in _VERSIONS_BY_SUBTYPE]
    return (("version", max(versions)),) if versions else (("version", text),)


def _regulations(text: str) -> Meaning:
    for word in text.lower().split(","):
        # IAB's own list of values spells it "gdrp".
        name = {"gdpr": "gdpr", "gdrp": "gdpr", "coppa": "coppa"}.get(word.strip())
        if name:
            yield name, "1"


MACROS: Mapping[str, Callable[[str], Meaning]] = MappingProxyType(
    {
        "ADCOUNT": _same("max_ads"),
        "APPBUNDLE": _app_bundle,
        "BREAKMAXADLENGTH": _seconds("max_ad_ms"),
        "BREAKMAXADS": _same("max_ads"),
        "BREAKMAXDURATION": _seconds("duration_ms"),
        "BREAKMINADLENGTH": _seconds("min_ad_ms"),
        "BREAKPOSITION": _break_type,
        "CONTENTID": _content_id,
        "DEVICEIP": _same("ip"),
        "DEVICEUA": _same("ua"),
        "GDPRCONSENT": _same("gdpr_consent"),
        "GPPSECTIONID": _same("gpp_sid"),
        "GPPSTRING": _same("gpp"),
        "IFA": _same("ifa"),
        "IFATYPE": _same("ifa_type"),
        "LIMITADTRACKING": _same("lmt"),
        "MEDIAMIME": _same("mime"),
        "REGULATIONS": _regulations,
        "VASTVERSIONS": _highest_version,
    }
)
SIGNAL_MACROS = frozenset({"GDPRCONSENT", "GPPSECTIONID", "GPPSTRING", "LIMITADTRACKING"})
"""Privacy signals: what cannot be read of them is a refusal."""
UNUSED_MACROS = frozenset(
    {
        "ADCATEGORIES", "ADPLAYHEAD", "ADSERVINGID", "ADTYPE", "APIFRAMEWORKS", "ASSETURI",
        "BLOCKEDADCATEGORIES", "CACHEBUSTING", "CLICKPOS", "CLICKTYPE", "CLIENTUA", "CONTENTCAT",
        "CONTENTPLAYHEAD", "CONTENTURI", "DOMAIN", "ERRORCODE", "EXTENSIONS", "INVENTORYSTATE",
        "LATLONG", "MEDIAPLAYHEAD", "OMIDPARTNER", "PAGEURL", "PLACEMENTTYPE", "PLAYBACKMETHODS",
        "PLAYERCAPABILITIES", "PLAYERSIZE", "PLAYERSTATE", "PODSEQUENCE", "REASON", "SERVERSIDE",
        "SERVERUA", "STOREID", "STOREURL", "TIMESTAMP", "TRANSACTIONID", "UNIVERSALADID",
        "VERIFICATIONVENDORS",
    }
)  # fmt: skip
"""Those that say nothing a decision needs; LATLONG is never even looked at."""
