"""All line items of one organization, as decisions ask for them."""

from collections.abc import Mapping, Sequence

from ctv_ads.decisioning.segments.explain import explain
from ctv_ads.decisioning.segments.layers import Layer
from ctv_ads.decisioning.segments.query import Query
from ctv_ads.decisioning.segments.search import HOUSE_LIMIT, NEAR, Found, Reach, search
from ctv_ads.domain.ids import LineItemId
from ctv_ads.domain.inventory import ServableLineItem
from ctv_ads.domain.reasons import Reason

_NONE: frozenset[LineItemId] = frozenset()


class LineItemIndex:
    """What was compiled last, and over it what has changed since."""

    __slots__ = ("layers",)

    def __init__(self, layers: Sequence[Layer] = ()) -> None:
        """Take the layers, the newest first; a line item must be present in one of them only."""
        self.layers = tuple(layers)

    def search(
        self,
        query: Query,
        *,
        reach: Reach = NEAR,
        house_limit: int = HOUSE_LIMIT,
        skip: frozenset[LineItemId] = _NONE,
    ) -> Found:
        """Return the first eligible line items in rank order, and house ads apart.

        Equals take turns by the query's seed. `skip` leaves out line items that are known to
        have no tokens; handing in the same set again costs nothing.
        """
        return search(self.layers, query, reach=reach, house_limit=house_limit, skip=skip)

    def explain(
        self, query: Query, *, reach: Reach = NEAR, skip: frozenset[LineItemId] = _NONE
    ) -> Mapping[Reason, tuple[LineItemId, ...]]:
        """Return by its reason every line item that a search would not offer; see `explain`."""
        found = self.search(query, reach=reach, skip=skip)
        return explain(self.layers, query, found, per_advertiser=reach.per_advertiser, skip=skip)

    def least_ms(self, query: Query) -> int:
        """Return how long the shortest film is at least that fits the query; 0 without any."""
        return min((layer.segment.least_ms(query) for layer in self.layers), default=0)

    def line_item(self, line_item_id: LineItemId) -> ServableLineItem | None:
        """Return that line item, None when it is not published."""
        for layer in self.layers:
            rank = layer.rank_of(line_item_id)
            if rank is not None:
                return layer.segment.line_item(rank)
        return None

    def line_items(self) -> Sequence[ServableLineItem]:
        """Return all line items, layer by layer in rank order, at the cost of unpacking them."""
        return [layer.segment.line_item(rank) for layer in self.layers for rank in layer.ranks()]
