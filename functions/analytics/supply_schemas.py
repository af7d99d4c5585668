"""What the API tells of placements. Money is integer micros, days are UTC."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, TypeVar

from pydantic import BaseModel

from ctv_ads.domain.invalid_traffic import InvalidTraffic
from ctv_ads.domain.reasons import NoFillReason
from ctv_ads.domain.supply import SupplyPart, SupplyQuery, SupplyReport

_Name = TypeVar("_Name", NoFillReason, InvalidTraffic)
# Nobody asks a placement that does not exist, and without an inventory there is none to ask.
_TOLD_REASONS = tuple(
    reason
    for reason in NoFillReason
    if reason not in {NoFillReason.UNKNOWN_PLACEMENT, NoFillReason.INVENTORY_UNAVAILABLE}
)
_TOLD_RULES = tuple(rule for rule in InvalidTraffic if rule is not InvalidTraffic.FORGED)


class SupplyView(BaseModel):
    """Requests and what came of them.

    `opportunities` are for how many ads there was room, in ads of 30 s; `fill_rate_bp` is how many
    of 10,000 of them got an ad, above that where ads were shorter, null without opportunities.
    `no_fills` are requests whose answer held no ad; those of before reasons were told have none.
    Requests that were answered without the inventory or without Valkey are not counted.
    """

    requests: int
    opportunities: int
    ads_served: int
    fill_rate_bp: int | None
    no_fills: int
    no_fills_by_reason: dict[str, int]
    impressions: int
    completes: int
    errors: int
    spend_micros: int
    invalid_beacons: dict[str, int]


_FIGURES = tuple(
    name
    for name in SupplyView.model_fields
    if name not in {"no_fills_by_reason", "invalid_beacons"}
)


class SupplyPartView(SupplyView):
    """One part: of a placement's id, a day, an hour (UTC), a country, a device type.

    `key` is empty where the country or the device type was not known.
    """

    key: str

    @classmethod
    def of(cls, part: SupplyPart) -> "SupplyPartView":
        """Return what the API tells of a part."""
        return cls(key=part.key, **told(part))


class SupplyPage(BaseModel):
    """A page of parts in the order of their keys; `totals` are of all parts, not of this page.

    `from_day` and `to_day` are the days that it is of, `data_as_of` when the newest of it was
    counted, null when there is nothing.
    """

    items: list[SupplyPartView]
    next_cursor: str | None
    totals: SupplyView
    from_day: date
    to_day: date
    data_as_of: datetime | None

    @classmethod
    def of(cls, report: SupplyReport, query: SupplyQuery, next_cursor: str | None) -> "SupplyPage":
        """Return what the API tells of a report."""
        return cls(
            items=[SupplyPartView.of(part) for part in report.parts],
            next_cursor=next_cursor,
            totals=SupplyView(**told(report.totals)),
            from_day=query.first_day,
            to_day=query.last_day,
            data_as_of=report.data_as_of,
        )


def told(part: SupplyPart) -> dict[str, Any]:
    """Return the figures of a part by the names that the API has for them."""
    return {
        **{name: getattr(part.counts, name) for name in _FIGURES},
        "no_fills_by_reason": _by_name(part.no_fill_reasons, _TOLD_REASONS),
        "invalid_beacons": _by_name(part.invalid, _TOLD_RULES),
    }


EXPORTED = (
    "key",
    *_FIGURES,
    *(f"no_fills_{reason.value}" for reason in _TOLD_REASONS),
    *(f"invalid_{rule.value}" for rule in _TOLD_RULES),
)
"""The columns of the file."""


def exported(part: SupplyPart) -> list[object]:
    """Return a part as a row of the file."""
    return [
        part.key,
        *(getattr(part.counts, name) for name in _FIGURES),
        *(part.no_fill_reasons.get(reason, 0) for reason in _TOLD_REASONS),
        *(part.invalid.get(rule, 0) for rule in _TOLD_RULES),
    ]


def _by_name(counts: Mapping[_Name, int], names: Sequence[_Name]) -> dict[str, int]:
    return {name.value: counts.get(name, 0) for name in names}
