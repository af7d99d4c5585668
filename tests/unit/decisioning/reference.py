"""Eligibility and order, stated one line item at a time: slow, and plain enough to be right."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from itertools import groupby
from zoneinfo import ZoneInfo

from ctv_ads.decisioning.segments.ranking import digest_of, turn_of
from ctv_ads.domain.ad_request import AdRequest
from ctv_ads.domain.campaign import LineItemType
from ctv_ads.domain.ids import AdvertiserId, LineItemId
from ctv_ads.domain.inventory import PublishedPlacement, ServableCreative, ServableLineItem
from ctv_ads.domain.line_item import RateType, Weekday
from ctv_ads.domain.reasons import Reason
from ctv_ads.domain.targeting import Rule

REASONS = {
    "country": Reason.COUNTRY,
    "region": Reason.REGION,
    "metro": Reason.METRO,
    "city": Reason.CITY,
    "postal_prefix": Reason.POSTAL_PREFIX,
    "device_type": Reason.DEVICE_TYPE,
    "os": Reason.OS,
    "make": Reason.MAKE,
    "app_bundle": Reason.APP_BUNDLE,
    "channel": Reason.CHANNEL,
    "network": Reason.NETWORK,
    "genre": Reason.GENRE,
    "rating": Reason.RATING,
    "language": Reason.LANGUAGE,
    "livestream": Reason.LIVESTREAM,
    "placement": Reason.PLACEMENT,
    "break_type": Reason.BREAK_TYPE,
    "segment": Reason.SEGMENT,
}
_EXACTLY = {"app_bundle", "placement", "segment"}
_TURN_TAKERS = 32


@dataclass(frozen=True)
class Asked:
    """One search as the reference sees it."""

    request: AdRequest
    placement: PublishedPlacement
    now: datetime
    seed: int
    min_ad_ms: int = 0
    max_ad_ms: int | None = None


def verdict(item: ServableLineItem, asked: Asked) -> Reason:  # noqa: PLR0911 - one by one
    """Why this line item may not serve, or `CHOSEN` when it may."""
    removed = [
        REASONS.get(name, Reason.KEY_VALUE)
        for name, rule in item.targeting.items()
        if not _matches(rule, name, asked)
    ]
    if removed:
        return min(removed)
    if not item.starts_at <= asked.now < item.ends_at:
        return Reason.NOT_IN_FLIGHT
    if item.dayparts and not _is_open(item, asked.now):
        return Reason.OUTSIDE_DAYPART
    if item.category in asked.placement.blocked_categories:
        return Reason.BLOCKED_CATEGORY
    if _is_blocked(item.advertiser_domain, asked.placement.blocked_domains):
        return Reason.BLOCKED_DOMAIN
    is_bound = item.type is not LineItemType.HOUSE and item.rate_type is not RateType.FLAT
    if is_bound and item.value_micros * 1000 < asked.placement.floor_cpm_micros:
        return Reason.BELOW_FLOOR
    verdicts = [verdict_on_creative(creative, asked) for creative in item.creatives]
    if Reason.CHOSEN in verdicts:
        return Reason.CHOSEN
    return max(verdicts, default=Reason.NO_CREATIVE_IN_FLIGHT)


def _matches(rule: Rule, name: str, asked: Asked) -> bool:
    values = _values(name, asked)
    if not values:
        return not rule.include
    included = any(_is(name, target, value) for target in rule.include for value in values)
    excluded = any(_is(name, target, value) for target in rule.exclude for value in values)
    return (included or not rule.include) and not excluded


def _values(name: str, asked: Asked) -> Sequence[str]:
    viewer, content = asked.request.viewer, asked.request.content
    if name.startswith("kv."):
        return asked.request.key_values.get(name[3:], ())
    live = content.livestream
    values: Mapping[str, Sequence[str | None]] = {
        "country": [viewer.country],
        "region": [viewer.region],
        "metro": [viewer.metro],
        "city": [viewer.city],
        "postal_prefix": [viewer.postal],
        "device_type": [viewer.device_type],
        "os": [viewer.os],
        "make": [viewer.make],
        "app_bundle": [content.app_bundle or asked.placement.app_bundle],
        "channel": [content.channel or asked.placement.channel],
        "network": [content.network],
        "genre": content.genres,
        "rating": [content.rating],
        "language": [content.language],
        "livestream": [] if live is None else ["true" if live else "false"],
        "placement": [asked.placement.placement_id],
        "break_type": [asked.request.ad_break.break_type],
        "segment": viewer.segments,
    }
    return [value for value in values[name] if value]


def _is(name: str, target: str, value: str) -> bool:
    if name in _EXACTLY or name.startswith("kv."):
        return target == value
    target, value = target.casefold(), value.casefold()
    if name == "postal_prefix":
        return value.replace(" ", "").startswith(target.replace(" ", ""))
    if name == "language":
        return value == target or value.startswith(target + "-")
    return target == value


def _is_open(item: ServableLineItem, now: datetime) -> bool:
    local = now.astimezone(ZoneInfo(item.timezone))
    minute = local.hour * 60 + local.minute
    today = list(Weekday)[local.weekday()]
    return any(
        today in part.days and part.from_min <= minute < part.to_min for part in item.dayparts
    )


def _is_blocked(domain: str | None, blocked: Sequence[str]) -> bool:
    if domain is None:
        return False
    return any(
        domain.casefold() == name.casefold() or domain.casefold().endswith("." + name.casefold())
        for name in blocked
    )


def verdict_on_creative(  # noqa: PLR0911 - one by one
    creative: ServableCreative, asked: Asked
) -> Reason:
    """Why this creative may not play, or `CHOSEN` when it may."""
    if creative.starts_at and asked.now < creative.starts_at:
        return Reason.NO_CREATIVE_IN_FLIGHT
    if creative.ends_at and asked.now >= creative.ends_at:
        return Reason.NO_CREATIVE_IN_FLIGHT
    if asked.max_ad_ms is not None and creative.duration_ms > asked.max_ad_ms:
        return Reason.CREATIVE_TOO_LONG
    if creative.duration_ms < asked.min_ad_ms:
        return Reason.CREATIVE_TOO_SHORT
    request = asked.request
    if request.accepted_mimes and creative.mime_type not in request.accepted_mimes:
        return Reason.CREATIVE_MIME
    if request.max_bitrate_kbps is not None and creative.bitrate_kbps > request.max_bitrate_kbps:
        return Reason.CREATIVE_BITRATE
    return Reason.CHOSEN


def value_per_second(item: ServableLineItem) -> Fraction:
    if not item.creatives:
        return Fraction(item.value_micros)
    mean_s = sum(creative.duration_ms for creative in item.creatives) / 1000 / len(item.creatives)
    return Fraction(item.value_micros, max(round(mean_s), 1))


def ranked(items: Sequence[ServableLineItem]) -> list[list[ServableLineItem]]:
    """Return groups of equals, the best first; within a group by the hash of the id."""

    def key(item: ServableLineItem) -> tuple[int, Fraction, int]:
        return (item.priority, -value_per_second(item), -item.urgency)

    ordered = sorted(items, key=lambda item: (*key(item), digest_of(item.line_item_id)))
    return [list(group) for _, group in groupby(ordered, key)]


def first_eligible(
    items: Sequence[ServableLineItem],
    asked: Asked,
    *,
    limit: int,
    per_advertiser: int,
    skip: frozenset[LineItemId] = frozenset(),
    first_rank: int = 0,
) -> list[LineItemId]:
    """Return whom a search has to find among items of one area, in this order."""
    found: list[ServableLineItem] = []
    for group in ranked(items):
        entry = turn_of(asked.seed, first_rank) % len(group)
        eligible = [
            item
            for item in group[entry:] + group[:entry]
            if verdict(item, asked) is Reason.CHOSEN
            and item.line_item_id not in skip
            and _count(found, item.advertiser_id) < per_advertiser
        ]
        window = eligible[:_TURN_TAKERS]
        if len(window) > 1:
            begin = (turn_of(asked.seed, first_rank) >> 32) % len(window)
            window = window[begin:] + window[:begin]
        for item in window + eligible[_TURN_TAKERS:]:
            if len(found) < limit and _count(found, item.advertiser_id) < per_advertiser:
                found.append(item)
        first_rank += len(group)
    return [item.line_item_id for item in found]


def _count(found: Sequence[ServableLineItem], advertiser_id: AdvertiserId) -> int:
    return sum(item.advertiser_id == advertiser_id for item in found)
