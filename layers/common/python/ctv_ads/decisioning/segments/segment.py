"""A compiled segment, loaded: nothing of it is read before it is asked for."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

from ctv_ads.decisioning.segments.block import Block, Plan, Tables
from ctv_ads.decisioning.segments.candidates import Judgements
from ctv_ads.decisioning.segments.columns import FORMAT, Columns
from ctv_ads.decisioning.segments.query import Query
from ctv_ads.decisioning.segments.ranking import RankKey, digest_of
from ctv_ads.decisioning.segments.rows import PackedRows, id_of_row, line_item_of, to_ms
from ctv_ads.decisioning.segments.schedules import Schedules
from ctv_ads.domain.ids import LineItemId
from ctv_ads.domain.inventory import ServableLineItem

# Some 4 KB each. Candidates are mostly the same ones.
_MOST_KEPT = 16_384
_DROPPED = 64
_KEY_PARTS = 4
_MICROS_OF_CPM = 1000


class Span(NamedTuple):
    """Blocks that follow one another; of one large group of equals, entered at any point."""

    is_large_group: bool
    blocks: Sequence[Block]


class Segment:
    """Line items by rank: paid ones from the best to the worst, then house ads likewise."""

    def __init__(self, data: bytes) -> None:
        """Load what `compile_segment` returned.

        Raises:
            ValueError, LookupError: these are not the bytes of a segment of this format.
        """
        columns = Columns(data)
        contents = columns.contents
        if contents["format"] != FORMAT:
            raise ValueError(f"a segment of format {contents['format']}")
        dimensions, seconds = contents["dimensions"], contents["seconds"]
        self._classes = sorted(map(int, seconds))
        tables = Tables(
            columns=columns,
            targeted={name: found["targeted"] for name, found in dimensions.items()},
            rules={name: found["values"] for name, found in dimensions.items()},
            advertisers=contents["advertisers"],
            categories=contents["categories"],
            domains=contents["domains"],
            seconds=[seconds[str(number)] for number in self._classes],
            schedules=[reference for _, _, reference in contents["schedules"]],
            groups=columns.column("groups"),
            starts=columns.column("starts"),
            ends=columns.column("ends"),
            values=columns.column("values"),
        )
        self.size: int = contents["size"]
        self.paid = _spans(contents["paid"], tables)
        self.house = _spans(contents["house"], tables)
        self._tables = tables
        self._dimensions = frozenset(dimensions)
        self._schedules = Schedules([(zone, parts) for zone, parts, _ in contents["schedules"]])
        self._group_keys = columns.column("group_keys")
        self._ids, self._ranks_by_id = columns.column("ids"), columns.column("ranks_by_id")
        self._rows = PackedRows(
            columns.column("sample").tobytes(),
            columns.column("chunk_ends"),
            columns.column("chunks"),
        )
        self._line_items: dict[int, ServableLineItem] = {}
        self.judgements = Judgements()

    def line_item(self, rank: int) -> ServableLineItem:
        """Return the line item of that rank, unpacked when first asked for."""
        found = self._line_items.get(rank)
        if found is None:
            if len(self._line_items) >= _MOST_KEPT:
                # A few, the oldest: the one decision that freed thousands would wait for it.
                for old in list(islice(self._line_items, _DROPPED)):
                    del self._line_items[old]
            found = self._line_items[rank] = line_item_of(self._rows.row(rank))
        return found

    def rank_of(self, line_item_id: LineItemId) -> int | None:
        """Return the rank of that line item, None when it is not of this segment."""
        digest = digest_of(line_item_id)
        place = bisect_left(self._ids, digest)
        is_there = place < self.size and self._ids[place] == digest
        return int(self._ranks_by_id[place]) if is_there else None

    def line_item_id(self, rank: int) -> LineItemId:
        """Return whose rank it is, without reading the rest of the row."""
        return id_of_row(self._rows.row(rank))

    def key_of(self, rank: int) -> RankKey:
        """Return by what this rank was ordered."""
        group = bisect_right(self._tables.groups, rank) - 1
        first = group * _KEY_PARTS
        house, priority, value, urgency = self._group_keys[first : first + _KEY_PARTS]
        return house, priority, value, urgency

    def plan(self, query: Query) -> Plan:
        """Return the query in the words of this segment."""
        rules = self._tables.rules
        known = []
        for dimension, values in query.terms.items():
            if dimension in rules:
                named = rules[dimension]
                found = tuple(value for value in values if value in named)
                if found:
                    known.append((dimension, found))
        placement = query.placement
        return Plan(
            known=tuple(known),
            absent=self._dimensions.difference([dimension for dimension, _ in known]),
            now_ms=to_ms(query.now),
            closed=self._schedules.closed(query.now),
            least_value_micros=-(-placement.floor_cpm_micros // _MICROS_OF_CPM),
            blocked_categories=placement.blocked_categories,
            blocked_domains=tuple(map(str.casefold, placement.blocked_domains)),
            seconds=self._classes_between(query.min_ad_ms, query.max_ad_ms),
        )

    def least_ms(self, query: Query) -> int:
        """Return how long the shortest film that fits is at least: whole seconds, rounded down."""
        first, behind = self._places_between(query.min_ad_ms, query.max_ad_ms)
        return self._classes[first] * 1000 if first < behind else 0

    def _classes_between(self, min_ms: int, max_ms: int | None) -> tuple[int, int] | None:
        places = self._places_between(min_ms, max_ms)
        return None if places == (0, len(self._classes)) else places

    def _places_between(self, min_ms: int, max_ms: int | None) -> tuple[int, int]:
        classes = self._classes
        first = bisect_left(classes, min_ms // 1000)
        behind = len(classes) if max_ms is None else bisect_right(classes, max_ms // 1000)
        return first, max(first, behind)


def _spans(
    stored: Sequence[tuple[int, Sequence[tuple[int, int]]]], tables: Tables
) -> Sequence[Span]:
    return [
        Span(bool(is_large), [Block(tables, low, high) for low, high in blocks])
        for is_large, blocks in stored
    ]
