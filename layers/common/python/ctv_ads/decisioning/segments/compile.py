"""Compile line items into a segment: ranked, indexed by everything they are targeted by."""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from ctv_ads.decisioning.segments.columns import FORMAT, ColumnsWriter, ListRef
from ctv_ads.decisioning.segments.query import domains_above, normalized
from ctv_ads.decisioning.segments.ranking import digest_of, group_starts, rank_key, spans_of
from ctv_ads.decisioning.segments.rows import Films, packed_rows, row_of, to_ms
from ctv_ads.domain.campaign import LineItemType
from ctv_ads.domain.inventory import ServableLineItem
from ctv_ads.domain.line_item import RateType

_ENDLESS = (1 << 63) - 1

_Lists = dict[str, list[int]]


def compile_segment(line_items: Iterable[ServableLineItem]) -> bytes:
    """Return the compiled segment; the same line items give the same bytes, in any order.

    Equals stand in the order of a hash of their ids, so that neighbours have nothing in common.
    """
    films: Films = {}
    decorated = sorted(
        (rank_key(item), digest_of(item.line_item_id), item.line_item_id, row_of(item, films), item)
        for item in line_items
    )
    keys = [entry[0] for entry in decorated]
    rows = [entry[3] for entry in decorated]
    items = [entry[4] for entry in decorated]
    groups = group_starts(keys)
    first_house = sum(not key[0] for key in keys)
    by_id = sorted((entry[1], rank) for rank, entry in enumerate(decorated))
    sample, chunk_ends, chunks = packed_rows(rows)
    writer = ColumnsWriter(len(items))
    contents = {
        "format": FORMAT,
        "size": len(items),
        "paid": spans_of([start for start in groups if start <= first_house] or [0]),
        "house": spans_of([start for start in groups if start >= first_house] or [0]),
        "dimensions": _dimensions(items, writer),
        "advertisers": _index(writer, ((item.advertiser_id,) for item in items)),
        "categories": _index(writer, ((item.category,) if item.category else () for item in items)),
        "domains": _index(writer, map(_domains, items)),
        "seconds": _index(writer, map(_seconds, items)),
        "schedules": _schedules(items, writer),
    }
    return writer.pack(
        contents,
        starts=array("q", (to_ms(item.starts_at) for item in items)),
        ends=array("q", (to_ms(item.ends_at) for item in items)),
        values=array("q", map(_floored_micros, items)),
        groups=array("I", groups),
        group_keys=array("q", (part for start in groups[:-1] for part in keys[start])),
        ids=array("Q", (digest for digest, _ in by_id)),
        ranks_by_id=array("I", (rank for _, rank in by_id)),
        chunk_ends=chunk_ends,
        sample=sample,
        chunks=chunks,
    )


def _dimensions(items: Sequence[ServableLineItem], writer: ColumnsWriter) -> dict[str, Any]:
    targeted: dict[str, list[int]] = defaultdict(list)
    included: dict[str, _Lists] = defaultdict(lambda: defaultdict(list))
    excluded: dict[str, _Lists] = defaultdict(lambda: defaultdict(list))
    for rank, item in enumerate(items):
        for name, rule in item.targeting.items():
            if rule.include:
                targeted[name].append(rank)
            for values, lists in ((rule.include, included), (rule.exclude, excluded)):
                for value in _compared(name, values):
                    lists[name][value].append(rank)
    return {
        name: {
            "targeted": writer.add(targeted[name]),
            "values": {
                value: (
                    *writer.add(included[name].get(value, ())),
                    *writer.add(excluded[name].get(value, ())),
                )
                for value in sorted({*included[name], *excluded[name]})
            },
        }
        for name in sorted({*included, *excluded})
    }


@lru_cache(maxsize=4096)
def _compared(name: str, values: tuple[str, ...]) -> frozenset[str]:
    """Return values as they are compared; most line items name the same countries."""
    return frozenset(normalized(name, value) for value in values)


def _index(writer: ColumnsWriter, values: Iterable[Iterable[str]]) -> dict[str, ListRef]:
    lists: _Lists = defaultdict(list)
    for rank, named in enumerate(values):
        for value in named:
            lists[value].append(rank)
    return {value: writer.add(lists[value]) for value in sorted(lists)}


def _floored_micros(item: ServableLineItem) -> int:
    """Return what is compared with a placement's floor; who pays nothing by the view has none."""
    is_bound = item.type is not LineItemType.HOUSE and item.rate_type is not RateType.FLAT
    return item.value_micros if is_bound else _ENDLESS


def _domains(item: ServableLineItem) -> list[str]:
    return domains_above(item.advertiser_domain) if item.advertiser_domain else []


def _seconds(item: ServableLineItem) -> set[str]:
    return {str(creative.duration_ms // 1000) for creative in item.creatives}


def _schedules(items: Sequence[ServableLineItem], writer: ColumnsWriter) -> list[Any]:
    lists: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for rank, item in enumerate(items):
        if item.dayparts:
            parts = ((tuple(part.days), part.from_min, part.to_min) for part in item.dayparts)
            lists[item.timezone, tuple(sorted(parts))].append(rank)
    return [
        [timezone, parts, writer.add(lists[timezone, parts])] for timezone, parts in sorted(lists)
    ]
