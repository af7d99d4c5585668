"""Decisions that were made while Valkey was away: kept in this process, written when it is back.

They come into the stream of the first shard, later than their ids say. So a key of its own tells for
each when it came, and that it came: a repeat after a lost reply writes nothing twice.
"""

import logging
from collections import deque

from ctv_ads.adapters.valkey.pod_filler import pack_outcome
from ctv_ads.adapters.valkey.resp import RespConnection, RespError
from ctv_ads.domain.ids import DecisionId
from ctv_ads.domain.pod import FilledPod
from ctv_ads.errors import DependencyUnavailableError

_LOG = logging.getLogger(__name__)
MOST_HELD = 1000
"""Of some 2 kB each."""
_AT_ONCE = 50
_LIFETIME_S = 30 * 24 * 3600
"""As long as inventories are kept to explain decisions by."""
_WRITE = """
for i = 2, #KEYS do
  if redis.call('SET', KEYS[i], '', 'NX', 'EX', ARGV[2]) then
    local id = redis.call(
      'XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'd', ARGV[2 * i - 1], 'r', ARGV[2 * i])
    redis.call('SET', KEYS[i], id, 'KEEPTTL')
  end
end
"""


class ValkeyHeldDecisions:
    """Implements `ports.HeldDecisions`. What a process still holds when it ends is lost."""

    def __init__(
        self, connection: RespConnection, *, records_kept: int, most: int = MOST_HELD
    ) -> None:
        """Write over `connection`, into a stream that is cut to about `records_kept`."""
        self._connection = connection
        self._records_kept = records_kept
        self._held: deque[tuple[DecisionId, bytes, FilledPod]] = deque(maxlen=most)
        self._let_go = 0

    def keep(self, decision_id: DecisionId, note: bytes, outcome: FilledPod) -> None:
        """Keep a record, and let go of the oldest if there are too many."""
        self._let_go += len(self._held) == self._held.maxlen
        self._held.append((decision_id, note, outcome))

    def hand_over(self) -> None:
        """Write the oldest of what is kept, a few of them at once: an answer waits for it."""
        if not self._held:
            return
        some = [self._held[at] for at in range(min(len(self._held), _AT_ONCE))]
        keys = ["rec:{s0}", *(entered_key(decision_id) for decision_id, _, _ in some)]
        fields = [field for _, note, outcome in some for field in (note, pack_outcome(outcome))]
        limits = (self._records_kept, _LIFETIME_S)
        try:
            self._connection.call("EVAL", _WRITE, len(keys), *keys, *limits, *fields)
        except (DependencyUnavailableError, RespError) as error:
            _LOG.warning("%d decisions without Valkey are held on: %s", len(self._held), error)
            return
        for _ in some:
            self._held.popleft()
        if self._let_go:
            _LOG.error("%d decisions without Valkey are lost: too many", self._let_go)
            self._let_go = 0


def entered_key(decision_id: str) -> str:
    """Return the key that tells by which entry a decision came late into the first shard's stream."""
    return f"late:{{s0}}:{decision_id}"
