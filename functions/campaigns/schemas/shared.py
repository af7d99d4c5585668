"""What several nouns of trafficking share: remarks and changes."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, StringConstraints

from ctv_ads.domain.remark import Remark
from ctv_ads.web.fields import UNWRITABLE, Body

Domain = Annotated[
    str,
    StringConstraints(
        max_length=253,
        pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+$",
    ),
]
"""A host name in lower case; an international one in its ASCII form (xn--…)."""
Category = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,8}$")]
"""An id of the IAB Ad Product Taxonomy 2.0."""
Label = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200, pattern=f"^[^{UNWRITABLE}]+$"),
]


class RemarkView(BaseModel):
    """What the owner should know of a field that was accepted all the same."""

    path: str
    code: str
    message: str

    @classmethod
    def of(cls, remarks: Sequence[Remark]) -> "list[RemarkView]":
        """Return what the API tells of the remarks."""
        return [cls(path=r.path, code=r.code, message=r.message) for r in remarks]


class Change(Body):
    """Base of merge patches: an absent field stays as it is, whatever the default says."""

    def changes(self) -> dict[str, Any]:
        """Return the fields that were sent."""
        return {name: getattr(self, name) for name in self.model_fields_set}
