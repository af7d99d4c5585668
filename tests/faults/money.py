"""A state machine over money: whatever breaks, no budget is passed and no event is lost.

Each rule is something that happens in a bad week: dead consumers, repeats, restarts, lost calls,
clocks that differ by a minute, people who cut budgets meanwhile. What must hold is in `books.py`.
"""

from collections.abc import Sequence
from contextlib import suppress
from random import Random
from threading import Thread
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from ctv_ads.domain.beacon_token import issue_token
from ctv_ads.domain.line_item import RateType
from tests.builders import KEYS, some_claims
from tests.faults.bookkeepers import Bookkeepers
from tests.faults.deaths import CUT_OFF, KILLED, LAST_STEP, Death
from tests.faults.street import Ad, Street
from tests.faulty_ports import CrashError

PLAYER, CRAWLER = "Roku/DVP-12.0", "ExampleBot/1.0"
EVENTS = ("impression", "start", "midpoint", "complete", "error", "mute")
_DAY_MIN = 24 * 60
_OFF = st.sampled_from([-1, 0, 0, 1])
# Nothing is drawn by what has happened: it differs a little each time, when threads race.
_CHANCE = st.integers(0, 2**16).map(Random)
_DEATH = st.builds(
    Death, st.integers(-1, LAST_STEP), st.booleans(), st.sampled_from([KILLED, CUT_OFF])
)


