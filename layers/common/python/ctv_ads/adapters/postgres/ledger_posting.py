"""Writing what was delivered into the books; credits and flat rates have modules of their own.

Whoever posts has locked the campaigns concerned, in the order of their ids; after them come the
chains, in the order of advertiser and day. So nobody waits for anybody in a circle.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date

from ctv_ads.adapters.postgres.array_texts import bytes_array, plain_array
from ctv_ads.adapters.postgres.database import Connection
from ctv_ads.domain.delivered import Recorded
from ctv_ads.domain.ids import LineItemId
from ctv_ads.domain.ledger import BilledEvent, events_sha256

# Statements are put together from texts of ours.
# ruff: noqa: S608
ENTRY = """
INSERT INTO ledger_entries (organization_id, advertiser_id, day, kind, campaign_id, line_item_id,
                            rate_type, bucket, batch, debit_account, credit_account,
                            amount_micros, events, events_sha256, reason)"""
_POST_DELIVERED = f"""{ENTRY}
SELECT c.organization_id, c.advertiser_id, e.day, 'delivery', c.campaign_id, e.line_item_id,
       e.rate_type, e.bucket, e.batch, 'receivable', 'revenue', e.micros, e.events, e.digest, ''
FROM unnest(%s::date[], %s::uuid[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[],
            %s::bigint[], %s::bytea[])
    AS e (day, line_item_id, rate_type, bucket, batch, micros, events, digest)
JOIN line_items l USING (line_item_id) JOIN campaigns c USING (campaign_id)
ORDER BY c.advertiser_id, e.day, e.line_item_id, e.bucket"""
_Entered = tuple[date, LineItemId, str, int]


def post_delivered(connection: Connection, paid_for: Iterable[Recorded], batch: int) -> None:
    """Enter what was billed of events that are recorded under one number."""
    summed: dict[_Entered, list[BilledEvent]] = defaultdict(list)
    for one, micros in paid_for:
        if micros:
            claims = one.claims
            entered = claims.decided_at.date(), claims.line_item_id, claims.rate_type, claims.bucket
            said = claims.decision_id, claims.slot, one.event.value, micros
            summed[entered].append(said)
    rows = [
        (*entered, batch, sum(one[3] for one in said), len(said), events_sha256(said))
        for entered, said in summed.items()
    ]
    if rows:
        *columns, digests = zip(*rows, strict=True)
        values = [*map(plain_array, columns), bytes_array(digests)]
        connection.execute(_POST_DELIVERED, values)
