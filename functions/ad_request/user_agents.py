"""Devices told by their user agents: televisions by signs of their own, the rest by ua-parser.

ua-parser knows browsers, phones and makes, and confuses what hangs at televisions (VIDAA is an
Android, Xbox a Windows, Vizio a Linux); so televisions are told first, which spares most
processes its 80 ms of first use.
"""

import re
from collections.abc import Callable
from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ua_parser import OS, Device

_MAX_LENGTH = 512
_NO_MAKE = frozenset({"Generic", "Spider", "Generic_Android", "Generic_Android_Tablet",
                      "Generic_Inettv"})  # fmt: skip


class _Sign(NamedTuple):
    form: re.Pattern[str]
    device_type: str
    os: str | None
    make: str | None


def _sign(form: str, device_type: str, os: str | None, make: str | None) -> _Sign:
    return _Sign(re.compile(form, re.IGNORECASE), device_type, os, make)


# In order: VIDAA and Fire OS call themselves Android as well, Xbox Windows, Apple TV iOS.
_SIGNS = (
    _sign(r"\broku", "ctv", "roku", "Roku"),
    _sign(r"\bAFT[A-Z0-9]{1,10}\b|\bfire ?tv", "ctv", "fire_os", "Amazon"),
    _sign(r"\bvidaa\b", "ctv", "vidaa", "Hisense"),
    _sign(r"\bvizio\b|smartcast", "ctv", "vizio", "Vizio"),
    _sign(r"\btizen\b.*\btv\b|smart-tv.*\btizen\b", "ctv", "tizen", "Samsung"),
    _sign(r"\bweb0s\b|\bwebos\b.*\btv\b", "ctv", "webos", "LG"),
    _sign(r"netcast", "ctv", None, "LG"),
    _sign(r"apple ?tv|\btvos\b", "ctv", "tvos", "Apple"),
    _sign(r"\bplaystation\b", "connected_device", "playstation", "Sony"),
    _sign(r"\bxbox\b", "connected_device", "xbox", "Microsoft"),
    _sign(r"\bnintendo\b", "connected_device", None, "Nintendo"),
    _sign(r"\bcrkey/.*devicetype/androidtv|\bchromecast hd\b", "ctv", "google_tv", "Google"),
    _sign(r"\bcrkey/", "ctv", None, "Google"),
    _sign(r"\bbravia\b", "ctv", "android_tv", "Sony"),
    _sign(r"google ?tv\b", "ctv", "google_tv", None),
    _sign(r"\bshield android tv\b", "ctv", "android_tv", "NVIDIA"),
    _sign(r"android ?tv\b|\bmitv|\bmibox|\baosp tv\b", "ctv", "android_tv", None),
    _sign(r"\bcomcast/|\bxfinity\b|\bset-?top|\bstb\b|\btivo\b|\bhumax\b", "set_top_box", None, None),
    _sign(r"hbbtv.*samsung", "ctv", None, "Samsung"),
    _sign(r"hbbtv.*\blge?\b", "ctv", None, "LG"),
    _sign(r"smart-?tv|hbbtv|\bdtv\b", "ctv", None, None),
)  # fmt: skip
_SYSTEMS = {
    "Android": "android",
    "Chrome OS": "chrome_os",
    "iOS": "ios",
    "Linux": "linux",
    "Mac OS X": "macos",
    "Ubuntu": "linux",
    "Windows": "windows",
}
_COMPUTERS = frozenset({"chrome_os", "linux", "macos", "windows"})
_NOTHING: dict[str, str] = {}


def device_of(user_agent: str) -> dict[str, str]:
    """Return `device_type`, `os` and `make` as far as a user agent tells them, not to be changed."""
    return _device_of(user_agent[:_MAX_LENGTH]) if user_agent else _NOTHING


@lru_cache(maxsize=4096)
def _device_of(user_agent: str) -> dict[str, str]:
    for sign in _SIGNS:
        if sign.form.search(user_agent):
            return _told(sign.device_type, sign.os, sign.make)
    system, make = _looked_up(user_agent)
    return _told(_device_type(system, user_agent), system, make)


def _told(device_type: str | None, os: str | None, make: str | None) -> dict[str, str]:
    told = {"device_type": device_type, "os": os, "make": make}
    return {name: value for name, value in told.items() if value}


def _device_type(system: str | None, user_agent: str) -> str | None:
    if system in _COMPUTERS:
        return "pc"
    if system == "ios":
        return "tablet" if "iPad" in user_agent else "phone"
    if system == "android" and user_agent.startswith("Mozilla/"):
        # Google: browsers of phones say "Mobile", those of tablets do not. Apps say neither.
        return "phone" if "Mobile" in user_agent else "tablet"
    return None


def _looked_up(user_agent: str) -> tuple[str | None, str | None]:
    """Return system and make, as ua-parser knows them."""
    parse_os, parse_device = _parsers()
    system, device = parse_os(user_agent), parse_device(user_agent)
    make = device.brand if device is not None else None
    return (
        _SYSTEMS.get(system.family) if system is not None else None,
        make if make not in _NO_MAKE else None,
    )


@cache
def _parsers() -> "tuple[Callable[[str], OS | None], Callable[[str], Device | None]]":
    """Load ua-parser when the first device needs it: its patterns are compiled as they are met."""
    from ua_parser import Parser  # noqa: PLC0415 - 30 ms that televisions need not wait for
    from ua_parser.basic import Resolver  # noqa: PLC0415
    from ua_parser.loaders import load_lazy_builtins  # noqa: PLC0415

    parser = Parser(Resolver(load_lazy_builtins()))
    return parser.parse_os, parser.parse_device
