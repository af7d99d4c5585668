"""One ad's XML, compiled once: what is the same for every viewer, cut where the token goes."""

from dataclasses import dataclass

from ctv_ads.domain.inventory import ServableCreative, ServableLineItem
from ctv_ads.domain.placement import VastVersion
from ctv_ads.vast.markup import escaped
from ctv_ads.vast.parts import (
    TOKEN,
    ad_verifications,
    duration,
    elements,
    extension,
    marked_tracking,
    media_files,
    pings,
    tracking_events,
    universal_ad_id,
    video_clicks,
    wrapper_clicks,
)
from ctv_ads.vast.tracking import AdTracking
from ctv_ads.vast.versions import RULES, VersionRules

_AD_SYSTEM = "<AdSystem>CTV Ad Server</AdSystem>"
# Where the ad's id and its lifetime go; like TOKEN, no text holds them.
_SERVING_ID = "\1"
_EXPIRES = "\2"
_MAX_FRAGMENTS = 4096
"""Of about 3 kB each."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """An ad without `<Ad …>` before it, to be joined by its token.

    From 4.1 on an InLine is `head`, AdServingId's text, `body`, Expires' text, `tail`; else
    `body` is empty and `head` is everything.
    """

    head: tuple[str, ...]
    body: tuple[str, ...] = ()
    tail: str = ""


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A fragment and what it was made of."""

    line_item: ServableLineItem
    creative: ServableCreative
    fragment: Fragment

    def is_of(self, line_item: ServableLineItem, creative: ServableCreative) -> bool:
        """Tell whether the same would be compiled again."""
        return (self.creative is creative or self.creative == creative) and (
            self.line_item is line_item
            or (
                self.line_item.advertiser_name == line_item.advertiser_name
                and self.line_item.category == line_item.category
            )
        )


class FragmentMemo:
    """Remembers the last compiled fragments, at most `limit` of them, the oldest going first.

    A fragment is found again by its line item, creative, version, base address and, where a
    break does not take all, the files; it is used only if what it shows is still the same, so a
    changed name needs no invalidation.
    """

    def __init__(self, limit: int = _MAX_FRAGMENTS) -> None:
        self._limit = limit
        self._known: dict[tuple[object, ...], _Compiled] = {}

    def __len__(self) -> int:
        return len(self._known)

    def get(
        self,
        line_item: ServableLineItem,
        creative: ServableCreative,
        version: VastVersion,
        base_url: str,
    ) -> Fragment:
        """Return the compiled ad, from memory if it is there."""
        key: tuple[object, ...] = (
            line_item.line_item_id,
            creative.creative_id,
            version.value,
            base_url,
        )
        if creative.files is not None:
            key += tuple([file.url for file in creative.files])
        known = self._known.get(key)
        if known is not None and known.is_of(line_item, creative):
            return known.fragment
        fragment = compile_ad(line_item, creative, version, base_url)
        if known is None and len(self._known) >= self._limit:
            del self._known[next(iter(self._known))]
        self._known[key] = _Compiled(line_item, creative, fragment)
        return fragment


def compile_ad(
    line_item: ServableLineItem, creative: ServableCreative, version: VastVersion, base_url: str
) -> Fragment:
    """Return the ad in that version, with our beacons below `base_url`."""
    rules, tracking = RULES[version], marked_tracking(base_url)
    if creative.vast_tag_url is not None:
        return _cut(_wrapper(creative, creative.vast_tag_url, tracking, rules))
    return _cut(_inline(line_item, creative, tracking, rules))


def _cut(whole: str) -> Fragment:
    head, _, rest = whole.partition(_SERVING_ID)
    if not rest:
        return Fragment(tuple(head.split(TOKEN)))
    body, _, tail = rest.partition(_EXPIRES)
    return Fragment(tuple(head.split(TOKEN)), tuple(body.split(TOKEN)), tail)


def _inline(
    line_item: ServableLineItem,
    creative: ServableCreative,
    tracking: AdTracking,
    rules: VersionRules,
) -> str:
    write = _inline_of_4 if rules.is_base_first else _inline_before_4
    return f"<InLine>{write(line_item, creative, tracking, rules)}</InLine></Ad>"


def _inline_of_4(
    line_item: ServableLineItem,
    creative: ServableCreative,
    tracking: AdTracking,
    rules: VersionRules,
) -> str:
    error, impression = pings(creative, tracking, rules)
    vendors = ad_verifications(creative)
    has_id = rules.has_ad_serving_id
    # Open Measurement came with 4.1; before, its vendors look for this extension.
    extensions = "" if has_id else _extensions(extension("AdVerifications", vendors))
    return (
        f"{_AD_SYSTEM}{error}{extensions}{impression}"
        f"{f'<AdServingId>{_SERVING_ID}</AdServingId>' if has_id else ''}"
        f"<AdTitle>{escaped(creative.name)}</AdTitle>{vendors if has_id else ''}"
        f"<Advertiser>{escaped(line_item.advertiser_name)}</Advertiser>"
        f"{_category(line_item.category)}"
        f"<Creatives>{_creative_of_4(creative, tracking, rules)}</Creatives>"
        f"{f'<Expires>{_EXPIRES}</Expires>' if has_id else ''}"
    )


