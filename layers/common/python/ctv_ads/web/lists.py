"""The parameters that all lists take."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from ctv_ads.domain.listing import ListQuery
from ctv_ads.web.cursors import read_cursor

PageSize = Annotated[int, Query(ge=1, le=200)]
PageCursor = Annotated[
    str | None, Query(max_length=2000, description="`next_cursor` of the page before")
]
Search = Annotated[
    str | None,
    Query(
        max_length=200,
        pattern=r"^[^\x00]*$",
        description="Part of the name, in any case",
    ),
]


def list_query(*, limit: int, sort: str, cursor: str | None, **filters: object) -> ListQuery:
    """Return what is asked of a list.

    Raises:
        InvalidRequestError: the cursor is none of this order's.
    """
    return ListQuery(limit=limit, sort=sort, cursor=read_cursor(cursor, sort=sort), filters=filters)
