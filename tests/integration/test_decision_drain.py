"""From decisions to archive and statistics: each once, whatever crashes on the way or comes twice."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ctv_ads.adapters.aws.decision_archive import ArchivedDecisionRecords
from ctv_ads.adapters.valkey.decision_records import ValkeyDecisionRecords
from ctv_ads.adapters.valkey.inventory_history import ValkeyInventoryHistory
from ctv_ads.adapters.valkey.resp import RespConnection
from ctv_ads.domain.ids import DecisionId, OrganizationId
from ctv_ads.errors import DependencyUnavailableError
from ctv_ads.ports.archive import DecisionBatch
from ctv_ads.use_cases.drain_decisions import is_kept
from local.emulator import Emulator
from local.valkey import ValkeyServer
from tests.drains import FIVE, SMALL, Street, five_decisions
from tests.functions.explaining import a_server
from tests.worlds import World


@pytest.fixture
def street(
    valkey_server: ValkeyServer,
    aws_emulator: Emulator,
    postgres_of_session: World,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Street]:
    with a_server(valkey_server.url, monkeypatch) as server:
        yield Street.open(server, aws_emulator, postgres_of_session, valkey_server.url)


class KilledError(Exception):
    """The function's environment is gone."""


class DiesAt:
    """Stands before a port, and dies once before or after one call of a method."""

    def __init__(self, port: Any, method: str, *, after: bool) -> None:
        self._port, self._method, self._after, self._alive = port, method, after, True

    def __getattr__(self, name: str) -> Any:
        reach = getattr(self._port, name)
        return self._dying(reach) if name == self._method and self._alive else reach

    def _dying(self, reach: Any) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            self._alive = False
            if self._after:
                reach(*arguments, **named)
            raise KilledError

        return call


def test_decisions_come_to_the_archive_and_into_the_statistics(street: Street) -> None:
    made = five_decisions(street)
    drained = street.run()
    assert (drained.decisions, drained.archived, drained.lost) == (5, 5, 0)
    street.consume()
    assert sorted(street.archived()) == sorted(made)
    assert street.statistics() == FIVE
    (creative,) = street.creatives()
    assert creative != "00000000-0000-0000-0000-000000000000"
    assert street.run().decisions == 0


def test_what_was_drained_is_not_in_the_group_any_more(street: Street) -> None:
    five_decisions(street)
    street.run()
    (group,) = street.server.client.xinfo_groups("rec:{s0}")
    assert (group["pending"], group["consumers"], group["lag"]) == (0, 0, 0)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    ("port", "method"),
    [("archive", "keep"), ("counts", "send"), ("stream", "finish")],
    ids=["archiving", "sending", "finishing"],
)
def test_a_run_that_is_killed_between_steps_loses_and_doubles_nothing(
    street: Street, port: str, method: str, *, after: bool
) -> None:
    made = five_decisions(street)
    dying = DiesAt(getattr(street.drain(), port), method, after=after)
    with pytest.raises(KilledError):
        street.run(**{port: dying})
    street.decide()  # what comes later does not move the bounds of what was taken
    street.run()
    street.consume(times=2)
    assert sorted(street.archived())[:5] == sorted(made)
    assert len(street.archived()) == len(made) + 1
    assert street.statistics() == {**FIVE, "requests": 6, "opportunities": 6, "ads_served": 5}


def test_two_runs_at_once_count_everything_once(street: Street) -> None:
    made = [street.decide() for _ in range(30)]
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(street.run) for _ in range(2)]
        done = [run.result() for run in runs]
    assert sum(one.decisions for one in done) >= len(made)
    street.consume(times=2)
    assert sorted(street.archived()) == sorted(made)
    assert street.statistics()["requests"] == len(made)


def test_two_runs_with_the_same_batch_at_hand_count_it_once(street: Street) -> None:
    five_decisions(street)
    first = next(street.stream().take())
    (again,) = street.stream().unfinished()
    assert (again.entries, again.name) == (first.entries, first.name)
    for batch in (first, again):
        drain = street.drain()
        drain._carry(batch)
        drain.stream.finish(batch)
    street.run()
    street.consume()
    assert street.statistics() == FIVE


def test_a_decision_is_found_in_the_archive_when_the_stream_has_let_go_of_it(
    street: Street,
) -> None:
    made = five_decisions(street)
    near = ValkeyDecisionRecords(street.server.connection)
    records = ArchivedDecisionRecords(near, street.archive())
    theirs = street.tenant.organization_id
    before = [records.find(DecisionId(one), theirs) for one in made]
    street.run()
    street.server.client.delete("rec:{s0}")
    assert [records.find(DecisionId(one), theirs) for one in made] == before
    assert None not in before
    stranger = OrganizationId(street.world.a_tenant().organization_id)
    assert records.find(DecisionId(made[0]), stranger) is None
    unknown = DecisionId(made[0][:-4] + "0000")
    assert records.find(unknown, theirs) is None


