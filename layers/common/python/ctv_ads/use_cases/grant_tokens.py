"""Grant tokens to line items, and take back what they should no longer spend.

Whatever is handed out was reserved in the ledger before (write-ahead). A step that may or may not
have happened (a crash, a lost reply) is taken as not having freed anything: what nobody claims is
free again when its bucket expires. So two controllers at once, or one that dies between any two
steps, may leave tokens unused for a while and never hand out more than there is.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from ctv_ads.domain.granting import Decision, Use, decide
from ctv_ads.domain.ids import LineItemId
from ctv_ads.domain.pacing import LimitedBy
from ctv_ads.ports.base import Clock
from ctv_ads.ports.tokens import Closed, Held, Look, NewBucket, OpenBucket, TokenLedger, TokenStore

_RESERVED_AT_ONCE = 2000
# The function has a minute for this and for publishing; the next look goes on with the rest.
_LONGEST_GRANTING = timedelta(seconds=15)
_LONGEST_OPEN = timedelta(minutes=15)
_ON_ITS_WAY = timedelta(seconds=30)
_UNOBSERVED = timedelta(minutes=5)
# A look is part of how long a pause takes to be on air.
_IDLE_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Granted:
    """What one look at all line items came to."""

    looked_at: int
    granted: int
    taken_back: int
    released: int


@dataclass(frozen=True, slots=True)
class _Standing:
    """A line item, and what of its open buckets decisions can spend."""

    look: Look
    current: Mapping[int, tuple[OpenBucket, int]]
    """By shard: the open bucket that is held there, and what is left of it."""
    newest: int
    """The highest number of a bucket that is known of it."""
    has_stray: bool
    """Something is held that the ledger does not count as open."""

    @property
    def line_item_id(self) -> LineItemId:
        return self.look.line_item_id

    @property
    def remaining(self) -> int:
        return sum(left for _, left in self.current.values())

    def must_end(self, shards: int, now: datetime) -> bool:
        """Tell whether all it holds has to come back, to go elsewhere or to begin to expire."""
        if self.has_stray or (self.look.buckets and not self.look.may_spend):
            return True
        pairs = self.current.values()
        return any(
            bucket.is_outdated
            # The ledger was read before: the store fell back to an older state of this bucket.
            or left > bucket.outstanding
            or bucket.shard >= shards
            or (left < bucket.granted and now - bucket.opened_at >= _LONGEST_OPEN)
            for bucket, left in pairs
        ) or (shards > 1 and self._is_lopsided())

    def is_low(self, shards: int) -> bool:
        """Tell whether a shard has nothing, or less than half of what it was granted."""
        return len(self.current) < shards or any(
            2 * left < bucket.granted for bucket, left in self.current.values()
        )

    def use(self, now: datetime) -> Use:
        rate = 1
        for bucket, left in self.current.values():
            age_s = max((now - bucket.opened_at).total_seconds(), 1)
            rate += int((bucket.granted - left) * 3600 / age_s)
        return Use(self.remaining, rate)

    def _is_lopsided(self) -> bool:
        """Tell whether one shard has spent nearly all while another holds most of its own."""
        pairs = self.current.values()
        return any(8 * left < bucket.granted for bucket, left in pairs) and any(
            2 * left > bucket.granted for bucket, left in pairs
        )


@dataclass(frozen=True, slots=True)
class GrantTokens:
    """The pacing controller: looks at every line item that may spend, and changes what needs it."""

    ledger: TokenLedger
    store: TokenStore
    clock: Clock
    shards: int = 1

    def __call__(self) -> Granted:
        """Look once, and return what was done.

        Raises:
            DependencyUnavailableError: PostgreSQL or Valkey does not answer; the next look
                puts right what was left half done.
        """
        now = self.clock()
        released = self.ledger.release(now=now)
        standings = self._standings(now)
        ended = {s.line_item_id: s for s in standings if s.must_end(self.shards, now)}
        self._take_back(ended.values(), now)
        uses = {
            s.line_item_id: Use(rate=use.rate) if s.line_item_id in ended else use
            for s in standings
            for use in (s.use(now),)
        }
        needy = [
            s.line_item_id
            for s in standings
            if s.look.may_spend
            and (s.line_item_id in ended or (s.look.is_due and s.is_low(self.shards)))
        ]
        decisions = self._grant([*needy, *_idle(standings, needy, now)], uses, now)
        taken, again = self._even_out(standings, decisions, uses, now)
        granted = sum(made.amount > 0 for made in (*decisions, *again))
        return Granted(len(standings), granted, len(ended) + taken, released)

    def _standings(self, now: datetime) -> list[_Standing]:
        """Return what may spend or is held, and close open buckets that nobody can spend from."""
        looks = self.ledger.looks(now=now)
        shards = {*range(self.shards), *(b.shard for look in looks for b in look.buckets)}
        ids = [look.line_item_id for look in looks]
        held = {shard: self.store.held(shard, ids) for shard in sorted(shards)}
        standings, lost = [], []
        for look in looks:
            standing = _standing(look, held)
            standings.append(standing)
            spendable = {bucket.bucket for bucket, _ in standing.current.values()}
            lost += [
                # Replaced, never handed out or lost with Valkey: what is left of it is not known.
                Closed(look.line_item_id, bucket.bucket, 0)
                for bucket in look.buckets
                if bucket.bucket not in spendable and now - bucket.opened_at >= _ON_ITS_WAY
            ]
        self.ledger.settle(lost, now=now)
        return standings

    def _take_back(self, standings: Iterable[_Standing], now: datetime) -> None:
        by_shard: dict[int, list[tuple[LineItemId, int]]] = defaultdict(list)
        for standing in standings:
            for shard in {*range(self.shards), *standing.current}:
                by_shard[shard].append((standing.line_item_id, standing.newest))
        for shard, newest in sorted(by_shard.items()):
            self.ledger.settle(self.store.take_back(shard, newest), now=now)

    def _grant(
        self, line_items: Sequence[LineItemId], uses: Mapping[LineItemId, Use], now: datetime
    ) -> list[Decision]:
        """Reserve, hand out, settle: some at a time, so that nobody waits long for a lock."""
        made: list[Decision] = []
        for start in range(0, len(line_items), _RESERVED_AT_ONCE):
            if self.clock() - now > _LONGEST_GRANTING:
                break
            decisions, opened = self.ledger.reserve(
                line_items[start : start + _RESERVED_AT_ONCE],
                partial(decide, uses=uses, now=now),
                now=now,
            )
            made += decisions
            by_shard: dict[int, list[NewBucket]] = defaultdict(list)
            for new in opened:
                by_shard[new.shard].append(new)
            for shard, grants in sorted(by_shard.items()):
                self.ledger.settle(self.store.grant(shard, grants), now=now)
        return made

    def _even_out(
        self,
        standings: Sequence[_Standing],
        decisions: Sequence[Decision],
        uses: Mapping[LineItemId, Use],
        now: datetime,
    ) -> tuple[int, list[Decision]]:
        """Share a campaign's tokens anew where one line item has none and others hold them all."""
        starved = {
            made.account.campaign_id
            for made in decisions
            if made.wish.limited_by is LimitedBy.CAMPAIGN
            and uses[made.account.line_item_id].remaining < made.account.price
        }
        concerned = [s for s in standings if s.look.campaign_id in starved]
        hoards = [s for s in concerned if uses[s.line_item_id].remaining]
        if not hoards:
            return 0, []
        self._take_back(hoards, now)
        with_hoards = {s.look.campaign_id for s in hoards}
        again = [s for s in concerned if s.look.may_spend and s.look.campaign_id in with_hoards]
        emptied = {s.line_item_id: Use(rate=uses[s.line_item_id].rate) for s in again}
        return len(hoards), self._grant(list(emptied), emptied, now)


