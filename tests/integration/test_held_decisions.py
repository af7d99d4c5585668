"""Decisions while Valkey is away: recorded, counted and explained once it is back."""

import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from ctv_ads.adapters.aws.decision_archive import ArchivedDecisionRecords
from ctv_ads.adapters.decision_notes import encode_note
from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.valkey.decision_records import ValkeyDecisionRecords
from ctv_ads.adapters.valkey.held_decisions import ValkeyHeldDecisions
from ctv_ads.adapters.valkey.pod_filler import pack_outcome, read_outcome
from ctv_ads.adapters.valkey.resp import RespConnection
from ctv_ads.domain.ad_request import AdRequest
from ctv_ads.domain.decision_record import AnswerForm, DecisionNote
from ctv_ads.domain.ids import DecisionId
from ctv_ads.domain.placement import VastVersion
from ctv_ads.domain.pod import FilledPod, Pick
from ctv_ads.domain.reasons import Reason
from local.emulator import Emulator
from local.ports import free_port
from local.valkey import ValkeyServer
from tests.drains import Street
from tests.functions.explaining import a_server, explaining_by
from tests.worlds import World


@pytest.fixture
def valkey() -> Iterator[ValkeyServer]:
    server = ValkeyServer(free_port())
    server.start()
    yield server
    server.stop()


@pytest.fixture
def street(
    valkey: ValkeyServer,
    aws_emulator: Emulator,
    postgres_of_session: World,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Street]:
    with a_server(valkey.url, monkeypatch) as server:
        yield Street.open(server, aws_emulator, postgres_of_session, valkey.url)


def die(valkey: ValkeyServer) -> None:
    assert valkey.process is not None
    valkey.process.send_signal(signal.SIGKILL)
    valkey.process.wait()


def test_a_valkey_that_dies_and_comes_back_gets_what_was_decided(
    street: Street, valkey: ValkeyServer
) -> None:
    before = street.decide()
    street.run()
    die(valkey)
    without = [street.decide() for _ in range(3)]
    valkey.start()
    street.server.publish(street.world.source.load(now=street.server.now))
    after = street.decide()
    for decision_id in (*without, after):
        found = ValkeyDecisionRecords(street.server.connection).find(
            DecisionId(decision_id), street.tenant.organization_id
        )
        assert found is not None
        assert (found.note.degraded is None) == (decision_id == after)
        assert found.note.latency_us is not None
    assert street.run().decisions == 4
    street.consume(times=2)
    assert sorted(street.archived()) == sorted([before, *without, after])
    assert street.statistics()["requests"] == 5


def test_what_was_decided_without_valkey_is_explained_and_made_again(
    street: Street, valkey: ValkeyServer
) -> None:
    client = street.server.client
    street.decide()
    published: Any = {key: client.dump(key) for key in client.scan_iter("{inventory}*")}
    die(valkey)
    without = DecisionId(street.decide())
    valkey.start()
    for key, value in published.items():
        client.restore(key, 0, value)
    street.decide()
    explaining = explaining_by(street.server.connection)
    record = explaining.explain(street.tenant.caller, without).record
    assert "valkey" in str(record.note.degraded)
    again = explaining.replay(street.tenant.caller, without)
    assert (again.is_same_search, again.refilled.is_same) == (True, True)
    supposed = explaining.suppose(street.tenant.caller, without, {"kv.mood": "calm"})
    assert supposed.still_refused == ()
    assert len(supposed.outcome.picks) == 1


EARLY = DecisionId("0193593b-0000-7000-8000-00000000000d")
"""Made two years before it comes."""


def a_note(street: Street, decision_id: str, degraded: str | None = "valkey") -> DecisionNote:
    return DecisionNote(
        DecisionId(decision_id), datetime.now(UTC), 1, "v", street.tenant.organization_id,
        street.tenant.placement_id, AdRequest("p"), AnswerForm.VAST, VastVersion.V4_2, "https://x",
        "k1", 60, 60, (), degraded=degraded,
    )  # fmt: skip