def test_batches_of_two_runs_that_died_keep_their_bounds(street: Street) -> None:
    made = five_decisions(street)
    for _ in range(2):
        drain = street.drain()
        drain._carry(next(drain.stream.take()))
    street.run()
    street.consume(times=2)
    assert street.statistics() == FIVE
    assert sorted(street.archived()) == sorted(made)


def test_a_sample_is_archived_and_everything_counted(street: Street) -> None:
    made = [street.decide() for _ in range(40)]
    street.run(kept_bp=5000)
    street.consume()
    assert 0 < len(street.archived()) < len(made)
    assert street.statistics()["requests"] == len(made)


def test_no_decision_is_archived_when_none_is_wanted(street: Street) -> None:
    five_decisions(street)
    assert street.run(kept_bp=0).archived == 0
    assert street.objects() == {}


def test_a_request_to_a_placement_nobody_knows_is_no_tenants(street: Street) -> None:
    street.server.answer("/api/v1/vast?placement=nowhere")
    (batch,) = street.stream().take()
    assert [entry.record for entry in batch.entries] == [None]
    assert not is_kept(batch.entries[0], 10_000)


@pytest.mark.parametrize("moment", ["00000000-0000", "e677d21f-dbff", "ffffffff-ffff"])
def test_an_id_of_whatever_time_is_looked_for(street: Street, moment: str) -> None:
    sought = DecisionId(f"{moment}-7000-8000-000000000000")
    assert street.archive().find(sought, OrganizationId("nobody")) is None


def test_an_entry_that_is_no_decision_does_not_hold_up_the_others(street: Street) -> None:
    street.server.client.xadd("rec:{s0}", {"d": b"{}", "r": b""})
    street.decide()
    assert street.run().decisions == 1
    assert street.run().decisions == 0


def test_what_was_cut_off_unread_is_told(street: Street) -> None:
    street.run()
    street.decide()
    street.run()
    for _ in range(7):
        street.decide()
    street.server.client.xtrim("rec:{s0}", maxlen=2, approximate=False)
    drained = street.run()
    assert (drained.decisions, drained.lost) == (2, 5)
    assert street.run().lost == 0


def test_a_busy_run_goes_on_while_it_has_time(street: Street) -> None:
    five_decisions(street)
    pauses: list[int] = []

    def pause() -> None:
        pauses.append(street.server.client.xinfo_groups("rec:{s0}")[0]["lag"])
        for _ in range(4):
            street.decide()

    with RespConnection(street.url, timeout_ms=5000) as connection:
        drain = street.drain(history=ValkeyInventoryHistory(connection), busy_from=5)
        drained = drain(has_time=lambda: len(pauses) < 3, pause=pause)
        # The last pause ends when time is up, and nothing is begun any more.
        assert (drained.decisions, pauses) == (5 + 4 + 4, [0, 0, 0])
        quiet = drain(has_time=lambda: True, pause=pause)
    assert (quiet.decisions, len(pauses)) == (4, 3)


def test_what_was_cut_off_while_a_run_was_dead_is_told(street: Street) -> None:
    made = five_decisions(street)
    taken = next(street.stream().take())
    assert len(taken.entries) == SMALL
    street.server.client.xtrim("rec:{s0}", maxlen=3, approximate=False)
    drained = street.run()
    assert (drained.decisions, drained.lost) == (3, 2)
    assert sorted(street.archived()) == sorted(made[2:])


def test_an_object_is_not_replaced_by_less(street: Street) -> None:
    made = five_decisions(street)
    with pytest.raises(KilledError):
        street.run(counts=DiesAt(street.drain().counts, "send", after=False))
    street.server.client.xtrim("rec:{s0}", maxlen=3, approximate=False)  # the third is left
    street.run()
    assert sorted(street.archived()) == sorted(made)


def test_a_valkey_that_was_emptied_is_begun_again(street: Street) -> None:
    street.run()
    batch = DecisionBatch("nobody", 0, next_entries(street))
    street.server.client.delete("rec:{s0}")
    street.stream().finish(batch)
    street.decide()
    assert street.run().decisions == 1


def next_entries(street: Street) -> Any:
    street.decide()
    return next(street.stream().take()).entries


def test_a_valkey_that_is_silent_fails_the_run(street: Street) -> None:
    street.server.client.set("rec:{s0}", "not a stream")
    with pytest.raises(DependencyUnavailableError):
        street.run()
    street.server.client.delete("rec:{s0}")


def test_a_missing_bucket_or_queue_fails_the_run_and_keeps_the_batch(street: Street) -> None:
    five_decisions(street)
    street.bucket = "no-such-bucket"
    with pytest.raises(DependencyUnavailableError):
        street.run()
    assert street.server.client.xpending("rec:{s0}", "archive")["pending"] == SMALL


def test_a_run_whose_time_is_up_leaves_the_rest_to_the_next(street: Street) -> None:
    five_decisions(street)
    answers = iter([False, True, False])
    assert street.drain()(has_time=lambda: next(answers)).decisions == SMALL
    assert street.run().decisions == 5 - SMALL
