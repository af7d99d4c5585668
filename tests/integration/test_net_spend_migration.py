"""Migration 0034: what was credited or entered before it comes out of reports and budgets, too."""

from importlib.resources import files

from ctv_ads.adapters.postgres.ledger_credits import PostgresLedgerPosting
from ctv_ads.adapters.postgres.ledger_flat import PostgresFlatRates
from ctv_ads.domain.line_item import RateType
from tests.books import Owner, a_campaign_of
from tests.builders import DAY, NOON, PRICE_MICROS, a_beacon, some_claims
from tests.ledgers import TODAY, impressions, named
from tests.worlds import World

_TABLES = ("line_item_days", "delivery_hours", "delivery_days")


def told(owner: Owner, campaign_id: str) -> list[int]:
    return [
        row["micros"]
        for table in _TABLES
        for row in owner.execute(
            f"SELECT sum(billed_micros)::bigint AS micros FROM {table} WHERE campaign_id = %s".encode(),  # noqa: S608
            (campaign_id,),
        )
    ]


def test_it_makes_what_was_before_it_net(postgres_of_session: World, owner: Owner) -> None:
    world = postgres_of_session
    campaign, flat = a_campaign_of(world, 50), a_campaign_of(world, 50)
    shown = impressions(campaign, 5)
    world.ledger.record(shown)
    PostgresLedgerPosting(world.pipeline).credit(named(shown[:2]), "machines")
    line_item_id = flat.line_items[0].line_item_id
    owner.execute(
        "UPDATE line_items SET rate_type = 'flat', rate_micros = 40000, starts_at = %s, ends_at = %s"
        " WHERE line_item_id = %s",
        (NOON, NOON + 3 * DAY, line_item_id),
    )
    claims = some_claims(line_item_id=line_item_id, price_micros=0, rate_type=RateType.FLAT)
    world.ledger.record([a_beacon(claims)])
    PostgresFlatRates(world.pipeline).post(flat.campaign_id, today=TODAY + DAY)
    assert told(owner, campaign.campaign_id) == [3 * PRICE_MICROS] * 3
    assert told(owner, flat.campaign_id) == [10_000] * 3

    text = (files("ctv_ads.migrations") / "0034_net_spend.up.sql").read_text()
    with owner.transaction(force_rollback=True):
        for table in _TABLES[1:]:
            owner.execute(
                f"UPDATE {table} s SET billed_micros = {PRICE_MICROS} WHERE campaign_id = %s"  # noqa: S608
                " AND billed_micros = 0".encode(),
                (campaign.campaign_id,),
            )
            owner.execute(
                f"DELETE FROM {table} WHERE campaign_id = %s AND impressions = 0".encode(),  # noqa: S608
                (flat.campaign_id,),
            )
        owner.execute(
            "UPDATE line_item_days SET billed_micros = %s WHERE campaign_id = %s",
            (5 * PRICE_MICROS, campaign.campaign_id),
        )
        assert told(owner, campaign.campaign_id) == [5 * PRICE_MICROS] * 3
        assert told(owner, flat.campaign_id) == [10_000, 0, 0]
        owner.execute(text[text.index("-- What was credited before.") :].encode())
        assert told(owner, campaign.campaign_id) == [3 * PRICE_MICROS] * 3
        assert told(owner, flat.campaign_id) == [10_000] * 3
