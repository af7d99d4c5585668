"""Granted tokens in PostgreSQL: reserved before they are handed out, released when they expire.

Outstanding is what was granted and neither came back nor was billed; it is 0 once a bucket is
released. Billed and outstanding are together at most the budget, at every commit, because:

- buckets are opened here alone, under the locks of the campaigns that pay, after reading what is
  billed and outstanding under those locks;
- whoever bills uses `bill_by_bucket` (migration 0040), which takes the same locks. In time means
  that the bucket its token names has the price outstanding: billing moves it from outstanding to
  billed. Anything else is late (of no bucket, an unknown, released or used up one): billed only
  out of what is neither billed nor outstanding, else not at all;
- a bucket expires by a mark in its row (`released_at`), not by anybody's clock.

Whoever bills passes the new events that cost something or name a bucket, numbered in the order in
which they are to be billed (impressions of CPM, completed views of CPCV, house ads' impressions
at price 0), and stores in the same transaction what comes back:

    SELECT * FROM bill_by_bucket(positions, line_items, buckets, prices, decided)

It updates token_buckets, campaigns, line_items and line_item_days. A day's flat price is billed
as an event of bucket 0. The caller must not bill in any other way.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from psycopg.rows import DictRow, tuple_row

from ctv_ads.adapters.postgres import token_statements as sql
from ctv_ads.adapters.postgres.database import Connection, Database
from ctv_ads.adapters.postgres.traffic_curves import TrafficCurves
from ctv_ads.domain.campaign import LineItemType
from ctv_ads.domain.granting import Account, Decision
from ctv_ads.domain.ids import CampaignId, LineItemId
from ctv_ads.domain.line_item import Daypart, Goal, GoalUnit, RateType, Weekday
from ctv_ads.domain.pace import Pacing
from ctv_ads.domain.spending import event_price_micros
from ctv_ads.ports.tokens import Closed, Decide, Look, NewBucket, OpenBucket

_RELEASED_AT_ONCE = 50_000
_DELETED_AT_ONCE = 10_000
_KEPT_RELEASED = timedelta(days=2)
_OBSERVED_EVERY = timedelta(minutes=5)
# A flight that is about to begin has its tokens when it does.
_AHEAD = timedelta(seconds=90)
_LAST_NUMBER = 2**32 - 1


class PostgresTokenLedger:
    """Implements `ports.TokenLedger`.

    `reservation_lifetime` is how long after a bucket closed its unclaimed part stays reserved.
    """

    def __init__(
        self, database: Database, *, reservation_lifetime: timedelta, shards: int = 1
    ) -> None:
        self._database = database
        self._lifetime = reservation_lifetime
        self._shards = shards
        self._curves = TrafficCurves(database)

    def release(self, *, now: datetime) -> int:
        """Free what is left of expired buckets, and return of how many; delete old ones."""
        with self._database.transaction() as connection:
            released = connection.execute(sql.RELEASE, {"now": now, "limit": _RELEASED_AT_ONCE})
            connection.execute(
                sql.DELETE, {"before": now - _KEPT_RELEASED, "limit": _DELETED_AT_ONCE}
            )
        return released.rowcount

    def looks(self, *, now: datetime) -> Sequence[Look]:
        """Return what may spend now or still has open buckets, by campaign and line item."""
        with (
            self._database.transaction() as connection,
            connection.cursor(row_factory=tuple_row) as cursor,
        ):
            rows = cursor.execute(sql.LOOKS, {"now": now, "soon": now + _AHEAD}).fetchall()
        found: dict[str, Look] = {}
        for row in rows:
            line_item_id, campaign_id, may_spend, bucket, *rest, observed_at, is_due = row
            open_ = () if bucket is None else (_open_bucket(bucket, *rest),)
            before = found.get(line_item_id)
            found[line_item_id] = Look(
                LineItemId(line_item_id),
                CampaignId(campaign_id),
                may_spend,
                open_ if before is None else before.buckets + open_,
                bool(is_due),
                observed_at,
            )
        return list(found.values())

    def reserve(
        self, line_items: Sequence[LineItemId], decide: Decide, *, now: datetime
    ) -> tuple[Sequence[Decision], Sequence[NewBucket]]:
        """Decide on accounts that nobody changes meanwhile, and open buckets; commits."""
        ids = list(line_items)
        self._curves.refresh(now=now)
        with self._database.transaction() as connection:
            # The lock first: a statement sees what was committed before it began.
            connection.execute(sql.LOCK_CAMPAIGNS, (ids,))
            rows = connection.execute(
                sql.ACCOUNTS, {"line_items": ids, "now": now, "soon": now + _AHEAD}
            ).fetchall()
            decisions = decide([_account(row, self._curve(row, now)) for row in rows])
            opened = [new for made in decisions for new in self._buckets(made, now)]
            _open(connection, opened, decisions, now)
            _observe(connection, opened, decisions, now)
        return decisions, opened

    def settle(self, closed: Sequence[Closed], *, now: datetime) -> None:
        """Close buckets, and free what came back of them. A repeat changes nothing."""
        if not closed:
            return
        ids = [item.line_item_id for item in closed]
        with self._database.transaction() as connection:
            # In the order in which whoever bills locks them, so that neither waits for the other.
            connection.execute(sql.LOCK_CAMPAIGNS, (ids,))
            connection.execute(
                sql.SETTLE,
                {
                    "now": now,
                    "expires_at": now + self._lifetime,
                    "line_items": ids,
                    "buckets": [item.bucket for item in closed],
                    "returned": [item.returned for item in closed],
                },
            )

    def _curve(self, row: DictRow, now: datetime) -> tuple[int, ...]:
        return self._curves.curve(
            str(row["organization_id"]), row["placements"], row["zone"], now=now
        )

    def _buckets(self, made: Decision, now: datetime) -> list[NewBucket]:
        """Return a decision's new buckets, one for each shard that gets something."""
        account = made.account
        events, rest = divmod(made.amount // account.price, self._shards)
        parts = [(events + (shard < rest)) * account.price for shard in range(self._shards)]
        number = max(int(now.timestamp()), account.last_bucket + 1)
        buckets = [
            NewBucket(account.line_item_id, number + shard, shard, part)
            for shard, part in enumerate(parts)
            if part
        ]
        return buckets if number + self._shards <= _LAST_NUMBER else []


def _open(
    connection: Connection,
    opened: Sequence[NewBucket],
    decisions: Sequence[Decision],
    now: datetime,
) -> None:
    if not opened:
        return
    units = {made.account.line_item_id: made.account.unit.value for made in decisions}
    connection.execute(
        sql.OPEN,
        {
            "now": now,
            "line_items": [new.line_item_id for new in opened],
            "buckets": [new.bucket for new in opened],
            "shards": [new.shard for new in opened],
            "units": [units[new.line_item_id] for new in opened],
            "amounts": [new.amount for new in opened],
        },
    )


def _observe(
    connection: Connection,
    opened: Sequence[NewBucket],
    decisions: Sequence[Decision],
    now: datetime,
) -> None:
    newest = {new.line_item_id: new.bucket for new in opened}
    accounts = [made.account for made in decisions]
    connection.execute(
        sql.OBSERVE,
        {
            "now": now,
            "stale": now - _OBSERVED_EVERY,
            "line_items": [account.line_item_id for account in accounts],
            "last_buckets": [
                newest.get(account.line_item_id, account.last_bucket) for account in accounts
            ],
            "due": [made.wish.due for made in decisions],
            "delivered": [account.delivered for account in accounts],
            "urgencies": [made.wish.urgency for made in decisions],
            "limits": [made.wish.limited_by.value for made in decisions],
            "waits": [made.wait_s for made in decisions],
        },
    )


def _open_bucket(
    bucket: int,
    shard: int,
    granted: int,
    outstanding: int,
    opened_at: datetime,
    is_outdated: bool | None,  # noqa: FBT001 - a column
) -> OpenBucket:
    return OpenBucket(bucket, shard, granted, outstanding, opened_at, bool(is_outdated))


def _account(row: DictRow, curve: tuple[int, ...]) -> Account:
    unit = row["goal_unit"]
    return Account(
        line_item_id=LineItemId(str(row["line_item_id"])),
        campaign_id=CampaignId(str(row["campaign_id"])),
        price_micros=event_price_micros(
            LineItemType(row["type"]),
            RateType(row["rate_type"]),
            row["rate_micros"],
            row["cpm_micros"],
        ),
        pacing=Pacing(row["pacing"]),
        starts_at=row["from_at"],
        ends_at=row["to_at"],
        timezone=row["zone"],
        campaign_budget_micros=row["campaign_budget_micros"],
        campaign_billed_micros=row["campaign_billed_micros"],
        campaign_reserved_micros=row["campaign_reserved_micros"],
        billed_micros=row["billed_micros"],
        billed_events=row["billed_events"],
        reserved=row["reserved"],
        budget_micros=row["budget_micros"],
        daily_budget_micros=row["daily_budget_micros"],
        day_billed_micros=row["day_billed_micros"],
        day_reserved=row["day_reserved"],
        goal=Goal(GoalUnit(unit), row["goal_amount"]) if unit else None,
        dayparts=tuple(
            Daypart(tuple(Weekday(day) for day in part["days"]), part["from_min"], part["to_min"])
            for part in row["dayparts"]
        ),
        curve=curve,
        last_bucket=row["last_bucket"],
    )
