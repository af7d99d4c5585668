"""Line items as the API takes and gives them."""

from pydantic import BaseModel

from ctv_ads.domain.campaign import LineItem, LineItemType


class LineItemView(BaseModel):
    """A line item. Without a rate of its own it sells at the campaign's CPM."""

    id: str
    name: str
    type: LineItemType
    priority: int
    rate_micros: int | None
    is_default: bool

    @classmethod
    def of(cls, line_item: LineItem) -> "LineItemView":
        """Return what the API tells of a line item."""
        return cls(
            id=line_item.line_item_id,
            name=line_item.name,
            type=line_item.type,
            priority=line_item.priority,
            rate_micros=line_item.rate_micros,
            is_default=line_item.is_default,
        )
