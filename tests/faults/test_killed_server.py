"""PostgreSQL killed while everything works at once: what it had acknowledged is there again."""

from random import Random
from threading import Thread
from time import sleep

import pytest

from ctv_ads.errors import DependencyUnavailableError
from ctv_ads.use_cases.grant_tokens import GrantTokens
from tests.faults.delivery import Message
from tests.faults.money import Money
from tests.faults.street import Servers
from tests.faults.test_money_under_fault import a_rich_week

KILLS = 3
BATCH = 4


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("CRITICAL")


def test_nothing_acknowledged_is_lost_when_the_server_is_killed(durable_servers: Servers) -> None:
    week = a_rich_week(durable_servers)
    chance = Random(5)  # noqa: S311 - no secret
    interrupted = 0
    for _ in range(KILLS):
        week.a_controller_looks(0, -1, "")
        for placement in (0, 1, 1, 0):
            week.viewers_watch(placement, 3, ("impression", "start", "complete", "error"), 1)
        interrupted += all_work_until_the_server_is_killed(week, chance)
        week.tokens_were_lost = True  # a controller may have died between Valkey and the commit
        durable_servers.postgres.start()
        week.note_what_is_recorded()
    assert interrupted >= KILLS // 2, "most were killed at work"
    week.teardown()


def all_work_until_the_server_is_killed(week: Money, chance: Random) -> bool:
    """Return whether something was left to do; delete only what was acknowledged."""
    servers, queue = week.servers, week.street.queue
    taken: list[Message] = []
    threads = []
    for consumer in servers.consumers:
        messages = chance.sample(queue.waiting, len(queue.waiting))
        batches = [messages[at : at + BATCH] for at in range(0, len(messages), BATCH)]
        threads.append(Thread(target=consumer.take_until, args=(batches, taken)))
    threads += [Thread(target=_look_until, args=(look,)) for look in week.street.controllers]
    for thread in threads:
        thread.start()
    sleep(chance.uniform(0.01, 0.15))
    servers.kill_postgres()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    queue.delete(list(dict.fromkeys(taken)))
    return bool(queue.waiting)


def _look_until(look: GrantTokens) -> None:
    try:
        while True:
            look()
    except DependencyUnavailableError:
        return
