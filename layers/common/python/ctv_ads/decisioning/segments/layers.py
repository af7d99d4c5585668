"""A segment without those of its line items that have gone or changed since it was compiled."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping

from ctv_ads.decisioning.segments.block import Block, Plan
from ctv_ads.decisioning.segments.segment import Segment
from ctv_ads.domain.ids import LineItemId

_Marks = Mapping[Block, int]


class Layer:
    """One segment of an organization's inventory, the base or what lies over it."""

    __slots__ = ("_lows", "_removed", "_skip", "_skipped", "blocks", "segment")

    def __init__(self, segment: Segment, removed: Iterable[LineItemId] = ()) -> None:
        self.segment = segment
        spans = (*segment.paid, *segment.house)
        self.blocks = [block for span in spans for block in span.blocks]
        self._lows = [block.low for block in self.blocks]
        self._removed = self._marks(removed)
        self._skip: Collection[LineItemId] = frozenset()
        self._skipped: _Marks = {}

    def matching(self, block: Block, plan: Plan) -> int:
        """Return who of the block is there and not removed by `plan`."""
        found = block.matching(plan)
        return found & ~self._removed.get(block, 0) if found and self._removed else found

    def present(self, block: Block) -> int:
        """Return who of the block is there."""
        return (1 << block.high - block.low) - 1 & ~self._removed.get(block, 0)

    def skipped(self, skip: frozenset[LineItemId]) -> _Marks:
        """Return the marks of `skip`; the same set handed in again costs nothing."""
        if skip is not self._skip:
            self._skipped = self._marks(skip)
            self._skip = skip
        return self._skipped

    def rank_of(self, line_item_id: LineItemId) -> int | None:
        """Return the rank of that line item, None when it is not there or has gone."""
        rank = self.segment.rank_of(line_item_id)
        if rank is None:
            return None
        block = self._block_of(rank)
        return None if self._removed.get(block, 0) >> rank - block.low & 1 else rank

    def ranks(self) -> Iterator[int]:
        """Yield the ranks of all that are there."""
        for block in self.blocks:
            yield from block.ranks(self.present(block))

    def _block_of(self, rank: int) -> Block:
        return self.blocks[bisect_right(self._lows, rank) - 1]

    def _marks(self, line_item_ids: Iterable[LineItemId]) -> _Marks:
        ranks: dict[Block, list[int]] = defaultdict(list)
        for line_item_id in line_item_ids:
            rank = self.segment.rank_of(line_item_id)
            if rank is not None:
                ranks[self._block_of(rank)].append(rank)
        return {block: block.marks(found) for block, found in ranks.items()}
