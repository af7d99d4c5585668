"""Ports of the archive: what leaves Valkey and PostgreSQL to be kept."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from ctv_ads.domain.decision_record import DecisionRecord
from ctv_ads.domain.delivery import DecidedCounts
from ctv_ads.domain.ids import DecisionId


@dataclass(frozen=True, slots=True)
class StreamedDecision:
    """An entry of a shard's stream. `record` is None of a request to an unknown placement."""

    entry_id: str
    """`<milliseconds>-<sequence>`, by Valkey's clock."""
    record: DecisionRecord | None

    @property
    def entered_at_ms(self) -> int:
        """When it came into the stream, in milliseconds since 1970."""
        return int(self.entry_id.partition("-")[0])


@dataclass(frozen=True, slots=True)
class DecisionBatch:
    """Entries that were taken together, the oldest first; taken again they are the same.

    `name` tells batches apart. `cut_off` entries were cut from the stream before they were read.
    """

    name: str
    shard: int
    entries: tuple[StreamedDecision, ...]
    cut_off: int = 0

    @property
    def span(self) -> str:
        """Shard, first and last entry: the batch's identity wherever it is kept."""
        return f"s{self.shard}-{self.entries[0].entry_id}-{self.entries[-1].entry_id}"


class DecisionStream(Protocol):
    """Hands out what decisions left behind, each entry at least once."""

    def unfinished(self) -> Iterator[DecisionBatch]:
        """Yield the batches that were taken and not finished, as they were taken.

        Raises:
            DependencyUnavailableError: where they are kept does not answer.
        """

    def take(self) -> Iterator[DecisionBatch]:
        """Yield what nobody has taken yet, until little is left.

        Raises:
            DependencyUnavailableError: where they are kept does not answer.
        """

    def finish(self, batch: DecisionBatch) -> None:
        """Never hand out this batch again; finishing it twice changes nothing.

        Raises:
            DependencyUnavailableError: where they are kept does not answer.
        """

    def carried_out(self, batch: DecisionBatch) -> frozenset[DecisionId]:
        """Return which degraded decisions of the batch have a second record.

        Valkey had filled the break after all, after the deadline of whoever had asked.

        Raises:
            DependencyUnavailableError: where they are kept does not answer.
        """

    def cut_off(self) -> int:
        """Return how many entries were cut from the streams since the last take, unread.

        Raises:
            DependencyUnavailableError: where they are kept does not answer.
        """


class DecisionArchive(Protocol):
    """Keeps decisions for good, or as long as its retention says."""

    def keep(self, span: str, decisions: Sequence[StreamedDecision]) -> None:
        """Keep the decisions of a batch, whose `span` it is. Keeping them twice changes nothing.

        Raises:
            DependencyUnavailableError: the archive does not answer.
        """


class DecidedCountsQueue(Protocol):
    """Takes counts of decisions to the statistics."""

    def send(self, counts: DecidedCounts) -> None:
        """Hand them over; the same message counts once, however often it is sent.

        Raises:
            DependencyUnavailableError: the queue does not answer.
        """
