"""Read third parties' VAST, whoever wrote it: versions 2 to 4, any namespace, hostile XML.

The parser is expat from the standard library. A document type is refused, because entities are
declared there: without one there are no entity bombs and no external files.
"""

import re
from dataclasses import dataclass, field
from xml.parsers import expat

from ctv_ads.domain.vast_tag import InlineAnswer, OfferedMedia, WrapperAnswer

_KINDS = frozenset({"InLine", "Wrapper"})
_MAX_DEPTH = 50
_MAX_ELEMENTS = 20_000
_DURATION = re.compile(r"([0-9]{1,2}):([0-5]?[0-9]):([0-5]?[0-9])(?:\.([0-9]{1,3}))?")
_NUMBER = re.compile(r"[0-9]{1,9}")


class NotVastError(Exception):
    """The document is no VAST; the message says why."""


class SeveralAdsError(Exception):
    """The document holds a pod or a choice of ads, where one is served."""


@dataclass(slots=True)
class _Element:
    name: str
    attributes: dict[str, str]
    children: list["_Element"] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.texts).strip()

    def all(self, *path: str) -> list["_Element"]:
        found = [self]
        for name in path:
            found = [child for one in found for child in one.children if child.name == name]
        return found

    def text_of(self, *path: str) -> str | None:
        return next((one.text for one in self.all(*path) if one.text), None)


def read_vast(document: bytes) -> InlineAnswer | WrapperAnswer | None:
    """Return what the document answers; None if it holds no ad.

    Raises:
        NotVastError: it is no well-formed VAST.
        SeveralAdsError: it holds more than one ad.
    """
    root = _parsed(document)
    if root.name != "VAST":
        raise NotVastError(f"its root is {root.name[:50]}")
    ads = [one for ad in root.all("Ad") for one in ad.children if one.name in _KINDS]
    if len(ads) > 1:
        raise SeveralAdsError
    if not ads:
        return None
    return _inline(ads[0]) if ads[0].name == "InLine" else _wrapper(ads[0])


def _wrapper(ad: _Element) -> WrapperAnswer:
    address = ad.text_of("VASTAdTagURI")
    if address is None:
        raise NotVastError("its wrapper names no further tag")
    return WrapperAnswer(address)


def _inline(ad: _Element) -> InlineAnswer:
    linears = ad.all("Creatives", "Creative", "Linear")
    media = [file for one in linears for file in one.all("MediaFiles", "MediaFile") if file.text]
    durations = [one.text_of("Duration") for one in linears]
    return InlineAnswer(
        ad_system=(ad.text_of("AdSystem") or "")[:200] or None,
        has_linear=bool(linears),
        duration_ms=next((_duration_ms(text) for text in durations if text), None),
        media=tuple(_media(file) for file in media),
    )


def _media(file: _Element) -> OfferedMedia:
    given = file.attributes
    return OfferedMedia(
        url=file.text[:2000],
        mime_type=given.get("type", "").strip().lower()[:100],
        width_px=_number(given.get("width")),
        height_px=_number(given.get("height")),
        bitrate_kbps=_number(given.get("bitrate") or given.get("maxBitrate")),
        codec=given.get("codec", "")[:100] or None,
        is_executable=bool(given.get("apiFramework")),
    )


def _duration_ms(text: str) -> int | None:
    match = _DURATION.fullmatch(text)
    if match is None:
        return None
    hours, minutes, seconds, fraction = match.groups()
    whole_s = int(hours) * 3600 + int(minutes) * 60 + int(seconds)
    return whole_s * 1000 + int((fraction or "0").ljust(3, "0"))


def _number(text: str | None) -> int | None:
    return int(text) if text and _NUMBER.fullmatch(text.strip()) else None


def _parsed(document: bytes) -> _Element:
    builder = _Builder()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = builder.doctype
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.text
    try:
        parser.Parse(document, True)  # noqa: FBT003 - expat takes it by position only
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise NotVastError(f"it is no well-formed XML: {error}") from error
    return builder.top.children[0]


class _Builder:
    """Makes elements of expat's calls, within limits."""

    def __init__(self) -> None:
        self.top = _Element("", {})
        self._open = [self.top]
        self._count = 0

    def doctype(self, *_: object) -> None:
        raise NotVastError("it has a document type, which is not accepted")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if len(self._open) > _MAX_DEPTH or self._count > _MAX_ELEMENTS:
            raise NotVastError("it is nested too deep or has too many elements")
        element = _Element(name.rpartition(" ")[2], attributes)
        self._open[-1].children.append(element)
        self._open.append(element)

    def end(self, _: str) -> None:
        self._open.pop()

    def text(self, text: str) -> None:
        self._open[-1].texts.append(text)
