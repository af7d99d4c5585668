"""Turn what was picked into ads: each with a token that says what was decided."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, Self

from ctv_ads.domain.ad_request import AdRequest, Viewer
from ctv_ads.domain.beacon import BeaconClaims
from ctv_ads.domain.beacon_token import TokenKeys, issue_token
from ctv_ads.domain.decision_record import DecisionNote
from ctv_ads.domain.ids import CreativeId, DecisionId, LineItemId, PlacementId
from ctv_ads.domain.pod import Candidate, Pick
from ctv_ads.domain.vocabulary import DEVICE_TYPES
from ctv_ads.vast.document import PodAd

NOBODY = "00000000-0000-0000-0000-000000000000"
"""The line item and the creative of beacons that belong to a whole break (slot 0)."""


class Decided(NamedTuple):
    """What all tokens of one decision say. `decided_at` has whole milliseconds."""

    decision_id: DecisionId
    decided_at: datetime
    placement_id: PlacementId
    request: AdRequest


@dataclass(frozen=True, slots=True)
class SignAds:
    """Signs; pure but for its keys."""

    keys: TokenKeys
    beacon_lifetime: timedelta
    reservation: timedelta
    """How long what was reserved is held: an ad that has not begun by then may go unpaid."""

    @classmethod
    def of_note(cls, note: DecisionNote, keys: TokenKeys) -> Self:
        """Return who signed that decision: the same key and the same times."""
        return cls(
            TokenKeys(note.key_id, keys.keys),
            timedelta(seconds=note.beacon_lifetime_s),
            timedelta(seconds=note.expires_s),
        )

    def ads(
        self, decided: Decided, candidates: Sequence[Candidate], picks: Sequence[Pick]
    ) -> tuple[PodAd, ...]:
        """Return the ads of the picks, in play order."""
        return tuple(self._ads(decided, candidates, picks))

    def break_token(self, decided: Decided) -> str:
        """Return the token of the break itself, for breakStart and breakEnd: slot 0."""
        claims = BeaconClaims(
            decision_id=decided.decision_id,
            slot=0,
            decided_at=decided.decided_at,
            expires_at=decided.decided_at + self.beacon_lifetime,
            line_item_id=LineItemId(NOBODY),
            creative_id=CreativeId(NOBODY),
            placement_id=decided.placement_id,
            price_micros=0,
        )
        return issue_token(claims, self.keys)

    def _ads(
        self, decided: Decided, candidates: Sequence[Candidate], picks: Sequence[Pick]
    ) -> Iterator[PodAd]:
        expires_s = self.reservation // timedelta(seconds=1)
        viewer = decided.request.viewer
        decided_at = decided.decided_at
        country = viewer.country or ""
        device_type = viewer.device_type if viewer.device_type in DEVICE_TYPES else ""
        session = _session(viewer, decided_at)
        for slot, pick in enumerate(picks, 1):
            line_item = candidates[pick.candidate].line_item
            creative = candidates[pick.candidate].creatives[pick.creative]
            claims = BeaconClaims(
                decision_id=decided.decision_id,
                slot=slot,
                decided_at=decided_at,
                expires_at=decided_at + self.beacon_lifetime,
                line_item_id=line_item.line_item_id,
                creative_id=creative.creative_id,
                placement_id=decided.placement_id,
                price_micros=line_item.price_micros,
                rate_type=line_item.rate_type,
                bucket=pick.bucket,
                country=country,
                device_type=device_type or "",
                session=session,
            )
            token = issue_token(claims, self.keys)
            yield PodAd(f"{decided.decision_id}-{slot}", line_item, creative, token, expires_s)


def _session(viewer: Viewer, decided_at: datetime) -> int:
    """Return 64 bits by which views are told to be one viewer's; 0 when nothing is known.

    Without a session it is the device's or the household's day, of which the next day tells nothing.
    """
    if viewer.session_key:
        return int(viewer.session_key[:16], 16)
    key = viewer.device_key or viewer.household_key
    if key is None:
        return 0
    return int.from_bytes(hashlib.sha256(f"{decided_at.date()} {key}".encode()).digest()[:8])