def _idle(
    standings: Sequence[_Standing], needy: Sequence[LineItemId], now: datetime
) -> list[LineItemId]:
    """Return who sits on its tokens and was not decided on for long, some at a time.

    Nobody else would notice that it falls behind, for want of requests or of a better rank.
    """
    decided_on = set(needy)
    idle = sorted(
        (s.look.observed_at, s.line_item_id)
        for s in standings
        if s.look.may_spend
        and s.look.observed_at is not None
        and now - s.look.observed_at >= _UNOBSERVED
        and s.line_item_id not in decided_on
    )
    return [line_item_id for _, line_item_id in idle[:_IDLE_AT_ONCE]]


def _standing(look: Look, held: Mapping[int, Mapping[LineItemId, Held]]) -> _Standing:
    open_ = {(bucket.shard, bucket.bucket): bucket for bucket in look.buckets}
    numbers = [bucket.bucket for bucket in look.buckets]
    current, has_stray = {}, False
    for shard, by_line_item in held.items():
        item = by_line_item.get(look.line_item_id)
        if item is None:
            continue
        numbers.append(item.bucket)
        bucket = open_.get((shard, item.bucket))
        if bucket is not None:
            current[shard] = (bucket, item.remaining)
        elif item.remaining:
            has_stray = True
    return _Standing(look, current, max(numbers, default=0), has_stray)
