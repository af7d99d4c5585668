"""What decisions add to the statistics, before any beacon."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain

from ctv_ads.decisioning.resolve_break import MAX_ADS_IN_POD, resolve_break
from ctv_ads.domain.ad_request import AdBreak
from ctv_ads.domain.delivery import DecidedRow
from ctv_ads.domain.ids import CreativeId, LineItemId, PlacementId
from ctv_ads.domain.inventory import PublishedPlacement
from ctv_ads.domain.pod import PodSpec
from ctv_ads.domain.reasons import NoFillReason

USUAL_AD_MS = 30_000
"""The length of the ads that a break's room is counted in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeDecision:
    """What of one decision is counted. `served` names the creative where it is known.

    `no_fill` is why nothing was served, None if something was.
    """

    decided_at: datetime
    placement_id: PlacementId
    country: str
    device_type: str
    opportunities: int
    served: tuple[tuple[LineItemId, CreativeId | None], ...]
    no_fill: NoFillReason | None = None


@dataclass(frozen=True, slots=True)
class _Place:
    """Where and when something is counted."""

    hour: datetime
    placement_id: PlacementId
    country: str
    device_type: str


@dataclass(slots=True)
class _Asked:
    """What was asked for in one place."""

    requests: int = 0
    opportunities: int = 0
    no_fills: Counter[NoFillReason] = field(default_factory=Counter)


def opportunities_of(spec: PodSpec) -> int:
    """Return for how many ads a break has room, as statistics count it.

    Without a length it is the number of ads that was asked for. With one it is how many ads of
    30 s fit, at least one, and never more than the break may hold: publishers sell avails of that
    length. A break may be filled with more and shorter ads than it has opportunities.
    """
    if spec.duration_ms is None:
        return spec.max_ads
    return min(max(1, spec.duration_ms // USUAL_AD_MS), spec.max_ads)


def opportunities_in(asked: AdBreak, placement: PublishedPlacement | None) -> int:
    """Return for how many ads the break had room; None: what the placement says is not known."""
    if placement is not None:
        return opportunities_of(resolve_break(asked, placement).spec)
    duration_ms = None if asked.is_length_unknown else asked.duration_ms
    wanted = asked.max_ads or (1 if duration_ms is None else MAX_ADS_IN_POD)
    return opportunities_of(PodSpec(duration_ms, min(wanted, MAX_ADS_IN_POD)))


def counted(decisions: Iterable[MadeDecision], *, keys_at_once: int) -> list[list[DecidedRow]]:
    """Return the counts in groups, the same for the same decisions in any order.

    A group has the rows of up to `keys_at_once` pairs of a place and a line item. Which group a
    row is in does not depend on which creatives are known.
    """
    places: dict[_Place, _Asked] = {}
    ads: dict[tuple[_Place, LineItemId], Counter[CreativeId | None]] = {}
    for one in decisions:
        hour = one.decided_at.replace(minute=0, second=0, microsecond=0)
        place = _Place(hour, one.placement_id, one.country, one.device_type)
        asked = places.setdefault(place, _Asked())
        asked.requests += 1
        asked.opportunities += one.opportunities
        if one.no_fill is not None:
            asked.no_fills[one.no_fill] += 1
        for line_item_id, creative_id in one.served:
            ads.setdefault((place, line_item_id), Counter())[creative_id] += 1
    of_keys = [
        *([_requests(place, places[place])] for place in sorted(places, key=_order)),
        *(
            _served(place, line_item_id, ads[place, line_item_id])
            for place, line_item_id in sorted(ads, key=lambda key: (_order(key[0]), key[1]))
        ),
    ]
    starts = range(0, len(of_keys), keys_at_once)
    return [list(chain(*of_keys[start : start + keys_at_once])) for start in starts]


def _order(place: _Place) -> tuple[object, ...]:
    return (place.hour, place.placement_id, place.country, place.device_type)


def _requests(place: _Place, asked: _Asked) -> DecidedRow:
    return DecidedRow(
        hour=place.hour,
        placement_id=place.placement_id,
        country=place.country,
        device_type=place.device_type,
        requests=asked.requests,
        opportunities=asked.opportunities,
        no_fills=asked.no_fills.total(),
        no_fill_reasons=dict(sorted(asked.no_fills.items())),
    )


def _served(
    place: _Place, line_item_id: LineItemId, ads: Counter[CreativeId | None]
) -> list[DecidedRow]:
    return [
        DecidedRow(
            hour=place.hour,
            placement_id=place.placement_id,
            country=place.country,
            device_type=place.device_type,
            line_item_id=line_item_id,
            creative_id=creative_id,
            ads_served=count,
        )
        for creative_id, count in sorted(ads.items(), key=lambda item: item[0] or "")
    ]
