"""People and schedules that write the books while everything else goes on, and may die."""

from collections.abc import Callable
from datetime import timedelta
from random import Random

from hypothesis import strategies as st
from hypothesis.stateful import rule

from ctv_ads.adapters.postgres.ledger_credits import PostgresLedgerPosting
from ctv_ads.adapters.postgres.ledger_flat import PostgresFlatRates
from ctv_ads.domain.beacon import BeaconEvent
from ctv_ads.domain.ids import CampaignId, DecisionId
from ctv_ads.domain.invalid_traffic import InvalidTraffic
from ctv_ads.errors import DependencyUnavailableError
from ctv_ads.ports.ledger import DeliveredEvent
from tests.faults.books import Books
from tests.faults.deaths import CUT_OFF, KILLED, Death, KilledError, facing

_DAY = timedelta(days=1)
_DEATH = st.builds(Death, st.integers(-1, 8), st.booleans(), st.sampled_from([KILLED, CUT_OFF]))


class Bookkeepers(Books):
    """Rules of their own; whoever dies begins again."""

    @rule(chance=st.integers(0, 2**16).map(Random), death=_DEATH)
    def what_was_billed_is_credited(self, *, chance: Random, death: Death) -> None:
        billed = [key for key, one in self.street.recount.events().items() if one["billed_micros"]]
        if not billed:
            return
        chosen = chance.choices(billed, k=3)
        days = {key: one["decided_day"] for key, one in self.street.recount.events().items()}
        events = [
            DeliveredEvent(days[key], DecisionId(key[0]), key[1], BeaconEvent(key[2]))
            for key in chosen
        ]

        def credit() -> object:
            rule = InvalidTraffic.DATA_CENTRE
            return self._posting.credit(events, "found later", rule=rule)

        self._surely(credit, death)
        self.credited |= set(chosen)

    @rule(death=_DEATH)
    def a_day_of_flat_rates_is_entered(self, *, death: Death) -> None:
        rates = PostgresFlatRates(self.servers.controllers[0])
        campaign_id, tomorrow = CampaignId(self.street.campaign_id), self.street.now() + _DAY
        self._surely(lambda: rates.post(campaign_id, today=tomorrow.date()), death)

    def teardown(self) -> None:
        """At the latest the flat rates of the week are entered after it."""
        if hasattr(self, "street"):
            self.deliver(self.street.queue.waiting)
            self.a_day_of_flat_rates_is_entered(death=Death())
        super().teardown()

    @property
    def _posting(self) -> PostgresLedgerPosting:
        return PostgresLedgerPosting(self.servers.controllers[0])

    def _surely(self, work: Callable[[], object], death: Death) -> None:
        """Do it twice, the first time perhaps to its death."""
        death.owner_dsn = self.servers.world.schema.owner_dsn
        try:
            with facing(death):
                work()
        except (KilledError, DependencyUnavailableError):
            assert death.has_struck
        work()
