"""What one break asks of the index, in the words that line items are targeted by."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from ctv_ads.decisioning.segments.files import FileLimits, file_limits
from ctv_ads.domain.ad_request import AdRequest
from ctv_ads.domain.inventory import PublishedPlacement
from ctv_ads.domain.pod import PodSpec
from ctv_ads.domain.reasons import Reason

KEY_VALUE_PREFIX = "kv."
REASONS: Mapping[str, Reason] = {
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
"""By which reason a line item falls out that a dimension removes."""

# Names that others give are compared as they are; codes and names of the trade are not.
_EXACT = frozenset({"app_bundle", "placement", "segment"})


class Query(NamedTuple):
    """One search. `terms` holds, by dimension, every normalized value that a target may name.

    A dimension that the request does not know is not in `terms`. `min_ad_ms` and `max_ad_ms`
    and `files` are the break's, resolved from request and placement. `house_fills` is what house ads have to
    fill when nobody else may come; None asks for the few that stand in for a single ad.
    """

    terms: Mapping[str, tuple[str, ...]]
    placement: PublishedPlacement
    now: datetime
    seed: int
    min_ad_ms: int = 0
    max_ad_ms: int | None = None
    files: FileLimits | None = None
    house_fills: PodSpec | None = None


def query_of(  # noqa: PLR0913 - all of them are one question
    request: AdRequest,
    placement: PublishedPlacement,
    *,
    now: datetime,
    seed: int,
    min_ad_ms: int = 0,
    max_ad_ms: int | None = None,
    house_fills: PodSpec | None = None,
) -> Query:
    """Return the search for `request` at `placement`; its app and channel stand in for unsaid ones."""
    return Query(
        terms=_terms(request, placement),
        placement=placement,
        now=now,
        seed=seed,
        min_ad_ms=min_ad_ms,
        max_ad_ms=max_ad_ms,
        files=file_limits(request, placement),
        house_fills=house_fills,
    )


def normalized(dimension: str, value: str) -> str:
    """Return the form in which targets and requests of that dimension are compared."""
    if dimension in _EXACT or dimension.startswith(KEY_VALUE_PREFIX):
        return value
    if dimension == "postal_prefix":
        return value.replace(" ", "").casefold()
    if dimension == "language":
        return value.replace("_", "-").casefold()
    return value.casefold()


def reason_of(dimension: str) -> Reason:
    """Return why a line item falls out that this dimension removes."""
    return REASONS.get(dimension, Reason.KEY_VALUE)


def _terms(request: AdRequest, placement: PublishedPlacement) -> dict[str, tuple[str, ...]]:
    viewer, content, ad_break = request.viewer, request.content, request.ad_break
    live = content.livestream
    known = {
        "country": viewer.country,
        "region": viewer.region,
        "metro": viewer.metro,
        "city": viewer.city,
        "device_type": viewer.device_type,
        "os": viewer.os,
        "make": viewer.make,
        "app_bundle": content.app_bundle or placement.app_bundle,
        "channel": content.channel or placement.channel,
        "network": content.network,
        "rating": content.rating,
        "livestream": None if live is None else str(live),
        "placement": placement.placement_id,
        "break_type": ad_break.break_type,
    }
    terms: dict[str, tuple[str, ...]] = {
        name: (normalized(name, value),) for name, value in known.items() if value
    }
    if viewer.postal:
        terms["postal_prefix"] = _postal_prefixes(viewer.postal)
    if content.language:
        terms["language"] = _language_ranges(content.language)
    if content.genres:
        terms["genre"] = tuple(genre.casefold() for genre in content.genres)
    if viewer.segments:
        terms["segment"] = viewer.segments
    for name, values in request.key_values.items():
        terms[KEY_VALUE_PREFIX + name] = values
    return terms


def _postal_prefixes(postal: str) -> tuple[str, ...]:
    whole = normalized("postal_prefix", postal)
    return tuple(whole[:length] for length in range(1, len(whole) + 1))


def _language_ranges(language: str) -> tuple[str, ...]:
    """Return the BCP 47 ranges that match, such as de-at and de (RFC 4647 §3.3.1)."""
    subtags = normalized("language", language).split("-")
    return tuple("-".join(subtags[:length]) for length in range(len(subtags), 0, -1))


def domains_above(domain: str) -> list[str]:
    """Return the domain and all that it lies below, so that blocking one blocks those below it."""
    labels = domain.casefold().rstrip(".").split(".")
    return [".".join(labels[first:]) for first in range(len(labels))]
