"""What the consumer writes in one transaction: the beacons of some messages, sorted by their fate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ctv_ads.adapters.aws.beacon_messages import decode_message
from ctv_ads.adapters.aws.dead_letters import first_message_id
from ctv_ads.adapters.aws.decision_messages import decode_decisions, is_decisions
from ctv_ads.domain.beacon import Beacon, ForgedBeacon
from ctv_ads.domain.delivery import DecidedCounts

PART_BEACONS = 10_000
"""With these a part is full; the message that fills it is in it whole.

Deflated, a megabyte of messages may hold a hundred thousand beacons: what is inflated at once, and
written at once, is bounded by this and not by the batch.
"""


@dataclass(slots=True)
class Part:
    """Some messages of a batch, read."""

    beacons: list[Beacon] = field(default_factory=list)
    message_ids: list[str] = field(default_factory=list)
    """Of each beacon, the message it came in."""
    invalid: list[Beacon] = field(default_factory=list)
    invalid_ids: list[str] = field(default_factory=list)
    """Of each invalid beacon, the message it came in."""
    forged: list[tuple[str, int, ForgedBeacon]] = field(default_factory=list)
    """With the message's first id and the place in it, which tell repeats."""
    decisions: list[DecidedCounts] = field(default_factory=list)
    breaks: list[Beacon] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    """Messages that are none, and why."""
    messages: int = 0
    """How many were read."""
    _size: int = 0

    @classmethod
    def of(cls, records: Sequence[dict[str, Any]], *, most: int = PART_BEACONS) -> "Part":
        """Read messages until `most` beacons are there, or all messages."""
        part = cls()
        for record in records:
            if part._size >= most:
                break
            part.messages += 1
            try:
                part._read(record)
            except ValueError as error:
                part.refused[record["messageId"]] = str(error)
        return part

    def _read(self, record: Mapping[str, Any]) -> None:
        """Take what the body of a message holds, or raise ValueError and take nothing."""
        message_id, body = record["messageId"], record["body"]
        if is_decisions(body):
            self.decisions.append(decode_decisions(body))
            self._size += 1
            return
        found = decode_message(body)
        self._size += len(found)
        for place, beacon in enumerate(found):
            if isinstance(beacon, ForgedBeacon):
                self.forged.append((first_message_id(record), place, beacon))
            elif beacon.invalid is not None:
                self.invalid.append(beacon)
                self.invalid_ids.append(message_id)
            elif beacon.claims.slot == 0:
                self.breaks.append(beacon)
            else:
                self.beacons.append(beacon)
                self.message_ids.append(message_id)
