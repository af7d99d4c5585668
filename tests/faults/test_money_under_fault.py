"""The suite's heart: the worst moments one by one, and random weeks of faults (`money.py`)."""

import os
from itertools import product

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.builders import NOON
from tests.faults.deaths import CUT_OFF, KILLED, LAST_STEP, Death
from tests.faults.money import Money
from tests.faults.street import Ad, Servers

EXAMPLES = int(os.environ.get("FAULT_EXAMPLES", "15"))
IS_FIXED = "FAULTS_FIXED" in os.environ
"""The same examples each time: for copies with a planted bug."""


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("CRITICAL")


def test_what_comes_late_is_paid_only_out_of_what_nobody_reserved(servers: Servers) -> None:
    Money.servers = servers
    week = Money()
    week.a_campaign_begins(0, 0, 0, 0)
    week.deliver(week.street.queue.waiting)
    late = _spend_all(week)
    for _ in range(3):  # closed, released, granted again
        week.street.minute += 16
        week.a_controller_looks(0, -1, "")
    in_time = _spend_all(week)
    assert late
    assert in_time
    for ads in (late, in_time):
        week.players_call(ads, ("impression", "complete"))
        week.deliver(week.street.queue.waiting)
        week.nothing_is_billed_beyond_a_budget()
    week.teardown()


def _spend_all(week: Money) -> list[Ad]:
    before = len(week.street.ads)
    while any(week.street.decide(placement, 2) for placement in (0, 1)):
        pass
    return week.street.ads[before:]


@pytest.mark.parametrize("what", [CUT_OFF, KILLED])
def test_a_consumer_may_die_before_and_after_every_one_of_its_steps(
    servers: Servers, what: str
) -> None:
    week = a_rich_week(servers)
    deaths, survived = 0, 0
    for step, is_after in product(range(2 * LAST_STEP), (False, True)):
        known = len(week.accepted)
        week.a_controller_looks(0, -1, "")
        week.viewers_watch(1, 1, ("impression", "complete"), 1)
        death = Death(step, is_after, what)
        week.consume(step % 2, week.street.queue.waiting, death)
        assert len(week.events) in {known, len(week.accepted)}  # all of a batch, or nothing
        week.deliver(week.street.queue.waiting)
        assert len(week.events) == len(week.accepted) > known
        deaths += death.has_struck
        survived = 0 if death.has_struck else survived + 1
        if survived == 4:
            break
    assert 40 < deaths < 2 * LAST_STEP, "every step, and there are no more"
    week.teardown()


def a_rich_week(servers: Servers) -> Money:
    """Return one that can pay for whatever is shown."""
    Money.servers = servers
    week = Money()
    week.a_campaign_begins(0, 0, 0, 0)
    week.street.says("UPDATE campaigns SET budget_micros = 1000000000, updated_at = %s", NOON)
    week.a_controller_looks(0, -1, "")
    week.deliver(week.street.queue.waiting)
    return week


def test_no_fault_makes_money_or_events_wrong(servers: Servers) -> None:
    Money.servers = servers
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Money,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=30,
            deadline=None,
            derandomize=IS_FIXED,
            database=None,
            phases=(Phase.generate,) if IS_FIXED else (Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        ),
    )
