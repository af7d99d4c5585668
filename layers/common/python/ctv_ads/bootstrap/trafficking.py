"""What people book: each noun's use cases, put together."""

from functools import cache
from typing import Annotated

from aws_lambda_powertools.event_handler.depends import Depends

from ctv_ads.adapters.clock import utc_now
from ctv_ads.adapters.ids import new_id
from ctv_ads.bootstrap.control_plane import inventory_changes, stores
from ctv_ads.use_cases.advertisers import TraffickAdvertisers
from ctv_ads.use_cases.line_items import TraffickLineItems
from ctv_ads.use_cases.placements import TraffickPlacements


@cache
def advertiser_trafficking() -> TraffickAdvertisers:
    """Return what people do with advertisers."""
    return TraffickAdvertisers(stores(), inventory_changes(), clock=utc_now, new_id=new_id)


@cache
def placement_trafficking() -> TraffickPlacements:
    """Return what people do with placements."""
    return TraffickPlacements(stores(), inventory_changes(), clock=utc_now, new_id=new_id)


@cache
def line_item_trafficking() -> TraffickLineItems:
    """Return what people do with line items."""
    return TraffickLineItems(stores(), inventory_changes(), clock=utc_now, new_id=new_id)


AdvertiserTrafficking = Annotated[TraffickAdvertisers, Depends(advertiser_trafficking)]
PlacementTrafficking = Annotated[TraffickPlacements, Depends(placement_trafficking)]
LineItemTrafficking = Annotated[TraffickLineItems, Depends(line_item_trafficking)]