class Money(Bookkeepers):
    """See the module's docstring."""

    @initialize(decision=_OFF, collector=_OFF, one=_OFF, other=_OFF)
    def a_campaign_begins(self, decision: int, collector: int, one: int, other: int) -> None:
        skews = {"decision": decision, "collector": collector}
        skews |= {"controller 0": one, "controller 1": other}
        self.open(Street.open(self.servers, skews))
        self.street.controllers[0]()
        self.street.publish()
        for placement in (0, 1):
            self.viewers_watch(placement, 3, ("impression", "complete"), 1)
        self.an_ad_at_a_flat_rate_is_shown(EVENTS[:1])

    # --- decisions and controllers ---

    @rule(placement=st.integers(0, 1), ads=st.integers(1, 3), times=st.integers(1, 6))
    def breaks_are_filled(self, placement: int, ads: int, times: int) -> None:
        for _ in range(times):
            self.street.decide(placement, ads)

    @rule(
        placement=st.integers(0, 1),
        times=st.integers(1, 6),
        events=st.sampled_from([EVENTS[:1], ("impression", "complete"), EVENTS]),
        minutes=st.sampled_from([0, 1, 13, 17]),
    )
    def viewers_watch(
        self, placement: int, times: int, events: Sequence[str], minutes: float
    ) -> None:
        shown = [ad for _ in range(times) for ad in self.street.decide(placement, 2)]
        self.street.minute += minutes
        if shown:
            self.players_call(shown, events, as_batch=False)

    @rule(
        number=st.sampled_from([0, 1]),
        step=st.integers(0, 12),
        what=st.sampled_from(["", "crash before", "crash after", "meanwhile", "arrives late"]),
    )
    def a_controller_looks(self, number: int, step: int, what: str) -> None:
        self.tokens_were_lost |= what not in ("", "meanwhile")
        self.street.plans[number].set(step, what)
        self.street.plans[1 - number].set(-1, "")
        with suppress(CrashError):
            self.street.controllers[number]()

    @rule()
    def a_lost_call_of_a_controller_arrives(self) -> None:
        for plan in self.street.plans:
            while plan.late:
                plan.late.pop(0)()

    @rule()
    def the_inventory_is_published(self) -> None:
        self.street.publish()

    # --- players ---

    @rule(
        chance=_CHANCE,
        events=st.lists(st.sampled_from(EVENTS), min_size=1, max_size=5),
        is_fine=st.integers(0, 5).map(bool),
        refuses=st.integers(0, 5).map(lambda chance: not chance),
        as_batch=st.booleans(),
    )
    def beacons_come(
        self, *, chance: Random, events: list[str], is_fine: bool, refuses: bool, as_batch: bool
    ) -> None:
        if self.street.ads:
            shown = chance.choices(self.street.ads, k=chance.randint(1, 6))
            agent = PLAYER if is_fine else chance.choice([PLAYER, CRAWLER])
            is_forged = not is_fine and agent == PLAYER
            self.players_call(shown, events, agent, is_forged, refuses, as_batch)

    def players_call(
        self,
        shown: Sequence[Ad],
        events: Sequence[str],
        agent: str = PLAYER,
        is_forged: bool = False,  # noqa: FBT001, FBT002 - as drawn
        refuses: bool = False,  # noqa: FBT001, FBT002 - as drawn
        as_batch: bool = True,  # noqa: FBT001, FBT002 - as drawn
    ) -> None:
        """Send every event of every ad, and note for what the collector is responsible now."""
        calls = [
            (event, _forged(ad.token) if is_forged else ad.token)
            for ad in shown
            for event in events
        ]
        self.street.queue.refuses = refuses
        now = self.street.now("collector")
        taken = self.street.collector.calls(calls, agent, now=now, as_batch=as_batch)
        self.street.queue.refuses = False
        if not taken or is_forged or agent == CRAWLER:
            return
        for ad in (ad for ad in shown if now <= ad.claims.expires_at):
            if ad.claims.slot == 0:
                self.breaks |= {(ad.claims.decision_id, 0, event) for event in events}
                continue
            could_be_seen = (now - ad.claims.decided_at).total_seconds() >= 60
            for event in events:
                key = (ad.claims.decision_id, ad.claims.slot, event)
                is_part = event in ("midpoint", "complete")
                self.accepted[key] = self.accepted.get(key) or could_be_seen or not is_part

    @rule(placement=st.integers(0, 1), times=st.integers(1, 3))
    def beacons_come_after_their_reservation(self, placement: int, times: int) -> None:
        """By then what they had reserved is granted again, and others may have spent it."""
        shown = [ad for _ in range(times) for ad in self.street.decide(placement, 2)]
        for _ in range(2):
            self.street.minute += 16
            self.a_controller_looks(0, -1, "")
        if shown:
            self.players_call(shown, ("impression", "complete"))
            self.consume(1, self.street.queue.sent[-1:], Death())

    @rule(events=st.sampled_from([EVENTS[:1], ("impression", "complete"), EVENTS]))
    def an_ad_at_a_flat_rate_is_shown(self, events: Sequence[str]) -> None:
        """Its day is owed then, out of what nobody has reserved."""
        claims = some_claims(
            line_item_id=self.street.flat,
            placement_id=self.street.placement_ids[0],
            decided_at=self.street.now("decision"),
            price_micros=0,
            rate_type=RateType.FLAT,
        )
        ad = Ad(issue_token(claims, KEYS), claims, self.street.minute)
        self.street.ads.append(ad)
        self.players_call([ad], events)

    @rule(placement=st.integers(0, 1), is_fine=st.booleans(), as_batch=st.booleans())
    def a_whole_break_is_told(self, *, placement: int, is_fine: bool, as_batch: bool) -> None:
        agent = PLAYER if is_fine else CRAWLER
        shown = [self.street.a_break(placement)]
        self.players_call(shown, ("breakStart", "breakEnd"), agent, as_batch=as_batch)

    # --- consumers ---

    @rule(which=st.sampled_from([0, 1]), chance=_CHANCE, forgets=st.booleans(), death=_DEATH)
    def a_consumer_takes_a_batch(
        self, *, which: int, chance: Random, forgets: bool, death: Death
    ) -> None:
        """All that waits, or some of it, in any order and perhaps with repeats."""
        messages = list(self.street.queue.waiting)
        if messages and chance.random() < 0.5:
            messages = chance.choices(messages, k=chance.randint(1, 12))
        if messages:
            self.consume(which, messages, death, forgets=forgets)

    @rule(with_deleted=st.integers(0, 4).map(lambda chance: not chance))
    def the_queue_delivers_all_twice(self, *, with_deleted: bool) -> None:
        queue = self.street.queue
        queue.waiting = list(dict.fromkeys(queue.sent if with_deleted else queue.waiting)) * 2

    @rule(chance=_CHANCE, death=_DEATH)
    def all_work_at_once(self, *, chance: Random, death: Death) -> None:
        """Two consumers that were given the same messages, two controllers, and decisions."""
        for plan in self.street.plans:
            plan.set(-1, "")
        waiting = list(self.street.queue.waiting)
        other = chance.sample(waiting, len(waiting))
        one, two = self.servers.consumers
        failures: list[BaseException] = []
        threads = [
            _thread(failures, one.take, waiting, death),
            _thread(failures, two.take, other, Death()),
            *(_thread(failures, look) for look in self.street.controllers),
        ]
        for thread in threads:
            thread.start()
        for ads in (1, 2, 3):
            self.street.decide(ads % 2, ads)
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive()
        assert failures == []
        self.street.queue.delete(waiting)  # the second consumer has recorded them all
        self.note_what_is_recorded()

    # --- the world ---

    @precondition(lambda self: self.street.minute < _DAY_MIN)
    @rule(minutes=st.sampled_from([0.5, 1, 1, 5, 10, 16, 31, _DAY_MIN]))
    def time_passes(self, minutes: float) -> None:
        self.street.minute += minutes
        if minutes > 1:  # no call is on its way for so long
            for plan in self.street.plans:
                plan.late.clear()

    @rule(part=st.integers(0, 100), is_cut=st.booleans())
    def the_campaigns_budget_is_changed(self, part: int, is_cut: bool) -> None:  # noqa: FBT001 - as drawn
        self.budget_was_cut |= is_cut
        change = "greatest(billed_micros, budget_micros * %s / 100)"
        self.street.says(
            f"UPDATE campaigns SET budget_micros = {change}, updated_at = %s WHERE campaign_id = %s",  # noqa: S608
            part if is_cut else 100 + part // 4,
            self.street.now(),
            self.street.campaign_id,
        )

    @rule(part=st.integers(0, 100))
    def a_line_items_budget_is_cut(self, part: int) -> None:
        self.budget_was_cut = True
        self.street.says(
            "UPDATE line_items SET budget_micros = greatest(billed_micros, budget_micros * %s / 100),"
            " updated_at = %s WHERE line_item_id = %s",
            part,
            self.street.now(),
            self.street.line_items[1],
        )

    @rule(which=st.integers(0, 2), status=st.sampled_from(["active", "paused"]))
    def somebody_pauses_or_resumes(self, which: int, status: str) -> None:
        self.street.says(
            "UPDATE line_items SET status = %s, updated_at = %s WHERE line_item_id = %s",
            status,
            self.street.now(),
            self.street.line_items[which],
        )
        self.street.publish()

    @rule(how=st.sampled_from(["flush", "flush", "restart"]))
    def valkey_is_emptied(self, how: str) -> None:
        self.tokens_were_lost = True
        if how == "restart":
            self.servers.restart_valkey()
        else:
            self.servers.client.flushall()
            self.servers.client.function_flush("SYNC")

    @rule(how=st.sampled_from(["cut", "cut", "restart"]))
    def postgres_is_restarted(self, how: str) -> None:
        if how == "restart":
            self.servers.restart_postgres()
        else:
            self.servers.cut_connections()


def _forged(token: str) -> str:
    return token[:-2] + ("AA" if token[-2:] != "AA" else "BA")


def _thread(failures: list[BaseException], call: Any, *arguments: Any) -> Thread:
    def run() -> None:
        try:
            call(*arguments)
        except BaseException as failure:  # noqa: BLE001 - told by the test's own thread
            failures.append(failure)

    return Thread(target=run, daemon=True)
