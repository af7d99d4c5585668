"""What must hold of a street at every step, and after quiet.

Everything is read from PostgreSQL by statements of these tests' own.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from hypothesis.stateful import RuleBasedStateMachine, invariant

from tests.faults.deaths import Death
from tests.faults.delivery import Message
from tests.faults.recount import Key, assert_books_are_clean
from tests.faults.street import CLAIMED_IN_TIME_MIN, Servers, Street
from tests.token_books import TOKEN_BOOKS


class Books(RuleBasedStateMachine):
    """The rules that break things are its heirs'."""

    servers: ClassVar[Servers]
    street: Street

    def open(self, street: Street) -> None:
        self.street = street
        self.accepted: dict[Key, bool] = {}
        """By event, whether a player could have seen so much of the film by then."""
        self.recorded: dict[Key, float] = {}
        """By event, the minute in which it was first seen in the ledger."""
        self.events: dict[Key, dict[str, Any]] = {}
        self.breaks: set[Key] = set()
        """Events of whole breaks that were accepted."""
        self.credited: set[Key] = set()
        self.budget_was_cut, self.tokens_were_lost = False, False

    def consume(
        self, which: int, messages: Sequence[Message], death: Death, *, forgets: bool = False
    ) -> None:
        """Record; then delete from the queue, unless it dies before or forgets it."""
        if self.servers.consumers[which].take(messages, death) and not forgets:
            self.street.queue.delete(messages)
        for key in self.note_what_is_recorded():
            event = self.events[key]
            if event["is_billable"] and not event["billed_micros"]:
                self.assert_no_budget_had_room(event)

    def note_what_is_recorded(self) -> list[Key]:
        """Remember when each event was first seen in the ledger; return those that are new."""
        self.events = self.street.recount.events()
        fresh = [key for key in self.events if key not in self.recorded]
        assert self.recorded.keys() <= self.events.keys()
        for key in fresh:
            self.recorded[key] = self.street.minute
        return fresh

    def assert_no_budget_had_room(self, event: dict[str, Any]) -> None:
        buckets = self.street.recount.buckets()
        bucket = buckets.get((event["line_item_id"], event["bucket"]))
        days = [event["decided_day"], bucket["budget_day"] if bucket else event["decided_day"]]
        left = min(self.street.recount.room(event["line_item_id"], [day]) for day in days)
        assert left < event["price_micros"], event

    @invariant()
    def nothing_is_billed_beyond_a_budget(self) -> None:
        for row in self.street.recount.rows(TOKEN_BOOKS.replace("%s", "%(c)s")):
            reserved = 0 if self.budget_was_cut else row["campaign_outstanding"]
            assert row["campaign_billed"] + reserved <= row["budget_micros"]
            if row["own_budget"] is not None:
                reserved = 0 if self.budget_was_cut else row["outstanding"]
                assert row["billed_micros"] + reserved <= row["own_budget"]
            if row["daily_budget_micros"] is not None:
                assert row["fullest_day"] <= row["daily_budget_micros"]

    def teardown(self) -> None:
        """After quiet everything is there, once, and every account says the same."""
        if not hasattr(self, "street"):
            return
        self.deliver(self.street.queue.waiting)
        self.everything_accepted_is_stored()
        self.deliver(self.street.queue.sent)
        self.everything_in_time_is_billed()
        self.let_reservations_expire()
        self.tokens_reconcile()
        recount, street = self.street.recount, self.street
        recount.assert_bills_agree()
        recount.assert_rollups_agree()
        recount.assert_flat_days_are_entered_once()
        difference = recount.decided().items() ^ street.decided.items()
        assert not difference, difference
        assert recount.breaks() == self.breaks
        assert recount.credits() == {
            key: self.events[key]["billed_micros"] for key in self.credited
        }
        ids = {street.campaign_id, street.advertiser_id, street.flat, *street.line_items}
        assert_books_are_clean(self.servers.world.pipeline, ids)
        self.nothing_is_billed_beyond_a_budget()

    def deliver(self, messages: Sequence[Message]) -> None:
        """Have both consumers record them, one after the other."""
        for which in (0, 1):
            if messages:
                self.consume(which, list(messages), Death())

    def everything_accepted_is_stored(self) -> None:
        invalid, held = self.street.recount.invalid(), self.street.recount.held()
        begun = {key[:2] for key in self.events if key[2] in ("impression", "start")}
        assert not {key for key in held if key[:2] in begun}
        for key, could_be_seen in self.accepted.items():
            is_excused = key in held or (not could_be_seen and key in invalid)
            assert key in self.events or is_excused, key
        strange = self.events.keys() - self.accepted.keys()
        assert not strange, [self.events[key] for key in strange]

    def everything_in_time_is_billed(self) -> None:
        served = {(str(ad.claims.decision_id), ad.claims.slot): ad for ad in self.street.ads}
        for key, event in self.events.items():
            ad = served[key[:2]]
            assert event["price_micros"] == ad.claims.price_micros
            is_due = event["is_billable"] and not self.budget_was_cut
            if is_due and self.recorded[key] - ad.minute <= CLAIMED_IN_TIME_MIN:
                assert event["billed_micros"] == event["price_micros"], event

    def let_reservations_expire(self) -> None:
        street = self.street
        street.says(
            "UPDATE line_items SET status = 'paused' WHERE campaign_id = %s", street.campaign_id
        )
        for plan in street.plans:
            plan.set(-1, "")
            plan.late.clear()
        for minutes in (2, 20, 20):
            street.minute += minutes
            street.controllers[0]()
        assert sum(street.held().values()) == 0

    def tokens_reconcile(self) -> None:
        """Granted is billed, returned, and what decisions took and nobody claimed."""
        claimed: dict[tuple[str, int], int] = {}
        for event in self.events.values():
            bucket = (event["line_item_id"], event["bucket"])
            claimed[bucket] = claimed.get(bucket, 0) + event["billed_micros"]
        buckets = self.street.recount.buckets()
        assert self.street.spent.keys() <= buckets.keys()
        for number, row in buckets.items():
            spent = self.street.spent[number]
            expired = row["granted_micros"] - row["billed_micros"] - row["returned_micros"]
            assert row["outstanding_micros"] == 0
            assert row["billed_micros"] <= claimed.get(number, 0)
            assert row["billed_micros"] <= spent <= row["granted_micros"] - row["returned_micros"]
            if not self.tokens_were_lost:
                assert expired == spent - row["billed_micros"]