def _creative_of_4(creative: ServableCreative, tracking: AdTracking, rules: VersionRules) -> str:
    # MediaTailor keeps its transcode by Creative@id, so it is the creative's immutable id.
    return (
        f'<Creative id="{creative.creative_id}"><Linear>'
        f"{tracking_events(creative, tracking, rules)}{duration(creative.duration_ms, rules)}"
        f"{media_files(creative, rules)}{video_clicks(creative, tracking, rules)}</Linear>"
        f"{universal_ad_id(creative.universal_ad_id, has_id_value=rules.has_id_value)}</Creative>"
    )


def _inline_before_4(
    line_item: ServableLineItem,
    creative: ServableCreative,
    tracking: AdTracking,
    rules: VersionRules,
) -> str:
    error, impression = pings(creative, tracking, rules)
    advertiser = f"<Advertiser>{escaped(line_item.advertiser_name)}</Advertiser>"
    known = creative.universal_ad_id
    # The CTV Addendum's place in 2.0; its other one in 3.0, under Creative, breaks the XSD.
    ad_id = universal_ad_id(known, has_id_value=False) if known else ""
    extensions = _extensions(
        extension("UniversalAdId", ad_id),
        extension("AdVerifications", ad_verifications(creative)),
    )
    return (
        f"{_AD_SYSTEM}<AdTitle>{escaped(creative.name)}</AdTitle>"
        f"{advertiser if rules.has_pods else ''}{error}{impression}"
        f"<Creatives>{_creative_before_4(creative, tracking, rules)}</Creatives>{extensions}"
    )


def _creative_before_4(
    creative: ServableCreative, tracking: AdTracking, rules: VersionRules
) -> str:
    return (
        f'<Creative id="{creative.creative_id}"{_ad_id(creative)}><Linear>'
        f"{duration(creative.duration_ms, rules)}{tracking_events(creative, tracking, rules)}"
        f"{video_clicks(creative, tracking, rules)}{media_files(creative, rules)}"
        "</Linear></Creative>"
    )


def _wrapper(
    creative: ServableCreative, tag_url: str, tracking: AdTracking, rules: VersionRules
) -> str:
    """Return what plays a third party's ad with our trackers around it.

    A wrapper has no AdServingId, UniversalAdId or media (VAST 4.2 §3.19). One slot is one ad,
    so never several; further wrappers are followed, because the tag was checked with them; and
    when nothing comes, the next of the pod plays, nothing else of ours.
    """
    write = _wrapper_of_4 if rules.is_base_first else _wrapper_before_4
    return f"{write(creative, tag_url, tracking, rules)}</Wrapper></Ad>"


def _wrapper_of_4(
    creative: ServableCreative, tag_url: str, tracking: AdTracking, rules: VersionRules
) -> str:
    error, impression = pings(creative, tracking, rules)
    vendors = ad_verifications(creative)
    is_known = rules.has_ad_serving_id
    extensions = "" if is_known else _extensions(extension("AdVerifications", vendors))
    return (
        '<Wrapper followAdditionalWrappers="true" allowMultipleAds="false"'
        f' fallbackOnNoAd="false">{_AD_SYSTEM}{error}{extensions}{impression}'
        f"{vendors if is_known else ''}{_wrapped(creative, tracking, rules)}"
        f"{elements('VASTAdTagURI', [tag_url])}"
    )


def _wrapper_before_4(
    creative: ServableCreative, tag_url: str, tracking: AdTracking, rules: VersionRules
) -> str:
    error, impression = pings(creative, tracking, rules)
    extensions = _extensions(extension("AdVerifications", ad_verifications(creative)))
    return (
        f"<Wrapper>{_AD_SYSTEM}{elements('VASTAdTagURI', [tag_url])}{error}{impression}"
        f"{_wrapped(creative, tracking, rules)}{extensions}"
    )


def _wrapped(creative: ServableCreative, tracking: AdTracking, rules: VersionRules) -> str:
    return (
        f'<Creatives><Creative id="{creative.creative_id}"><Linear>'
        f"{tracking_events(creative, tracking, rules)}{wrapper_clicks(creative, tracking)}"
        "</Linear></Creative></Creatives>"
    )


def _extensions(*each: str) -> str:
    content = "".join(each)
    return f"<Extensions>{content}</Extensions>" if content else ""


def _category(category: str | None) -> str:
    """Return Category: the advertiser's, of the Ad Product Taxonomy (VAST 4.2 §3.4.5)."""
    if category is None:
        return ""
    return f'<Category authority="iabtechlab.com">{escaped(category)}</Category>'


def _ad_id(creative: ServableCreative) -> str:
    """Return the attribute of 2.0 and 3.0 that is for Ad-ID's codes alone."""
    known = creative.universal_ad_id
    if known is None or known.registry != "ad-id.org":
        return ""
    return f' AdID="{escaped(known.value)}"'
