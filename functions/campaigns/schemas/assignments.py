"""Which creatives a line item rotates, as the API takes and gives it."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, Field

from ctv_ads.domain.ids import CreativeId
from ctv_ads.domain.line_item import CreativeAssignment
from ctv_ads.web.fields import Body, Id, Moment


class AssignmentBody(Body):
    """One creative of a line item. Without times it has the line item's flight."""

    creative_id: Id
    weight: Annotated[int, Field(strict=True, ge=1, le=1_000)] = 1
    sequence: Annotated[int, Field(strict=True, ge=1, le=1_000)] | None = None
    starts_at: Moment | None = None
    ends_at: Moment | None = None

    def value(self) -> CreativeAssignment:
        """Return it in the domain's terms."""
        return CreativeAssignment(
            creative_id=CreativeId(self.creative_id),
            weight=self.weight,
            sequence=self.sequence,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
        )


class Assignments(Body):
    """All creatives of a line item. None: it rotates all of its campaign."""

    items: Annotated[list[AssignmentBody], Field(max_length=200)]

    def values(self) -> Sequence[CreativeAssignment]:
        """Return them in the domain's terms."""
        return [item.value() for item in self.items]


class AssignmentView(BaseModel):
    """One creative of a line item. Without times it has the line item's flight."""

    creative_id: str
    weight: int
    sequence: int | None
    starts_at: datetime | None
    ends_at: datetime | None


class AssignmentsView(BaseModel):
    """All creatives of a line item, in sequence. None: it rotates all of its campaign."""

    items: list[AssignmentView]

    @classmethod
    def of(cls, assignments: Sequence[CreativeAssignment]) -> Self:
        """Return what the API tells of them."""
        return cls(items=[AssignmentView(**asdict(item)) for item in assignments])