def holding(street: Street, connection: RespConnection, count: int) -> ValkeyHeldDecisions:
    held = ValkeyHeldDecisions(connection, records_kept=1000, most=60)
    for _ in range(count):
        decision_id = DecisionId(new_id())
        held.keep(decision_id, encode_note(a_note(street, decision_id)), FilledPod((), ()))
    return held


def test_it_is_found_in_the_archive_by_when_it_came(street: Street) -> None:
    held = holding(street, street.server.connection, 0)
    held.keep(EARLY, encode_note(a_note(street, EARLY)), FilledPod((), ()))
    held.hand_over()
    street.run()
    near = ValkeyDecisionRecords(street.server.connection)
    records, theirs = ArchivedDecisionRecords(near, street.archive()), street.tenant.organization_id
    before = records.find(EARLY, theirs)
    assert before is not None
    street.server.client.delete("rec:{s0}")
    assert records.find(EARLY, theirs) == before


def test_few_are_handed_over_at_once_and_all_in_the_end(street: Street) -> None:
    held = holding(street, street.server.connection, 60)
    written = []
    for _ in range(3):
        held.hand_over()
        written.append(street.server.client.xlen("rec:{s0}"))
    assert written == [50, 60, 60]


def test_of_too_many_the_oldest_are_let_go_and_told(
    street: Street, caplog: pytest.LogCaptureFixture
) -> None:
    held = holding(street, street.server.connection, 63)
    for _ in range(3):
        held.hand_over()
    assert street.server.client.xlen("rec:{s0}") == 60
    assert [one.getMessage() for one in caplog.records] == [
        "3 decisions without Valkey are lost: too many"
    ]


def test_what_cannot_be_written_is_held_on(
    street: Street, valkey: ValkeyServer, caplog: pytest.LogCaptureFixture
) -> None:
    with RespConnection(valkey.url, timeout_ms=500) as connection:
        held = holding(street, connection, 2)
        die(valkey)
        held.hand_over()
        assert "2 decisions without Valkey are held on" in caplog.text
        valkey.start()
        held.hand_over()
    assert street.server.client.xlen("rec:{s0}") == 2


def test_a_repeat_of_what_was_written_writes_nothing(street: Street) -> None:
    for _ in range(2):
        held = holding(street, street.server.connection, 0)
        held.keep(EARLY, encode_note(a_note(street, EARLY)), FilledPod((), ()))
        held.hand_over()
    assert street.server.client.xlen("rec:{s0}") == 1


def test_a_break_that_valkey_filled_too_late_is_counted_once(street: Street) -> None:
    decision_id = DecisionId(new_id())
    fields: Any = {
        "d": encode_note(a_note(street, decision_id, degraded=None)),
        "r": pack_outcome(FilledPod((), ())),
    }
    street.server.client.xadd("rec:{s0}", fields)
    other = DecisionId(new_id())
    held = holding(street, street.server.connection, 0)
    for one in (decision_id, other):
        held.keep(one, encode_note(a_note(street, one)), FilledPod((), ()))
    held.hand_over()
    drained = street.run(stream=street.stream(batch_size=2))
    assert (drained.decisions, drained.archived) == (2, 3)
    found = ValkeyDecisionRecords(street.server.connection).find(
        decision_id, street.tenant.organization_id
    )
    assert found is not None
    assert found.note.degraded == "valkey"


@pytest.mark.parametrize(
    "outcome",
    [
        FilledPod((), ()),
        FilledPod((Pick(2, 1, 7), Pick(0, 0, 0)), tuple(Reason)[:1] * 3, 12, "v1"),
        FilledPod((), (Reason.NO_TOKENS, Reason.NO_CREATIVE_IN_FLIGHT), 10_000, None),
    ],
)
def test_an_outcome_is_packed_as_it_is_read(outcome: FilledPod) -> None:
    assert read_outcome(pack_outcome(outcome)) == outcome
