"""What filling a break finds and leaves behind: what viewers have seen, and tokens."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from ctv_ads.decisioning.pod_terms import DEVICE, HOUSEHOLD, SESSION
from ctv_ads.decisioning.viewer_history import Fields


class Grant(NamedTuple):
    """What a line item may still spend of its newest grant."""

    bucket: int
    remaining_micros: int


@dataclass(frozen=True, slots=True)
class ViewerState:
    """What is remembered: a hash for each key that is known, and the tokens by line item."""

    hashes: Mapping[int, Fields]
    grants: Mapping[bytes, Grant]

    def key_for(self, key: int) -> int | None:
        """Return by which key is counted: the session stands in for what is not known."""
        return next((known for known in (key, SESSION) if known in self.hashes), None)

    def sequence_key(self) -> int | None:
        """Return by which key a sequence goes on."""
        return next((key for key in (DEVICE, HOUSEHOLD, SESSION) if key in self.hashes), None)
